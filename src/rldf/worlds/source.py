"""Where the pictures of a training come from: the one thing that worlds of drawings and of photographs differ in."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64, UInt8

UNSEEN = -100
"""Stands for a term that cannot be told; losses of torch ignore it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureBatch:
    """Some pictures, what is said of them and what is to be seen, in order.

    Attributes:
        images: RGB, 0 to 255, on any device.
        sentences: one a picture.
        seen: a row a picture, a column an axis of the source: the place of the term seen, or `UNSEEN`.
    """

    images: UInt8[torch.Tensor, "batch height width 3"]
    sentences: list[str]
    seen: Int64[torch.Tensor, "batch axes"]

    def to(self, device: torch.device) -> "PictureBatch":
        """Moves pictures and terms to a device."""
        return PictureBatch(images=self.images.to(device), sentences=self.sentences, seen=self.seen.to(device))


class PictureSource(ABC):
    """Streams of pictures with sentences and truth; equal arguments give equal pictures, wherever a stream begins.

    Attributes:
        size_px: side of its pictures.
        axes: axis id to the terms a scorer learns, in the order of the columns of `PictureBatch.seen`.
        words: every word its sentences may have.
        identity: tells it from every other source.
    """

    size_px: int
    axes: Mapping[str, tuple[str, ...]]
    words: tuple[str, ...]
    identity: str

    @abstractmethod
    def batches(
        self, split: str, *, start: int, stop: int, batch_size: int, num_workers: int
    ) -> Iterator[PictureBatch]:
        """Streams a split in order, in whole batches.

        Args:
            split: of a stage's name; streams of different names are independent.
            start: number of the first picture, from 0.
            stop: where the stream ends; a last incomplete batch is left out.
            batch_size: pictures a batch.
            num_workers: processes that work ahead, where there is work to be done.

        Returns:
            The batches.
        """

    @abstractmethod
    def pictures(self, split: str, *, count: int) -> PictureBatch:
        """Gives pictures that no stage trains on in this form: to fit the codec, or to calibrate a scorer.

        Args:
            split: "codec", "calibrate-a" or "calibrate-b".
            count: how many, at most.

        Returns:
            The pictures as they are.
        """

    @abstractmethod
    def sentences(self, rng: np.random.Generator, *, count: int) -> list[str]:
        """Draws sentences as a user would say them.

        Args:
            rng: source of chance.
            count: how many.

        Returns:
            The sentences.
        """
