"""How a loaded pipeline lies in memory and runs on its device: fast, and no picture changes but by rounding."""

import copy
from typing import Any

import diffusers
import torch

from rldf.errors import ModelUnavailableError

HALF_DTYPES = (torch.float16, torch.bfloat16)
MAX_DECODED_PIXELS = 8 * 512 * 512  # at once on a graphics card: full use of it, and indices stay below 2**31
MAX_WEIGHTS_OF_ONE_THREAD = 100_000_000
"""Denoisers up to this size draw each picture on one thread of a processor; larger ones take all threads for one."""


def find_denoiser(pipeline: diffusers.DiffusionPipeline) -> torch.nn.Module:
    """Finds the network that is evaluated at every step.

    Args:
        pipeline: any of diffusers' text-to-image pipelines.

    Returns:
        Its UNet or transformer.

    Raises:
        ModelUnavailableError: if it has neither.
    """
    for name in ("unet", "transformer"):
        denoiser = getattr(pipeline, name, None)
        if isinstance(denoiser, torch.nn.Module):
            return denoiser
    raise ModelUnavailableError(
        f"a {type(pipeline).__name__} cannot be used: it has neither a unet nor a transformer. "
        "Pipelines with one of them can. Choose another model."
    )


def takes_one_thread(denoiser: torch.nn.Module) -> bool:
    """Says whether pictures of this denoiser are drawn on one processor thread each, by the number of its weights."""
    return sum(weights.numel() for weights in denoiser.parameters()) <= MAX_WEIGHTS_OF_ONE_THREAD


def describe_layout(device: torch.device, *, dtype: torch.dtype) -> str:
    """Names the order of the values in memory, which decides their last bits."""
    return "channels-last" if _is_half_on_cuda(device, dtype=dtype) else "plain"


def arrange(pipeline: diffusers.DiffusionPipeline, *, device: torch.device, is_compiled: bool) -> None:
    """Prepares a pipeline for drawing in batches, in place.

    On a CUDA card in half precision the convolutions' weights lie channels-last, as its matrix units take them. On
    any card a large batch is decoded in parts. Weights that are moved to the card later keep their order.

    Args:
        pipeline: loaded.
        device: where it runs.
        is_compiled: True to compile the denoiser and the decoder when they are first used.
    """
    denoiser: Any = find_denoiser(pipeline)
    autoencoder: Any = getattr(pipeline, "vae", None)
    if _is_half_on_cuda(device, dtype=denoiser.dtype):
        for part in filter(None, (denoiser, autoencoder)):
            part.to(memory_format=torch.channels_last)  # only weights of four dimensions have such an order
    if isinstance(autoencoder, diffusers.AutoencoderKL):
        if device.type != "cpu":
            decode_in_parts(autoencoder, max_pixels=MAX_DECODED_PIXELS)
        if is_compiled:
            autoencoder.decoder.forward = torch.compile(autoencoder.decoder.forward, dynamic=False)
    if is_compiled:  # the forward alone, so that hooks stay outside of what is compiled
        denoiser.forward = torch.compile(denoiser.forward, dynamic=False)


def decode_in_parts(autoencoder: diffusers.AutoencoderKL, *, max_pixels: int) -> None:
    """Lets an autoencoder decode at most so many pixels at once, and at least one picture.

    Args:
        autoencoder: changed in place.
        max_pixels: width times height times pictures.
    """
    scale = 2 ** (len(autoencoder.config.block_out_channels) - 1)
    decode = autoencoder.decode

    def decode_parts(
        z: torch.Tensor,
        return_dict: bool = True,  # noqa: FBT001, FBT002 - diffusers' own
        generator: Any = None,  # noqa: ANN401 - diffusers' own
    ) -> Any:  # noqa: ANN401
        del generator  # plain autoencoders use none
        pixels = z.shape[-2] * z.shape[-1] * scale * scale
        parts = [decode(part, return_dict=False)[0] for part in z.split(max(1, max_pixels // pixels))]
        images = parts[0] if len(parts) == 1 else torch.cat(parts)
        return diffusers.models.autoencoders.vae.DecoderOutput(sample=images) if return_dict else (images,)

    autoencoder.decode = decode_parts


def twin(pipeline: diffusers.DiffusionPipeline) -> diffusers.DiffusionPipeline:
    """Makes a pipeline of the same networks with a scheduler of its own, so that both can draw at the same time."""
    other = copy.copy(pipeline)
    other.__dict__["scheduler"] = copy.deepcopy(pipeline.__dict__["scheduler"])  # past the registering of a new part
    return other


def _is_half_on_cuda(device: torch.device, *, dtype: torch.dtype) -> bool:
    return device.type == "cuda" and dtype in HALF_DTYPES
