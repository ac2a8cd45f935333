"""What was perceived, and what came of one try."""

from dataclasses import dataclass

import numpy as np

from rldf.arrays import Image, Probabilities
from rldf.space import Encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class Percept:
    """What perception read in one picture.

    Attributes:
        encoding: the most probable term of each axis.
        probabilities: for each axis, one probability per term.
        unsure_axes: ids of the axes on which perception abstains; every axis for a picture outside the grammar.
        objects: every object read in the picture, the most certain first; may be empty.
    """

    encoding: Encoding
    probabilities: tuple[Probabilities, ...]
    unsure_axes: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()

    def probability_of(self, encoding: Encoding) -> np.ndarray:
        """Probability, for each axis, of the term that an encoding names there: (axes,), 0 to 1."""
        return np.array([float(row[index]) for row, index in zip(self.probabilities, encoding.indices, strict=True)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The text given to an image model.

    Attributes:
        text: what to draw.
        negative: what to steer away from; "" for nothing.
    """

    text: str
    negative: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One try: what was asked, what was drawn, what was read in it.

    Attributes:
        encoding: the point tried.
        prompt: its sentence.
        seed: seed of the picture.
        image: the picture, RGB, 0 to 255.
        percept: what perception read in the picture.
    """

    encoding: Encoding
    prompt: Prompt
    seed: int
    image: Image
    percept: Percept


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One try and its reward: all that a searcher ever sees.

    Attributes:
        outcome: what came of the try.
        reward: within the reward's bounds; larger is better.
        is_terminal: True where the try ends an episode for a reason other than reaching the target,
            such as an unrealistic picture when those are set to terminate.
    """

    outcome: Outcome
    reward: float
    is_terminal: bool = False
