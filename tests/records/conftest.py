"""A small grid and steps on it."""

import numpy as np
import pytest

from rldf.records import Percept, Prompt, StoredStep
from rldf.space import Axis, Encoding, EncodingSpace


@pytest.fixture
def space() -> EncodingSpace:
    return EncodingSpace(
        axes=(
            Axis(id="object", terms=("cow", "sheep", "bus")),
            Axis(id="people", terms=("no", "one"), kind="ordinal", is_optional=True),
        )
    )


@pytest.fixture
def step() -> StoredStep:
    percept = Percept(
        encoding=Encoding((1, 0)),
        probabilities=(np.array([0.1, 0.7, 0.2]), np.array([1 / 3, 2 / 3])),
        unsure_axes=("people",),
        objects=("sheep",),
    )
    return StoredStep(
        step=0,
        phase="search",
        encoding=Encoding((2, 1)),
        prompt=Prompt(text="a bus and one person", negative="blurry"),
        seed=2**62 + 1,
        seed_index=0,
        image="images/000000.png",
        percept=percept,
        reward=0.1 + 0.2,
        is_terminal=False,
        is_new_render=True,
        distance=2,
        elapsed_s=1.5,
    )
