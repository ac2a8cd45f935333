"""Which of the pictures drawn for a plan is kept: the first that shows its class, or one unlike those kept before."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rldf.arrays import Image
from rldf.contracts import ImageEmbedder, Perception
from rldf.records import Percept
from rldf.space import Encoding, EncodingSpace

RIDGE = 0.05  # our choice: two equal pictures still add a little, so that quality decides between them


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How pictures are chosen; scorer A decides, never scorer B.

    Attributes:
        perception: scorer A.
        identity: its name and digest, as one line.
        axes: a picture passes where scorer A reads the term asked for on each of these.
        max_tries: pictures drawn for one plan at most, at least 1.
        embedder: where given, all tries are drawn and the choice weighs quality against likeness to what was kept.
    """

    perception: Perception
    identity: str
    axes: tuple[str, ...]
    max_tries: int
    embedder: ImageEmbedder | None = None

    def as_json(self) -> dict[str, object]:
        """Writes it as a manifest holds it."""
        return {
            "scorer": self.identity,
            "axes": list(self.axes),
            "max_tries": self.max_tries,
            "is_diverse": self.embedder is not None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One picture drawn for a plan.

    Attributes:
        encoding: what was asked for.
        seed: seed it was drawn with.
        number: which try of the plan it is, from 0.
        image: RGB, 0 to 255.
        percept: what scorer A read; None without a check.
    """

    encoding: Encoding
    seed: int
    number: int
    image: Image
    percept: Percept | None


def quality(drawn: Drawn, *, space: EncodingSpace, axes: Sequence[str]) -> tuple[bool, float]:
    """Judges a picture by what scorer A read.

    Args:
        drawn: the picture.
        space: the grid of its encoding.
        axes: that count.

    Returns:
        Whether every axis is read as asked, and the least probability of a term asked for, 0 to 1.
    """
    if drawn.percept is None:
        return True, 1.0
    places = [k for k, axis in enumerate(space.axes) if axis.id in axes]
    shown = drawn.percept.probability_of(drawn.encoding)
    passed = all(drawn.percept.encoding.indices[k] == drawn.encoding.indices[k] for k in places)
    return passed, float(min((shown[k] for k in places), default=1.0))


def choose(
    candidates: Sequence[Drawn],
    *,
    space: EncodingSpace,
    axes: Sequence[str],
    novelty: Sequence[float] | None = None,
) -> Drawn:
    """Chooses a picture of a plan: one that passes before one that does not.

    Args:
        candidates: what was drawn for it, one or more, in order.
        space: the grid.
        axes: on which it must show what was asked for.
        novelty: of each candidate, 0 to 1; None to take the first that passes, or else the best.

    Returns:
        The picture to keep.
    """
    judged = [quality(candidate, space=space, axes=axes) for candidate in candidates]
    if novelty is None:
        rows = [(passed, 0.0 if passed else shown) for passed, shown in judged]
    else:
        rows = [(passed, shown * fresh) for (passed, shown), fresh in zip(judged, novelty, strict=True)]
    return candidates[max(range(len(rows)), key=lambda k: (*rows[k], -k))]


def novelties(
    candidates: Float[np.ndarray, "candidates features"], kept: Float[np.ndarray, "kept features"]
) -> list[float]:
    """Tells how much each candidate adds to what was kept.

    Args:
        candidates: unit rows.
        kept: unit rows, none or more.

    Returns:
        For each the share of its length that no mixture of the kept ones explains, 0 to 1: the factor by which it
        would enlarge the determinant of the kernel of cosines.

    Example:
        >>> novelties(np.eye(2), np.eye(2)[:1])
        [0.048, 1.0]

    Source: greedy inference for determinantal point processes, Chen, Zhang & Zhou 2018, arXiv 1709.05135, with the
    quality and diversity parts of Kulesza & Taskar 2012, section 3.1; one plan at a time and the ridge are ours.
    """
    if len(kept) == 0:
        return [1.0] * len(candidates)
    kernel = kept @ kept.T + RIDGE * np.eye(len(kept))
    cross = candidates @ kept.T
    explained = np.einsum("ck,kc->c", cross, np.linalg.solve(kernel, cross.T))
    return [round(float(value), 3) for value in np.clip(1.0 - explained, 0.0, 1.0)]
