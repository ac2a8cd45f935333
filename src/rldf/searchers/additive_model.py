"""AdditiveModel: a Gaussian process over encodings whose reward is, above all, a sum over the axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import final

import numpy as np
from jaxtyping import Float, Int

from rldf.searchers.term_evidence import TermShares

Points = Int[np.ndarray, "points axes"]
"""Encodings as rows of term indices."""

CONSTANT_VARIANCE = 1.0  # relative to the sum of the axes; our choice
NEIGHBOUR_LENGTH = 1.0  # in moves; our choice
INTERACTION_LENGTH = 2.0  # differing axes after which the residual is forgotten; our choice
PRIOR_TRIES = 3.0  # weight of the prior on the reward's variance, in tries; our choice
PRIOR_STD = 0.1  # prior standard deviation of the reward over encodings; our choice
JITTER = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the reward is assumed to look like; variances are relative to the sum over the axes.

    Attributes:
        axis_weights: relative importance of each axis; any positive scale.
        locality: how much of a term's effect its neighbours share, 0 to 1.
        percept_share: how much of an axis's effect goes through what is seen instead of what is asked, 0 to 1.
        interaction: variance of what is peculiar to a combination of terms.
        noise: variance of what changes from seed to seed.
    """

    axis_weights: tuple[float, ...]
    locality: float = 0.2
    percept_share: float = 0.7
    interaction: float = 0.1
    noise: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """What has been tried, as arrays.

    Attributes:
        points: encodings, (tries, axes).
        seen: per axis, what was read in each picture: (tries, terms), rows summing to 1.
        rewards: (tries,).
    """

    points: Int[np.ndarray, "tries axes"]
    seen: tuple[Float[np.ndarray, "tries _terms"], ...]
    rewards: Float[np.ndarray, " tries"]


@final
class Likeness:
    """How alike some encodings and some tries are, axis by axis, before the shape of the reward is known.

    Attributes:
        asked: (2, axes, rows, tries): whether both ask for the same term; how near the terms asked for are.
        seen: the same for the terms seen in the pictures.
    """

    def __init__(self, *, terms: Sequence[np.ndarray], seen: Sequence[np.ndarray], tries: Tries) -> None:
        """Compares rows with tries.

        Args:
            terms: per axis, the term index of each row.
            seen: per axis, what is seen in the pictures of each row: (rows, terms), rows summing to 1.
            tries: what to compare with.
        """
        self.asked, self.seen = [], []
        for position, (asked, shown) in enumerate(zip(terms, seen, strict=True)):
            same, near = _term_likeness(shown.shape[1])
            columns = tries.points[:, position]
            tried = tries.seen[position].T
            self.asked.append((same[np.ix_(asked, columns)], near[np.ix_(asked, columns)]))
            self.seen.append((shown @ tried, shown @ near @ tried))

    def by_axis(self, shape: Shape) -> list[np.ndarray]:
        """Covariance contributed by each axis: (rows, tries) each."""
        shares = (1 - shape.locality, shape.locality)
        variances = _axis_variances(shape)
        return [
            variance
            * (
                (1 - shape.percept_share) * (shares[0] * asked[0] + shares[1] * asked[1])
                + shape.percept_share * (shares[0] * seen[0] + shares[1] * seen[1])
            )
            for variance, asked, seen in zip(variances, self.asked, self.seen, strict=True)
        ]

    def differences(self) -> list[np.ndarray]:
        """Each axis's exponent of the interaction: 0 where both ask for the same term; (rows, tries) each."""
        return [(same - 1) / INTERACTION_LENGTH for same, _ in self.asked]


@final
class Evidence:
    """How well shapes explain some tries; what does not depend on the shape is computed once."""

    def __init__(self, tries: Tries) -> None:
        """Compares the tries with one another."""
        terms = list(tries.points.T)
        self._likeness = Likeness(terms=terms, seen=tries.seen, tries=tries)
        self._combination = np.exp(np.sum(self._likeness.differences(), axis=0))
        self._offset = float(np.median(tries.rewards))
        self._deviations = tries.rewards - self._offset

    @property
    def offset(self) -> float:
        """Prior mean of the reward: the median of what has been seen."""
        return self._offset

    def solve(self, shape: Shape) -> tuple[np.ndarray, np.ndarray, float]:
        """Conditions a shape on the tries.

        Args:
            shape: what the reward is assumed to look like.

        Returns:
            The inverse Cholesky factor of the covariance of the tries, (tries, tries); the rewards whitened with it,
            (tries,); the variance of the reward that one unit of the shape's variances stands for.
        """
        whitener = np.linalg.inv(self._factor(shape))
        whitened = whitener @ self._deviations
        return whitener, whitened, self._misfit(whitened) / (PRIOR_TRIES + len(whitened))

    def log_evidence(self, shape: Shape) -> float:
        """How well a shape explains the tries: log of their density, but for a constant."""
        lower = self._factor(shape)
        whitened = np.linalg.solve(lower, self._deviations)
        degrees = PRIOR_TRIES + len(whitened)
        return float(-0.5 * degrees * np.log(self._misfit(whitened)) - np.log(np.diag(lower)).sum())

    def _factor(self, shape: Shape) -> np.ndarray:
        """Lower Cholesky factor of the covariance of the tries."""
        covariance = CONSTANT_VARIANCE + shape.interaction * self._combination
        for part in self._likeness.by_axis(shape):
            covariance += part
        covariance[np.diag_indices_from(covariance)] += shape.noise + JITTER
        return np.linalg.cholesky(covariance)

    @staticmethod
    def _misfit(whitened: np.ndarray) -> float:
        return PRIOR_TRIES * PRIOR_STD**2 + float(whitened @ whitened)


