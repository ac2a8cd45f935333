"""Intervals and tests of paired results, written out: bootstrap, Wilcoxon, Holm, interquartile mean, profiles.

The unit is the target: what a method did on one target, averaged over its seeds. Two methods are compared on the same
targets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from jaxtyping import Float

from rldf.seeding import child_rng

NUM_RESAMPLES = 2000  # our choice: the ends of a 95 % interval move by a few thousandths from seed to seed
MAX_EXACT_PAIRS = 25  # non-zero differences up to which the Wilcoxon test counts every sign pattern

Values = Float[np.ndarray, " values"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean with a 95 % interval.

    Attributes:
        mean: of the values.
        low, high: ends of the interval.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One method against another on the same targets.

    Attributes:
        difference: mean of the paired differences, with its interval.
        p_value: of the Wilcoxon signed-rank test, two-sided.
        holm: the same, corrected for the number of comparisons.
    """

    difference: Interval
    p_value: float
    holm: float


def bootstrap_mean(
    values: Values, *, strata: Sequence[str] | None = None, seed: int = 0, num_resamples: int = NUM_RESAMPLES
) -> Interval:
    """Mean and its 95 % percentile bootstrap interval, resampled within strata.

    Args:
        values: one per target, at least one.
        strata: kind of each target; None for one stratum.
        seed: of the resampling.
        num_resamples: how many.

    Returns:
        The interval.

    Source: Efron & Tibshirani 1993, section 13.3; stratified as in Agarwal et al. 2021.
    """
    groups = np.zeros(len(values), dtype=np.int64)
    if strata is not None:
        _, groups = np.unique(np.array(strata), return_inverse=True)
    rng = child_rng(seed, "bootstrap")
    sums = np.zeros(num_resamples)
    for group in range(int(groups.max()) + 1):
        members = values[groups == group]
        picks = rng.integers(len(members), size=(num_resamples, len(members)))
        sums += members[picks].sum(axis=1)
    low, high = np.quantile(sums / len(values), [0.025, 0.975])
    return Interval(mean=float(values.mean()), low=float(low), high=float(high))


def wilcoxon(differences: Values) -> float:
    """Two-sided p-value of the Wilcoxon signed-rank test; zero differences are left out.

    Args:
        differences: paired differences.

    Returns:
        0 to 1; 1 where all are zero. Exact up to 25 differences without ties in size, else by the normal approximation
        with corrections for ties and continuity.

    Source: Wilcoxon 1945; Hollander & Wolfe 1999, section 3.1.
    """
    kept = differences[differences != 0]
    if len(kept) == 0:
        return 1.0
    ranks = rank_averaged(np.abs(kept))
    statistic = float(ranks[kept > 0].sum())
    has_ties = len(np.unique(np.abs(kept))) < len(kept)
    if len(kept) <= MAX_EXACT_PAIRS and not has_ties:
        return _exact_p_value(len(kept), round(statistic))
    count = len(kept)
    mean = count * (count + 1) / 4
    _, sizes = np.unique(np.abs(kept), return_counts=True)
    variance = count * (count + 1) * (2 * count + 1) / 24 - float((sizes**3 - sizes).sum()) / 48
    distance = max(abs(statistic - mean) - 0.5, 0.0)
    return min(1.0, erfc(distance / sqrt(variance) / sqrt(2)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrects p-values for the number of tests, so that the chance of any false alarm stays below the level.

    Args:
        p_values: of a family of tests.

    Returns:
        Corrected values in the same order, at most 1.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]

    Source: Holm 1979.
    """
    order = np.argsort(p_values, kind="stable")
    corrected = np.zeros(len(p_values))
    largest = 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = largest
    return [float(value) for value in corrected]


def interquartile_mean(values: Values) -> float:
    """Mean of the middle half; the values at its ends count in part.

    Args:
        values: at least one.

    Returns:
        The mean.

    Example:
        >>> interquartile_mean(np.array([0.0, 1.0, 2.0, 9.0]))
        1.5

    Source: Agarwal et al. 2021.
    """
    ordered = np.sort(values)
    edges = np.arange(len(ordered) + 1) / len(ordered)
    shares = np.clip(np.minimum(edges[1:], 0.75) - np.maximum(edges[:-1], 0.25), 0.0, None)
    return float((ordered * shares).sum() / shares.sum())


def performance_profile(
    values: Values, thresholds: Float[np.ndarray, " thresholds"]
) -> Float[np.ndarray, " thresholds"]:
    """Share of values that reach each threshold.

    Args:
        values: one per run.
        thresholds: what to reach.

    Returns:
        One share per threshold, 0 to 1.

    Source: Agarwal et al. 2021, section 4.2.
    """
    return np.asarray((values[np.newaxis, :] >= thresholds[:, np.newaxis]).mean(axis=1))


def compare(
    best: Values, others: Mapping[str, Values], *, strata: Sequence[str] | None = None, seed: int = 0
) -> dict[str, Comparison]:
    """Compares one method with all others on the same targets.

    Args:
        best: what the method did, one value per target.
        others: name of each other method to what it did on these targets.
        strata: kind of each target.
        seed: of the resampling.

    Returns:
        Name to comparison; a positive difference is for the one method.
    """
    differences = {name: best - values for name, values in others.items()}
    p_values = {name: wilcoxon(values) for name, values in differences.items()}
    corrected = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    return {
        name: Comparison(
            difference=bootstrap_mean(values, strata=strata, seed=seed),
            p_value=p_values[name],
            holm=corrected[name],
        )
        for name, values in differences.items()
    }


def rank_averaged(values: Values) -> Values:
    """Ranks from 1; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse])


def _exact_p_value(count: int, statistic: int) -> float:
    """Counts the sign patterns that are at least as one-sided."""
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1.0
    for rank in range(1, count + 1):
        ways[rank:] = ways[rank:] + ways[:-rank]
    shares = ways / ways.sum()
    return float(min(1.0, 2 * min(shares[: statistic + 1].sum(), shares[statistic:].sum())))
