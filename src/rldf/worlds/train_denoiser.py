"""The denoiser and its text encoder: how they are built, and the loss they are trained with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, UNet2DConditionModel
from torch import nn
from transformers import PreTrainedTokenizerFast

from rldf.worlds.codec import PatchCodec
from rldf.worlds.source import PictureBatch
from rldf.worlds.stage import Loss
from rldf.worlds.text import encode_distinct


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiserLoss:
    """What the denoiser's loss depends on; every number is our choice.

    Attributes:
        drop_text: share of pictures trained without their sentence, for guidance.
        noises_per_picture: time steps and noises drawn for each picture; more where pictures cost more than updates.
    """

    drop_text: float = 0.1
    noises_per_picture: int = 1


def build_unet(
    *,
    text_width: int,
    channels: tuple[int, ...],
    latent_channels: int,
    latent_side: int,
    layers_per_block: int = 1,
    dropout: float = 0.0,
) -> UNet2DConditionModel:
    """Builds an untrained denoiser; the sentence enters by attention and, pooled, with the time step.

    Args:
        text_width: width of the text encoder.
        channels: of its levels.
        latent_channels: of the latents.
        latent_side: rows of the latents.
        layers_per_block: layers of a level on the way down; one more on the way up.
        dropout: share of activations dropped in training, 0 to 1; against memorising where pictures are few.

    Returns:
        The denoiser.
    """
    levels = len(channels)
    down = ["DownBlock2D"] * levels
    up = ["UpBlock2D"] * levels
    down[1], up[levels - 2] = "CrossAttnDownBlock2D", "CrossAttnUpBlock2D"
    unet = UNet2DConditionModel(
        sample_size=latent_side,
        in_channels=latent_channels,
        out_channels=latent_channels,
        block_out_channels=channels,
        down_block_types=tuple(down),
        up_block_types=tuple(up),
        layers_per_block=layers_per_block,
        dropout=dropout,
        cross_attention_dim=text_width,
        attention_head_dim=4,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )
    unet.to(memory_format=torch.channels_last)
    return unet


def build_scheduler() -> DPMSolverMultistepScheduler:
    """Builds the noise schedule and solver: cosine schedule, v-prediction, DPM-Solver++ of second order."""
    return DPMSolverMultistepScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        algorithm_type="dpmsolver++",
        solver_order=2,
        timestep_spacing="linspace",
        steps_offset=1,  # diffusers asks for it; linspace spacing does not use it
    )


def denoiser_loss(
    model: nn.ModuleDict,
    *,
    tokenizer: PreTrainedTokenizerFast,
    codec: PatchCodec,
    settings: DenoiserLoss,
) -> Loss:
    """Makes the loss: mean squared error of the velocity, time steps stratified over the batch.

    Args:
        model: the denoiser under "unet" and its text encoder under "text_encoder".
        tokenizer: of the world.
        codec: turns pictures into latents.
        settings: see `DenoiserLoss`.

    Returns:
        The loss of a batch.

    Source: Salimans & Ho 2022, appendix D (velocity); Ho & Salimans 2022 (dropped text).
    """
    alphas_by_time = build_scheduler().alphas_cumprod

    def loss(batch: PictureBatch, rng: torch.Generator) -> torch.Tensor:
        place, copies = rng.device, settings.noises_per_picture
        latents = codec.encode(batch.images).repeat(copies, 1, 1, 1)
        count = len(latents)
        share = (torch.arange(count, device=place) + torch.rand(count, generator=rng, device=place)) / count
        share = share[torch.randperm(count, generator=rng, device=place)]
        alphas = alphas_by_time.to(place)
        timesteps = (share * len(alphas)).long().clamp(max=len(alphas) - 1)
        noise = torch.randn(latents.shape, generator=rng, device=place)
        alpha = alphas[timesteps].view(-1, 1, 1, 1)
        noisy = alpha.sqrt() * latents + (1 - alpha).sqrt() * noise
        velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * latents
        sentences = _drop(batch.sentences, share=settings.drop_text, rng=rng)
        states = encode_distinct(model["text_encoder"], tokenizer, sentences, device=place).repeat(copies, 1, 1)
        unet = model["unet"]
        assert isinstance(unet, UNet2DConditionModel)
        predicted = unet(noisy.contiguous(memory_format=torch.channels_last), timesteps, states).sample
        return nn.functional.mse_loss(predicted.float(), velocity)

    return loss


def _drop(sentences: Sequence[str], *, share: float, rng: torch.Generator) -> list[str]:
    """Empties a share of the sentences, by a source of chance of its own on the processor."""
    kept = np.random.default_rng(rng.initial_seed()).random(len(sentences)) >= share
    return [sentence if is_kept else "" for sentence, is_kept in zip(sentences, kept.tolist(), strict=True)]
