"""Outcomes in, numbers out.

- `semantic`: `MultiSemanticReward`, `PartialSemanticReward` of the paper; `AgreementReward`, the default.
- `similarity`: `SimilarityReward`, the paper's CLIP reward.
- `compose`: `WeightedSum`; `draw_reward`, one reward per run.
- `realism`: unrealistic pictures penalised (`PenalisedReward`) or made terminal (`TerminatingFeedback`).
"""

from rldf.rewards.compose import WeightedSum, draw_reward
from rldf.rewards.realism import (
    DetectorQuality,
    FeatureCloud,
    MahalanobisDetector,
    PenalisedReward,
    TerminatingFeedback,
    calibrate_cloud,
    measure_detector,
)
from rldf.rewards.semantic import AgreementReward, MultiSemanticReward, PartialSemanticReward
from rldf.rewards.similarity import SimilarityReward

__all__ = [
    "AgreementReward",
    "DetectorQuality",
    "FeatureCloud",
    "MahalanobisDetector",
    "MultiSemanticReward",
    "PartialSemanticReward",
    "PenalisedReward",
    "SimilarityReward",
    "TerminatingFeedback",
    "WeightedSum",
    "calibrate_cloud",
    "draw_reward",
    "measure_detector",
]
