"""Draws one picture of the world for a person: the picture `rldf world draw` writes."""

from collections.abc import Mapping
from dataclasses import dataclass

from rldf.arrays import Image
from rldf.grammar import Grammar
from rldf.renderer.drawing import draw_with_truth
from rldf.seeding import child_rng, child_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnExample:
    """One drawn picture and its truth.

    Attributes:
        image: RGB, 0 to 255.
        terms: axis id to the term it was drawn from.
        sentence: what they spell.
        visible: the axes whose term a viewer can tell from the picture.
    """

    image: Image
    terms: Mapping[str, str]
    sentence: str
    visible: tuple[str, ...]


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
    drawing = draw_with_truth(drawn, seed=child_seed(seed, "draw", "picture"), size_px=size_px)
    return DrawnExample(
        image=drawing.image,
        terms=drawn,
        sentence=grammar.render(encoding),
        visible=tuple(axis for axis, term in drawn.items() if drawing.seen.get(axis) == term),
    )
