"""Judging: paired differences, the alarm, diversity, drift; scoring of prompts; prompt sets."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.finetuning.tiny import PROMPTS, TRAIN, make_policy, make_trainer, redness

from rldf.arrays import ImageBatch
from rldf.contracts import Reward, Target
from rldf.errors import ConfigError
from rldf.finetuning.judging import (
    JudgeSettings,
    choose_prompts,
    diversity_of,
    features_of,
    is_over_optimised,
    judge_policy,
    paired,
)
from rldf.finetuning.prompts import grammar_prompts, load_prompt_set, prompt_set_names
from rldf.finetuning.scoring import PromptScorer, PromptTargets
from rldf.grammar import load_grammar
from rldf.records.percept import Outcome
from rldf.space import Axis, Encoding, EncodingSpace

LONG = replace(TRAIN, samples_per_epoch=4096, update_batch_size=4096)  # a picture's share in an update is small


def test_judging__finds_gain_and_drift_after_training_and_none_before() -> None:
    policy = make_policy()
    how = JudgeSettings(max_prompts=1, pictures_per_prompt=2)

    def found() -> dict[str, Any]:
        judged = judge_policy(
            policy, prompts={"trained": PROMPTS}, score=redness, second=redness, embedder=None, settings=how
        )
        return dict(judged)["trained"]

    before = found()
    assert before["reward"]["gain"] == {"mean": 0.0, "error": 0.0}
    assert before["drift"]["kl_nats"] == 0.0
    assert [note.split(":")[0] for note in before["notes"]] == ["2 pictures are fewer than 192 features"]
    assert not before["alarm"]
    make_trainer(replace(TRAIN, learning_rate=0.05), policy=policy).run_epoch()
    after = found()
    assert after["drift"]["kl_nats"] > 0.0
    assert after["reward"]["base"] == before["reward"]["base"]
    assert after["reward"]["gain"]["mean"] != 0.0


def test_alarm__needs_a_rise_and_a_fall() -> None:
    rise, fall, noise = ({"mean": mean, "error": 0.1} for mean in (1.0, -1.0, -0.1))
    assert is_over_optimised(rise, fall)
    assert not is_over_optimised(rise, rise)
    assert not is_over_optimised(rise, noise)
    assert not is_over_optimised(fall, fall)
    assert not is_over_optimised(rise, None)


def test_paired__is_the_mean_difference_and_its_error() -> None:
    found = paired(np.array([1.0, 2.0, 6.0]), np.array([0.0, 1.0, 2.0]))
    assert found == pytest.approx({"mean": 2.0, "error": np.sqrt(3.0) / np.sqrt(3)})


def test_single_number__has_no_error_and_raises_no_alarm() -> None:
    rise, fall = paired(np.array([1.0001]), np.array([1.0])), paired(np.array([0.9999]), np.array([1.0]))
    assert (rise["error"], fall["error"]) == (np.inf, np.inf)
    assert not is_over_optimised(rise, fall)


def test_prompts_of_a_large_set__are_drawn_by_the_seed() -> None:
    prompts = [f"prompt {number}" for number in range(40)]
    first, again, other = (choose_prompts(prompts, JudgeSettings(seed=seed), name="trained") for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert len(set(first)) == 8
    assert first == sorted(first, key=prompts.index)
    assert first != prompts[:8]
    assert choose_prompts(prompts[:8], JudgeSettings(), name="trained") == prompts[:8]


def test_judging__draws_the_chosen_prompts() -> None:
    asked: set[str] = set()

    def score(images: ImageBatch, prompts: Sequence[str], seeds: Sequence[int]) -> np.ndarray:
        asked.update(prompts)
        return redness(images, prompts, seeds)

    for seed in range(100):
        how = JudgeSettings(max_prompts=1, pictures_per_prompt=2, seed=seed)
        if choose_prompts(PROMPTS, how, name="trained") == [PROMPTS[1]]:
            break
    list(
        judge_policy(make_policy(), prompts={"trained": PROMPTS}, score=score, second=None, embedder=None, settings=how)
    )
    assert asked == {PROMPTS[1]}


def test_diversity__is_0_of_copies_and_larger_of_different_pictures() -> None:
    rng = np.random.default_rng(0)
    different = rng.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    copies = np.repeat(different[:1], 4, axis=0)
    prompts = ["a", "a", "b", "b"]
    same = diversity_of(features_of(copies, None), prompts)
    assert same["pairwise"] == pytest.approx(0.0, abs=1e-9)
    assert same["vendi"] == pytest.approx(1.0)
    assert diversity_of(features_of(different, None), prompts)["vendi"] > 1.01


class PromptLength(Reward):
    """Rewards the length of the target's prompt, and remembers the targets."""

    def __init__(self) -> None:
        self.bounds = (0.0, 100.0)
        self.targets: list[Target] = []

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> np.ndarray:
        self.targets.append(target)
        assert target.prompt is not None
        return np.full(len(outcomes), float(len(target.prompt)))


