"""Density and coverage: precision and recall that single outliers do not move."""

from typing import final

import numpy as np
from jaxtyping import Float

from rldf.contracts import Metric, MetricValue
from rldf.evaluation.rows import blocks, draw_rows, neighbour_distances, require_comparable, squared_distances

NEIGHBOUR = 5  # the paper's, section 4
MAX_ROWS = 20_000  # our choice


@final
class DensityCoverageMetric(Metric):
    """Density: in how many balls of real pictures a synthetic one lies, on average and divided by k; 1 for equal sets.

    Coverage: share of the real pictures with a synthetic one in their ball. A ball reaches to the k-th nearest real
    neighbour; its border does not belong to it.

    Source: Naeem et al. 2020, arXiv 2002.09797, eq. (4) and (5), k = 5, and its code for the border.
    """

    def __init__(self, *, neighbour: int = NEIGHBOUR, max_rows: int = MAX_ROWS) -> None:
        """Sets the size of the balls.

        Args:
            neighbour: k, at least 1.
            max_rows: rows of each set that are used at most, above `neighbour`.
        """
        self._neighbour = neighbour
        self._max_rows = max_rows

    def compute(
        self, real: Float[np.ndarray, "real _features"], generated: Float[np.ndarray, "generated _features"]
    ) -> tuple[MetricValue, ...]:
        """Compares; one row per picture."""
        require_comparable(real, generated, min_rows=self._neighbour + 1)
        x, y = draw_rows(real, max_rows=self._max_rows), draw_rows(generated, max_rows=self._max_rows)
        radii = neighbour_distances(x, neighbour=self._neighbour)
        num_hits = 0
        is_covered = np.zeros(len(x), dtype=bool)
        for left in blocks(y):
            start = 0
            for right in blocks(x):
                is_inside = squared_distances(left, right) < radii[start : start + len(right)]
                num_hits += int(is_inside.sum())
                is_covered[start : start + len(right)] |= is_inside.any(axis=0)
                start += len(right)
        settings = {"neighbour": self._neighbour, "num_real": len(x), "num_synthetic": len(y)}
        values = {"density": num_hits / (self._neighbour * len(y)), "coverage": float(is_covered.mean())}
        return tuple(
            MetricValue(name=name, value=value, better="higher", settings=settings) for name, value in values.items()
        )
