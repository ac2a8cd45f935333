"""Draws one picture of the world for a person: the picture `rldf world draw` writes."""

from collections.abc import Mapping
from dataclasses import dataclass

from rldf.arrays import Image
from rldf.grammar import Grammar
from rldf.seeding import child_rng, child_seed
from rldf.worlds.drawing import draw


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnExample:
    """One drawn picture and its truth.

    Attributes:
        image: RGB, 0 to 255.
        terms: axis id to the term it was drawn from.
        sentence: what they spell.
    """

    image: Image
    terms: Mapping[str, str]
    sentence: str


def draw_example(
    grammar: Grammar, *, seed: int, terms: Mapping[str, str] | None = None, size_px: int = 128
) -> DrawnExample:
    """Draws a random encoding; its seeds are never those of any training split.

    Args:
        grammar: its terms must be drawable.
        seed: 0 or larger; equal arguments give equal pictures.
        terms: axis id to the term to keep; None leaves every axis to chance.
        size_px: width and height.

    Returns:
        The picture with its truth.
    """
    space = grammar.space if terms is None else grammar.space.lock(terms)
    encoding = space.sample(child_rng(seed, "draw"))
    drawn = space.terms(encoding)
    return DrawnExample(
        image=draw(drawn, seed=child_seed(seed, "draw", "picture"), size_px=size_px),
        terms=drawn,
        sentence=grammar.render(encoding),
    )
