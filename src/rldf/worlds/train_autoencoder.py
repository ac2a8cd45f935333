"""Trains the autoencoder: an encoder that imitates the patch codec, a decoder that hides its seams."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from diffusers import AutoencoderTiny
from jaxtyping import Float
from torch import nn
from torch.nn.functional import l1_loss, mse_loss

from rldf.grammar import Grammar
from rldf.seeding import child_seed
from rldf.worlds.codec import PatchCodec
from rldf.worlds.pictures import DrawnSplit, drawn_batches

SPLIT = "autoencoder"
SCALING_FACTOR = 2.0  # the decoder squashes its input to -3 to 3; halved, the latents stay well inside


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderTraining:
    """Settings of the autoencoder's training; every number is our choice.

    Attributes:
        num_pictures: drawn pictures seen in all; each is new.
        batch_size: pictures an update.
        learning_rate: highest rate of the one-cycle schedule.
        max_noise: standard deviation of the noise on the latents goes from 0 to this, so that the decoder forgives what
            a denoiser gets slightly wrong.
        seed: root seed of the world.
        num_workers: processes that draw ahead.
        size_px: side of the drawn pictures.
    """

    num_pictures: int = 21_600
    batch_size: int = 12
    learning_rate: float = 2e-3
    max_noise: float = 0.35
    seed: int = 0
    num_workers: int = 1
    size_px: int = 128


def build_autoencoder(*, latent_channels: int, width: int) -> AutoencoderTiny:
    """Builds an untrained autoencoder of three halvings: 128 px become 16 x 16 latents."""
    return AutoencoderTiny(
        latent_channels=latent_channels,
        encoder_block_out_channels=(width, width, width, width),
        decoder_block_out_channels=(width, width, width, width),
        num_encoder_blocks=(0, 1, 1, 2),
        num_decoder_blocks=(3, 2, 1, 0),
        scaling_factor=SCALING_FACTOR,
    )


def train_autoencoder(
    autoencoder: AutoencoderTiny, *, grammar: Grammar, codec: PatchCodec, settings: AutoencoderTraining
) -> Iterator[tuple[int, float]]:
    """Trains encoder and decoder to the end.

    Args:
        autoencoder: changed in place.
        grammar: draws encodings.
        codec: its latents are what the encoder imitates and the decoder reads.
        settings: see `AutoencoderTraining`.

    Yields:
        Pictures seen and the decoder's loss, after every update.
    """
    pictures = DrawnSplit(
        grammar, seed=settings.seed, split=SPLIT, start=0, stop=settings.num_pictures, size_px=settings.size_px
    )
    optimiser = torch.optim.AdamW(autoencoder.parameters(), lr=settings.learning_rate, weight_decay=1e-4)
    updates = max(2, settings.num_pictures // settings.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=settings.learning_rate, total_steps=updates + 1)
    rng = torch.Generator().manual_seed(child_seed(settings.seed, SPLIT, "noise"))
    autoencoder.train()
    autoencoder.to(memory_format=torch.channels_last)
    for update, batch in enumerate(
        drawn_batches(pictures, batch_size=settings.batch_size, num_workers=settings.num_workers), start=1
    ):
        images = torch.from_numpy(batch.images).permute(0, 3, 1, 2).float() / 127.5 - 1
        latents = codec.encode(batch.images)
        strength = settings.max_noise * torch.rand(len(latents), 1, 1, 1, generator=rng)
        noisy = latents + strength * torch.randn(latents.shape, generator=rng)
        decoded = autoencoder.decode(noisy / SCALING_FACTOR).sample
        loss = l1_loss(decoded, images) + _edge_loss(decoded, images)
        encoded = autoencoder.encode(images).latents
        (loss + mse_loss(encoded * SCALING_FACTOR, latents)).backward()
        nn.utils.clip_grad_norm_(autoencoder.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        schedule.step()
        yield update * settings.batch_size, float(loss.detach())
    autoencoder.eval()


def _edge_loss(
    decoded: Float[torch.Tensor, "batch 3 height width"], images: Float[torch.Tensor, "batch 3 height width"]
) -> torch.Tensor:
    """Mean absolute difference of the pictures' differences along rows and columns."""
    return l1_loss(decoded.diff(dim=-1), images.diff(dim=-1)) + l1_loss(decoded.diff(dim=-2), images.diff(dim=-2))
