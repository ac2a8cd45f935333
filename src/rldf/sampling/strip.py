"""One axis from end to end, everything else and the seed fixed; and in numbers, what changed besides."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from rldf.arrays import ImageBatch
from rldf.contracts import ImageGenerator, Perception
from rldf.errors import ConfigError
from rldf.grammar import Grammar
from rldf.records import Percept, Prompt
from rldf.space import Encoding, EncodingSpace

REFERENCE_STEP = 0  # the others are compared with what is read in the first picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Locality:
    """What a judge reads along a strip.

    Attributes:
        followed: share of the steps in which the term asked for is read, 0 to 1.
        kept: other axis id to the share of the later steps in which it is read as in the first picture; axes that no
            picture shows are missing.
    """

    followed: float
    kept: dict[str, float]

    @property
    def kept_mean(self) -> float | None:
        """Mean over the other axes; None where none is shown."""
        return float(np.mean(list(self.kept.values()))) if self.kept else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Pictures along one axis.

    Attributes:
        axis_id: what changes.
        terms: one a picture, in the order of the axis.
        encodings: one a picture.
        sentences: one a picture.
        seed: of all pictures.
        images: RGB, 0 to 255.
        percepts: what the judge read.
        locality: what changed, in numbers.
    """

    axis_id: str
    terms: tuple[str, ...]
    encodings: tuple[Encoding, ...]
    sentences: tuple[str, ...]
    seed: int
    images: ImageBatch
    percepts: tuple[Percept, ...]
    locality: Locality


def strip_encodings(space: EncodingSpace, encoding: Encoding, axis_id: str) -> list[Encoding]:
    """Lists what a strip shows: an encoding with every allowed term of one axis.

    Args:
        space: of the encoding.
        encoding: everything but the axis.
        axis_id: what changes.

    Returns:
        The encodings, in the order of the axis's terms.

    Raises:
        ConfigError: if fewer than two terms are allowed with the other words.
    """
    terms = space.terms(encoding)
    encodings = [space.encode({**terms, axis_id: term}) for term in space.axis(axis_id).terms]
    allowed = [each for each in encodings if space.allows(each)]
    if len(allowed) < 2:
        raise ConfigError(
            f"the axis '{axis_id}' has {len(allowed)} terms that can stand with the other words; a strip takes two "
            "or more. Choose another axis, or other words by --set."
        )
    return allowed


def draw_strip(
    image_generator: ImageGenerator,
    judge: Perception,
    *,
    grammar: Grammar,
    encoding: Encoding,
    axis_id: str,
    seed: int,
    negative_prompt: str = "",
    unmentioned: Collection[str] = (),
) -> Strip:
    """Draws an encoding with every allowed term of one axis, with one seed.

    Args:
        image_generator: draws.
        judge: reads the pictures.
        grammar: renders.
        encoding: everything but the axis.
        axis_id: what changes.
        seed: of every picture.
        negative_prompt: what to steer away from.
        unmentioned: terms that say nothing, beside the first of an optional axis: an axis at one of them is not counted
            among those that must be kept, since no picture is asked to show it.

    Returns:
        The strip.
    """
    space = grammar.space
    encodings = strip_encodings(space, encoding, axis_id)
    sentences = tuple(grammar.render(each) for each in encodings)
    prompts = [Prompt(text=text, negative=negative_prompt) for text in sentences]
    images = image_generator.generate(prompts, seeds=[seed] * len(prompts))
    percepts = tuple(judge.perceive(images))
    is_said = said_axes(space, encoding, unmentioned=unmentioned)
    return Strip(
        axis_id=axis_id,
        terms=tuple(space.terms(each)[axis_id] for each in encodings),
        encodings=tuple(encodings),
        sentences=sentences,
        seed=seed,
        images=images,
        percepts=percepts,
        locality=measure_strip(space, encodings, percepts, axis_id=axis_id, counted=is_said, unmentioned=unmentioned),
    )


def said_axes(space: EncodingSpace, encoding: Encoding, *, unmentioned: Collection[str]) -> Bool[np.ndarray, " axes"]:
    """Tells which axes an encoding says something of."""
    rows = zip(space.axes, encoding.indices, strict=True)
    return np.array([not _is_silent(axis.is_optional, i, axis.terms[i], unmentioned) for axis, i in rows])


def measure_strip(
    space: EncodingSpace,
    encodings: Sequence[Encoding],
    percepts: Sequence[Percept],
    *,
    axis_id: str,
    counted: Bool[np.ndarray, " axes"],
    unmentioned: Collection[str] = (),
) -> Locality:
    """Measures whether an axis follows and the others stay.

    Args:
        space: the grid.
        encodings: what was asked for, in order.
        percepts: what was read.
        axis_id: what changes along the strip.
        counted: which axes can be told in the pictures; the changed one is left out by itself.
        unmentioned: terms that say nothing: steps that ask for one do not count.

    Returns:
        The shares.
    """
    place = [axis.id for axis in space.axes].index(axis_id)
    axis = space.axes[place]
    read = np.array([percept.encoding.indices for percept in percepts])
    asked = np.array([encoding.indices[place] for encoding in encodings])
    speaks = np.array([not _is_silent(axis.is_optional, i, axis.terms[i], unmentioned) for i in asked.tolist()])
    followed = float((read[speaks, place] == asked[speaks]).mean()) if speaks.any() else 0.0
    kept = {
        other.id: float((read[REFERENCE_STEP + 1 :, k] == read[REFERENCE_STEP, k]).mean())
        for k, other in enumerate(space.axes)
        if k != place and counted[k]
    }
    return Locality(followed=followed, kept=kept)


def _is_silent(is_optional: bool, index: int, term: str, unmentioned: Collection[str]) -> bool:  # noqa: FBT001
    return (is_optional and index == 0) or term in unmentioned
