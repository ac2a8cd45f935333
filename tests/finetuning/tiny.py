"""A tiny policy, its reward, and numbers that keep the tests short."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from tests.generators.tiny_pipelines import build_pipeline

from rldf.arrays import ImageBatch
from rldf.finetuning.policy import DTYPES, DiffusionPolicy
from rldf.finetuning.policy_gradient import accumulate
from rldf.finetuning.processes import Processes
from rldf.finetuning.rollout import Trajectories, roll_out
from rldf.finetuning.settings import (
    AdapterKind,
    AdapterSettings,
    AdvantageSettings,
    Precision,
    SamplerSettings,
    TrainSettings,
)
from rldf.finetuning.tallies import StepTally
from rldf.finetuning.trainer import ScoreImages, Trainer

FORMS: tuple[Precision, ...] = ("float32", "float16", "bfloat16")
PROMPTS = ("a photo of one cow", "a photo of two cars")
NUM_STEPS = 3
SAMPLING = SamplerSettings(num_steps=NUM_STEPS, guidance_scale=2.0, batch_size=2)
TRAIN = TrainSettings(samples_per_epoch=4, update_batch_size=2, learning_rate=1e-3)


def redness(images: ImageBatch, prompts: Sequence[str], seeds: Sequence[int]) -> np.ndarray:
    del prompts, seeds
    pixels = images.astype(np.float64) / 255.0
    return np.asarray((pixels[..., 0] - pixels[..., 1:].mean(axis=-1)).mean(axis=(1, 2)))


def make_policy(
    sampling: SamplerSettings = SAMPLING,
    *,
    kind: AdapterKind = "lora",
    has_base: bool = False,
    dtype: Precision = "float32",
    targets: tuple[str, ...] = AdapterSettings().targets,
) -> DiffusionPolicy:
    """Makes a policy on a tiny untrained pipeline, its denoiser given in some number format."""
    pipeline: Any = build_pipeline()
    pipeline.unet.to(DTYPES[dtype])
    adapter = AdapterSettings(kind=kind, targets=targets)
    return DiffusionPolicy(pipeline, sampling=sampling, adapter=adapter, has_base=has_base)


def make_trainer(
    train: TrainSettings = TRAIN,
    *,
    policy: DiffusionPolicy | None = None,
    score: ScoreImages = redness,
    processes: Processes | None = None,
) -> Trainer:
    """Makes a trainer at its beginning."""
    return Trainer(
        make_policy() if policy is None else policy,
        prompts=PROMPTS,
        score=score,
        train=train,
        advantage=AdvantageSettings(min_count=2),
        processes=processes,
    )


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    """The trained weights as they are now."""
    return {name: weight.detach().clone() for name, weight in trainer.policy.denoiser.trained.items()}


def drawn(policy: DiffusionPolicy, *, seeds: tuple[int, ...] = (3, 4)) -> tuple[Trajectories, np.ndarray]:
    """Pictures of the first prompt, one per seed, and how they came about."""
    return roll_out(policy, indices=range(len(seeds)), prompts=[PROMPTS[0]] * len(seeds), seeds=seeds)


def replayed(policy: DiffusionPolicy, trajectories: Trajectories, *, is_guided: bool | None = None) -> torch.Tensor:
    """Log-probabilities of every step as training computes them."""
    rows = [
        policy.sampler.log_prob(
            trajectories.latents[:, step + 1],
            policy.mean(trajectories.latents[:, step], trajectories.prompts, step=step, is_guided=is_guided),
            step=step,
        )
        for step in range(len(policy.sampler))
    ]
    return torch.stack(rows, dim=1)


def gradient_of(
    trainer: Trainer, parts: Sequence[Trajectories], *, steps: Sequence[int], settings: TrainSettings = TRAIN
) -> torch.Tensor:
    """The accumulated gradient of two pictures with different advantages."""
    advantages = np.array([1.0, -2.0])
    trainer.updater.discard()
    for part in parts:
        accumulate(
            trainer.policy,
            trainer.updater,
            part,
            advantages=advantages[list(part.indices)],
            steps=steps,
            share=1.0 / 6.0,
            settings=settings,
            tally=StepTally.empty(len(trainer.policy.sampler)),
        )
    grads = [weight.grad for weight in trainer.policy.denoiser.trained.values()]
    return torch.cat([grad.flatten() for grad in grads if grad is not None])


def guided(scale: float) -> SamplerSettings:
    """The sampling of the tests at another guidance."""
    return replace(SAMPLING, guidance_scale=scale)
