"""Conformance suites for the Reward contract: subclass one and override `make_reward`."""

from abc import ABC, abstractmethod

import numpy as np
import pytest

from rldf.arrays import Image
from rldf.contracts import Reward, Target
from rldf.records.percept import Outcome, Percept, Prompt
from rldf.space import Axis, Encoding, EncodingSpace

SIZE_PX = 16
SPACE = EncodingSpace(
    axes=(
        Axis(id="object", terms=("apple", "cow", "car")),
        Axis(id="count", terms=("one", "two", "many"), kind="ordinal"),
        Axis(id="scene", terms=("farm", "park", "street", "beach")),
    )
)
"""The space of the suite's percepts."""


class PictureRewardSuite(ABC):
    """What every reward keeps, those too that look at no target; its outcomes cover the whole of `SPACE`."""

    @abstractmethod
    def make_reward(self) -> Reward:
        """Makes the reward to test, equal each time."""

    @pytest.fixture
    def reward(self) -> Reward:
        """The reward under test."""
        return self.make_reward()

    def test_bounds__finite_and_in_order(self, reward: Reward) -> None:
        """The bounds are two finite numbers, the smaller first."""
        low, high = reward.bounds
        assert np.isfinite([low, high]).all()
        assert low < high

    def test_score__one_number_within_the_bounds_each(self, reward: Reward) -> None:
        """Every outcome gets a finite number within the bounds."""
        outcomes = example_outcomes()
        low, high = reward.bounds
        for target in example_targets():
            scores = reward.score(outcomes, target=target)
            assert scores.shape == (len(outcomes),)
            assert np.isfinite(scores).all()
            assert scores.min() >= low
            assert scores.max() <= high

    def test_score__tells_some_outcomes_apart(self, reward: Reward) -> None:
        """A reward that gives everything the same number guides nobody."""
        assert np.ptp(reward.score(example_outcomes(), target=example_targets()[0])) > 0.0

    def test_score__same_numbers_whatever_the_batch(self, reward: Reward) -> None:
        """A score does not depend on the other outcomes of the batch, nor on their order."""
        outcomes, target = example_outcomes(), example_targets()[0]
        together = reward.score(outcomes, target=target)
        alone = [float(reward.score([outcome], target=target)[0]) for outcome in outcomes]
        np.testing.assert_array_equal(together, alone)
        np.testing.assert_array_equal(reward.score(outcomes[::-1], target=target)[::-1], together)

    def test_score__no_outcomes_no_numbers(self, reward: Reward) -> None:
        """An empty list of outcomes gives an empty array."""
        assert reward.score([], target=example_targets()[0]).shape == (0,)


class RewardSuite(PictureRewardSuite):
    """What every reward keeps that compares with a target.

    Example:
        ```python
        class TestMyReward(RewardSuite):
            def make_reward(self) -> Reward:
                return MyReward(SPACE)
        ```
    """

    def test_score__largest_for_the_target_itself(self, reward: Reward) -> None:
        """No outcome scores above a generated picture that equals the reference in every way."""
        outcomes = example_outcomes()
        for index, target in enumerate(example_targets()):
            scores = reward.score(outcomes, target=target)
            assert scores[index] >= scores.max() - 1e-9


def example_outcomes() -> list[Outcome]:
    """One certain outcome for every encoding of `SPACE`, in its order, each with a picture of its own."""
    return [example_outcome(encoding) for encoding in SPACE.all_encodings()]


def example_outcome(encoding: Encoding, *, percept: Percept | None = None, image: Image | None = None) -> Outcome:
    """Makes an outcome that shows exactly what was asked.

    Args:
        encoding: the point tried.
        percept: what was read; None for the encoding itself, with certainty.
        image: the picture, RGB, 0 to 255; None for one that depends on the encoding alone.

    Returns:
        The outcome.
    """
    return Outcome(
        encoding=encoding,
        prompt=Prompt(text=" ".join(SPACE.terms(encoding).values())),
        seed=0,
        image=_picture(encoding) if image is None else image,
        percept=certain_percept(encoding) if percept is None else percept,
    )


def example_targets() -> list[Target]:
    """One target for each of `example_outcomes`, whose percept and reference are that outcome's."""
    return [Target(percept=outcome.percept, references=(outcome.image,)) for outcome in example_outcomes()]


def certain_percept(encoding: Encoding) -> Percept:
    """A percept that is certain of an encoding of `SPACE`."""
    rows = tuple(np.eye(len(axis))[index] for axis, index in zip(SPACE.axes, encoding.indices, strict=True))
    return Percept(encoding=encoding, probabilities=rows, objects=(SPACE.terms(encoding)["object"],))


def _picture(encoding: Encoding) -> Image:
    rng = np.random.default_rng(encoding.indices)
    return rng.integers(0, 256, (SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
