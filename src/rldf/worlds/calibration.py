"""Calibrates a scorer: honest probabilities, and a bound beyond which a picture lies outside the grammar."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch.nn.functional import cross_entropy

from rldf.worlds.codec import PatchCodec
from rldf.worlds.source import UNSEEN, PictureBatch
from rldf.worlds.train_scorer import Scorer, degrade, prepare

OUTLIER_QUANTILE = 0.998  # our choice: two in a thousand known pictures lie beyond the bound
TEMPERATURES = torch.logspace(-0.5, 1.0, 61)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What is fitted after training.

    Attributes:
        temperature: axis id to the divisor of its logits; 1 leaves them.
        mean: (features,), of known pictures.
        precision: (features, features), inverse covariance of known pictures.
        outlier_threshold: squared Mahalanobis distance above which a picture lies outside the grammar.
    """

    temperature: Mapping[str, float]
    mean: Float[torch.Tensor, " features"]
    precision: Float[torch.Tensor, "features features"]
    outlier_threshold: float


@torch.no_grad()
def calibrate(scorer: Scorer, *, pictures: PictureBatch, codec: PatchCodec, seed: int) -> Calibration:
    """Fits temperatures and the outlier bound on pictures the scorer was not trained on.

    Args:
        scorer: trained.
        pictures: at least a few times as many as there are features.
        codec: spoils half of the pictures the way the generator does.
        seed: root seed of the world.

    Returns:
        The calibration.
    """
    images = pictures.images.permute(0, 3, 1, 2).float() / 255
    spoilt = degrade(images, codec=codec, rng=torch.Generator().manual_seed(seed))
    readings = [scorer(prepare(part)) for whole in (images, spoilt) for part in whole.split(64)]
    truth = pictures.seen.repeat(2, 1)
    temperature = {
        axis: _temperature(torch.cat([reading[axis] for reading in readings]), truth[:, position])
        for position, axis in enumerate(scorer.axes)
    }
    features = torch.cat([reading["features"] for reading in readings]).double()
    mean = features.mean(0)
    covariance = (features - mean).T @ (features - mean) / len(features)
    ridge = 1e-3 * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=torch.float64)
    precision = torch.linalg.inv(covariance + ridge)
    distances = torch.einsum("nf,fg,ng->n", features - mean, precision, features - mean)
    return Calibration(
        temperature=temperature,
        mean=mean.float(),
        precision=precision.float(),
        outlier_threshold=float(torch.quantile(distances, OUTLIER_QUANTILE)),
    )


def _temperature(logits: torch.Tensor, truth: torch.Tensor) -> float:
    """The temperature of the least negative log-likelihood, on a grid."""
    if (truth == UNSEEN).all():
        return 1.0
    losses = torch.stack(
        [cross_entropy(logits / temperature, truth, ignore_index=UNSEEN) for temperature in TEMPERATURES]
    )
    return float(TEMPERATURES[losses.argmin()])
