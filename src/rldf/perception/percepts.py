"""Percepts made from probabilities: the one place where "most probable" and "unsure" are decided."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from rldf.arrays import Probabilities
from rldf.records.percept import Percept
from rldf.space import Axis, Encoding, EncodingSpace

OBJECT_AXES = ("object", "second-object")
"""Axes that name things in the picture, where a space has them."""


def make_percept(
    space: EncodingSpace,
    probabilities: Mapping[str, Probabilities],
    *,
    unsure_axes: Collection[str],
    objects: Sequence[str] | None = None,
) -> Percept:
    """Makes a percept: the most probable term of each axis, the first of equals.

    Args:
        space: the space read into.
        probabilities: axis id to one probability per term, 0 to 1, summing to 1.
        unsure_axes: ids of the axes on which perception abstains.
        objects: every object read; None for the terms of the object axes that are sure.

    Returns:
        The percept; its unsure axes stand in the order of the space.
    """
    rows = tuple(np.asarray(probabilities[axis.id], dtype=np.float64) for axis in space.axes)
    encoding = Encoding(tuple(int(np.argmax(row)) for row in rows))
    if objects is None:
        terms = space.terms(encoding)
        named = [axis for axis in space.axes if axis.id in OBJECT_AXES and axis.id not in unsure_axes]
        objects = tuple(dict.fromkeys(terms[axis.id] for axis in named if _is_named(axis, terms[axis.id])))
    return Percept(
        encoding=encoding,
        probabilities=rows,
        unsure_axes=tuple(axis.id for axis in space.axes if axis.id in unsure_axes),
        objects=tuple(objects),
    )


def softmax(logits: Float[np.ndarray, " terms"]) -> Probabilities:
    """Turns logits into probabilities, computed in float64.

    Args:
        logits: any real numbers.

    Returns:
        exp(logit) / sum of exp(logits): 0 to 1, summing to 1.
    """
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = np.exp(shifted - shifted.max())
    return np.asarray(shifted / shifted.sum())


def uniform(axis: Axis) -> Probabilities:
    """Equal probabilities for the terms of an axis: what is said where nothing was seen."""
    return np.full(len(axis), 1.0 / len(axis))


def _is_named(axis: Axis, term: str) -> bool:
    return not (axis.is_optional and term == axis.terms[0])
