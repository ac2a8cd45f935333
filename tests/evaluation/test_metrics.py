"""Each metric against its formula, written out here on fixed random features."""

import itertools
import math

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from rldf.contracts import Metric, MetricValue
from rldf.errors import ConfigError
from rldf.evaluation.cmmd import CmmdMetric
from rldf.evaluation.density_coverage import DensityCoverageMetric
from rldf.evaluation.distances import METRIC_NAMES, build_metrics
from rldf.evaluation.frechet import FrechetMetric, Moments, frechet_distance
from rldf.evaluation.kernel import KernelMetric
from rldf.evaluation.precision_recall import PrecisionRecallMetric
from rldf.evaluation.rows import canonical_order, neighbour_distances, squared_distances
from rldf.evaluation.vendi import VendiMetric, vendi_score
from rldf.seeding import child_rng

FEATURES = 12
IDEAL = {
    "frechet": 0.0,
    "kernel": 0.0,
    "precision": 1.0,
    "recall": 1.0,
    "density": 1.0,
    "coverage": 1.0,
    "cmmd": 0.0,
}


def features(seed: int, *, rows: int = 300, shift: float = 0.0, width: int = FEATURES) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(width, width))
    return np.asarray(rng.normal(loc=shift, size=(rows, width)) @ mixing, dtype=np.float32)


def values(metric: Metric, real: np.ndarray, generated: np.ndarray) -> dict[str, float]:
    return {value.name: value.value for value in metric.compute(real, generated)}


def test_frechet__is_its_formula_with_a_matrix_square_root() -> None:
    x, y = features(0).astype(np.float64), features(1, rows=500, shift=0.3).astype(np.float64)
    gap = x.mean(axis=0) - y.mean(axis=0)
    first, second = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(first @ second).real
    expected = gap @ gap + np.trace(first) + np.trace(second) - 2 * np.trace(root)
    assert values(FrechetMetric(), x, y)["frechet"] == pytest.approx(expected, rel=1e-9)


def test_frechet__of_two_known_gaussians__is_the_closed_form() -> None:
    first = Moments(count=11, mean=np.array([1.0, 2.0]), scatter=10 * np.diag([4.0, 9.0]))
    second = Moments(count=6, mean=np.array([0.0, 4.0]), scatter=5 * np.diag([1.0, 16.0]))
    assert frechet_distance(first, second) == pytest.approx(1 + 4 + (2 - 1) ** 2 + (3 - 4) ** 2, rel=1e-12)


def test_frechet__far_from_the_origin__keeps_its_digits() -> None:
    x, y = features(0).astype(np.float64), features(1, shift=0.3).astype(np.float64)
    near = values(FrechetMetric(), x, y)["frechet"]
    assert values(FrechetMetric(), x + 1e6, y + 1e6)["frechet"] == pytest.approx(near, rel=1e-6)


@pytest.mark.parametrize("rows", [40, 5])
def test_frechet__identical_sets_with_fewer_pictures_than_features__is_0(rows: int) -> None:
    x = features(0, rows=rows, width=64) * 100
    (value,) = FrechetMetric().compute(x, x[::-1])
    assert value.value <= 1e-6
    assert f"{rows} pictures are fewer than 64 features" in value.warnings[0]


def test_frechet__as_many_pictures_as_features__says_that_the_covariance_is_singular() -> None:
    x = features(0, rows=FEATURES)
    assert np.linalg.matrix_rank(np.cov(x.astype(np.float64), rowvar=False)) == FEATURES - 1
    (value,) = FrechetMetric().compute(x, features(1))
    assert "12 pictures are only as many as 12 features: the covariance is singular" in value.warnings[0]
    assert FrechetMetric().compute(features(0, rows=FEATURES + 1), features(1))[0].warnings == ()


def test_frechet__enough_pictures__no_warning() -> None:
    assert FrechetMetric().compute(features(0), features(1))[0].warnings == ()


