"""The parts of a fine-tuning run: worlds as models, which scorer reads for which reward, scorers that cannot be had."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from transformers import BertConfig, BertModel

from rldf.errors import ConfigError, MissingExtraError, ModelUnavailableError, RldfError
from rldf.finetuning.processes import SingleProcess
from rldf.finetuning.settings import RunSettings, SamplerSettings
from rldf.grammar import load_grammar
from rldf.hub import say_nothing
from rldf.presets.finetune_build import FinetuneParts, build_finetune_parts, build_prompts, build_trainer
from rldf.presets.finetune_config import (
    FinetuneConfig,
    FinetuneModelConfig,
    FinetuneRewardConfig,
    PromptConfig,
    finetune_preset_names,
    load_finetune_preset,
)
from rldf.presets.finetune_rewards import (
    CONVERT,
    RoleScorer,
    Scorer,
    ScorerShelf,
    check_rewards,
    scorer_name,
)
from rldf.presets.shelf import CLIP_ID
from rldf.rewards.caption_models import TransformersTokenEmbedder
from rldf.worlds.text import build_tokenizer

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


@pytest.mark.parametrize(
    ("model", "reward", "message"),
    [
        (
            "no/model",
            FinetuneRewardConfig(parts=("clip",)),
            r"'clip' compares with pictures and reward.references is empty",
        ),
        ("no/model", FinetuneRewardConfig(second="clip"), r"reward.references is empty; a list of files such as"),
        (
            "no/model",
            FinetuneRewardConfig(parts=("aesthetic",)),
            r"reward.aesthetic_head is empty; a .safetensors file",
        ),
        (
            "no/model",
            FinetuneRewardConfig(parts=("remote",)),
            r"reward.url is empty; .*Give it by --config reward.url=",
        ),
        (
            "no/model",
            FinetuneRewardConfig(parts=("caption",)),
            r"reward.captioner is empty; a hub id or folder of LLaVA",
        ),
        ("no/model", FinetuneRewardConfig(parts=("redness", "beauty")), r"there is no reward 'beauty'"),
        ("no/model", FinetuneRewardConfig(parts=("redness=nan",)), r"has the weight 'nan'; a weight is a number"),
        ("no/model", FinetuneRewardConfig(parts=()), r"reward.parts is empty; at least one reward is needed"),
        ("no/model", FinetuneRewardConfig(parts=("plugin:none",)), r"there is no reward 'plugin:none'"),
        (
            "no/model",
            FinetuneRewardConfig(parts=("remote",), url="ftp://host"),
            r"'ftp://host'; an address begins with http.*The settings are reward.url, reward.url_low",
        ),
        (
            "no/model",
            FinetuneRewardConfig(parts=("clip",), references=("nothing.png",)),
            r"the picture 'nothing.png' of reward.references cannot be read",
        ),
        (
            "no/model",
            FinetuneRewardConfig(parts=("aesthetic",), aesthetic_head="head.pth"),
            r"the aesthetic head 'head.pth' is no .safetensors file",
        ),
        ("embedded", FinetuneRewardConfig(parts=("clip-score",)), r"Set reward.perception to a CLIP's hub id"),
        ("embedded", FinetuneRewardConfig(second="clip-score"), r"Set reward.second_perception to a CLIP's hub id"),
    ],
)
def test_reward_without_what_it_needs__is_refused_before_a_model_is_loaded(
    monkeypatch: pytest.MonkeyPatch, model: str, reward: FinetuneRewardConfig, message: str
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a model is loaded")

    monkeypatch.setattr("rldf.presets.finetune_build.load_finetune_pipeline", refuse)
    with pytest.raises(RldfError, match=message):
        build_finetune_parts(config_of(model, reward), announce=say_nothing)


def test_rewards_that_read__need_sentences_of_a_grammar() -> None:
    config = config_of("no/model", FinetuneRewardConfig(second="agreement"))
    config = replace(config, prompts=PromptConfig(set="animals"))
    with pytest.raises(ConfigError, match=r"'agreement' compares a picture with the words of its prompt.*free text"):
        build_finetune_parts(config, announce=say_nothing)


def test_text_encoder_with_pickled_weights__is_refused_with_the_command_that_converts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pickled = tmp_path / "pickled"
    tokenizer = build_tokenizer(["one", "cow"])
    sizes: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    bert = BertModel(BertConfig(vocab_size=len(tokenizer), **sizes))
    bert.config.save_pretrained(pickled)
    tokenizer.save_pretrained(pickled)
    torch.save(bert.state_dict(), pickled / "pytorch_model.bin")
    config = config_of("no/model", FinetuneRewardConfig(text_encoder=str(pickled), captioner="no/captioner"))
    shelf = ScorerShelf(grammar=load_grammar("base"), device="cpu", announce=say_nothing)
    command = CONVERT.format(model=pickled)
    with pytest.raises(ModelUnavailableError, match=r"are pickled.*convert it once by python -c") as refused:
        RoleScorer(config, role="a", shelf=shelf).build_caption_reward()
    assert f"{command} and set reward.text_encoder to the folder text-encoder" in str(refused.value)
    document = Path(__file__).parents[2] / "docs" / "methods" / "ddpo.md"
    assert CONVERT.format(model=FinetuneRewardConfig().text_encoder) in document.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(shlex.split(command)[2])
    converted = TransformersTokenEmbedder(tmp_path / "text-encoder", announce=say_nothing, layer=1)
    assert converted("one cow").shape == (4, 16)


def test_missing_tensorboard__is_found_before_a_folder_is_made(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config_of(str(tiny_models), FinetuneRewardConfig()), run=RunSettings(use_tensorboard=True))
    parts = build_finetune_parts(config, announce=say_nothing)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingExtraError, match=r"run.use_tensorboard is true and .* is not installed; epochs.jsonl"):
        build_trainer(config, parts, processes=SingleProcess())


def test_notes__are_told_at_once_but_those_of_a_judgement(tiny_models: Path) -> None:
    told: list[str] = []
    config = config_of(str(tiny_models), FinetuneRewardConfig(parts=("agreement",)))
    parts = build_finetune_parts(config, announce=told.append)
    assert told == list(parts.notes)
    assert "The reward 'agreement' is computed by the embedded scorer, which stands in for CLIP." in told
    assert any("can raise no alarm; set reward.second, or judge it by one" in note for note in told)
    assert any("prompts.unseen names others" in note for note in told)
    told.clear()
    judged = build_finetune_parts(config, announce=told.append, has_judge=True)
    assert not told
    assert "No second reward: no alarm is possible; give --second." in judged.notes


@pytest.mark.parametrize("name", finetune_preset_names())
def test_preset__can_raise_the_alarm_and_is_judged_on_unseen_prompts(name: str) -> None:
    config = load_finetune_preset(name)
    prompts = build_prompts(config, grammar=load_grammar(config.prompts.grammar))
    check_rewards(config, prompts=prompts)
    assert config.reward.second != ""
    assert config.run.use_watch
    assert len(prompts.unseen) >= 16
    assert not set(prompts.unseen) & set(prompts.trained)


def test_unseen_prompts__come_from_another_set_where_a_set_has_none(tmp_path: Path) -> None:
    grammar = load_grammar("base")

    def unseen_of(trained: str, unseen: str) -> tuple[str, ...]:
        config = FinetuneConfig(prompts=PromptConfig(set=trained, unseen=unseen, num_unseen=2))
        return build_prompts(config, grammar=grammar).unseen

    mine = tmp_path / "mine.txt"
    mine.write_text("cat\ndog\n", encoding="utf-8")
    others = tmp_path / "others.txt"
    others.write_text("dog\ntoaster\n", encoding="utf-8")
    assert unseen_of(str(mine), "") == ()
    assert unseen_of(str(mine), str(others)) == ("toaster",)
    assert unseen_of(str(mine), "animals")[:2] == ("elephant", "giraffe")
    assert unseen_of("animals", str(others)) == unseen_of("animals", "")
    assert unseen_of("grammar", str(others)) == unseen_of("grammar", "")
    with pytest.raises(ConfigError, match=r"all its prompts are trained on.*Name another set"):
        unseen_of(str(mine), str(mine))
