"""Percepts made from probabilities."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rldf.perception.percepts import make_percept, softmax, uniform
from rldf.space import Axis, EncodingSpace

SPACE = EncodingSpace(
    axes=(
        Axis(id="object", terms=("cow", "car")),
        Axis(id="second-object", terms=("", "cow", "bus"), is_optional=True),
        Axis(id="scene", terms=("farm", "park")),
    )
)


def test_make_percept__most_probable_terms_and_their_objects() -> None:
    rows = {"object": np.array([0.2, 0.8]), "second-object": np.array([0.1, 0.1, 0.8]), "scene": np.array([0.5, 0.5])}
    percept = make_percept(SPACE, rows, unsure_axes={"scene"})
    assert percept.encoding.indices == (1, 2, 0)
    assert percept.objects == ("car", "bus")
    assert percept.unsure_axes == ("scene",)


def test_make_percept__absent_unsure_and_repeated_objects_are_left_out() -> None:
    absent = {
        "object": np.array([0.9, 0.1]),
        "second-object": np.array([0.8, 0.1, 0.1]),
        "scene": uniform(SPACE.axes[2]),
    }
    assert make_percept(SPACE, absent, unsure_axes=()).objects == ("cow",)
    twice = absent | {"second-object": np.array([0.1, 0.8, 0.1])}
    assert make_percept(SPACE, twice, unsure_axes=()).objects == ("cow",)
    assert make_percept(SPACE, twice, unsure_axes=("object", "second-object")).objects == ()


@settings(deadline=None)
@given(arrays(np.float64, st.integers(1, 9), elements=st.floats(-1e4, 1e4)))
def test_softmax__sums_to_one_and_keeps_the_order(logits: np.ndarray) -> None:
    row = softmax(logits)
    np.testing.assert_allclose(row.sum(), 1.0)
    assert row[np.argmax(logits)] == row.max()


def test_softmax__hand_computed() -> None:
    np.testing.assert_allclose(softmax(np.log([1.0, 2.0, 5.0])), [0.125, 0.25, 0.625])
