"""Targets of the benchmark, of every kind."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
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


def test_grammar_with_a_word_for_every_object__has_no_targets_off_it() -> None:
    indoors = load_grammar("indoors")
    made = list(draw_targets(indoors, image_generator=Blank(), count=10, seed=0, size_px=32))
    assert {target.kind for _, target in made} == set(KINDS) - {"off-grammar"}
    assert [target.split for _, target in made] == ["development"] * 5 + ["test"] * 5


def test_targets_of_a_grammar_file__are_drawn_from_it(tmp_path: Path) -> None:
    text = Path(str(files("rldf.grammar").joinpath("data", "base.toml"))).read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text(text.replace('name = "base"', 'name = "own"', 1))
    own = load_grammar(tmp_path / "own.toml")
    assert own.name == "own"
    kinds = [target.kind for _, target in draw_targets(own, image_generator=Blank(), count=6, seed=0, size_px=32)]
    assert kinds == list(KINDS)


def test_said__keeps_own_axes_with_own_terms() -> None:
    assert said(GRAMMAR, {"object": "dragon", "scene": "park", "weather": "rainy"}) == {"scene": "park"}
