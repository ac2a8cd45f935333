"""DDPO: the sampled denoising steps are replayed, and every step is made more or less likely."""

from collections.abc import Mapping, Sequence
from math import isfinite

import numpy as np
import torch

from rldf.finetuning.advantages import Rewards
from rldf.finetuning.epochs import EpochPlan, trained_steps
from rldf.finetuning.failures import FinetuningError
from rldf.finetuning.losses import PolicyLoss, importance_sampling_loss, score_function_loss
from rldf.finetuning.policy import DiffusionPolicy
from rldf.finetuning.processes import Processes
from rldf.finetuning.rollout import Trajectories
from rldf.finetuning.settings import TrainSettings
from rldf.finetuning.tallies import EpochTally, StepTally
from rldf.finetuning.updates import Updater
from rldf.seeding import child_rng

SAFE_SHARE = 0.1  # our choice: replay may differ by a tenth of the clip range, the rounding of another batch shape
SAFE_DEVIATION = 1e-5  # our choice where there is no clip range: a tenth of the paper's


def train_policy(
    policy: DiffusionPolicy,
    updater: Updater,
    *,
    plan: EpochPlan,
    trajectories: Mapping[tuple[int, ...], Trajectories],
    advantages: Rewards,
    settings: TrainSettings,
    processes: Processes,
    epoch: int,
    seed: int,
) -> EpochTally:
    """Trains on the trajectories of one epoch.

    Args:
        policy: what sampled them.
        updater: moves the weights.
        plan: of the epoch.
        trajectories: of the micro-batches of this process, by the numbers of their pictures.
        advantages: one per picture of the epoch.
        settings: how the weights move.
        processes: that train together.
        epoch: from 0.
        seed: root seed.

    Returns:
        What was measured.
    """
    tally = EpochTally()
    num_steps, noisy = len(policy.sampler), policy.sampler.noisy_steps(settings.min_std_share)
    over_epoch = StepTally.empty(num_steps)
    for number in range(settings.num_passes):
        rng = child_rng(seed, "finetune", "steps", epoch, number)
        for batch, own in zip(plan.batches, plan.own_batches, strict=True):
            steps = trained_steps(noisy, share=settings.timestep_share, rng=rng)
            measured = StepTally.empty(num_steps)
            for indices in own:
                accumulate(
                    policy,
                    updater,
                    trajectories[indices],
                    advantages=advantages[list(indices)],
                    steps=steps,
                    share=1.0 / (len(batch) * len(steps)),
                    settings=settings,
                    tally=measured,
                )
            joined = measured.joined(processes)
            if tally.num_updates == 0:
                tally.first_deviation = float(joined.largest.max())
                _require_exact_replay(joined, policy=policy, settings=settings, updater=updater)
            updater.require_finite_loss(joined.total)
            _record(tally, joined, gradient_norm=updater.finish())
            over_epoch.ratios += joined.ratios
            over_epoch.counts += joined.counts
            over_epoch.largest = np.maximum(over_epoch.largest, joined.largest)
    is_trained = over_epoch.counts > 0
    tally.step_ratios = _where(is_trained, over_epoch.ratios / np.maximum(over_epoch.counts, 1.0))
    tally.step_deviations = _where(is_trained, over_epoch.largest)
    return tally


def accumulate(
    policy: DiffusionPolicy,
    updater: Updater,
    trajectories: Trajectories,
    *,
    advantages: Rewards,
    steps: Sequence[int],
    share: float,
    settings: TrainSettings,
    tally: StepTally,
) -> None:
    """Adds the gradients of one micro-batch, one denoising step after the other.

    Args:
        policy: what sampled it.
        updater: takes the gradients.
        trajectories: the micro-batch.
        advantages: one per picture.
        steps: which denoising steps, in which order; the sum does not depend on it.
        share: weight of one picture at one step in the update's loss.
        settings: how the weights move.
        tally: is added to.
    """
    weights = torch.from_numpy(advantages).float().to(policy.device)
    is_guided = policy.settings.has_guided_training
    for step in steps:
        latents, value = trajectories.latents[:, step], trajectories.latents[:, step + 1]
        mean = policy.mean(latents, trajectories.prompts, step=step, is_guided=is_guided)
        log_probs = policy.sampler.log_prob(value, mean, step=step)
        loss = _loss(log_probs, trajectories.log_probs[:, step], weights, policy=policy, settings=settings)
        total = loss.losses.sum()
        if settings.kl_weight > 0:
            with torch.no_grad(), policy.as_base():
                base_mean = policy.mean(latents, trajectories.prompts, step=step, is_guided=is_guided)
            divergence = policy.sampler.divergence(mean, base_mean, step=step).sum()
            tally.divergence += float(divergence.detach())
            total = total + settings.kl_weight * divergence
        updater.backward(total * share)
        tally.add(
            step,
            losses=loss.losses.detach().double().cpu().numpy(),
            log_ratios=loss.log_ratios.double().cpu().numpy(),
            is_clipped=loss.is_clipped.double().cpu().numpy(),
        )


def replay_limit(settings: TrainSettings, *, num_dimensions: int) -> tuple[float, str]:
    """Tells how far a replayed log-probability may lie from the sampled one; the score function has no clip range.

    Args:
        settings: method and clip range.
        num_dimensions: numbers in one latent.

    Returns:
        The limit, and the limit in words.
    """
    if settings.method == "ddpo-sf":
        return SAFE_DEVIATION, f"{SAFE_DEVIATION:.1e}, a tenth of the paper's clip range"
    limit = SAFE_SHARE * settings.clip_per_dimension(num_dimensions)
    return limit, f"{limit:.1e}, a tenth of the clip range"


def _loss(
    log_probs: torch.Tensor,
    old_log_probs: torch.Tensor,
    advantages: torch.Tensor,
    *,
    policy: DiffusionPolicy,
    settings: TrainSettings,
) -> PolicyLoss:
    if settings.method == "ddpo-sf":
        return score_function_loss(log_probs, old_log_probs, advantages)
    clip_range = settings.clip_per_dimension(policy.num_dimensions)
    return importance_sampling_loss(log_probs, old_log_probs, advantages, clip_range=clip_range)


def _where(is_trained: np.ndarray, values: np.ndarray) -> list[float | None]:
    return [float(value) if trained else None for trained, value in zip(is_trained, values, strict=True)]


def _record(tally: EpochTally, joined: StepTally, *, gradient_norm: float) -> None:
    count = max(joined.counts.sum(), 1.0)
    tally.num_updates += 1
    tally.losses.append(float(joined.losses.sum() / count))
    tally.approx_kl.append(float(0.5 * joined.squared_log_ratios.sum() / count))
    tally.clip_fraction.append(float(joined.clipped.sum() / count))
    tally.divergence.append(float(joined.divergence / count))
    tally.gradient_norms.append(gradient_norm)


def _require_exact_replay(
    joined: StepTally, *, policy: DiffusionPolicy, settings: TrainSettings, updater: Updater
) -> None:
    """Refuses to train where the replay of the first update is not that of the sampling."""
    is_ablation = policy.is_guided and not policy.settings.has_guided_training
    limit, told = replay_limit(settings, num_dimensions=policy.num_dimensions)
    worst = int(joined.largest.argmax())  # of a NaN, if there is one
    largest = float(joined.largest[worst])
    if largest <= limit or (is_ablation and isfinite(largest)):
        return
    updater.discard()
    raise FinetuningError(
        f"before the first update the log-probability of denoising step {worst} differs by "
        f"{largest:.1e} between sampling and training; at most {told}, is allowed. Use --dtype float32, or see what "
        "`rldf finetune check` says."
    )
