"""A tiny policy, its reward, and numbers that keep the tests short."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from tests.generators.tiny_pipelines import build_pipeline

from rldf.arrays import ImageBatch
from rldf.finetuning.policy import DTYPES, DiffusionPolicy
from rldf.finetuning.processes import Processes
from rldf.finetuning.settings import (
    AdapterKind,
    AdapterSettings,
    AdvantageSettings,
    Precision,
    SamplerSettings,
    TrainSettings,
)
from rldf.finetuning.trainer import ScoreImages, Trainer

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
) -> DiffusionPolicy:
    """Makes a policy on a tiny untrained pipeline, its denoiser given in some number format."""
    pipeline: Any = build_pipeline()
    pipeline.unet.to(DTYPES[dtype])
    return DiffusionPolicy(pipeline, sampling=sampling, adapter=AdapterSettings(kind=kind), has_base=has_base)


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


def guided(scale: float) -> SamplerSettings:
    """The sampling of the tests at another guidance."""
    return replace(SAMPLING, guidance_scale=scale)
