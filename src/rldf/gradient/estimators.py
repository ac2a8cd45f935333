"""Estimates of the gradient of the reward on the encoding, from a few tries around one point."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from rldf.contracts import Proposal
from rldf.records.percept import StepRecord
from rldf.space import Encoding, EncodingSpace

Trying = Generator[list[Proposal], list[StepRecord], None]
"""Yields what to try, is sent the records."""

Gradient = Float[np.ndarray, " axes"]
"""Change of the reward per move along each axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A gradient and where it came from.

    Attributes:
        gradient: (axes,), 0 on locked axes.
        points: the encodings it was estimated from.
    """

    gradient: Gradient
    points: tuple[Encoding, ...]


@final
class KnownRewards:
    """Rewards of the encodings tried so far; what is known is not tried again."""

    def __init__(self) -> None:
        self._rewards: dict[Encoding, float] = {}

    def __len__(self) -> int:
        """Number of encodings tried."""
        return len(self._rewards)

    def of(self, encoding: Encoding) -> float:
        """Reward of an encoding that was tried."""
        return self._rewards[encoding]

    def has(self, encoding: Encoding) -> bool:
        """Tells whether an encoding was tried."""
        return encoding in self._rewards

    @property
    def spread(self) -> float:
        """Standard deviation of the rewards; 0 before the second."""
        return float(np.std(list(self._rewards.values()))) if len(self._rewards) > 1 else 0.0

    def try_new(self, encodings: Sequence[Encoding]) -> Trying:
        """Tries the encodings that are not known yet.

        Args:
            encodings: allowed encodings, repeated ones too.

        Yields:
            One batch, or none.
        """
        new = [encoding for encoding in dict.fromkeys(encodings) if encoding not in self._rewards]
        if new:
            records = yield [Proposal(encoding=encoding) for encoding in new]
            self._rewards.update(zip(new, (record.reward for record in records), strict=True))


def estimate_central(
    space: EncodingSpace, here: Encoding, *, widths: Int[np.ndarray, " axes"], known: KnownRewards
) -> Generator[list[Proposal], list[StepRecord], Estimate]:
    """Central finite differences, one axis at a time: (R(x + h e) - R(x - h e)) / the way between them.

    At a border, and before an excluded encoding, the point itself takes the place of the one that is missing. Costs
    at most two tries per free axis.

    Args:
        space: the grid.
        here: the point, tried already.
        widths: h of each axis, in moves, at least 1.
        known: rewards so far.

    Yields:
        One batch.

    Returns:
        The estimate.
    """
    pairs = {
        place: (shifted(space, here, place, int(widths[place])), shifted(space, here, place, -int(widths[place])))
        for place, axis in enumerate(space.axes)
        if axis.id not in space.locked
    }
    yield from known.try_new([here, *(point for pair in pairs.values() for point in pair)])
    gradient = np.zeros(len(space.axes))
    for place, (above, below) in pairs.items():
        way = above.indices[place] - below.indices[place]
        if way:
            gradient[place] = (known.of(above) - known.of(below)) / way
    points = tuple(point for pair in pairs.values() for point in pair if point != here)
    return Estimate(gradient=gradient, points=points)


def estimate_spsa(
    space: EncodingSpace,
    here: Encoding,
    *,
    widths: Int[np.ndarray, " axes"],
    known: KnownRewards,
    rng: np.random.Generator,
) -> Generator[list[Proposal], list[StepRecord], Estimate]:
    """Simultaneous perturbation: two tries, whatever the number of axes.

    Args:
        space: the grid.
        here: the point.
        widths: size of the perturbation on each axis, in moves, at least 1.
        known: rewards so far.
        rng: source of the signs.

    Yields:
        One batch.

    Returns:
        The estimate; zero where both points fall on `here`, or one is excluded.

    Source: Spall 1992, eq. (2.2), on the grid: points are cut at the borders, and the way between them is what
    remains of it.
    """
    signs = rng.choice((-1, 1), size=len(space.axes))
    above = _cut(space, here, shift=signs * widths)
    below = _cut(space, here, shift=-signs * widths)
    if not (space.allows(above) and space.allows(below)):
        return Estimate(gradient=np.zeros(len(space.axes)), points=())
    yield from known.try_new([above, below])
    way = np.array(above.indices) - np.array(below.indices)
    rise = known.of(above) - known.of(below)
    gradient = np.divide(rise, way, out=np.zeros(len(way)), where=way != 0)
    return Estimate(gradient=gradient, points=(above, below))


def shifted(space: EncodingSpace, encoding: Encoding, place: int, moves: int) -> Encoding:
    """Goes along one axis as far as the border; stays where an exclusion forbids the end of the way.

    Args:
        space: the grid.
        encoding: where it begins.
        place: position of the axis.
        moves: how far, negative for down.

    Returns:
        An allowed encoding.
    """
    index = min(max(encoding.indices[place] + moves, 0), len(space.axes[place]) - 1)
    end = Encoding((*encoding.indices[:place], index, *encoding.indices[place + 1 :]))
    return end if space.allows(end) else encoding


def _cut(space: EncodingSpace, encoding: Encoding, *, shift: Int[np.ndarray, " axes"]) -> Encoding:
    tops = [len(axis) - 1 for axis in space.axes]
    is_free = [axis.id not in space.locked for axis in space.axes]
    return Encoding(
        tuple(
            min(max(index + int(moves), 0), top) if free else index
            for index, moves, top, free in zip(encoding.indices, shift, tops, is_free, strict=True)
        )
    )
