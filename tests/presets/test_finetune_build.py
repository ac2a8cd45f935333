"""The parts of a fine-tuning run: worlds as models, which scorer reads for which reward, scorers that cannot be had."""

from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from rldf.errors import ModelUnavailableError
from rldf.finetuning.settings import SamplerSettings
from rldf.hub import say_nothing
from rldf.presets.finetune_build import FinetuneParts, build_finetune_parts
from rldf.presets.finetune_config import (
    FinetuneConfig,
    FinetuneModelConfig,
    FinetuneRewardConfig,
    PromptConfig,
)
from rldf.presets.finetune_rewards import Scorer, ScorerShelf, scorer_name
from rldf.presets.shelf import CLIP_ID

SHARED = "reads pictures with the same scorer as the reward"


def config_of(model: str, reward: FinetuneRewardConfig) -> FinetuneConfig:
    return FinetuneConfig(
        model=FinetuneModelConfig(id=model, device="cpu"),
        sampler=SamplerSettings(num_steps=2, batch_size=2),
        prompts=PromptConfig(num_prompts=2, num_unseen=0),
        reward=reward,
    )


def parts_of(model: Path, *, has_judge: bool = False, reward: FinetuneRewardConfig) -> FinetuneParts:
    return build_finetune_parts(config_of(str(model), reward), announce=say_nothing, has_judge=has_judge)


def test_world__gives_its_generator_and_a_scorer_for_each_reward(tiny_models: Path) -> None:
    parts = parts_of(tiny_models, reward=FinetuneRewardConfig(parts=("agreement",), second="agreement"))
    assert len(parts.model_card["digest"]) > 0
    assert not [note for note in parts.notes if SHARED in note]


def test_one_scorer_for_both_rewards__is_loaded_once_and_noted(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    load = ScorerShelf._load  # noqa: SLF001 - counts what is loaded

    def counted(shelf: ScorerShelf, name: str) -> Scorer:
        loaded.append(name)
        return load(shelf, name)

    monkeypatch.setattr(ScorerShelf, "_load", counted)
    own = str(tiny_models / "scorer-a")
    rewards = FinetuneRewardConfig(parts=("agreement",), second="multi-semantic", perception=own)
    parts = parts_of(tiny_models / "generator", reward=rewards)
    assert loaded == [own]
    assert len([note for note in parts.notes if SHARED in note]) == 1


def test_judging__has_the_judges_scorer_where_no_reward_needs_one(tiny_models: Path) -> None:
    assert parts_of(tiny_models, reward=FinetuneRewardConfig()).scorer is None
    assert parts_of(tiny_models, has_judge=True, reward=FinetuneRewardConfig()).scorer is not None


def test_judging__goes_on_where_no_scorer_can_be_had_and_says_so(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: ScorerShelf, name: str) -> NoReturn:
        raise ModelUnavailableError(f"'{name}' is not there.")

    monkeypatch.setattr(ScorerShelf, "load", missing)
    parts = parts_of(tiny_models / "generator", has_judge=True, reward=FinetuneRewardConfig())
    assert parts.scorer is None
    assert any("those of small copies of the pictures" in note for note in parts.notes)
    wanted = FinetuneRewardConfig(second_perception="somebody/clip")
    with pytest.raises(ModelUnavailableError, match=r"'somebody/clip' is not there"):
        parts_of(tiny_models / "generator", has_judge=True, reward=wanted)


def test_frozen_weights_in_half_precision__are_noted(tiny_models: Path) -> None:
    config = config_of(str(tiny_models), FinetuneRewardConfig())
    config = replace(config, model=replace(config.model, dtype="bfloat16"))
    parts = build_finetune_parts(config, announce=say_nothing)
    assert parts.policy.precision == "bfloat16"
    assert parts.notes[0].startswith("The frozen weights are in bfloat16, so the denoiser computes in it")


@pytest.mark.parametrize(
    ("model", "reward", "names"),
    [
        ("embedded", FinetuneRewardConfig(), ("embedded/scorer-a", "embedded/scorer-b")),
        ("a/model", FinetuneRewardConfig(), (CLIP_ID, CLIP_ID)),
        ("a/model", FinetuneRewardConfig(perception="b/clip"), ("b/clip", "b/clip")),
        ("a/model", FinetuneRewardConfig(second_perception="b/clip"), (CLIP_ID, "b/clip")),
        ("embedded", FinetuneRewardConfig(perception="b/clip"), ("b/clip", "embedded/scorer-b")),
    ],
)
def test_scorers__are_chosen_with_the_model(model: str, reward: FinetuneRewardConfig, names: tuple[str, str]) -> None:
    config = config_of(model, reward)
    assert (scorer_name(config, role="a"), scorer_name(config, role="b")) == names
