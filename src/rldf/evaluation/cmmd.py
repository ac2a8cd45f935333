"""CMMD: maximum mean discrepancy with a Gaussian kernel on features of unit length."""

from typing import final

import numpy as np
from jaxtyping import Float

from rldf.contracts import Metric, MetricValue
from rldf.evaluation.rows import blocks, draw_rows, require_comparable, squared_distances

SIGMA = 10.0  # the paper's, section 5
SCALE = 1000.0  # the paper's, so that numbers are easy to read
MAX_ROWS = 20_000  # our choice


@final
class CmmdMetric(Metric):
    """Mean kernel within each set, less twice that between the sets, times 1000; 0 for equal sets, never negative.

    The kernel is exp(-abs(x - y)^2 / (2 sigma^2)). The estimate is the biased one, of smallest variance, as in the
    paper's code; features are scaled to unit length first. The name is earned with CLIP's features alone.

    Source: Jayasumana et al. 2024, arXiv 2401.09603, eq. (4), sigma = 10.
    """

    def __init__(self, *, sigma: float = SIGMA, max_rows: int = MAX_ROWS) -> None:
        """Sets the kernel.

        Args:
            sigma: its width, above 0.
            max_rows: rows of each set that are used at most, at least 1.
        """
        self._sigma = sigma
        self._max_rows = max_rows

    def compute(
        self, real: Float[np.ndarray, "real _features"], generated: Float[np.ndarray, "generated _features"]
    ) -> tuple[MetricValue, ...]:
        """Compares; one row per picture."""
        require_comparable(real, generated, min_rows=1)
        x = _unit_length(draw_rows(real, max_rows=self._max_rows))
        y = _unit_length(draw_rows(generated, max_rows=self._max_rows))
        value = self._mean_kernel(x, x) + self._mean_kernel(y, y) - 2.0 * self._mean_kernel(x, y)
        settings = {"sigma": self._sigma, "num_real": len(x), "num_synthetic": len(y)}
        return (MetricValue(name="cmmd", value=SCALE * value, settings=settings),)

    def _mean_kernel(
        self, left: Float[np.ndarray, "left features"], right: Float[np.ndarray, "right features"]
    ) -> float:
        width = 2.0 * self._sigma**2
        total = 0.0
        for some in blocks(left):
            for others in blocks(right):
                total += float(np.exp(-squared_distances(some, others) / width).sum())
        return total / (len(left) * len(right))


def _unit_length(rows: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows features"]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12))
