"""Whether a picture shows its class: scorer A compares it with the real pictures of every class."""

from collections.abc import Iterator, Mapping, Sequence
from typing import final

import numpy as np
from jaxtyping import Bool, Float32, Int64

from rldf.arrays import Image
from rldf.contracts import ImageEmbedder
from rldf.errors import ConfigError

NUM_NEAREST = 5  # our choice: real pictures of a class that speak for it
_BLOCK_ROWS = 256


@final
class ClassCheck:
    """Calls a picture off-class where its own class is not among the `rank` classes it looks most like.

    How alike a picture and a class are is the mean cosine to the class's nearest real pictures. It knows classes, not
    sentences, so a clone from sentences and one from class names are filtered alike.
    """

    def __init__(self, embedder: ImageEmbedder, *, name: str, rank: int = 1, num_nearest: int = NUM_NEAREST) -> None:
        """Sets how strict it is.

        Args:
            embedder: scorer A.
            name: of the embedder with its digest; results are kept under it.
            rank: how many classes may be meant, at least 1.
            num_nearest: real pictures of a class that count, at least 1.
        """
        self._embedder = embedder
        self._rank = rank
        self._num_nearest = num_nearest
        self._name = name
        self._rows: dict[str, Float32[np.ndarray, "pictures features"]] = {}

    @property
    def name(self) -> str:
        """Everything that changes its verdicts, as one line."""
        counts = ",".join(f"{name}:{float(rows.sum()):.6f}" for name, rows in sorted(self._rows.items()))
        return f"{self._name} rank {self._rank} nearest {self._num_nearest} {counts}"

    @property
    def about(self) -> str:
        """Its choices for people: embedder, rank, and how many real pictures it knows."""
        known = sum(self.counts().values())
        return f"{self._name} rank {self._rank} nearest {self._num_nearest} of {known} real pictures"

    def learn(self, class_name: str, images: Sequence[Image]) -> None:
        """Looks at real pictures of a class; they may differ in size."""
        rows = [self._embedder.embed_images(image[None])[0] for image in images]
        self._rows[class_name] = np.asarray(np.stack(rows), dtype=np.float32)

    def is_off_class(self, images: Sequence[Image], class_names: Sequence[str]) -> Bool[np.ndarray, " pictures"]:
        """Judges pictures.

        Args:
            images: of one size.
            class_names: the class each shall show.

        Returns:
            True where a picture looks like other classes rather than its own.

        Raises:
            ConfigError: if a class is unknown.
        """
        unknown = sorted(set(class_names) - set(self._rows))
        if unknown:
            raise ConfigError(
                f"there are no real pictures of class '{unknown[0]}'; the class check needs some of every class. "
                "Give the folder the clone was planned from, or switch the gate off."
            )
        names = list(self._rows)
        wanted = np.array([names.index(name) for name in class_names], dtype=np.int64)
        rows = np.asarray(self._embedder.embed_images(np.stack(list(images))), dtype=np.float32)
        return np.concatenate([np.zeros(0, dtype=bool), *self._judged(rows, wanted, names)])

    def _judged(
        self, rows: Float32[np.ndarray, "pictures features"], wanted: Int64[np.ndarray, " pictures"], names: list[str]
    ) -> Iterator[Bool[np.ndarray, " _block"]]:
        for start in range(0, len(rows), _BLOCK_ROWS):
            block, own = rows[start : start + _BLOCK_ROWS], wanted[start : start + _BLOCK_ROWS]
            likeness = np.stack([self._likeness(block, name) for name in names], axis=1)
            mine = likeness[np.arange(len(block)), own][:, None]
            yield (likeness > mine).sum(axis=1) >= self._rank

    def _likeness(self, rows: Float32[np.ndarray, "pictures features"], name: str) -> Float32[np.ndarray, " pictures"]:
        cosines = rows @ self._rows[name].T
        kept = min(self._num_nearest, cosines.shape[1])
        return np.asarray(np.partition(cosines, -kept, axis=1)[:, -kept:].mean(axis=1), dtype=np.float32)

    def counts(self) -> Mapping[str, int]:
        """How many real pictures of each class it knows."""
        return {name: len(rows) for name, rows in self._rows.items()}
