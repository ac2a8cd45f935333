"""Rollouts: prompts and seeds in; trajectories, their log-probabilities and pictures out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float

from rldf.arrays import ImageBatch
from rldf.finetuning.policy import DiffusionPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectories:
    """What one micro-batch of pictures went through.

    Attributes:
        indices: number of each picture in its epoch.
        prompts: one per picture.
        latents: x_T to x_0 as stored: (pictures, T + 1, channels, rows, columns); x_0 alone where only it is kept.
        log_probs: of each step, computed on the values as stored: (pictures, T), float32.
    """

    indices: tuple[int, ...]
    prompts: tuple[str, ...]
    latents: Float[torch.Tensor, "pictures states channels rows columns"]
    log_probs: Float[torch.Tensor, "pictures steps"]

    @property
    def clean(self) -> Float[torch.Tensor, "pictures channels rows columns"]:
        """The last latents, x_0."""
        return self.latents[:, -1]


def roll_out(
    policy: DiffusionPolicy,
    *,
    indices: Sequence[int],
    prompts: Sequence[str],
    seeds: Sequence[int],
    keeps_steps: bool = True,
) -> tuple[Trajectories, ImageBatch]:
    """Draws one micro-batch and keeps how it came about.

    Every picture has a random source of its own, on the CPU, for its first latents and the noise of every step; so a
    seed means the same noise on every device and in any batch. Latents are rounded to the format they are stored in
    *before* the next step and the log-probability are computed from them.

    Args:
        policy: draws.
        indices: number of each picture in its epoch.
        prompts: one per picture.
        seeds: one per picture.
        keeps_steps: False to keep the last latents alone.

    Returns:
        The trajectories and the pictures.
    """
    sources = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
    latents = _noise(policy, sources).to(policy.storage_dtype)
    states, log_probs = [latents], []
    with torch.no_grad():
        for step in range(len(policy.sampler)):
            mean = policy.mean(latents, prompts, step=step)
            latents = policy.sampler.draw(mean, _noise(policy, sources), step=step, dtype=policy.storage_dtype)
            log_probs.append(policy.sampler.log_prob(latents, mean, step=step))
            if keeps_steps:
                states.append(latents)
            else:
                states = [latents]
    trajectories = Trajectories(
        indices=tuple(indices),
        prompts=tuple(prompts),
        latents=torch.stack(states, dim=1),
        log_probs=torch.stack(log_probs, dim=1),
    )
    return trajectories, policy.decode(trajectories.clean)


def _noise(policy: DiffusionPolicy, sources: Sequence[torch.Generator]) -> torch.Tensor:
    """Standard normal numbers, one latent per source, float32."""
    drawn = [torch.randn(policy.latent_shape, generator=source) for source in sources]
    return torch.stack(drawn).to(policy.device)
