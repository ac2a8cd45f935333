"""The fine-tuning jobs: what is refused before anything is loaded, and what judging tells."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rldf.errors import ConfigError
from rldf.finetuning.judging import JudgeSettings
from rldf.hub import say_nothing
from rldf.jobs.finetune import check_finetune, evaluate_finetune, plan_finetune, run_finetune
from rldf.presets.finetune_config import FinetuneConfig, load_finetune_preset, override_finetune

SHORT = (
    "model.device=cpu",
    "sampler.num_steps=2",
    "sampler.batch_size=2",
    "train.samples_per_epoch=4",
    "train.update_batch_size=2",
    "prompts.num_prompts=2",
    "prompts.num_unseen=0",
    "run.max_queries=4",
    "run.sample_every=0",
    "reward.second=redness",
)


def run(config: FinetuneConfig, out: Path) -> None:
    list(run_finetune(config, out=out, force=False, command="test", announce=say_nothing))


def check(config: FinetuneConfig, out: Path) -> None:
    del out
    list(check_finetune(config, announce=say_nothing))


def plan(config: FinetuneConfig, out: Path) -> None:
    del out
    plan_finetune(config)


@pytest.mark.parametrize("job", [run, check, plan])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("advantage.kind=group",), r"pictures_per_prompt is 1; a group needs at least 2"),
        (
            ("run.patience=2", "run.use_watch=true", "run.sample_every=1", "reward.second="),
            r"run.patience is 2 and reward.second is empty",
        ),
        (("run.max_queries=3",), r"run.max_queries is 3 and one epoch asks 4"),
    ],
    ids=["group of one", "patience", "budget"],
)
def test_what_a_run_refuses__check_and_plan_refuse_too(
    job: Callable[[FinetuneConfig, Path], object], changes: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    nowhere = f"model.id={tmp_path / 'nowhere'}"  # it is refused before the model is looked for
    config = override_finetune(load_finetune_preset("embedded"), [*SHORT, nowhere, *changes])
    with pytest.raises(ConfigError, match=message):
        job(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_judgement__notes_that_there_are_fewer_pictures_than_features(tiny_models: Path, tmp_path: Path) -> None:
    model = (f"model.id={tiny_models / 'generator'}", f"reward.second_perception={tiny_models / 'scorer-a'}")
    config = override_finetune(
        load_finetune_preset("embedded"), [*SHORT, *model], options={"reward.parts": ["redness"]}
    )
    run(config, tmp_path / "run")
    how = JudgeSettings(max_prompts=2, pictures_per_prompt=2)
    report = evaluate_finetune(tmp_path / "run", settings=how, second=None, announce=say_nothing)
    noted = [note for note in report["notes"] if "features" in note]
    assert [note.split(":")[:2] for note in noted] == [["trained", " 4 pictures are fewer than 16 features"]]
