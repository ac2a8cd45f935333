"""Smaller tables out of a larger one: fewer terms on some axes, the pictures of the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log, prod

import numpy as np

from rldf.bench.table import ARRAYS, BenchTable, ScorerReadings
from rldf.errors import ConfigError
from rldf.seeding import child_rng
from rldf.space import Axis, EncodingSpace

TERM_ARRAYS = ("a_search", "a_test", "b_test", "target_a", "target_b")
MIN_TERMS = 2
STATE_ARRAYS = ("a_search", "a_test", "b_test", "a_search_vectors", "a_test_vectors", "sentence_vectors")
TARGET_ARRAYS = ("target_a", "target_b", "target_vectors")


def sub_table(table: BenchTable, terms: Mapping[str, Sequence[str]]) -> BenchTable:
    """Keeps some terms of some axes, with their pictures and the targets that can be said with them.

    Probabilities of the terms that are left sum to 1 again, as if the scorers had never known the others.

    Args:
        table: the larger one, without locks and exclusions.
        terms: axis id to the terms kept, at least one each; axes not named keep all.

    Returns:
        The smaller table.

    Raises:
        ConfigError: if no target is left.
    """
    kept = [
        [place for place, term in enumerate(axis.terms) if axis.id not in terms or term in terms[axis.id]]
        for axis in table.space.axes
    ]
    axes = tuple(
        Axis(id=a.id, terms=tuple(a.terms[p] for p in places), kind=a.kind, is_optional=a.is_optional)
        for a, places in zip(table.space.axes, kept, strict=True)
    )
    states = np.arange(table.space.size).reshape(table.space.shape)[np.ix_(*kept)].reshape(-1)
    columns = np.concatenate(
        [np.arange(part.start, part.stop)[places] for part, places in zip(table.columns, kept, strict=True)]
    )
    places = [
        place
        for place, target in enumerate(table.targets)
        if all(target.terms.get(axis.id) in axis.terms for axis in axes)
    ]
    if not places:
        raise ConfigError(
            f"no target of the table '{table.name}' can be said with {[len(axis) for axis in axes]} terms; it has "
            f"{len(table.targets)} targets. Keep more terms."
        )
    arrays: dict[str, np.ndarray] = {name: getattr(table.readings, name) for name in ARRAYS}
    for name, array in arrays.items():
        part = array
        if name in TERM_ARRAYS:
            part = part[..., columns]
        if name in STATE_ARRAYS and len(part) == table.space.size:
            part = part[states]
        if name in TARGET_ARRAYS:
            part = part[places]
        arrays[name] = part
    return replace(
        table,
        name=f"{table.name}-{len(states)}",
        space=EncodingSpace(axes=axes),
        targets=tuple(table.targets[place] for place in places),
        readings=ScorerReadings(**arrays),
    )


def shrunk(table: BenchTable, *, num_states: int, target: int) -> BenchTable:
    """Keeps a window of neighbouring terms of every axis around one target, so that about so many states are left.

    Axes shrink in about the same proportions, to two terms at least; where the window lies is drawn by the target.

    Args:
        table: the larger one, without locks and exclusions.
        num_states: wished for, at least 1.
        target: position of the only target kept; the grammar can say it.

    Returns:
        The smaller table.
    """
    shape = window_shape(table.space.shape, num_states=num_states)
    rng = child_rng(target, "window")
    terms: dict[str, tuple[str, ...]] = {}
    for axis, size in zip(table.space.axes, shape, strict=True):
        index = axis.index_of(table.targets[target].terms[axis.id])
        first = int(rng.integers(max(0, index - size + 1), min(index, len(axis) - size) + 1))
        terms[axis.id] = axis.terms[first : first + size]
    readings = table.readings
    alone = replace(
        table,
        targets=(table.targets[target],),
        readings=replace(readings, **{name: getattr(readings, name)[[target]] for name in TARGET_ARRAYS}),
    )
    return sub_table(alone, terms)


def window_shape(shape: Sequence[int], *, num_states: int) -> tuple[int, ...]:
    """Shrinks a shape, the relatively longest axis first, until its product is at most a number.

    Args:
        shape: terms of each axis.
        num_states: wished for, at least 1.

    Returns:
        Terms of each axis, two at least where there were two.

    Example:
        >>> window_shape((10, 4, 3, 4), num_states=60)
        (6, 2, 2, 2)
    """
    small = list(shape)
    while prod(small) > num_states and any(size > MIN_TERMS for size in small):
        shares = [log(size) / log(full) if size > MIN_TERMS else -1.0 for size, full in zip(small, shape, strict=True)]
        small[max(range(len(small)), key=lambda place: (shares[place], small[place]))] -= 1
    return tuple(small)
