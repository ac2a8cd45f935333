"""Unrealistic pictures: a detector that is defined and measured, and what follows when it strikes.

The paper names the idea (penalise, or make the encoding terminal) and leaves it out; here it is an option.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Bool, Float

from rldf.arrays import ImageBatch
from rldf.contracts import Feedback, RealismDetector, Reward, Target
from rldf.errors import ConfigError
from rldf.records.percept import Outcome, StepRecord
from rldf.space import Encoding

QUANTILE = 0.99  # our choice: one picture in a hundred of the calibration set is refused
SHRINKAGE = 0.1  # our choice: share of a multiple of the identity in the covariance; keeps it invertible

ImageFeatures = Callable[[ImageBatch], Float[np.ndarray, "batch features"]]
"""Turns pictures into feature vectors, such as `HeadsPerception.features` or an embedder's `embed_images`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCloud:
    """Where the features of real pictures lie: one normal distribution.

    Attributes:
        mean: mean features.
        precision: inverse covariance.
        threshold: squared Mahalanobis distance above which a picture lies outside.
    """

    mean: Float[np.ndarray, " features"]
    precision: Float[np.ndarray, "features features"]
    threshold: float

    def distances(self, features: Float[np.ndarray, "batch features"]) -> Float[np.ndarray, " batch"]:
        """Squared Mahalanobis distances, 0 or larger: (f - mean)^T precision (f - mean)."""
        differences = np.asarray(features, dtype=np.float64) - self.mean
        return np.asarray(np.einsum("bi,ij,bj->b", differences, self.precision, differences))


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorQuality:
    """How well a detector tells unrealistic pictures from real ones.

    Attributes:
        roc_auc: probability that an unrealistic picture scores above a real one, ties counting half; 0 to 1.
        threshold: smallest threshold at which at most 1 % of the real pictures are refused.
        true_positive_rate: share of unrealistic pictures refused at that threshold, 0 to 1.
    """

    roc_auc: float
    threshold: float
    true_positive_rate: float


@final
class MahalanobisDetector(RealismDetector):
    """Calls a picture unrealistic when its features lie far from those of real ones.

    d(x) = (f(x) - mean)^T precision (f(x) - mean) above a threshold.

    Source: Lee et al. 2018 (arXiv 1807.03888), section 2.1, with one mean for all classes.
    """

    def __init__(self, features: ImageFeatures, cloud: FeatureCloud) -> None:
        """Keeps the features and where real ones lie.

        Args:
            features: turns pictures into feature vectors.
            cloud: stored with a scorer, or made by `calibrate_cloud`.
        """
        self._features = features
        self._cloud = cloud

    def is_unrealistic(self, images: ImageBatch) -> Bool[np.ndarray, " batch"]:
        """Judges each picture: True where its distance is above the threshold."""
        return np.asarray(self._cloud.distances(self._features(images)) > self._cloud.threshold)


