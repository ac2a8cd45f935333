"""Streams of photographs for training: on the device as bytes, shuffled anew each time round, changed a little."""

from collections.abc import Iterator
from hashlib import sha256
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Int64, UInt8

from rldf.errors import ConfigError, did_you_mean
from rldf.grammar import Grammar
from rldf.seeding import child_rng, child_seed
from rldf.worlds.photo_changes import Changes, change
from rldf.worlds.photos import TRAINING, Photos, Split
from rldf.worlds.pictures import grammar_words
from rldf.worlds.source import PictureBatch, PictureSource

OBJECT_AXIS = "object"
CHANGED_WORD = "changed"
"""Said of photographs that were zoomed or recoloured, and never when drawing: so the changes do not leak into what is
drawn. (After Karras et al. 2022, "EDM", section 5, where a vector says it.)"""

NAME_ONLY_SHARE = (
    0.2  # our choice: so often the sentence is "a photo of NAME", as baselines that know only names say it
)
_CHANGED_SHARE = 0.6  # our choice
GENERATOR_CHANGES = Changes(share=_CHANGED_SHARE, min_side=0.75, colour=0.15)
AUTOENCODER_CHANGES = Changes(share=0.0)
SCORER_CHANGES = Changes(share=0.9, min_side=0.5, colour=0.3)

_SPLITS: dict[str, tuple[Split, ...]] = {
    "scorer-a": ("train-a",),
    "scorer-b": ("train-b",),
    "calibrate-a": ("validation",),
    "calibrate-b": ("validation",),
}


@final
class PhotoPictures(PictureSource):
    """Photographs of the object axis of a grammar.

    The stages "scorer-a" and "scorer-b" see disjoint halves of the training photographs, all other stages both; only
    calibration sees validation photographs, and nothing sees test photographs.
    """

    def __init__(self, photos: Photos, *, grammar: Grammar, seed: int, device: str = "cpu") -> None:
        """Moves the photographs to the device.

        Args:
            photos: with the training and the validation split.
            grammar: its object axis has every class of the photographs, by name.
            seed: root seed of the world, 0 or larger.
            device: where batches are made.

        Raises:
            ConfigError: if a class is no term of the axis.
        """
        terms = grammar.space.axis(OBJECT_AXIS).terms
        unknown = [name for name in photos.class_names if name not in terms]
        if unknown:
            raise ConfigError(
                f"the class '{unknown[0]}' is no {OBJECT_AXIS} of the grammar '{grammar.name}'; every class is one, "
                f"by its name.{did_you_mean(unknown[0], terms)} Use a grammar of these classes."
            )
        self._place = torch.device(device)
        self._seed = seed
        self._grammar = grammar
        self._sentences = [grammar.render(encoding) for encoding in grammar.space.all_encodings()]
        self._terms = terms
        self._images: dict[tuple[Split, ...], UInt8[torch.Tensor, "photos height width 3"]] = {}
        self._labels: dict[tuple[Split, ...], Int64[np.ndarray, " photos"]] = {}
        term_of_class = np.array([terms.index(name) for name in photos.class_names], dtype=np.int64)
        for splits in {TRAINING, *_SPLITS.values()}:
            part = photos.of(*splits)
            self._images[splits] = torch.from_numpy(part.images).to(self._place)
            self._labels[splits] = term_of_class[part.labels]
        self.size_px = photos.images.shape[1]
        self.axes = {OBJECT_AXIS: terms}
        self.words = (*grammar_words(grammar), CHANGED_WORD)
        digest = sha256(photos.images.tobytes()).hexdigest()[:16]
        self.identity = repr((grammar.digest, digest, len(photos.labels), seed))

    def batches(
        self, split: str, *, start: int, stop: int, batch_size: int, num_workers: int
    ) -> Iterator[PictureBatch]:
        """Streams photographs, all of them in a new order each time round; `num_workers` is not used."""
        del num_workers
        for first in range(start, stop - batch_size + 1, batch_size):
            yield self._batch(split, first=first, batch_size=batch_size)

    def pictures(self, split: str, *, count: int) -> PictureBatch:
        """Gives photographs by chance and unchanged, without a repeat."""
        splits = _SPLITS.get(split, TRAINING)
        rows = child_rng(self._seed, "photos", split).permutation(len(self._labels[splits]))[:count]
        labels = self._labels[splits][rows]
        return PictureBatch(
            images=self._images[splits][torch.from_numpy(rows).to(self._place)],
            sentences=[self._sentences[label] for label in labels.tolist()],
            seen=torch.from_numpy(labels[:, np.newaxis]).to(self._place),
        )

    def sentences(self, rng: np.random.Generator, *, count: int) -> list[str]:
        """Spells random encodings."""
        return [self._grammar.render(self._grammar.space.sample(rng)) for _ in range(count)]

    def _batch(self, split: str, *, first: int, batch_size: int) -> PictureBatch:
        splits = _SPLITS.get(split, TRAINING)
        rows = self._rows(split, first=first, count=batch_size, num_photos=len(self._labels[splits]))
        labels = self._labels[splits][rows]
        rng = child_rng(self._seed, "photos", split, "batch", first)
        changes = _changes_of(split)
        is_changed = rng.random(batch_size) < changes.share
        chance = torch.Generator(self._place).manual_seed(child_seed(self._seed, "photos", split, "changes", first))
        images = change(
            self._images[splits][torch.from_numpy(rows).to(self._place)],
            chosen=torch.from_numpy(is_changed).to(self._place),
            changes=changes,
            rng=chance,
        )
        is_generator = changes is GENERATOR_CHANGES
        is_bare = is_generator & (rng.random(batch_size) < NAME_ONLY_SHARE)
        return PictureBatch(
            images=images,
            sentences=self._said(labels, is_bare=is_bare, is_changed=is_generator & is_changed),
            seen=torch.from_numpy(labels[:, np.newaxis]).to(self._place),
        )

    def _rows(self, split: str, *, first: int, count: int, num_photos: int) -> Int64[np.ndarray, " rows"]:
        """The photographs from number `first` of an endless stream of shuffled rounds."""
        numbers = np.arange(first, first + count)
        rounds = {
            number: child_rng(self._seed, "photos", split, "round", number).permutation(num_photos)
            for number in range(first // num_photos, int(numbers[-1]) // num_photos + 1)
        }
        return np.array([rounds[number // num_photos][number % num_photos] for number in numbers.tolist()])

    def _said(
        self,
        labels: Int64[np.ndarray, " batch"],
        *,
        is_bare: Bool[np.ndarray, " batch"],
        is_changed: Bool[np.ndarray, " batch"],
    ) -> list[str]:
        """What is said of each photograph: the grammar's sentence or the bare name, and whether it was changed."""
        return [
            (f"a photo of {self._terms[label]}" if bare else self._sentences[label])
            + (f" {CHANGED_WORD}" if changed else "")
            for label, bare, changed in zip(labels.tolist(), is_bare.tolist(), is_changed.tolist(), strict=True)
        ]


def _changes_of(split: str) -> Changes:
    if split.startswith("scorer"):
        return SCORER_CHANGES
    return AUTOENCODER_CHANGES if split == "autoencoder" else GENERATOR_CHANGES