COW, CAR = Encoding((0,)), Encoding((1,))
SPACE = EncodingSpace(axes=(Axis(id="object", terms=("cow", "car")),))


def test_target_of_a_sentence__is_certain_of_its_words() -> None:
    reward = PromptLength()
    scorer = PromptScorer(
        PromptTargets(reward, encodings={"aa": COW, "b": CAR}, space=SPACE), encodings={"aa": COW, "b": CAR}
    )
    images = np.zeros((3, 8, 8, 3), dtype=np.uint8)
    assert scorer(images, ["aa", "b", "aa"], [0, 1, 2]).tolist() == [2.0, 1.0, 2.0]
    percepts = [target.percept for target in reward.targets]
    assert [None if percept is None else percept.encoding for percept in percepts] == [COW, CAR]


def test_reward_of_pictures_alone__is_asked_once_for_all_prompts() -> None:
    asked: list[tuple[str, ...]] = []

    class Counting(Reward):
        bounds = (0.0, 1.0)

        def score(self, outcomes: Sequence[Outcome], *, target: Target) -> np.ndarray:
            del target
            asked.append(tuple(outcome.prompt.text for outcome in outcomes))
            return np.ones(len(outcomes))

    scorer = PromptScorer(Counting(), encodings={"aa": COW})
    assert scorer(np.zeros((3, 8, 8, 3), dtype=np.uint8), ["aa", "b", "aa"], [0, 1, 2]).tolist() == [1.0, 1.0, 1.0]
    assert asked == [("aa", "b", "aa")]


def test_prompt_sets__have_the_papers_numbers() -> None:
    sizes = {
        name: (len(load_prompt_set(name).trained), len(load_prompt_set(name).unseen)) for name in prompt_set_names()
    }
    assert sizes == {
        "activities": (135, 114),
        "animals": (45, 38),
        "animals-and-objects": (45, 50),
        "imagenet-animals": (398, 0),
    }
    classes = load_prompt_set("imagenet-animals").trained
    assert (classes[0], classes[-1]) == ("tench", "puffer")
    activities = load_prompt_set("activities").trained
    assert "an ant washing the dishes" in activities
    assert "a cat riding a bike" in activities


def test_prompt_file__is_one_prompt_a_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("a cow\n\na car\na cow\n", encoding="utf-8")
    assert load_prompt_set(str(path)).trained == ("a cow", "a car")


def test_prompt_set_that_does_not_exist__is_refused() -> None:
    with pytest.raises(ConfigError, match=r"there is no prompt set 'animal'.*Did you mean 'animals'"):
        load_prompt_set("animal")


def test_empty_prompt_file__is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"is empty; it needs at least one prompt"):
        load_prompt_set(str(tmp_path / "mine.txt"))


def test_sentences_of_a_grammar__are_different_and_know_their_encodings() -> None:
    grammar = load_grammar("base")
    prompts = grammar_prompts(grammar, num_prompts=5, num_unseen=3, seed=0)
    assert (len(prompts.trained), len(prompts.unseen), len(prompts.encodings)) == (5, 3, 8)
    for sentence, encoding in prompts.encodings.items():
        assert grammar.render(encoding) == sentence
    assert grammar_prompts(grammar, num_prompts=5, num_unseen=3, seed=0) == prompts


def test_more_sentences_than_the_grammar_has__are_refused() -> None:
    with pytest.raises(ConfigError, match=r"has 480 encodings; there cannot be more"):
        grammar_prompts(load_grammar("base"), num_prompts=480, num_unseen=1, seed=0)
