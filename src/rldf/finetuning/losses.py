"""The losses of the four estimators, as functions of tensors."""

from dataclasses import dataclass

import torch
from jaxtyping import Float

Numbers = Float[torch.Tensor, " pictures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLoss:
    """The loss of one denoising step of a micro-batch, and what is recorded of it.

    Attributes:
        losses: one per picture, with gradients.
        log_ratios: new minus old log-probability, without gradients.
        is_clipped: where the ratio left the clip range.
    """

    losses: Numbers
    log_ratios: Numbers
    is_clipped: Numbers


def importance_sampling_loss(
    log_probs: Numbers, old_log_probs: Numbers, advantages: Numbers, *, clip_range: float
) -> PolicyLoss:
    """DDPO-IS: the clipped ratio times the advantage, pessimistic.

    Args:
        log_probs: of the policy now.
        old_log_probs: of the policy that sampled.
        advantages: one per picture.
        clip_range: how far the ratio may leave 1.

    Returns:
        The loss, max(-A rho, -A clip(rho)).

    Source: section 4.3 of arXiv 2305.13301, with the clipping of arXiv 1707.06347, equation 7.
    """
    log_ratios = log_probs - old_log_probs
    ratios = log_ratios.exp()
    clipped = ratios.clamp(1.0 - clip_range, 1.0 + clip_range)
    losses = torch.maximum(-advantages * ratios, -advantages * clipped)
    is_clipped = ((ratios.detach() - 1.0).abs() > clip_range).float()
    return PolicyLoss(losses=losses, log_ratios=log_ratios.detach(), is_clipped=is_clipped)


def score_function_loss(log_probs: Numbers, old_log_probs: Numbers, advantages: Numbers) -> PolicyLoss:
    """DDPO-SF: the score-function estimator (REINFORCE), valid for one update per epoch.

    Args:
        log_probs: of the policy now.
        old_log_probs: of the policy that sampled; for the record only.
        advantages: one per picture.

    Returns:
        The loss, -A log p.

    Source: section 4.3 of arXiv 2305.13301.
    """
    log_ratios = (log_probs - old_log_probs).detach()
    return PolicyLoss(losses=-advantages * log_probs, log_ratios=log_ratios, is_clipped=torch.zeros_like(log_ratios))


def regression_loss(
    predicted_noise: Float[torch.Tensor, "pictures channels rows columns"],
    noise: Float[torch.Tensor, "pictures channels rows columns"],
    weights: Numbers,
) -> Numbers:
    """RWR: the weighted denoising loss; with equal weights it is plain supervised fine-tuning.

    Args:
        predicted_noise: guided, as in sampling.
        noise: that was added.
        weights: one per picture.

    Returns:
        One number per picture.

    Source: section 4.2 of arXiv 2305.13301, in the noise form of its authors' code.
    """
    return weights * (predicted_noise.float() - noise.float()).square().flatten(1).mean(dim=1)
