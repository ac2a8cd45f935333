"""Improved precision and recall: how many pictures lie on the other set's manifold."""

from typing import final

import numpy as np
from jaxtyping import Float

from rldf.contracts import Metric, MetricValue
from rldf.evaluation.rows import blocks, draw_rows, neighbour_distances, require_comparable, squared_distances

NEIGHBOUR = 3  # the paper's, section 2
MAX_ROWS = 20_000  # our choice; the paper takes 50,000, which costs six times as much


@final
class PrecisionRecallMetric(Metric):
    """Precision: share of synthetic pictures no further from some real one than that one's k-th nearest real neighbour.

    Recall is the same with the sets exchanged. A ball's border belongs to it.

    Source: Kynkaanniemi et al. 2019, arXiv 1904.06991, eq. (1) and (2), k = 3. Sets above `max_rows` are thinned.
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
        settings = {"neighbour": self._neighbour, "num_real": len(x), "num_synthetic": len(y)}
        warnings = (
            (f"the sets differ in size ({len(x)} and {len(y)}): balls are larger in the smaller one",)
            if len(x) != len(y)
            else ()
        )
        shares = {
            "precision": _share_inside(y, of=x, neighbour=self._neighbour),
            "recall": _share_inside(x, of=y, neighbour=self._neighbour),
        }
        return tuple(
            MetricValue(name=name, value=share, better="higher", settings=settings, warnings=warnings)
            for name, share in shares.items()
        )


def _share_inside(
    rows: Float[np.ndarray, "rows features"], *, of: Float[np.ndarray, "others features"], neighbour: int
) -> float:
    """Share of rows that lie in at least one ball of the others."""
    radii = neighbour_distances(of, neighbour=neighbour)
    num_inside = 0
    for left in blocks(rows):
        is_inside = np.zeros(len(left), dtype=bool)
        start = 0
        for right in blocks(of):
            is_inside |= (squared_distances(left, right) <= radii[start : start + len(right)]).any(axis=1)
            start += len(right)
        num_inside += int(is_inside.sum())
    return num_inside / len(rows)
