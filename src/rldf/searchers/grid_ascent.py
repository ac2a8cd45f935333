"""Climbs a function over the grid one axis at a time, without walking over all of it."""

from collections.abc import Callable
from typing import final

import numpy as np

from rldf.searchers.additive_model import Points
from rldf.space import EncodingSpace

MAX_SWEEPS = 6


@final
class GridAscent:
    """Coordinate ascent over the free axes of a space; locks and exclusions are kept."""

    def __init__(self, space: EncodingSpace) -> None:
        self._free = [(position, len(axis)) for position, axis in enumerate(space.axes) if axis.id not in space.locked]
        self._exclusions = [
            [
                (position, np.array([term in exclusion.terms[axis.id] for term in axis.terms]))
                for position, axis in enumerate(space.axes)
                if axis.id in exclusion.terms
            ]
            for exclusion in space.exclusions
        ]

    def allows(self, points: Points) -> np.ndarray:
        """Tells for each point whether no exclusion forbids it: (points,), bool."""
        is_allowed = np.ones(len(points), dtype=bool)
        for masks in self._exclusions:
            is_excluded = np.ones(len(points), dtype=bool)
            for position, mask in masks:
                is_excluded &= mask[points[:, position]]
            is_allowed &= ~is_excluded
        return is_allowed

    def climb(self, score: Callable[[Points], np.ndarray], starts: Points) -> tuple[Points, np.ndarray]:
        """Climbs from every start at once until no single term improves it.

        Args:
            score: the function to maximise; larger is better, one value per point.
            starts: allowed points to start from.

        Returns:
            The points reached and their scores, in the order of the starts.
        """
        points = starts.copy()
        scores = score(points)
        for _ in range(MAX_SWEEPS):
            has_moved = False
            for position, num_terms in self._free:
                candidates = np.repeat(points, num_terms, axis=0)
                candidates[:, position] = np.tile(np.arange(num_terms), len(points))
                values = np.where(self.allows(candidates), score(candidates), -np.inf)
                table = values.reshape(len(points), num_terms)
                choice = table.argmax(axis=1)
                best = table[np.arange(len(points)), choice]
                improves = best > scores + 1e-12
                points[improves, position] = choice[improves]
                scores[improves] = best[improves]
                has_moved = has_moved or bool(improves.any())
            if not has_moved:
                break
        return points, scores
