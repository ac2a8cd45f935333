"""Sentence-to-picture retrieval: whether a scorer finds the picture that a sentence speaks of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from rldf.arrays import ImageBatch
from rldf.grammar import Grammar
from rldf.hub import Announce
from rldf.perception.clip import ZeroShotClip, plain_texts
from rldf.renderer.drawing import draw
from rldf.seeding import child_rng, child_seed
from rldf.space import Axis, EncodingSpace

_MAX_TRIES = 100  # for each picture: a space with fewer encodings than pictures gives what it has


@runtime_checkable
class TextMatcher(Protocol):
    """Embeds pictures and sentences into one space, where the cosine says how well they fit."""

    def embed_images(self, images: ImageBatch) -> Float[np.ndarray, "batch features"]:
        """Embeds pictures: unit rows."""

    def embed_texts(self, texts: Sequence[str]) -> Float[np.ndarray, "texts features"]:
        """Embeds sentences: unit rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """How often a sentence finds its own picture among others.

    Attributes:
        num_pictures: pictures of distinct encodings it chooses from.
        top1: share of the sentences whose own picture fits best, 0 to 1.
    """

    num_pictures: int
    top1: float


def load_text_matcher(folder: Path, *, announce: Announce, device: str = "cpu") -> ZeroShotClip:
    """Loads both towers of a scorer folder that holds a CLIP.

    Args:
        folder: of scorer A.
        announce: is given one line before anything is downloaded, which a folder never needs.
        device: where it runs.

    Returns:
        What embeds pictures and sentences.
    """
    unread = EncodingSpace(axes=(Axis(id="object", terms=("picture",)),))  # only its embeddings are used
    return ZeroShotClip(folder, unread, texts=plain_texts(unread), announce=announce, outside_texts=(), device=device)


def measure_retrieval(
    *, grammar: Grammar, matcher: TextMatcher, seed: int, num_pictures: int = 100, size_px: int = 128
) -> Retrieval:
    """Lets sentences choose among drawn pictures of distinct encodings.

    Args:
        grammar: its terms must be drawable.
        matcher: embeds sentences and pictures.
        seed: 0 or larger.
        num_pictures: as many as the space has, if it has fewer.
        size_px: side of the pictures.

    Returns:
        The share of sentences that choose their own picture.
    """
    rng = child_rng(seed, "card", "retrieval")
    found: dict[str, dict[str, str]] = {}
    for _ in range(_MAX_TRIES * num_pictures):
        encoding = grammar.space.sample(rng)
        found.setdefault(grammar.render(encoding), grammar.space.terms(encoding))
        if len(found) == num_pictures:
            break
    images = [
        draw(terms, seed=child_seed(seed, "card", "retrieval", index), size_px=size_px)
        for index, terms in enumerate(found.values())
    ]
    fits = matcher.embed_texts(list(found)) @ matcher.embed_images(np.stack(images)).T
    chosen = fits.argmax(axis=1)
    return Retrieval(num_pictures=len(found), top1=float((chosen == np.arange(len(found))).mean()))