@settings(max_examples=25, deadline=None)
@given(cut=st.integers(0, 300), other=st.integers(0, 300))
def test_moments__merge_in_any_parts_to_the_same(cut: int, other: int) -> None:
    x = features(0).astype(np.float64)
    first, last = sorted((cut, other))
    merged = Moments.of(x[:first]).merge(Moments.of(x[first:last])).merge(Moments.of(x[last:]))
    assert merged.count == 300
    np.testing.assert_allclose(merged.mean, x.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(merged.covariance, np.cov(x, rowvar=False), rtol=1e-10, atol=1e-10)


def test_moments__of_one_picture__have_no_covariance() -> None:
    with pytest.raises(ConfigError, match="covariance of 1 pictures does not exist; it takes at least 2"):
        _ = Moments.of(features(0, rows=1)).covariance


def test_kernel__is_the_mean_over_subsets_of_its_double_sum() -> None:
    x, y = features(0, rows=40).astype(np.float64), features(1, rows=40, shift=0.2).astype(np.float64)
    metric = KernelMetric(seed=3, num_subsets=4, subset_size=10)
    estimates = []
    for subset in range(4):
        chosen = child_rng(3, "kernel-distance", subset).permutation(40)[:10]
        a, b = x[canonical_order(x)[chosen]], y[canonical_order(y)[chosen]]
        total = 0.0
        for i, j in itertools.permutations(range(10), 2):
            total += sum(
                sign * (float(p @ q) / FEATURES + 1) ** 3
                for sign, p, q in ((1, a[i], a[j]), (1, b[i], b[j]), (-1, a[i], b[j]), (-1, a[j], b[i]))
            )
        estimates.append(total / 90)
    (value,) = metric.compute(x, y)
    assert value.value == pytest.approx(np.mean(estimates), rel=1e-9)
    assert value.spread == pytest.approx(np.std(estimates), rel=1e-9)
    assert value.settings == {"seed": 3, "num_subsets": 4, "subset_size": 10}


def test_kernel__is_unbiased_for_two_draws_of_one_distribution() -> None:
    drawn = [
        values(KernelMetric(num_subsets=1, subset_size=50), features(2 * n, rows=50), features(2 * n + 1, rows=50))[
            "kernel"
        ]
        for n in range(200)
    ]
    assert abs(np.mean(drawn)) < 4 * np.std(drawn) / math.sqrt(200)
    assert min(drawn) < 0 < max(drawn)


def test_kernel__smaller_set_is_whole_in_every_subset__says_so() -> None:
    (value,) = KernelMetric().compute(features(0, rows=60), features(1, rows=80))
    assert value.settings["subset_size"] == 60
    assert value.spread is not None
    assert value.spread > 1e-6
    assert "subsets hold 60 pictures, 1000 wanted, and that is all of the smaller set" in value.warnings[0]


@pytest.mark.parametrize("subset_size", [60, 1000])
def test_kernel__subsets_are_the_whole_sets__has_no_spread(subset_size: int) -> None:
    x, y = features(0, rows=60), features(1, rows=60)
    (value,) = KernelMetric(subset_size=subset_size).compute(x, y)
    assert value.spread is None
    assert value.settings == {"seed": 0, "num_subsets": 1, "subset_size": 60}
    assert f"a subset of {subset_size} is all of both: there is one, and no spread" in value.warnings[0]
    (larger,) = KernelMetric(subset_size=59).compute(x, y)
    assert larger.spread is not None
    assert larger.warnings == ()


def test_kernel__one_subset__has_no_spread() -> None:
    assert KernelMetric(num_subsets=1, subset_size=20).compute(features(0), features(1))[0].spread is None


def test_precision_and_recall__are_counted_exactly() -> None:
    x, y = features(0, rows=70), features(1, rows=50, shift=0.5)
    expected = {"precision": share_inside(y, x), "recall": share_inside(x, y)}
    assert 0 < expected["precision"] < 1
    assert 0 < expected["recall"] < 1
    assert values(PrecisionRecallMetric(), x, y) == expected


def share_inside(rows: np.ndarray, others: np.ndarray, k: int = 3) -> float:
    def far(a: np.ndarray, b: np.ndarray) -> float:
        return float(((a.astype(np.float64) - b.astype(np.float64)) ** 2).sum())

    radii = [sorted(far(a, b) for j, b in enumerate(others) if j != i)[k - 1] for i, a in enumerate(others)]
    return sum(any(far(row, o) <= r for o, r in zip(others, radii, strict=True)) for row in rows) / len(rows)


def test_precision_and_recall__sets_of_two_sizes__say_so() -> None:
    found = PrecisionRecallMetric().compute(features(0, rows=70), features(1, rows=50))
    assert "the sets differ in size (70 and 50)" in found[0].warnings[0]


def test_density_and_coverage__are_their_formulas() -> None:
    x, y = features(0, rows=60).astype(np.float64), features(1, rows=45, shift=0.5).astype(np.float64)
    distance = np.sqrt(((x[:, None] - y[None]) ** 2).sum(axis=2))
    own = np.sqrt(((x[:, None] - x[None]) ** 2).sum(axis=2))
    radii = np.sort(own, axis=1)[:, 5]
    is_inside = distance < radii[:, None]
    expected = {"density": is_inside.sum() / (5 * 45), "coverage": is_inside.any(axis=1).mean()}
    assert values(DensityCoverageMetric(), x, y) == pytest.approx(expected, rel=1e-12)


def test_cmmd__is_its_double_sum() -> None:
    x, y = features(0, rows=30).astype(np.float64), features(1, rows=20, shift=1.0).astype(np.float64)
    a, b = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (x, y))

    def mean(p: np.ndarray, q: np.ndarray) -> float:
        return float(np.mean([[math.exp(-((u - v) @ (u - v)) / 200) for v in q] for u in p]))

    expected = 1000 * (mean(a, a) + mean(b, b) - 2 * mean(a, b))
    assert values(CmmdMetric(), x, y)["cmmd"] == pytest.approx(expected, rel=1e-6)


