"""Trials of the embedded world: random encodings, drawn by the generator and by the renderer, which knows the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from rldf.arrays import ImageBatch
from rldf.contracts import ImageGenerator
from rldf.errors import ConfigError
from rldf.grammar import Grammar
from rldf.records.percept import Prompt
from rldf.renderer.drawing import Drawing, draw_with_truth
from rldf.seeding import child_rng, child_seed
from rldf.space import Encoding, EncodingSpace

MORE_TRIES = 10
"""At most so many further encodings are looked at for each one asked for, to fill axes that are seldom visible."""

UNMENTIONED = ("none", "person")
"""Terms that spell nothing, so that no picture can be asked to show them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Pictures of random encodings, in order.

    Attributes:
        space: the space of the encodings.
        encodings: what was asked for.
        seeds: of the pictures.
        sentences: what the encodings spell.
        num_random: how many of the first encodings were drawn by chance alone; the others were chosen, because they
            show an axis that too few of the first ones do.
        generated: the generator's pictures.
        drawn: the renderer's own pictures.
        visible: True where the renderer says that the axis shows the term that was asked for.
        counted: True where the trial counts for the axis: an encoding that was chosen for some axes counts for these
            only, so that it says of each axis what encodings drawn by chance would say.
    """

    space: EncodingSpace
    encodings: tuple[Encoding, ...]
    seeds: tuple[int, ...]
    sentences: tuple[str, ...]
    num_random: int
    generated: ImageBatch
    drawn: ImageBatch
    visible: Bool[np.ndarray, "trials axes"]
    counted: Bool[np.ndarray, "trials axes"]

    @property
    def asked(self) -> Int[np.ndarray, "trials axes"]:
        """The place of the term asked for on each axis."""
        return np.array([encoding.indices for encoding in self.encodings])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """An encoding with the renderer's picture of it, and the axes it counts for."""

    encoding: Encoding
    seed: int
    drawing: Drawing
    visible: Bool[np.ndarray, " axes"]
    counted: Bool[np.ndarray, " axes"]


def usual_least(num_encodings: int) -> int:
    """How many pictures shall show each axis, unless another number is asked for.

    Args:
        num_encodings: 1 or more.

    Returns:
        200, or two fifths of the encodings if that is less; at least 1.

    Example:
        >>> usual_least(100), usual_least(1000)
        (40, 200)
    """
    return max(1, min(200, num_encodings * 2 // 5))


def draw_trials(
    *,
    grammar: Grammar,
    image_generator: ImageGenerator,
    num_encodings: int,
    seed: int,
    least: int | None = None,
    size_px: int = 128,
) -> Trials:
    """Draws random encodings with the renderer and with the generator.

    Args:
        grammar: its terms must be drawable.
        image_generator: what is measured.
        num_encodings: 1 or more.
        seed: 0 or larger; equal seeds give equal encodings and pictures.
        least: how many pictures shall show each axis; further encodings are drawn for axes that lack some, up to
            `MORE_TRIES` for each one of `num_encodings`. None for `usual_least`.
        size_px: side of the drawn pictures.

    Returns:
        The trials.

    Raises:
        ConfigError: if there is no encoding to draw.
    """
    if num_encodings < 1:
        raise ConfigError(f"num_encodings is {num_encodings}; a measure takes at least 1. Give 200 or more.")
    rng = child_rng(seed, "card", "encodings")
    encodings = [grammar.space.sample(rng) for _ in range(num_encodings)]
    seeds = [child_seed(seed, "card", "picture", index) for index in range(num_encodings)]
    found = [
        _draw(grammar.space, encoding, seed=picture_seed, size_px=size_px)
        for encoding, picture_seed in zip(encodings, seeds, strict=True)
    ]
    least = usual_least(num_encodings) if least is None else least
    found += _draw_more(grammar.space, found, least=least, seed=seed, size_px=size_px)
    sentences = tuple(grammar.render(each.encoding) for each in found)
    generated = image_generator.generate([Prompt(text=text) for text in sentences], seeds=[d.seed for d in found])
    return Trials(
        space=grammar.space,
        encodings=tuple(each.encoding for each in found),
        seeds=tuple(each.seed for each in found),
        sentences=sentences,
        num_random=num_encodings,
        generated=generated,
        drawn=np.stack([each.drawing.image for each in found]),
        visible=np.stack([each.visible for each in found]),
        counted=np.stack([each.counted for each in found]),
    )


def visible_axes(terms: Mapping[str, str], seen: Mapping[str, str]) -> Bool[np.ndarray, " axes"]:
    """Tells where a picture shows what was asked for.

    Args:
        terms: axis id to the term asked for.
        seen: axis id to the term that a viewer sees; see `Drawing`.

    Returns:
        For each axis of the terms whether it is visible; a term that spells nothing never is.
    """
    return np.array([term not in UNMENTIONED and seen.get(axis) == term for axis, term in terms.items()])


def _draw(space: EncodingSpace, encoding: Encoding, *, seed: int, size_px: int) -> _Drawn:
    terms = space.terms(encoding)
    drawing = draw_with_truth(terms, seed=seed, size_px=size_px)
    visible = visible_axes(terms, drawing.seen)
    return _Drawn(encoding=encoding, seed=seed, drawing=drawing, visible=visible, counted=visible)


def _draw_more(space: EncodingSpace, found: Sequence[_Drawn], *, least: int, seed: int, size_px: int) -> list[_Drawn]:
    """Draws on, and keeps what shows an axis that still lacks pictures."""
    lacking = np.maximum(least - np.sum([each.visible for each in found], axis=0), 0)
    rng = child_rng(seed, "card", "more encodings")
    kept = []
    for index in range(MORE_TRIES * len(found)):
        if not lacking.any():
            break
        encoding = space.sample(rng)
        is_said = np.array([term not in UNMENTIONED for term in space.terms(encoding).values()])
        if not (is_said & (lacking > 0)).any():
            continue
        drawn = _draw(space, encoding, seed=child_seed(seed, "card", "more pictures", index), size_px=size_px)
        counted = drawn.visible & (lacking > 0)
        if counted.any():
            lacking -= counted
            kept.append(
                _Drawn(
                    encoding=encoding, seed=drawn.seed, drawing=drawn.drawing, visible=drawn.visible, counted=counted
                )
            )
    return kept