@final
class AdditiveModel:
    """Posterior of the mean reward of any encoding, after some tries.

    The covariance of two encodings is a constant, plus one part per axis (equal terms share all of it, neighbouring
    terms a part), plus a product over all axes for what is peculiar to a combination. Each axis part is a mixture of
    the term asked for and of the term seen in the picture.

    Source: additive Gaussian processes, Duvenaud et al. 2011 (orders 1 and full only); the scale is integrated out
    under an inverse-gamma prior; the mixture with percepts is ours.
    """

    def __init__(self, *, shape: Shape, shares: Sequence[TermShares], tries: Tries) -> None:
        """Conditions the model on the tries.

        Args:
            shape: what the reward is assumed to look like.
            shares: per axis, what is expected to be seen when a term is asked for.
            tries: what has been tried.
        """
        evidence = Evidence(tries)
        self._offset = evidence.offset
        self._whitener, whitened, self._scale = evidence.solve(shape)
        self._weights = self._whitener.T @ whitened
        self._shape = shape
        self._shares = tuple(shares)
        every_term = Likeness(terms=[np.arange(len(share)) for share in shares], seen=shares, tries=tries)
        self._by_axis = every_term.by_axis(shape)  # per axis (terms, tries)
        self._differences = every_term.differences()
        self._own_variances = [
            variance * _own_share(shape, share) for variance, share in zip(_axis_variances(shape), shares, strict=True)
        ]

    def predict(self, points: Points) -> tuple[np.ndarray, np.ndarray]:
        """Predicts the mean reward over seeds.

        Args:
            points: encodings, (points, axes).

        Returns:
            Posterior mean and standard deviation, each (points,), in the unit of the reward.
        """
        covariance, own = self._covariance(points)
        mean = self._offset + covariance @ self._weights
        explained = np.square(covariance @ self._whitener.T).sum(axis=1)
        variance = np.maximum(own - explained, 0.0) * self._scale
        return mean, np.sqrt(variance)

    def imagine(self, point: Int[np.ndarray, " axes"]) -> None:
        """Takes a try as made whose reward is the one predicted: means stay, what it tells of is less uncertain.

        Args:
            point: an encoding; what is seen in its picture is what is expected.
        """
        covariance, own = self._covariance(point[np.newaxis])
        explained = self._whitener @ covariance[0]
        rest = own[0] + self._shape.noise + JITTER - explained @ explained
        size = len(self._weights)
        whitener = np.zeros((size + 1, size + 1))
        whitener[:size, :size] = self._whitener
        whitener[size, :size] = -(explained @ self._whitener) / np.sqrt(rest)
        whitener[size, size] = 1 / np.sqrt(rest)
        self._whitener = whitener
        self._weights = np.append(self._weights, 0.0)
        seen = tuple(share[[index]] for share, index in zip(self._shares, point, strict=True))
        tried = Tries(points=point[np.newaxis], seen=seen, rewards=np.zeros(1))
        terms = [np.arange(len(share)) for share in self._shares]
        likeness = Likeness(terms=terms, seen=self._shares, tries=tried)
        pairs = zip(self._by_axis, likeness.by_axis(self._shape), strict=True)
        self._by_axis = [np.hstack(pair) for pair in pairs]
        self._differences = [np.hstack(pair) for pair in zip(self._differences, likeness.differences(), strict=True)]

    def _covariance(self, points: Points) -> tuple[np.ndarray, np.ndarray]:
        """Covariance of points with the tries, (points, tries), and of each with itself, (points,)."""
        covariance = np.full((len(points), len(self._weights)), CONSTANT_VARIANCE)
        exponent = np.zeros_like(covariance)
        own = np.full(len(points), CONSTANT_VARIANCE + self._shape.interaction)
        for position, terms in enumerate(points.T):
            covariance += self._by_axis[position][terms]
            exponent += self._differences[position][terms]
            own += self._own_variances[position][terms]
        covariance += self._shape.interaction * np.exp(exponent)
        return covariance, own


def _axis_variances(shape: Shape) -> np.ndarray:
    """Variance of each axis's contribution; they sum to 1."""
    weights = np.array(shape.axis_weights)
    return np.asarray(weights / weights.sum())


def _own_share(shape: Shape, share: np.ndarray) -> np.ndarray:
    """Share of an axis's variance that each term has when its percept is only expected: (terms,), 0 to 1."""
    same, near = _term_likeness(len(share))
    likeness = (1 - shape.locality) * same + shape.locality * near
    by_seen = np.sum((share @ likeness) * share, axis=1)
    return np.asarray((1 - shape.percept_share) + shape.percept_share * by_seen)


@cache
def _term_likeness(num_terms: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether two terms of an axis are the same, and how near they are: (terms, terms) each, 0 to 1."""
    positions = np.arange(num_terms)
    moves = np.abs(positions[:, np.newaxis] - positions[np.newaxis, :])
    return np.eye(num_terms), np.exp(-moves / NEIGHBOUR_LENGTH)
