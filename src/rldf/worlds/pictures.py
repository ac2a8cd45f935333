"""Seeded streams of drawn pictures with their truth: the data everything in the world is trained on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from rldf.arrays import Image
from rldf.errors import ConfigError
from rldf.grammar import Grammar
from rldf.renderer.drawing import draw_with_truth
from rldf.renderer.vocabulary import DRAWABLE, UNSAID
from rldf.seeding import child_rng, child_seed
from rldf.space import Encoding
from rldf.worlds.source import UNSEEN, PictureBatch, PictureSource


@dataclass(frozen=True, slots=True, kw_only=True)
class MixturePart:
    """A grammar whose sentences are some of those the world is trained on.

    Attributes:
        grammar: its terms must be drawable.
        share: how often it is drawn from, against the other parts; above 0.
        mention: probability that an axis that can be left out is not left out at once, 0 to 1.
        mentions: axis id to a probability of its own.
        held: axis id to the only term that is drawn.
    """

    grammar: Grammar
    share: float = 1.0
    mention: float = 1.0
    mentions: Mapping[str, float] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)


@final
class Mixture:
    """Random encodings of several grammars."""

    def __init__(self, parts: Sequence[MixturePart]) -> None:
        """Keeps the parts.

        Args:
            parts: at least one.

        Raises:
            ConfigError: if there is none, or a share is not above 0.
        """
        if not parts or min(part.share for part in parts) <= 0:
            raise ConfigError(
                f"the shares are {[part.share for part in parts]}; a mixture needs parts with shares above 0. Name one."
            )
        self.parts = tuple(parts)
        shares = np.array([part.share for part in parts])
        self._probabilities = shares / shares.sum()
        self._spaces = [part.grammar.space.lock(part.held) for part in parts]

    def sample(self, rng: np.random.Generator) -> tuple[Grammar, Encoding]:
        """Draws a grammar and an encoding of it."""
        index = int(rng.choice(len(self.parts), p=self._probabilities))
        part, space = self.parts[index], self._spaces[index]
        silent = {
            axis.id: UNSAID[axis.id]
            for axis in space.axes
            if axis.id not in part.held and UNSAID.get(axis.id) in _left_out(axis.terms)
            if rng.random() >= part.mentions.get(axis.id, part.mention)
        }
        return part.grammar, (space.lock(silent) if silent else space).sample(rng)


def _left_out(terms: Sequence[str]) -> set[str]:
    """The terms of an axis that stand for saying nothing."""
    return {"none", "person"} & set(terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPicture:
    """One drawn picture and its truth.

    Attributes:
        image: RGB, 0 to 255.
        sentence: what the grammar says of the encoding it was drawn from.
        seen: axis id to the term that a viewer sees; see `Drawing`.
    """

    image: Image
    sentence: str
    seen: Mapping[str, str]


def draw_picture(mixture: Mixture, *, seed: int, split: str, index: int, size_px: int) -> DrawnPicture:
    """Draws picture number `index` of a split: a random encoding and a picture of it.

    Args:
        mixture: draws encodings.
        seed: root seed of the world, 0 or larger.
        split: name of the stream; pictures of different splits never share a seed.
        index: from 0; equal arguments give equal pictures.
        size_px: width and height.

    Returns:
        The picture with its truth.
    """
    grammar, encoding = mixture.sample(child_rng(seed, "world", split, "encoding", index))
    picture_seed = child_seed(seed, "world", split, "picture", index)
    drawing = draw_with_truth(grammar.space.terms(encoding), seed=picture_seed, size_px=size_px)
    return DrawnPicture(image=drawing.image, sentence=grammar.render(encoding), seen=drawing.seen)


def seen_indices(seen: Mapping[str, str]) -> list[int]:
    """Numbers what is seen: for each axis of `DRAWABLE` the place of its term, or `UNSEEN`."""
    return [terms.index(seen[axis]) if axis in seen else UNSEEN for axis, terms in DRAWABLE.items()]


@final
class DrawnSplit(Dataset[DrawnPicture]):
    """The pictures of one split from `start` to `stop`, drawn when asked for."""

    def __init__(self, mixture: Mixture, *, seed: int, split: str, start: int, stop: int, size_px: int) -> None:
        self._mixture = mixture
        self._seed = seed
        self._split = split
        self._start = start
        self._length = stop - start
        self._size_px = size_px

    def __len__(self) -> int:
        """Number of pictures."""
        return self._length

    def __getitem__(self, index: int) -> DrawnPicture:
        """Draws one picture."""
        return draw_picture(
            self._mixture, seed=self._seed, split=self._split, index=self._start + index, size_px=self._size_px
        )


@final
class DrawnPictures(PictureSource):
    """Pictures that the renderer draws of random encodings: each is new."""

    def __init__(self, mixture: Mixture, *, seed: int, size_px: int) -> None:
        """Keeps what is drawn.

        Args:
            mixture: draws encodings.
            seed: root seed of the world, 0 or larger.
            size_px: side of the pictures.
        """
        self._mixture = mixture
        self._seed = seed
        self.size_px = size_px
        self.axes = DRAWABLE
        self.words = tuple(mixture_words(mixture))
        parts = [
            (part.grammar.digest, part.share, part.mention, dict(part.mentions), dict(part.held))
            for part in mixture.parts
        ]
        self.identity = repr((parts, seed, size_px))

    def batches(
        self, split: str, *, start: int, stop: int, batch_size: int, num_workers: int
    ) -> Iterator[PictureBatch]:
        """Draws a split in order, in whole batches, with worker processes drawing ahead; 0 draws in this one."""
        dataset = DrawnSplit(self._mixture, seed=self._seed, split=split, start=start, stop=stop, size_px=self.size_px)
        loader = DataLoader(
            dataset, batch_size=batch_size, num_workers=num_workers, collate_fn=_collate, drop_last=True
        )
        return iter(loader)

    def pictures(self, split: str, *, count: int) -> PictureBatch:
        """Draws the first pictures of a split."""
        drawn = DrawnSplit(self._mixture, seed=self._seed, split=split, start=0, stop=count, size_px=self.size_px)
        return _collate([drawn[index] for index in range(count)])

    def sentences(self, rng: np.random.Generator, *, count: int) -> list[str]:
        """Spells random encodings."""
        drawn = [self._mixture.sample(rng) for _ in range(count)]
        return [grammar.render(encoding) for grammar, encoding in drawn]


def mixture_words(mixture: Mixture) -> list[str]:
    """Every word the grammars of a mixture can spell, sorted."""
    return sorted({word for part in mixture.parts for word in grammar_words(part.grammar)})


def grammar_words(grammar: Grammar) -> list[str]:
    """Every word a grammar can spell, sorted."""
    terminals = {str(word) for rule in grammar.cfg.productions() for word in rule.rhs() if isinstance(word, str)}
    return sorted({part for word in terminals for part in word.split()})


def _collate(pictures: list[DrawnPicture]) -> PictureBatch:
    return PictureBatch(
        images=torch.from_numpy(np.stack([picture.image for picture in pictures])),
        sentences=[picture.sentence for picture in pictures],
        seen=torch.tensor([seen_indices(picture.seen) for picture in pictures]),
    )
