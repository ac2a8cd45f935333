"""The autoencoder and its loss: an encoder that imitates the patch codec, a decoder that hides its seams."""

import torch
from diffusers import AutoencoderTiny
from jaxtyping import Float
from torch.nn.functional import l1_loss, mse_loss

from rldf.worlds.codec import PatchCodec
from rldf.worlds.source import PictureBatch
from rldf.worlds.stage import Loss

MAX_NOISE = 0.35  # our choice: so much on the latents, so that the decoder forgives what a denoiser gets slightly wrong
SCALING_FACTOR = 2.0  # the decoder squashes its input to -3 to 3; halved, the latents stay well inside


def build_autoencoder(*, latent_channels: int, width: int, patch_px: int, num_fine_blocks: int = 0) -> AutoencoderTiny:
    """Builds an untrained autoencoder.

    Args:
        latent_channels: of the codec.
        width: channels of every level.
        patch_px: side of the codec's patches, a power of 2: so many pixels become one latent.
        num_fine_blocks: blocks of the decoder at full size, 0 or more; they sharpen, and cost most.

    Returns:
        The autoencoder; 8 px patches make three halvings of 128 px to 16 x 16 latents.
    """
    halvings = patch_px.bit_length() - 1
    autoencoder = AutoencoderTiny(
        latent_channels=latent_channels,
        encoder_block_out_channels=(width,) * (halvings + 1),
        decoder_block_out_channels=(width,) * (halvings + 1),
        num_encoder_blocks=(0, *(1,) * (halvings - 1), 2),
        num_decoder_blocks=(*range(3, 3 - halvings, -1), num_fine_blocks),
        scaling_factor=SCALING_FACTOR,
    )
    return autoencoder.to(memory_format=torch.channels_last)


def autoencoder_loss(autoencoder: AutoencoderTiny, *, codec: PatchCodec) -> Loss:
    """Makes the loss: the encoder's difference from the codec, the decoder's from the picture and its edges.

    Args:
        autoencoder: computes.
        codec: its latents are what the encoder imitates and the decoder reads.

    Returns:
        The loss of a batch.
    """

    def loss(batch: PictureBatch, rng: torch.Generator) -> torch.Tensor:
        images = batch.images.permute(0, 3, 1, 2).float() / 127.5 - 1
        latents = codec.encode(batch.images)
        strength = MAX_NOISE * torch.rand(len(latents), 1, 1, 1, generator=rng, device=rng.device)
        noisy = latents + strength * torch.randn(latents.shape, generator=rng, device=rng.device)
        decoded = autoencoder.decode(noisy / SCALING_FACTOR).sample.float()
        encoded = autoencoder.encode(images).latents.float()
        imitation = mse_loss(encoded * SCALING_FACTOR, latents)
        return l1_loss(decoded, images) + _edge_loss(decoded, images) + imitation

    return loss


def _edge_loss(
    decoded: Float[torch.Tensor, "batch 3 height width"], images: Float[torch.Tensor, "batch 3 height width"]
) -> torch.Tensor:
    """Mean absolute difference of the pictures' differences along rows and columns."""
    return l1_loss(decoded.diff(dim=-1), images.diff(dim=-1)) + l1_loss(decoded.diff(dim=-2), images.diff(dim=-2))
