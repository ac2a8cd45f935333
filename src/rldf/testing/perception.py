"""Conformance suite for the Perception contract: subclass it and override `make_perception`."""

from abc import ABC, abstractmethod

import numpy as np
import pytest

from rldf.arrays import ImageBatch
from rldf.contracts import Perception
from rldf.records.percept import Percept

NUM_PICTURES = 5
SIZE_PX = 48


class PerceptionSuite(ABC):
    """What every perception keeps; each test runs on pictures of noise, shades and flat colours.

    Example:
        ```python
        class TestMyPerception(PerceptionSuite):
            def make_perception(self) -> Perception:
                return MyPerception(...)
        ```
    """

    @abstractmethod
    def make_perception(self) -> Perception:
        """Makes the perception to test, equal each time."""

    @pytest.fixture
    def perception(self) -> Perception:
        """The perception under test."""
        return self.make_perception()

    def test_perceive__one_percept_per_picture_in_its_space(self, perception: Perception) -> None:
        """Each picture gets one percept, whose encoding is a point of the perception's space."""
        percepts = perception.perceive(example_pictures())
        assert len(percepts) == NUM_PICTURES
        for percept in percepts:
            perception.space.require(percept.encoding)

    def test_probabilities__sum_to_one_on_every_axis(self, perception: Perception) -> None:
        """Every axis has one probability per term, none negative, summing to 1."""
        for percept in perception.perceive(example_pictures()):
            assert len(percept.probabilities) == len(perception.space.axes)
            for axis, row in zip(perception.space.axes, percept.probabilities, strict=True):
                assert row.shape == (len(axis),)
                assert row.min() >= 0.0
                np.testing.assert_allclose(row.sum(), 1.0, atol=1e-6)

    def test_encoding__names_the_most_probable_terms(self, perception: Perception) -> None:
        """No term of an axis is more probable than the one the encoding names."""
        for percept in perception.perceive(example_pictures()):
            for index, row in zip(percept.encoding.indices, percept.probabilities, strict=True):
                assert row[index] == row.max()

    def test_unsure_axes__are_axes_of_the_space_in_its_order(self, perception: Perception) -> None:
        """What perception abstains on is a list of axis ids, in the order of the space."""
        ids = [axis.id for axis in perception.space.axes]
        for percept in perception.perceive(example_pictures()):
            assert list(percept.unsure_axes) == [axis_id for axis_id in ids if axis_id in percept.unsure_axes]

    def test_perceive__same_percepts_whatever_the_batch(self, perception: Perception) -> None:
        """A percept does not depend on the other pictures of the batch, nor on its place among them."""
        pictures = example_pictures()
        together = perception.perceive(pictures)
        alone = [perception.perceive(picture[None])[0] for picture in pictures]
        backwards = perception.perceive(pictures[::-1].copy())[::-1]
        for percept, *others in zip(together, alone, backwards, strict=True):
            for other in others:
                _require_equal(percept, other)

    def test_perceive__leaves_the_pictures_as_they_are(self, perception: Perception) -> None:
        """Perception looks and does not touch."""
        pictures = example_pictures()
        perception.perceive(pictures)
        np.testing.assert_array_equal(pictures, example_pictures())

    def test_perceive__no_pictures_no_percepts(self, perception: Perception) -> None:
        """An empty batch gives an empty list."""
        assert perception.perceive(example_pictures()[:0]) == []


def example_pictures() -> ImageBatch:
    """Five pictures, always the same: noise, a shade in each direction, white, black; RGB, 0 to 255."""
    shade = np.linspace(0.0, 255.0, SIZE_PX).astype(np.uint8)
    pictures = np.zeros((NUM_PICTURES, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
    pictures[0] = np.random.default_rng(0).integers(0, 256, pictures[0].shape, dtype=np.uint8)
    pictures[1] = shade[None, :, None]
    pictures[2] = shade[:, None, None]
    pictures[3] = 255
    return pictures


def _require_equal(first: Percept, second: Percept) -> None:
    assert (first.encoding, first.unsure_axes, first.objects) == (second.encoding, second.unsure_axes, second.objects)
    for row, other in zip(first.probabilities, second.probabilities, strict=True):
        np.testing.assert_array_equal(row, other)