def test_vendi__is_the_exponential_of_the_entropy_of_the_similarities() -> None:
    x = features(0, rows=25).astype(np.float64)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    shares = np.linalg.eigvalsh(unit @ unit.T / 25)
    shares = shares[shares > 1e-15]
    assert vendi_score(x) == pytest.approx(math.exp(-(shares * np.log(shares)).sum()), rel=1e-9)


def test_vendi__of_orthogonal_groups__counts_the_groups() -> None:
    assert vendi_score(np.repeat(np.eye(4), 5, axis=0)) == pytest.approx(4.0, rel=1e-12)
    assert values(VendiMetric(), np.ones((7, 3)), np.eye(3)) == pytest.approx(
        {"vendi_real": 1.0, "vendi_synthetic": 3.0}
    )


def test_vendi__depends_on_the_number_of_pictures__and_says_so() -> None:
    real, synthetic = VendiMetric().compute(features(0, rows=FEATURES - 1), features(1, rows=FEATURES))
    assert (real.settings, synthetic.settings) == ({"num_pictures": 11}, {"num_pictures": 12})
    differs = "the sets differ in size (11 and 12): the score grows with the number of pictures"
    assert synthetic.warnings == (differs,)
    assert real.warnings[0] == differs
    assert "11 pictures are fewer than 12 features: the score is 11 at most" in real.warnings[1]
    assert all(value.warnings == () for value in VendiMetric().compute(features(0), features(1)))


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_identical_sets__give_the_ideal_value(name: str) -> None:
    x = features(0, rows=1100)
    shuffled = x[np.random.default_rng(5).permutation(len(x))]
    metric = KernelMetric(num_subsets=3) if name == "kernel" else build_metrics([name])[0]
    found = values(metric, x, shuffled)
    assert found == pytest.approx({key: IDEAL.get(key, found[key]) for key in found}, abs=1e-6)


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_metric__order_of_the_files__changes_nothing(name: str) -> None:
    x, y = features(0, rows=120), features(1, rows=90, shift=0.2)
    (metric,) = build_metrics([name])
    assert values(metric, x, y) == pytest.approx(values(metric, x[::-1], np.roll(y, 7, axis=0)), rel=1e-12)


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_metric__another_distribution__is_further_away(name: str) -> None:
    (metric,) = build_metrics([name])
    x, near, far = features(0), features(1), features(2, shift=2.0)
    for one, other in zip(metric.compute(x, near), metric.compute(x, far), strict=True):
        assert is_better(one, other)


def is_better(one: MetricValue, other: MetricValue) -> bool:
    match one.better:
        case "lower":
            return one.value < other.value
        case "higher":
            return one.value > other.value
        case _:
            return one.value != other.value or one.name == "vendi_real"


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_metric__numbers_of_features_differ__refused(name: str) -> None:
    (metric,) = build_metrics([name])
    with pytest.raises(ConfigError, match="12 and 5 features; both must come from one extractor"):
        metric.compute(features(0), features(0, width=5))


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_metric__not_finite__refused(name: str) -> None:
    (metric,) = build_metrics([name])
    broken = features(0)
    broken[3, 2] = np.nan
    with pytest.raises(ConfigError, match="features of the synthetic pictures hold numbers that are not finite"):
        metric.compute(features(1), broken)


def test_precision__too_few_pictures__refused() -> None:
    with pytest.raises(ConfigError, match="there are 3 real pictures; this metric needs at least 4"):
        PrecisionRecallMetric().compute(features(0, rows=3), features(0))


def test_neighbour_distances__cross_block_borders_without_a_seam() -> None:
    x = features(0, rows=1100).astype(np.float64)
    full = squared_distances(x, x)
    np.testing.assert_allclose(neighbour_distances(x, neighbour=3), np.sort(full, axis=1)[:, 3], rtol=1e-9)
