"""Kernel distance (KID): unbiased, with a seed and a spread."""

from typing import final

import numpy as np
from jaxtyping import Float

from rldf.contracts import Metric, MetricValue
from rldf.evaluation.rows import canonical_order, require_comparable
from rldf.seeding import child_rng

NUM_SUBSETS = 100  # as in the paper's code
SUBSET_SIZE = 1000  # as in the paper's code


@final
class KernelMetric(Metric):
    """Squared maximum mean discrepancy with the kernel k(x, y) = (x . y / features + 1)^3, over random subsets.

    Each subset takes m rows of each set. With h(i, j) = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i) its
    estimate is the mean of h over all i != j: unbiased, so it may be slightly negative, and 0 for equal sets. The value
    is the mean over the subsets, the spread their standard deviation. Where a subset would be all of both sets, there
    is one and no spread.

    Source: the U-statistic of Gretton et al. 2012, eq. (4); kernel and subsets of Binkowski et al. 2018, arXiv
    1801.01401. We use the U-statistic, where the usual code also counts k(x_i, y_i); both are unbiased.
    """

    def __init__(self, *, seed: int = 0, num_subsets: int = NUM_SUBSETS, subset_size: int = SUBSET_SIZE) -> None:
        """Sets how subsets are drawn.

        Args:
            seed: of the draws, 0 or larger.
            num_subsets: subsets, at least 1.
            subset_size: rows of each set in a subset, at least 2; smaller sets are taken whole.
        """
        self._seed = seed
        self._num_subsets = num_subsets
        self._subset_size = subset_size

    def compute(
        self, real: Float[np.ndarray, "real _features"], generated: Float[np.ndarray, "generated _features"]
    ) -> tuple[MetricValue, ...]:
        """Compares; one row per picture."""
        require_comparable(real, generated, min_rows=2)
        size = min(self._subset_size, len(real), len(generated))
        num_subsets = 1 if size == len(real) == len(generated) else self._num_subsets
        real_order, generated_order = canonical_order(real), canonical_order(generated)
        estimates = []
        for subset in range(num_subsets):
            rng = child_rng(self._seed, "kernel-distance", subset)
            chosen = rng.permutation(len(real))[:size]
            others = chosen if len(real) == len(generated) else rng.permutation(len(generated))[:size]
            estimates.append(_u_statistic(real[real_order[chosen]], generated[generated_order[others]]))
        return (
            MetricValue(
                name="kernel",
                value=float(np.mean(estimates)),
                spread=float(np.std(estimates)) if num_subsets > 1 else None,
                settings={"seed": self._seed, "num_subsets": num_subsets, "subset_size": size},
                warnings=self._warnings(size, num_real=len(real), num_generated=len(generated)),
            ),
        )

    def _warnings(self, size: int, *, num_real: int, num_generated: int) -> tuple[str, ...]:
        if size == num_real == num_generated:
            text = (
                f"the sets hold {size} pictures each, so a subset of {self._subset_size} is all of both: there is one, "
                f"and no spread; more than {self._subset_size} pictures give one"
            )
        elif size == min(num_real, num_generated):
            text = (
                f"subsets hold {size} pictures, {self._subset_size} wanted, and that is all of the smaller set: the "
                "spread is too small, since it is that of the other set alone"
            )
        else:
            return ()
        return (text,)


def _u_statistic(real: Float[np.ndarray, "size features"], generated: Float[np.ndarray, "size features"]) -> float:
    x, y = np.asarray(real, dtype=np.float64), np.asarray(generated, dtype=np.float64)
    size = len(x)
    within = _cubic(x, x) + _cubic(y, y)
    across = _cubic(x, y)
    summed = within - across - across.T
    return float((summed.sum() - np.trace(summed)) / (size * (size - 1)))


def _cubic(
    left: Float[np.ndarray, "left features"], right: Float[np.ndarray, "right features"]
) -> Float[np.ndarray, "left right"]:
    """The polynomial kernel; the right side is copied so that equal sets take the same path and give equal bits."""
    return np.asarray((left @ right.copy().T / left.shape[1] + 1.0) ** 3)
