"""Each statistic against scipy, or against numbers worked out by hand."""

import numpy as np
import pytest
from scipy import stats

from rldf.bench.statistics import (
    bootstrap_mean,
    compare,
    holm,
    interquartile_mean,
    performance_profile,
    rank_averaged,
    wilcoxon,
)


@pytest.mark.parametrize("count", [1, 5, 12, 25])
def test_wilcoxon__exact_equals_scipy(count: int) -> None:
    differences = np.random.default_rng(count).normal(0.3, 1, count)
    expected = stats.wilcoxon(differences, method="exact").pvalue
    assert wilcoxon(differences) == pytest.approx(float(expected))


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5])
def test_wilcoxon__approximate_equals_scipy_with_ties_and_zeros(shift: float) -> None:
    differences = np.round(np.random.default_rng(3).normal(shift, 1, 60), 1)
    assert (differences == 0).any()
    expected = stats.wilcoxon(differences, method="approx", correction=True, zero_method="wilcox").pvalue
    assert wilcoxon(differences) == pytest.approx(float(expected))


def test_wilcoxon__no_difference_is_no_evidence() -> None:
    assert wilcoxon(np.zeros(10)) == 1.0


def test_rank_averaged__equals_scipy() -> None:
    values = np.random.default_rng(0).integers(0, 8, 40).astype(float)
    np.testing.assert_array_equal(rank_averaged(values), stats.rankdata(values))


def test_holm__equals_the_definition() -> None:
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, and never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm__stays_at_one() -> None:
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_bootstrap_mean__equals_scipy_within_its_own_noise() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.2, 80)
    mine = bootstrap_mean(values, num_resamples=8000)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", rng=0, n_resamples=8000).confidence_interval
    assert mine.mean == pytest.approx(values.mean())
    assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)


def test_bootstrap_mean__strata_take_away_what_lies_between_them() -> None:
    values = np.array([0.0] * 20 + [1.0] * 20)
    split = bootstrap_mean(values, strata=["a"] * 20 + ["b"] * 20)
    assert (split.low, split.mean, split.high) == (0.5, 0.5, 0.5)
    assert bootstrap_mean(values).high > 0.6


def test_interquartile_mean__equals_scipy_where_quarters_are_whole() -> None:
    values = np.random.default_rng(2).normal(size=40)
    assert interquartile_mean(values) == pytest.approx(float(stats.trim_mean(values, 0.25)))


def test_performance_profile__by_hand() -> None:
    shares = performance_profile(np.array([0.2, 0.5, 0.9, 0.9]), np.array([0.0, 0.5, 0.95]))
    assert shares.tolist() == [1.0, 0.75, 0.0]


def test_compare__tells_a_clear_winner_from_a_twin() -> None:
    rng = np.random.default_rng(4)
    best = rng.uniform(0.7, 1, 40)
    found = compare(best, {"worse": best - rng.uniform(0.05, 0.2, 40), "twin": best + rng.normal(0, 0.01, 40)})
    assert found["worse"].holm < 0.05
    assert found["worse"].difference.low > 0.05
    assert found["twin"].difference.low <= 0 <= found["twin"].difference.high
