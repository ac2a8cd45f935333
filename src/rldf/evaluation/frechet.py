"""Frechet distance: how far apart two Gaussians lie that were fitted to features."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from rldf.contracts import Metric, MetricValue
from rldf.errors import ConfigError
from rldf.evaluation.rows import Rows, blocks, require_comparable


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Number, mean and scatter of rows; two of them merge without the rows.

    Attributes:
        count: rows.
        mean: of the rows, float64.
        scatter: sum of the outer products of the rows less their mean, float64.

    Source: merging as in Chan, Golub & LeVeque 1983, eq. (2.1); it keeps digits that sums of squares lose.
    """

    count: int
    mean: Float[np.ndarray, " features"]
    scatter: Float[np.ndarray, "features features"]

    @classmethod
    def of(cls, rows: Rows) -> "Moments":
        """Computes the moments of rows, block by block."""
        merged = cls(count=0, mean=np.zeros(rows.shape[1]), scatter=np.zeros((rows.shape[1], rows.shape[1])))
        for block in blocks(rows):
            mean = block.mean(axis=0)
            centred = block - mean
            merged = merged.merge(cls(count=len(block), mean=mean, scatter=centred.T @ centred))
        return merged

    def merge(self, other: "Moments") -> "Moments":
        """Computes the moments of the rows of both."""
        count = self.count + other.count
        if count == 0:
            return self
        gap = other.mean - self.mean
        weight = self.count * other.count / count
        return Moments(
            count=count,
            mean=self.mean + gap * (other.count / count),
            scatter=self.scatter + other.scatter + np.outer(gap, gap) * weight,
        )

    @property
    def covariance(self) -> Float[np.ndarray, "features features"]:
        """Unbiased covariance of the rows.

        Raises:
            ConfigError: if there are fewer than two rows.
        """
        if self.count < 2:
            raise ConfigError(f"a covariance of {self.count} pictures does not exist; it takes at least 2. Give more.")
        return self.scatter / (self.count - 1)


def frechet_distance(first: Moments, second: Moments) -> float:
    """Computes abs(m1 - m2)^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2)).

    The last trace is the sum of the singular values of C1^(1/2) C2^(1/2). Both roots come from eigenvectors of
    symmetric matrices, without the directions in which nothing varies, so fewer pictures than features do no harm to
    the arithmetic (they do to the meaning: the distance is then biased upwards).

    Args:
        first: moments of one set.
        second: moments of the other.

    Returns:
        The squared distance, 0 or larger.

    Source: Dowson & Landau 1982, eq. (4); as a measure of image sets, Heusel et al. 2017, arXiv 1706.08500.
    """
    gap = first.mean - second.mean
    first_root, second_root = _root(first.covariance), _root(second.covariance)
    cross = np.linalg.svd(first_root.T @ second_root, compute_uv=False).sum()
    total = gap @ gap + (first_root**2).sum() + (second_root**2).sum() - 2.0 * cross
    return max(0.0, float(total))


@final
class FrechetMetric(Metric):
    """The Frechet distance of two sets; called FID where the features are those of Inception."""

    def compute(
        self, real: Float[np.ndarray, "real _features"], generated: Float[np.ndarray, "generated _features"]
    ) -> tuple[MetricValue, ...]:
        """Compares; one row per picture."""
        require_comparable(real, generated, min_rows=2)
        value = frechet_distance(Moments.of(real), Moments.of(generated))
        smallest, features = min(len(real), len(generated)), real.shape[1]
        relation = "fewer than" if smallest < features else "only as many as"
        warning = (
            f"{smallest} pictures are {relation} {features} features: the covariance is singular and the distance far "
            "too large; compare by the kernel distance, or give more pictures"
        )
        return (MetricValue(name="frechet", value=value, warnings=(warning,) if smallest <= features else ()),)


def _root(covariance: Float[np.ndarray, "features features"]) -> Float[np.ndarray, "features rank"]:
    """A matrix R with R R' = covariance: eigenvectors, each scaled by the root of its eigenvalue."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2.0)
    smallest = max(float(values[-1]), 0.0) * len(values) * float(np.finfo(np.float64).eps)
    is_kept = values > smallest
    return np.asarray(vectors[:, is_kept] * np.sqrt(values[is_kept]))
