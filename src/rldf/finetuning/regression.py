"""RWR and RWR-sparse: the usual denoising loss on the drawn pictures, weighted by their rewards."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from rldf.finetuning.advantages import Rewards
from rldf.finetuning.epochs import EpochPlan, chunks
from rldf.finetuning.losses import regression_loss
from rldf.finetuning.policy import DiffusionPolicy
from rldf.finetuning.processes import Processes
from rldf.finetuning.rollout import Trajectories
from rldf.finetuning.settings import TrainSettings
from rldf.finetuning.tallies import EpochTally
from rldf.finetuning.updates import Updater
from rldf.seeding import child_rng, child_seed


def train_regression(
    policy: DiffusionPolicy,
    updater: Updater,
    *,
    plan: EpochPlan,
    trajectories: Mapping[tuple[int, ...], Trajectories],
    weights: Rewards,
    settings: TrainSettings,
    processes: Processes,
    epoch: int,
    seed: int,
) -> EpochTally:
    """Trains on the clean latents of one epoch; pictures of weight 0 are left out.

    Args:
        policy: what drew them.
        updater: moves the weights.
        plan: of the epoch.
        trajectories: of the micro-batches of this process, by the numbers of their pictures.
        weights: one per picture of the epoch.
        settings: how the weights move.
        processes: that train together.
        epoch: from 0.
        seed: root seed.

    Returns:
        What was measured.

    Source: RWR in section 4.2 of arXiv 2305.13301. The authors encode pictures again; we train the latents themselves.
    """
    clean = _clean_latents(trajectories)
    kept = np.flatnonzero(weights)
    tally = EpochTally()
    for number in range(settings.num_passes):
        order = child_rng(seed, "finetune", "pass", epoch, number).permutation(kept).tolist()
        for batch in chunks(order, settings.update_batch_size):
            own = [index for index in batch if index in clean]
            total = 0.0
            for indices in chunks(own, policy.settings.batch_size):
                losses = regression_losses(
                    policy,
                    clean=torch.stack([clean[index] for index in indices]),
                    prompts=[plan.prompts[index] for index in indices],
                    weights=weights[list(indices)],
                    seeds=[child_seed(seed, "finetune", "noise", epoch, number, index) for index in indices],
                    settings=settings,
                )
                updater.backward(losses.sum() / len(batch))
                total += float(losses.detach().sum())
            mean = float(processes.sum_numbers(np.array([total]))[0]) / len(batch)
            updater.require_finite_loss(mean)
            tally.losses.append(mean)
            tally.gradient_norms.append(updater.finish())
            tally.num_updates += 1
    return tally


def regression_losses(
    policy: DiffusionPolicy,
    *,
    clean: torch.Tensor,
    prompts: Sequence[str],
    weights: Rewards,
    seeds: Sequence[int],
    settings: TrainSettings,
) -> torch.Tensor:
    """Adds noise to clean latents, predicts it and weighs the error.

    Args:
        policy: predicts, guided as in sampling.
        clean: x_0.
        prompts: one per latent.
        weights: one per latent.
        seeds: one per latent, of its timestep and its noise.
        settings: whether the divergence from the base counts.

    Returns:
        One loss per latent, with gradients.
    """
    levels = len(policy.sampler.alphas_cumprod)
    sources = [torch.Generator("cpu").manual_seed(each) for each in seeds]
    timesteps = torch.cat([torch.randint(levels, (1,), generator=source) for source in sources]).to(policy.device)
    noise = torch.stack([torch.randn(clean.shape[1:], generator=source) for source in sources]).to(policy.device)
    signal_share, noise_share = policy.sampler.scales(timesteps)
    noised = signal_share * clean.float() + noise_share * noise
    is_guided = policy.settings.has_guided_training
    prediction = policy.predict(noised, prompts, timestep=timesteps, is_guided=is_guided)
    predicted = policy.sampler.noise_prediction(noised, prediction, timesteps)
    losses = regression_loss(predicted, noise, torch.from_numpy(weights).float().to(policy.device))
    if settings.kl_weight > 0:
        with torch.no_grad(), policy.as_base():
            base = policy.predict(noised, prompts, timestep=timesteps, is_guided=is_guided)
        losses = losses + settings.kl_weight * (prediction - base).square().flatten(1).mean(dim=1)
    return losses


def _clean_latents(trajectories: Mapping[tuple[int, ...], Trajectories]) -> dict[int, torch.Tensor]:
    """The last latents of every picture this process drew, by its number in the epoch."""
    return {
        index: latent for part in trajectories.values() for index, latent in zip(part.indices, part.clean, strict=True)
    }
