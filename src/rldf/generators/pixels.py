"""Pixels on their way from the device: made bytes where they are, copied while the next batch is drawn."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch

from rldf.arrays import ImageBatch
from rldf.errors import GenerationError
from rldf.records.percept import Prompt


@final
class PendingPixels:
    """A batch of pictures whose copy may still be under way."""

    def __init__(self, images: torch.Tensor) -> None:
        """Begins the copy.

        Args:
            images: (batch, 3, height, width), 0 to 1, on any device.
        """
        self._dtype = images.dtype
        pixels = (images.float() * 255.0).round().nan_to_num().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
        self._pixels, self._are_finite = _begin_copy(pixels), _begin_copy(images.isfinite().all())
        self._copied: Any = None
        if images.device.type == "cuda":
            self._copied = torch.cuda.Event()
            self._copied.record(torch.cuda.current_stream(images.device))

    def fetch(self) -> ImageBatch:
        """Waits for the copy and gives the pictures.

        Returns:
            (batch, height, width, 3), 0 to 255.

        Raises:
            GenerationError: if pixels are not numbers.
        """
        if self._copied is not None:
            self._copied.synchronize()
        if not bool(self._are_finite):
            raise GenerationError(
                f"the model drew pixels that are not numbers, in {self._dtype}; every pixel must be one. "
                "Use --dtype float32 or another autoencoder."
            )
        return np.asarray(self._pixels.numpy(), dtype=np.uint8)


def require_unflagged(output: object, *, prompts: Sequence[Prompt], seeds: Sequence[int]) -> None:
    """Refuses what a safety checker flagged: such pictures are black.

    Args:
        output: what a pipeline's call gave.
        prompts: what was drawn.
        seeds: one per prompt.

    Raises:
        GenerationError: if one is flagged.
    """
    flagged = getattr(output, "nsfw_content_detected", None)
    if flagged is not None and any(flagged):
        place = list(flagged).index(True)
        raise GenerationError(
            f"the model's safety checker flagged the picture of {prompts[place].text!r} with seed {seeds[place]}; "
            "flagged pictures are not used. Change the words or the seed, or load the model without its checker."
        )


def _begin_copy(values: torch.Tensor) -> torch.Tensor:
    """Copies to the processor's memory; from a CUDA card without waiting for it."""
    if values.device.type != "cuda":
        return values.cpu()
    host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    return host.copy_(values, non_blocking=True)
