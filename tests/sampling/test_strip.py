"""One axis from end to end, and what else changed."""

from collections.abc import Sequence
from typing import final

import numpy as np
import pytest

from rldf.arrays import ImageBatch
from rldf.contracts import ImageGenerator, Perception
from rldf.errors import ConfigError
from rldf.grammar import load_grammar
from rldf.records import Percept, Prompt
from rldf.sampling import draw_strip
from rldf.space import Encoding

GRAMMAR = load_grammar("base")
BASE = GRAMMAR.parse("a photo of two cows and no people in a park")


@final
class Writer(ImageGenerator):
    """Writes the encoding of each sentence into the first pixels; a leak moves the scene along with the count."""

    def __init__(self, *, leak: int = 0) -> None:
        self.seeds: list[int] = []
        self._leak = leak

    @property
    def identity(self) -> str:
        return "writer"

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        self.seeds += seeds
        images = np.zeros((len(prompts), 4, 4, 3), dtype=np.uint8)
        for image, prompt in zip(images, prompts, strict=True):
            indices = list(GRAMMAR.parse(prompt.text).indices)
            indices[3] = (indices[3] + self._leak * (indices[1] > 1)) % 4
            image[0, :, 0] = indices
        return images


@final
class Reader(Perception):
    """Reads what was written."""

    space = GRAMMAR.space

    def perceive(self, images: ImageBatch) -> list[Percept]:
        encodings = [Encoding(tuple(int(value) for value in image[0, :, 0])) for image in images]
        return [
            Percept(
                encoding=encoding,
                probabilities=tuple(
                    np.eye(len(axis))[index] for axis, index in zip(self.space.axes, encoding.indices, strict=True)
                ),
            )
            for encoding in encodings
        ]


def test_strip__changes_one_axis_and_keeps_the_seed() -> None:
    writer = Writer()
    strip = draw_strip(writer, Reader(), grammar=GRAMMAR, encoding=BASE, axis_id="count", seed=5)
    assert strip.terms == ("one", "two", "three", "many")
    assert writer.seeds == [5] * 4
    assert strip.sentences[0] == "a photo of one cow and no people in a park"
    assert strip.locality.followed == 1.0
    assert strip.locality.kept == {"object": 1.0, "density": 1.0, "scene": 1.0}
    assert strip.locality.kept_mean == 1.0


def test_strip__tells_which_other_axis_changed() -> None:
    strip = draw_strip(Writer(leak=1), Reader(), grammar=GRAMMAR, encoding=BASE, axis_id="count", seed=5)
    assert strip.locality.kept == {"object": 1.0, "density": 1.0, "scene": pytest.approx(1 / 3)}
    assert strip.locality.followed == 1.0


def test_strip__does_not_ask_for_what_is_not_said() -> None:
    strip = draw_strip(
        Writer(), Reader(), grammar=GRAMMAR, encoding=BASE, axis_id="count", seed=5, unmentioned=("no", "one")
    )
    assert set(strip.locality.kept) == {"object", "scene"}


def test_axis_with_one_term_left__is_refused() -> None:
    grammar = GRAMMAR.restrict("count", ["two"])
    with pytest.raises(ConfigError, match=r"the axis 'count' has 1 terms.*Choose another axis"):
        draw_strip(Writer(), Reader(), grammar=grammar, encoding=Encoding((5, 0, 0, 1)), axis_id="count", seed=5)