@final
class PenalisedReward(Reward):
    """Gives unrealistic pictures a fixed penalty instead of their reward.

    R = penalty where the detector strikes, else the wrapped reward. Bounds: the wrapped reward's, widened to hold
    the penalty.

    Source: the "design idea" of arXiv 2311.15648 (negative rewards), which the paper does not test.
    """

    def __init__(self, reward: Reward, detector: RealismDetector, *, penalty: float) -> None:
        """Wraps a reward.

        Args:
            reward: scores realistic pictures.
            detector: tells which are unrealistic.
            penalty: reward of an unrealistic picture, at most the wrapped reward's smallest value.

        Raises:
            ConfigError: if the penalty is better than the worst reward.
        """
        low, high = reward.bounds
        if not -np.inf < penalty <= low:
            raise ConfigError(
                f"the penalty is {penalty}; it must be finite and at most {low}, the smallest reward, or else drawing "
                "nonsense would pay. Lower it."
            )
        self._reward = reward
        self._detector = detector
        self._penalty = penalty
        self.bounds = (penalty, high)

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each outcome by the wrapped reward, or by the penalty.

        Args:
            outcomes: tries, their pictures of one size.
            target: what the wrapped reward needs.

        Returns:
            One number per outcome.
        """
        if not outcomes:
            return np.zeros(0)
        is_unrealistic = self._detector.is_unrealistic(np.stack([outcome.image for outcome in outcomes]))
        return np.where(is_unrealistic, self._penalty, self._reward.score(outcomes, target=target))


@final
class TerminatingFeedback(Feedback):
    """Marks tries with unrealistic pictures as terminal; rewards stay as they are.

    Source: the "design idea" of arXiv 2311.15648 (terminal states), which the paper does not test.
    """

    def __init__(self, feedback: Feedback, detector: RealismDetector) -> None:
        """Wraps a feedback.

        Args:
            feedback: makes the records.
            detector: tells which pictures are unrealistic.
        """
        self._feedback = feedback
        self._detector = detector

    def try_encodings(self, encodings: Sequence[Encoding], *, seeds: Sequence[int]) -> list[StepRecord]:
        """Tries each encoding with its seed; one record each, in order."""
        records = self._feedback.try_encodings(encodings, seeds=seeds)
        if not records:
            return records
        is_unrealistic = self._detector.is_unrealistic(np.stack([record.outcome.image for record in records]))
        return [
            replace(record, is_terminal=record.is_terminal or bool(is_bad))
            for record, is_bad in zip(records, is_unrealistic, strict=True)
        ]


def calibrate_cloud(
    features: Float[np.ndarray, "pictures features"], *, quantile: float = QUANTILE, shrinkage: float = SHRINKAGE
) -> FeatureCloud:
    """Fits a cloud to the features of real pictures; the threshold is a quantile of distances not fitted to.

    Mean and covariance come from the pictures at even positions, the threshold from those at odd positions. The
    covariance is (1 - s) S + s (trace S / features) I.

    Args:
        features: one row per picture, at least 8.
        quantile: share of pictures that must lie inside, above 0 and below 1.
        shrinkage: s, above 0 and at most 1.

    Returns:
        The cloud.

    Raises:
        ConfigError: if there are too few pictures, or a number is out of range.

    Source: shrinkage towards a multiple of the identity as in Ledoit & Wolf 2004, with a fixed share.
    """
    if len(features) < 8:
        raise ConfigError(f"the detector is calibrated on {len(features)} pictures; at least 8 are needed. Give more.")
    if not 0.0 < quantile < 1.0 or not 0.0 < shrinkage <= 1.0:
        raise ConfigError(
            f"quantile {quantile} and shrinkage {shrinkage} must be above 0; the quantile below 1, the shrinkage at "
            "most 1. Change them."
        )
    fitted, held_out = np.asarray(features, dtype=np.float64)[::2], features[1::2]
    covariance = np.atleast_2d(np.cov(fitted, rowvar=False))
    num_features = covariance.shape[0]
    scale = max(float(np.trace(covariance)) / num_features, 1e-12)
    covariance = (1.0 - shrinkage) * covariance + shrinkage * scale * np.eye(num_features)
    cloud = FeatureCloud(mean=fitted.mean(axis=0), precision=np.linalg.inv(covariance), threshold=np.inf)
    return replace(cloud, threshold=float(np.quantile(cloud.distances(held_out), quantile)))


def measure_detector(
    real: Float[np.ndarray, " real"], unrealistic: Float[np.ndarray, " unrealistic"]
) -> DetectorQuality:
    """Measures a detector on pictures whose kind is known.

    Args:
        real: distances of real pictures, larger meaning less real; at least one.
        unrealistic: distances of unrealistic pictures; at least one.

    Returns:
        Its quality.

    Raises:
        ConfigError: if either set is empty.

    Example:
        >>> measure_detector(np.array([1.0, 2.0]), np.array([3.0, 1.5])).roc_auc
        0.75

    Source: area under the ROC curve as the Mann-Whitney statistic, Hanley & McNeil 1982.
    """
    if not len(real) or not len(unrealistic):
        raise ConfigError(
            f"the detector is measured on {len(real)} real and {len(unrealistic)} unrealistic pictures; at least one "
            "of each is needed. Give more."
        )
    ordered = np.sort(real)
    below = np.searchsorted(ordered, unrealistic, side="left")
    not_above = np.searchsorted(ordered, unrealistic, side="right")
    num_allowed = len(real) // 100  # real pictures that may lie above the threshold: 1 %
    threshold = float(ordered[len(real) - 1 - num_allowed])
    return DetectorQuality(
        roc_auc=float((below + not_above).mean() / 2.0 / len(real)),
        threshold=threshold,
        true_positive_rate=float(np.mean(unrealistic > threshold)),
    )
