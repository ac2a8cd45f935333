"""Targets of the benchmark, of every kind."""

from collections.abc import Sequence
from typing import final

import numpy as np

from rldf.arrays import ImageBatch
from rldf.contracts import ImageGenerator
from rldf.grammar import load_grammar
from rldf.jobs.bench_targets import KINDS, draw_targets, said
from rldf.records import Prompt

GRAMMAR = load_grammar("base")


@final
class Blank(ImageGenerator):
    """Draws nothing, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    @property
    def identity(self) -> str:
        return "blank"

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        self.asked += [(prompt.text, seed) for prompt, seed in zip(prompts, seeds, strict=True)]
        return np.zeros((len(seeds), 32, 32, 3), dtype=np.uint8)


def test_targets__are_of_every_kind_and_known_as_far_as_the_grammar_goes() -> None:
    generator = Blank()
    targets = [
        target
        for _, target in draw_targets(GRAMMAR, image_generator=generator, count=2 * len(KINDS), seed=3, size_px=32)
    ]
    axes = {axis.id for axis in GRAMMAR.space.axes}
    for target in targets:
        known = set(target.terms)
        if target.kind in {"in-generator", "drawn"}:
            assert known == axes
            assert GRAMMAR.render(GRAMMAR.space.encode(target.terms)) == target.sentence
        elif target.kind == "off-grammar":
            assert known == axes - {"object"}
        else:
            assert known <= axes
    assert {target.kind for target in targets} == set(KINDS)
    for kind in KINDS:
        assert {target.split for target in targets if target.kind == kind} == {"development", "test"}
    made = [(target.sentence, target.seed) for target in targets if target.kind == "in-generator"]
    assert made == generator.asked
    assert len({target.seed for target in targets}) == len(targets)


def test_said__keeps_own_axes_with_own_terms() -> None:
    assert said(GRAMMAR, {"object": "dragon", "scene": "park", "weather": "rainy"}) == {"scene": "park"}
