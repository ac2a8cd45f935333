"""The detector of unrealistic pictures, and what follows when it strikes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Float

from rldf.arrays import ImageBatch
from rldf.contracts import Reward
from rldf.errors import ConfigError
from rldf.rewards.realism import (
    FeatureCloud,
    MahalanobisDetector,
    PenalisedReward,
    TerminatingFeedback,
    calibrate_cloud,
    measure_detector,
)
from rldf.rewards.semantic import AgreementReward
from rldf.space import Encoding
from rldf.testing.feedback import AnalyticFeedback
from rldf.testing.rewards import SPACE, RewardSuite, example_outcome, example_outcomes, example_targets

BRIGHTNESS = FeatureCloud(mean=np.array([128.0]), precision=np.array([[0.01]]), threshold=9.0)


def brightness(images: ImageBatch) -> Float[np.ndarray, "batch features"]:
    return np.asarray(images.mean(axis=(1, 2, 3), dtype=np.float64)[:, None])


DETECTOR = MahalanobisDetector(brightness, BRIGHTNESS)


class TestPenalised(RewardSuite):
    def make_reward(self) -> Reward:
        return PenalisedReward(AgreementReward(SPACE), DETECTOR, penalty=-1.0)


def test_detector__strikes_beyond_the_threshold() -> None:
    levels = np.array([97, 98, 128, 158, 159], dtype=np.uint8)
    images = np.broadcast_to(levels[:, None, None, None], (5, 4, 4, 3)).copy()
    assert DETECTOR.is_unrealistic(images).tolist() == [True, False, False, False, True]


def test_penalised__unrealistic_pictures_get_the_penalty() -> None:
    reward = PenalisedReward(AgreementReward(SPACE), DETECTOR, penalty=-0.5)
    black = np.zeros((16, 16, 3), dtype=np.uint8)
    target = example_targets()[0]
    best = example_outcomes()[0]
    scores = reward.score([best, example_outcome(best.encoding, image=black)], target=target)
    assert scores.tolist() == [1.0, -0.5]
    assert reward.bounds == (-0.5, 1.0)


@pytest.mark.parametrize("penalty", [0.1, float("-inf")])
def test_penalised__penalty_that_would_pay_is_refused(penalty: float) -> None:
    with pytest.raises(ConfigError, match=rf"the penalty is {penalty}; it must be finite and at most 0\.0.*Lower it"):
        PenalisedReward(AgreementReward(SPACE), DETECTOR, penalty=penalty)


def test_terminating__marks_the_unrealistic_ones_and_leaves_rewards_alone() -> None:
    inner = AnalyticFeedback(space=SPACE, reward_of=lambda encoding: float(sum(encoding.indices)))
    encodings = list(SPACE.all_encodings())
    seeds = list(range(len(encodings)))
    plain = inner.try_encodings(encodings, seeds=seeds)
    is_bad = DETECTOR.is_unrealistic(np.stack([record.outcome.image for record in plain]))
    assert 0 < is_bad.sum() < len(is_bad)
    records = TerminatingFeedback(inner, DETECTOR).try_encodings(encodings, seeds=seeds)
    assert [record.is_terminal for record in records] == is_bad.tolist()
    assert [record.reward for record in records] == [record.reward for record in plain]
    assert TerminatingFeedback(inner, DETECTOR).try_encodings([], seeds=[]) == []


def test_terminating__what_ended_already_stays_ended() -> None:
    encoding = Encoding((1, 1, 1))
    inner = AnalyticFeedback(space=SPACE, reward_of=lambda _encoding: 0.0, terminal_encodings=[encoding])
    never = MahalanobisDetector(brightness, FeatureCloud(mean=np.zeros(1), precision=np.eye(1), threshold=np.inf))
    assert TerminatingFeedback(inner, never).try_encodings([encoding], seeds=[0])[0].is_terminal


def test_calibrate_cloud__refuses_about_the_share_asked_for() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(6, 6))
    real, fresh = (rng.normal(size=(4000, 6)) @ mixing + 3.0 for _ in range(2))
    cloud = calibrate_cloud(real, quantile=0.95)
    share = float(np.mean(cloud.distances(fresh) > cloud.threshold))
    assert abs(share - 0.05) < 0.015


def test_calibrate_cloud__little_shrinkage_recovers_the_normal_distribution() -> None:
    rng = np.random.default_rng(1)
    covariance = np.array([[2.0, 0.6], [0.6, 0.5]])
    real = rng.multivariate_normal([1.0, -1.0], covariance, size=40_000)
    cloud = calibrate_cloud(real, quantile=0.9, shrinkage=1e-9)
    np.testing.assert_allclose(cloud.precision, np.linalg.inv(covariance), rtol=0.05)
    np.testing.assert_allclose(cloud.threshold, -2.0 * np.log(0.1), rtol=0.05)  # chi-squared, 2 degrees


def test_calibrate_cloud__fewer_pictures_than_features_still_work() -> None:
    rng = np.random.default_rng(2)
    cloud = calibrate_cloud(rng.normal(size=(12, 30)))
    far, near = cloud.distances(np.stack([np.full(30, 9.0), np.zeros(30)]))
    assert far > cloud.threshold > near


@pytest.mark.parametrize(
    ("num_pictures", "quantile", "shrinkage", "message"),
    [
        (7, 0.9, 0.1, r"calibrated on 7 pictures; at least 8 are needed"),
        (9, 1.0, 0.1, r"quantile 1\.0 and shrinkage 0\.1 must be above 0"),
        (9, 0.9, 0.0, r"shrinkage 0\.0 must be above 0; the quantile below 1"),
    ],
)
def test_calibrate_cloud__bad_input_is_refused(
    num_pictures: int, quantile: float, shrinkage: float, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        calibrate_cloud(np.zeros((num_pictures, 2)), quantile=quantile, shrinkage=shrinkage)


DISTANCES = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=30).map(np.array)


@settings(deadline=None)
@given(real=DISTANCES, unrealistic=DISTANCES)
def test_measure_detector__area_is_the_mann_whitney_share(real: np.ndarray, unrealistic: np.ndarray) -> None:
    pairs = np.sign(unrealistic[:, None] - real[None, :])
    np.testing.assert_allclose(measure_detector(real, unrealistic).roc_auc, (pairs.mean() + 1.0) / 2.0)


@settings(deadline=None)
@given(real=st.lists(st.integers(0, 50).map(float), min_size=1, max_size=400).map(np.array), unrealistic=DISTANCES)
def test_measure_detector__threshold_refuses_at_most_one_in_a_hundred(
    real: np.ndarray, unrealistic: np.ndarray
) -> None:
    quality = measure_detector(real, unrealistic)
    assert np.mean(real > quality.threshold) <= 0.01
    smaller = real[real < quality.threshold]
    assert not len(smaller) or np.mean(real > smaller.max()) > 0.01
    assert quality.true_positive_rate == np.mean(unrealistic > quality.threshold)


def test_measure_detector__synthetic_features_are_told_apart() -> None:
    rng = np.random.default_rng(3)
    cloud = calibrate_cloud(rng.normal(size=(500, 8)))
    quality = measure_detector(
        cloud.distances(rng.normal(size=(300, 8))), cloud.distances(rng.normal(size=(300, 8)) + 2.0)
    )
    assert quality.roc_auc > 0.98
    assert quality.true_positive_rate > 0.8


def test_measure_detector__empty_sets_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"measured on 0 real and 1 unrealistic pictures; at least one of each"):
        measure_detector(np.zeros(0), np.zeros(1))
