"""Encoding: a point of the grid; Move: one term up or down along one axis."""

from dataclasses import dataclass

from rldf.errors import EncodingError


@dataclass(frozen=True, slots=True)
class Encoding:
    """A point of the encoding space: one term index per axis, in the order of the axes."""

    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One term up or down along one axis.

    Attributes:
        axis_index: position of the axis in the space.
        direction: +1 to the next term, -1 to the one before.
    """

    axis_index: int
    direction: int

    def __post_init__(self) -> None:
        if self.axis_index < 0 or self.direction not in (1, -1):
            raise EncodingError(
                f"a move along axis {self.axis_index} by {self.direction} does not exist; axes count from 0 and a move "
                "goes by 1 or -1. Take one of EncodingSpace.moves."
            )
