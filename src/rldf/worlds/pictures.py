"""Seeded streams of drawn pictures with their truth: the data everything in the world is trained on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from torch.utils.data import DataLoader, Dataset

from rldf.arrays import Image, ImageBatch
from rldf.grammar import Grammar
from rldf.seeding import child_rng, child_seed
from rldf.space import Encoding
from rldf.worlds.drawing import draw


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPicture:
    """One drawn picture and its truth.

    Attributes:
        image: RGB, 0 to 255.
        encoding: the terms it was drawn from.
        sentence: what the grammar says of them.
    """

    image: Image
    encoding: Encoding
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBatch:
    """Some drawn pictures and their truth, in order."""

    images: ImageBatch
    encodings: list[Encoding]
    sentences: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Emphasis:
    """Terms that are drawn more often than the others.

    Attributes:
        terms: axis id to the term that is held in some of the pictures.
        share: of the pictures in which they are held, 0 to 1.
    """

    terms: Mapping[str, str]
    share: float


def draw_picture(
    grammar: Grammar, *, seed: int, split: str, index: int, size_px: int, emphasis: Emphasis | None = None
) -> DrawnPicture:
    """Draws picture number `index` of a split: a random encoding and a picture of it.

    Args:
        grammar: its terms must be drawable.
        seed: root seed of the world, 0 or larger.
        split: name of the stream; pictures of different splits never share a seed.
        index: from 0; equal arguments give equal pictures.
        size_px: width and height.
        emphasis: terms to draw more often; None draws all encodings alike.

    Returns:
        The picture with its truth.
    """
    rng = child_rng(seed, "world", split, "encoding", index)
    space = grammar.space
    if emphasis is not None and rng.random() < emphasis.share:
        space = space.lock(emphasis.terms)
    encoding = space.sample(rng)
    picture_seed = child_seed(seed, "world", split, "picture", index)
    image = draw(grammar.space.terms(encoding), seed=picture_seed, size_px=size_px)
    return DrawnPicture(image=image, encoding=encoding, sentence=grammar.render(encoding))


@final
class DrawnSplit(Dataset[DrawnPicture]):
    """The pictures of one split from `start` to `stop`, drawn when asked for."""

    def __init__(
        self,
        grammar: Grammar,
        *,
        seed: int,
        split: str,
        start: int,
        stop: int,
        size_px: int,
        emphasis: Emphasis | None = None,
    ) -> None:
        self._grammar = grammar
        self._seed = seed
        self._split = split
        self._start = start
        self._length = stop - start
        self._size_px = size_px
        self._emphasis = emphasis

    def __len__(self) -> int:
        """Number of pictures."""
        return self._length

    def __getitem__(self, index: int) -> DrawnPicture:
        """Draws one picture."""
        return draw_picture(
            self._grammar,
            seed=self._seed,
            split=self._split,
            index=self._start + index,
            size_px=self._size_px,
            emphasis=self._emphasis,
        )


def drawn_batches(dataset: DrawnSplit, *, batch_size: int, num_workers: int) -> Iterator[DrawnBatch]:
    """Draws a split in order, in whole batches, with worker processes drawing ahead.

    Args:
        dataset: what to draw.
        batch_size: pictures a batch; a last incomplete batch is left out.
        num_workers: processes that draw ahead; 0 draws in this one.

    Returns:
        The batches, in order.
    """
    loader = DataLoader(dataset, batch_size=batch_size, num_workers=num_workers, collate_fn=_collate, drop_last=True)
    return iter(loader)


def _collate(pictures: list[DrawnPicture]) -> DrawnBatch:
    return DrawnBatch(
        images=np.stack([picture.image for picture in pictures]),
        encodings=[picture.encoding for picture in pictures],
        sentences=[picture.sentence for picture in pictures],
    )
