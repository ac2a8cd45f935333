"""TermModel: Bayesian linear regression of the reward on the terms of an encoding; one weight per term."""

from collections.abc import Sequence
from typing import final

import numpy as np
from jaxtyping import Float, Int

from rldf.records.percept import StepRecord
from rldf.space import EncodingSpace

PRIOR_VARIANCE = 1.0  # of a weight, in squared spreads of the rewards; our choice
NOISE_VARIANCE = 0.2  # of a try, in squared spreads of the rewards; our choice
MIN_SPREAD = 1e-6


@final
class TermModel:
    """Posterior of a reward that is a sum of one weight per axis and term, after some tries.

    The rewards are taken in units of their own spread around their mean, so rewards of any range will do.

    Source: Bayesian linear regression, Bishop 2006, section 3.3, on one-hot terms.
    """

    def __init__(
        self, space: EncodingSpace, *, prior_variance: float = PRIOR_VARIANCE, noise_variance: float = NOISE_VARIANCE
    ) -> None:
        """Starts with no tries.

        Args:
            space: the grid.
            prior_variance: of each weight, in squared spreads.
            noise_variance: of each try, in squared spreads.
        """
        sizes = [len(axis) for axis in space.axes]
        self._offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        self._num_weights = int(sum(sizes))
        self._noise_variance = noise_variance
        self._precision = np.eye(self._num_weights) / prior_variance
        self._sums = np.zeros((self._num_weights, 2))  # of rewards, and of ones
        self._rewards: list[float] = []
        self._solved: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def num_tries(self) -> int:
        """Tries learned from."""
        return len(self._rewards)

    @property
    def mean(self) -> float:
        """Mean reward of the tries; 0 before the first."""
        return float(np.mean(self._rewards)) if self._rewards else 0.0

    @property
    def spread(self) -> float:
        """Standard deviation of the rewards of the tries; above 0."""
        return max(float(np.std(self._rewards)), MIN_SPREAD) if self._rewards else 1.0

    def learn(self, records: Sequence[StepRecord]) -> None:
        """Takes in tries, by the encodings asked for."""
        for record in records:
            columns = self.columns(np.array([record.outcome.encoding.indices]))[0]
            self._precision[np.ix_(columns, columns)] += 1 / self._noise_variance
            self._sums[columns] += (record.reward / self._noise_variance, 1 / self._noise_variance)
            self._rewards.append(record.reward)
            self._solved = None

    def columns(self, points: Int[np.ndarray, "points axes"]) -> Int[np.ndarray, "points axes"]:
        """Finds the weights of each point: one per axis."""
        return np.asarray(points + self._offsets)

    def weights(self) -> tuple[Float[np.ndarray, " weights"], Float[np.ndarray, "weights weights"]]:
        """Posterior mean of the weights and the lower Cholesky factor of their covariance, in spreads."""
        if self._solved is None:
            covariance = np.linalg.inv(self._precision)
            scaled = (self._sums[:, 0] - self.mean * self._sums[:, 1]) / self.spread
            covariance = (covariance + covariance.T) / 2
            lower = np.linalg.cholesky(covariance + 1e-10 * np.eye(self._num_weights))
            self._solved = covariance @ scaled, lower
        return self._solved

    def draw(self, rng: np.random.Generator) -> Float[np.ndarray, " weights"]:
        """Draws weights from the posterior, in spreads."""
        mean, lower = self.weights()
        return np.asarray(mean + lower @ rng.standard_normal(self._num_weights))

    def predict(self, points: Int[np.ndarray, "points axes"]) -> tuple[np.ndarray, np.ndarray]:
        """Predicts points: mean and standard deviation of each, in spreads above the mean reward.

        Args:
            points: encodings, (points, axes).

        Returns:
            Two arrays, (points,) each.
        """
        mean, lower = self.weights()
        columns = self.columns(points)
        rows = lower[columns].sum(axis=1)  # (points, weights)
        return mean[columns].sum(axis=1), np.sqrt(np.square(rows).sum(axis=1))
