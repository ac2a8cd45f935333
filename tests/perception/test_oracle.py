"""Perception that knows the answer, on pictures of the drawn world."""

import numpy as np
import pytest

from rldf.arrays import Image
from rldf.contracts import Perception
from rldf.errors import EncodingError, PerceptionError
from rldf.perception.oracle import OraclePerception, remember_pictures
from rldf.space import Axis, Encoding, EncodingSpace
from rldf.testing.perception import PerceptionSuite, example_pictures

SPACE = EncodingSpace(
    axes=(
        Axis(id="object", terms=("cow", "car", "bus")),
        Axis(id="scene", terms=("farm", "park")),
        Axis(id="x", terms=("y",)),
    )
)


def by_brightness(image: Image) -> Encoding | None:
    return None if image.max() == 0 else Encoding((int(image.mean()) % 3, int(image.mean()) % 2, 0))


class TestOracle(PerceptionSuite):
    def make_perception(self) -> Perception:
        return OraclePerception(SPACE, by_brightness, certainty=0.9)


def test_perceive__certainty_goes_to_the_truth_and_the_rest_is_shared() -> None:
    oracle = OraclePerception(SPACE, lambda _image: Encoding((1, 0, 0)), certainty=0.8)
    percept = oracle.perceive(example_pictures()[:1])[0]
    assert SPACE.terms(percept.encoding) == {"object": "car", "scene": "farm", "x": "y"}
    for row, expected in zip(percept.probabilities, ([0.1, 0.8, 0.1], [0.8, 0.2], [1.0]), strict=True):
        np.testing.assert_allclose(row, expected)
    assert percept.unsure_axes == ()
    assert percept.objects == ("car",)


def test_perceive__abstains_on_pictures_it_does_not_know() -> None:
    pictures = example_pictures()
    read = remember_pictures([(picture, Encoding((index % 3, 0, 0))) for index, picture in enumerate(pictures[:4])])
    percepts = OraclePerception(SPACE, read).perceive(pictures)
    assert [percept.encoding.indices[0] for percept in percepts[:4]] == [0, 1, 2, 0]
    assert percepts[4].unsure_axes == ("object", "scene", "x")


def test_remember_pictures__shape_counts() -> None:
    black = np.zeros((2, 8, 3), dtype=np.uint8)
    read = remember_pictures([(black, Encoding((0, 0, 0)))])
    assert read(black.copy()) == Encoding((0, 0, 0))
    assert read(black.reshape(4, 4, 3)) is None


@pytest.mark.parametrize("certainty", [0.5, 1.1])
def test_oracle__certainty_out_of_range_is_refused(certainty: float) -> None:
    with pytest.raises(PerceptionError, match=rf"certainty is {certainty}; it must be above 0\.5 and at most 1"):
        OraclePerception(SPACE, by_brightness, certainty=certainty)


def test_perceive__encoding_of_another_space_is_refused() -> None:
    with pytest.raises(EncodingError, match="is no point of the grid"):
        OraclePerception(SPACE, lambda _image: Encoding((9, 9))).perceive(example_pictures()[:1])
