"""Records survive the way to the disk and back to the last bit."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from rldf.errors import RecordError
from rldf.records import (
    Percept,
    StoredStep,
    axes_to_json,
    encoding_from_json,
    encoding_to_json,
    percept_from_json,
    percept_to_json,
    space_from_json,
    step_from_json,
    step_to_json,
)
from rldf.space import Axis, Encoding, EncodingSpace

SPACE = EncodingSpace(axes=(Axis(id="object", terms=("cow", "sheep", "bus")), Axis(id="scene", terms=("farm", "park"))))


def through_json(data: object) -> object:
    return json.loads(json.dumps(data, allow_nan=False))


@settings(deadline=None)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=5, max_size=5),
    st.sampled_from([np.float32, np.float64]),
)
def test_percept__keeps_every_bit(values: list[float], dtype: type) -> None:
    with np.errstate(over="ignore"):
        row: np.ndarray = np.nan_to_num(np.array(values, dtype=dtype))
    percept = Percept(encoding=Encoding((2, 1)), probabilities=(row[:3], row[3:]), unsure_axes=("scene",))
    back = percept_from_json(SPACE, through_json(percept_to_json(SPACE, percept)))  # type: ignore[arg-type]
    assert back.encoding == percept.encoding
    assert back.unsure_axes == ("scene",)
    for mine, theirs in zip(back.probabilities, percept.probabilities, strict=True):
        assert_array_equal(mine, theirs)


def test_step__survives_the_round_trip(space: EncodingSpace, step: StoredStep) -> None:
    back = step_from_json(space, through_json(step_to_json(space, step)))  # type: ignore[arg-type]
    assert_array_equal(back.percept.probabilities[1], step.percept.probabilities[1])
    bare = Percept(encoding=Encoding((0, 0)), probabilities=())
    assert replace(back, percept=bare) == replace(step, percept=bare)
    assert back.percept.objects == ("sheep",)


def test_step_record__holds_the_picture_given(space: EncodingSpace, step: StoredStep) -> None:
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    record = step.record(image)
    assert record.outcome.image is image
    assert (record.reward, record.outcome.seed, record.outcome.prompt) == (step.reward, step.seed, step.prompt)
    assert space.allows(record.outcome.encoding)


def test_encoding__is_read_by_its_terms_when_the_vocabulary_was_reordered(space: EncodingSpace) -> None:
    stored = encoding_to_json(space, Encoding((0, 1)))
    reordered = EncodingSpace(axes=(Axis(id="object", terms=("bus", "sheep", "cow")), space.axes[1]))
    assert reordered.terms(encoding_from_json(reordered, stored)) == {"object": "cow", "people": "one"}
    assert stored == {"terms": {"object": "cow", "people": "one"}, "indices": [0, 1]}


def test_encoding__of_an_unknown_term_is_refused(space: EncodingSpace) -> None:
    with pytest.raises(RecordError, match=r"'moo'.*does not fit the grammar.*It has: cow, sheep, bus"):
        encoding_from_json(space, {"terms": {"object": "moo", "people": "no"}})


def test_step__without_a_field_is_refused(space: EncodingSpace, step: StoredStep) -> None:
    data = step_to_json(space, step)
    del data["reward"]
    with pytest.raises(RecordError, match=r"step 0 of the run has no field 'reward'.*start a new run"):
        step_from_json(space, data)


def test_axes__survive_the_round_trip(space: EncodingSpace) -> None:
    assert space_from_json(axes_to_json(space)) == space
