"""EncodingSpace: the n-dimensional grid, with neighbours, distance and index."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from rldf.errors import EncodingError, UnknownTermError, did_you_mean
from rldf.space.axis import Axis
from rldf.space.encoding import Encoding, Move

MAX_SAMPLING_TRIES = 1000  # our choice: exclusions that leave less than about 1 in 1000 are refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Terms that cannot stand together: an encoding holding one of each axis is not allowed.

    Attributes:
        terms: axis id to the terms meant; at least two axes.
    """

    terms: Mapping[str, tuple[str, ...]] = field(hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", {axis_id: tuple(terms) for axis_id, terms in self.terms.items()})
        if len(self.terms) < 2:
            raise EncodingError(
                f"the exclusion {dict(self.terms)} names {len(self.terms)} axes; it takes at least two. "
                "To forbid a term altogether, leave it out of its axis."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingSpace:
    """The grid of all encodings of some axes; never enumerated, so millions of states cost nothing.

    Locked axes keep their term: moves, neighbours, samples and indices leave them alone. Excluded
    combinations stay part of the index but are never entered.

    Attributes:
        axes: the dimensions, in order.
        locked: axis id to the term it is held at.
        exclusions: combinations that are not allowed.

    Source: encoding space and label encoding of arXiv 2311.15648; locks and exclusions are ours.
    """

    axes: tuple[Axis, ...]
    locked: Mapping[str, str] = field(default_factory=dict, hash=False)
    exclusions: tuple[Exclusion, ...] = ()

    def __post_init__(self) -> None:
        if not self.axes:
            raise EncodingError("the space has no axes; it needs at least one. Add an axis.")
        ids = [axis.id for axis in self.axes]
        if len(set(ids)) < len(ids):
            raise EncodingError(f"axis ids {ids} repeat; every axis has its own id. Rename one.")
        object.__setattr__(self, "locked", dict(self.locked))  # a later change by the caller changes nothing here
        for axis_id, term in self.locked.items():
            self.axis(axis_id).index_of(term)
        for exclusion in self.exclusions:
            for axis_id, terms in exclusion.terms.items():
                for term in terms:
                    self.axis(axis_id).index_of(term)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of terms of each axis; a locked axis counts as 1."""
        return tuple(1 if axis.id in self.locked else len(axis) for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of states: the product of the shape."""
        return prod(self.shape)

    @property
    def moves(self) -> tuple[Move, ...]:
        """Every move of the grid, axis by axis, up before down; locked axes have none."""
        return tuple(
            Move(axis_index=position, direction=direction)
            for position, axis in enumerate(self.axes)
            if axis.id not in self.locked
            for direction in (1, -1)
        )

    def axis(self, axis_id: str) -> Axis:
        """Finds an axis by its id.

        Args:
            axis_id: such as "object".

        Returns:
            The axis.

        Raises:
            UnknownTermError: if the space has no such axis.
        """
        for axis in self.axes:
            if axis.id == axis_id:
                return axis
        ids = [axis.id for axis in self.axes]
        raise UnknownTermError(
            f"there is no axis '{axis_id}'. The axes are: {', '.join(ids)}.{did_you_mean(axis_id, ids)}"
        )

    def encode(self, terms: Mapping[str, str]) -> Encoding:
        """Turns axis id -> term into an encoding.

        Args:
            terms: one term for each axis, or the beginning of one (`Axis.find`); a locked axis may be left out.

        Returns:
            The label encoding. An axis or term that does not exist is an UnknownTermError.

        Raises:
            EncodingError: if an axis is missing.
        """
        for axis_id in terms:
            self.axis(axis_id)
        given = {**self.locked, **terms}
        missing = [axis.id for axis in self.axes if axis.id not in given]
        if missing:
            raise EncodingError(f"the encoding {dict(terms)} says nothing of {missing}; give one term for every axis.")
        return Encoding(tuple(axis.index_of(axis.find(given[axis.id])) for axis in self.axes))

    def terms(self, encoding: Encoding) -> dict[str, str]:
        """Turns an encoding into axis id -> term; what is no point of this grid is an EncodingError."""
        self.require(encoding)
        return {axis.id: axis.terms[index] for axis, index in zip(self.axes, encoding.indices, strict=True)}

    def require(self, encoding: Encoding) -> None:
        """Refuses an encoding that is not a point of this grid.

        Raises:
            EncodingError: if the number of axes differs or an index is out of range.
        """
        sizes = tuple(len(axis) for axis in self.axes)
        fits = len(encoding.indices) == len(sizes) and all(
            0 <= index < size for index, size in zip(encoding.indices, sizes, strict=True)
        )
        if not fits:
            raise EncodingError(
                f"the encoding {encoding.indices} is no point of the grid of {sizes} terms; "
                "make encodings with EncodingSpace.encode."
            )

    def allows(self, encoding: Encoding) -> bool:
        """Tells whether an encoding respects the locks and no exclusion forbids it."""
        if not self.locked and not self.exclusions:
            self.require(encoding)
            return True
        terms = self.terms(encoding)
        is_excluded = any(
            all(terms[axis_id] in excluded for axis_id, excluded in exclusion.terms.items())
            for exclusion in self.exclusions
        )
        return self._respects_locks(terms) and not is_excluded

    def _respects_locks(self, terms: Mapping[str, str]) -> bool:
        """Tells whether every locked axis is at its term."""
        return all(terms[axis_id] == term for axis_id, term in self.locked.items())

    def index(self, encoding: Encoding) -> int:
        """Numbers an encoding: mixed radix over the axes that are not locked, the last axis fastest.

        Args:
            encoding: a point of the grid, at the locked terms.

        Returns:
            Its number, from 0 to size - 1.

        Raises:
            EncodingError: if the encoding is no point of this grid, or off a locked term; it would share the number
                of another encoding.
        """
        terms = self.terms(encoding)
        if not self._respects_locks(terms):
            raise EncodingError(
                f"the encoding {terms} has no number in a space locked at {dict(self.locked)}. "
                "Move it to the locked terms, or loosen a lock."
            )
        number = 0
        for axis, index in zip(self.axes, encoding.indices, strict=True):
            if axis.id not in self.locked:
                number = number * len(axis) + index
        return number

    def encoding(self, index: int) -> Encoding:
        """Finds the encoding of a number; the inverse of `index`.

        Args:
            index: from 0 to size - 1.

        Returns:
            The encoding.

        Raises:
            EncodingError: if the number is not from 0 to size - 1.
        """
        if not 0 <= index < self.size:
            raise EncodingError(f"state {index} does not exist; states go from 0 to {self.size - 1}.")
        indices: list[int] = []
        for axis in reversed(self.axes):
            if axis.id in self.locked:
                indices.append(axis.index_of(self.locked[axis.id]))
            else:
                index, position = divmod(index, len(axis))
                indices.append(position)
        return Encoding(tuple(reversed(indices)))

    def apply(self, encoding: Encoding, move: Move) -> Encoding:
        """Makes a move; at the border, on a locked axis, and before an excluded encoding, it stays where it is.

        Args:
            encoding: where it starts.
            move: one of `moves`.

        Returns:
            Where it ends.

        Raises:
            EncodingError: if the encoding or the axis of the move is not of this grid.
        """
        self.require(encoding)
        if move.axis_index >= len(self.axes):
            raise EncodingError(
                f"the move is along axis {move.axis_index}; the space has axes 0 to {len(self.axes) - 1}. "
                "Take one of EncodingSpace.moves."
            )
        if self.axes[move.axis_index].id in self.locked:
            return encoding
        indices = list(encoding.indices)
        indices[move.axis_index] += move.direction
        if not 0 <= indices[move.axis_index] < len(self.axes[move.axis_index]):
            return encoding
        moved = Encoding(tuple(indices))
        return moved if self.allows(moved) else encoding

    def neighbours(self, encoding: Encoding) -> list[Encoding]:
        """The allowed encodings one move away."""
        moved = (self.apply(encoding, move) for move in self.moves)
        return [neighbour for neighbour in moved if neighbour != encoding]

    def distance(self, first: Encoding, second: Encoding) -> int:
        """Manhattan distance, in moves."""
        self.require(first)
        self.require(second)
        return sum(abs(a - b) for a, b in zip(first.indices, second.indices, strict=True))

    def normalised_distance(self, first: Encoding, second: Encoding) -> float:
        """Distance as a share of the grid's longest, 0 to 1; 0 in a grid of one state."""
        longest = sum(size - 1 for size in (len(axis) for axis in self.axes))
        return self.distance(first, second) / longest if longest else 0.0

    def sample(self, rng: np.random.Generator) -> Encoding:
        """Draws an allowed encoding uniformly.

        Args:
            rng: source of all chance.

        Returns:
            The encoding, at the locked terms.

        Raises:
            EncodingError: if the exclusions leave next to nothing.
        """
        for _ in range(MAX_SAMPLING_TRIES):
            indices = tuple(
                axis.index_of(self.locked[axis.id]) if axis.id in self.locked else int(rng.integers(len(axis)))
                for axis in self.axes
            )
            if self.allows(Encoding(indices)):
                return Encoding(indices)
        raise EncodingError(
            f"no allowed encoding was met in {MAX_SAMPLING_TRIES} tries; the exclusions and locks "
            "forbid nearly everything. Loosen one."
        )

    def all_encodings(self) -> Iterator[Encoding]:
        """Walks over every allowed encoding, in the order of `index`; for small spaces."""
        return (encoding for encoding in map(self.encoding, range(self.size)) if self.allows(encoding))

    def lock(self, terms: Mapping[str, str]) -> "EncodingSpace":
        """Makes the same space with more axes held at a term."""
        return replace(
            self, locked={**self.locked, **{axis: self.axis(axis).find(term) for axis, term in terms.items()}}
        )
