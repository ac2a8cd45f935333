"""What each picture of a set shall show: fixed, varied and balanced axes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, prod
from typing import Any

import numpy as np

from rldf.errors import ConfigError
from rldf.seeding import child_rng
from rldf.space import Axis, Encoding, EncodingSpace

MAX_VARY_TRIES = 100  # our choice: draws until the varied terms are allowed together


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What the user asks of the axes of a set.

    Attributes:
        vary: axes whose term is drawn anew for each picture.
        balance: axes whose terms come equally often, in every combination.
        shares: axis id to term to its share, any positive numbers; such an axis is balanced by these. A term that is
            not named does not come.
    """

    vary: tuple[str, ...] = ()
    balance: tuple[str, ...] = ()
    shares: Mapping[str, Mapping[str, float]] | None = None

    @property
    def stated(self) -> Mapping[str, Mapping[str, float]]:
        """The shares that were stated, by axis."""
        return {} if self.shares is None else self.shares

    @property
    def balanced_axes(self) -> tuple[str, ...]:
        """Axes whose counts are controlled, in the order they were given."""
        return tuple(dict.fromkeys((*self.balance, *self.stated)))

    def as_json(self) -> dict[str, Any]:
        """Writes the controls as a manifest holds them."""
        shares = {axis: dict(row) for axis, row in self.stated.items()}
        return {"vary": list(self.vary), "balance": list(self.balance), "shares": shares}


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturePlan:
    """What one picture of a set shall show.

    Attributes:
        index: its place in the set, from 0.
        encodings: what may be drawn, one or more: the k-th try of the picture draws the k-th, and so on round.
        cell: balanced axis id to term.
    """

    index: int
    encodings: tuple[Encoding, ...]
    cell: Mapping[str, str]


def plan_pictures(
    space: EncodingSpace,
    choices: Sequence[Encoding],
    *,
    count: int,
    controls: Controls,
    seed: int,
    unmentioned: Collection[str] = (),
) -> list[PicturePlan]:
    """Plans a set: what each of its pictures shall show.

    A larger count gives the same plans and more. The counts of cells differ by at most one, or by less than one picture
    from what the shares ask for.

    Args:
        space: the grid.
        choices: encodings to draw, one or more; the first picture begins with the first, the next with the second.
        count: pictures, at least 1.
        controls: what varies and what is balanced.
        seed: of all chance, 0 or larger.
        unmentioned: terms that say nothing and so have no cell, beside the first term of an optional axis.

    Returns:
        One plan per picture. An axis or term that does not exist is an UnknownTermError.

    Raises:
        ConfigError: if an axis is both varied and balanced, or a cell is excluded by the grammar.
    """
    both = sorted(set(controls.vary) & set(controls.balanced_axes))
    if both:
        raise ConfigError(
            f"the axis '{both[0]}' is both varied and balanced; balancing fixes how often each term comes, varying "
            "leaves it to chance. Name it once."
        )
    cells = _cells(space, controls, unmentioned=unmentioned)
    _require_cells(space, choices, cells)
    order = quota_order([share for _, share in cells], count=count, seed=seed)
    plans = []
    for index, place in enumerate(order):
        cell = cells[place][0]
        turned = [choices[(index + k) % len(choices)] for k in range(len(choices))]
        encodings = [_vary(space, choice, cell=cell, vary=controls.vary, seed=seed, index=index) for choice in turned]
        plans.append(PicturePlan(index=index, encodings=tuple(dict.fromkeys(encodings)), cell=cell))
    return plans


def quota_order(shares: Sequence[float], *, count: int, seed: int) -> list[int]:
    """Orders cells so that every beginning of the list follows the shares as closely as whole pictures can.

    Args:
        shares: of the cells; any numbers, 0 or larger, not all 0.
        count: length of the list, 1 or more.
        seed: decides between cells that are equally due.

    Returns:
        Positions of cells; equal shares give counts that differ by at most one, others counts that differ by less
        than one from count times share.

    Example:
        >>> order = quota_order([1, 1, 2], count=8, seed=0)
        >>> [order.count(cell) for cell in range(3)]
        [2, 2, 4]

    Source: the quota method of Balinski & Young, "The quota method of apportionment", American Mathematical Monthly
    82(7), 1975: it keeps quota and never takes a seat back when the house grows.
    """
    weights = np.asarray(shares, dtype=np.float64) / float(np.sum(shares))
    counts = np.zeros(len(weights), dtype=np.int64)
    rng = child_rng(seed, "cells")
    order = []
    for size in range(1, count + 1):
        claim = np.where(counts < size * weights - 1e-9, weights / (counts + 1), -1.0)
        due = np.flatnonzero(claim >= claim.max() - 1e-12)
        chosen = int(rng.choice(due))
        counts[chosen] += 1
        order.append(chosen)
    return order


def count_cells(cells: Sequence[Mapping[str, str]]) -> list[tuple[dict[str, str], int]]:
    """Counts how often each cell comes, in the order of first appearance."""
    counts: dict[tuple[tuple[str, str], ...], int] = {}
    for cell in cells:
        key = tuple(cell.items())
        counts[key] = counts.get(key, 0) + 1
    return [(dict(key), number) for key, number in counts.items()]


def _cells(
    space: EncodingSpace, controls: Controls, *, unmentioned: Collection[str]
) -> list[tuple[dict[str, str], float]]:
    """Every combination of the balanced terms, with its share."""
    axes = [space.axis(axis_id) for axis_id in controls.balanced_axes]
    rows = [_term_shares(axis, controls.stated.get(axis.id), unmentioned=unmentioned) for axis in axes]
    return [
        ({axis.id: term for axis, (term, _) in zip(axes, combination, strict=True)}, prod(s for _, s in combination))
        for combination in product(*rows)
    ]


def _term_shares(
    axis: Axis, stated: Mapping[str, float] | None, *, unmentioned: Collection[str]
) -> list[tuple[str, float]]:
    """The terms of a balanced axis, with their shares."""
    if stated is None:
        terms = axis.terms[1:] if axis.is_optional else axis.terms
        return [(term, 1.0) for term in terms if term not in unmentioned]
    for term, share in stated.items():
        if not 0 < share < inf:
            raise ConfigError(
                f"the share of {axis.id}={term} is {share:g}; a share is a number above 0. Leave the term out, or "
                "give more."
            )
    return [(axis.find(term), float(share)) for term, share in stated.items()]


def _require_cells(
    space: EncodingSpace, choices: Sequence[Encoding], cells: Sequence[tuple[Mapping[str, str], float]]
) -> None:
    """Refuses cells that the grammar excludes."""
    for choice in choices:
        for cell, _ in cells:
            if not space.allows(space.encode({**space.terms(choice), **cell})):
                told = ", ".join(f"{axis}={term}" for axis, term in cell.items())
                raise ConfigError(
                    f"the cell {told or 'of the set'} cannot be drawn: an exclusion of the grammar or a lock forbids "
                    "it with the other words. Balance other axes, or state shares without it."
                )


def _vary(
    space: EncodingSpace, choice: Encoding, *, cell: Mapping[str, str], vary: Sequence[str], seed: int, index: int
) -> Encoding:
    """Puts a choice into its cell and draws the varied terms."""
    base = space.encode({**space.terms(choice), **cell})
    if not vary:
        return base
    rng = child_rng(seed, "vary", index)
    for _ in range(MAX_VARY_TRIES):
        terms = {axis_id: space.axis(axis_id).terms[int(rng.integers(len(space.axis(axis_id))))] for axis_id in vary}
        encoding = space.encode({**space.terms(base), **terms})
        if space.allows(encoding):
            return encoding
    raise ConfigError(
        f"no allowed terms of {', '.join(vary)} were met in {MAX_VARY_TRIES} draws: exclusions or locks forbid "
        "nearly all. Vary other axes."
    )
