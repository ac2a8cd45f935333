"""SimilarityReward: how alike the generated picture and the reference look, by their embeddings."""

from collections.abc import Sequence
from typing import final

import numpy as np
from jaxtyping import Float

from rldf.arrays import Image
from rldf.contracts import ImageEmbedder, Reward, Target
from rldf.errors import ConfigError
from rldf.records.percept import Outcome


@final
class SimilarityReward(Reward):
    """Rewards likeness: reward 3 of the paper, the CLIP reward, semi-continuous.

    R = x . y / (|x| |y|), with the embeddings x of the reference and y of the generated picture. With several
    references x is the mean of their unit-length embeddings. Bounds: -1 to 1; 1 at the reference itself.

    Source: equation (6) of arXiv 2311.15648; the mean over several references is ours.
    """

    def __init__(self, embedder: ImageEmbedder) -> None:
        """Keeps the embedder, and the embedding of the last references.

        Args:
            embedder: turns pictures into vectors; the paper uses CLIP ViT-L/14.
        """
        self._embedder = embedder
        self._references: tuple[Image, ...] = ()
        self._reference_embedding: Float[np.ndarray, " features"] | None = None
        self.bounds = (-1.0, 1.0)

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each outcome against the target's reference images.

        Args:
            outcomes: tries, their pictures of one size.
            target: needs at least one reference image.

        Returns:
            Cosines, -1 to 1.
        """
        wanted = self._embed_references(target.references)
        if not outcomes:
            return np.zeros(0)
        images = np.stack([outcome.image for outcome in outcomes])
        embedded = unit_rows(self._embedder.embed_images(images))
        cosines = np.array([row @ wanted for row in embedded])  # row by row: exact whatever the batch
        return np.asarray(np.clip(cosines, *self.bounds))

    def _embed_references(self, references: tuple[Image, ...]) -> Float[np.ndarray, " features"]:
        if not references:
            raise ConfigError(
                "the CLIP reward compares with reference images, but the target has none; at least one is needed. "
                "Give the target its references, or choose a semantic reward."
            )
        is_known = len(references) == len(self._references) and all(
            new is old for new, old in zip(references, self._references, strict=True)
        )
        if self._reference_embedding is None or not is_known:
            rows = [unit_rows(self._embedder.embed_images(image[None]))[0] for image in references]
            self._reference_embedding = unit_rows(np.mean(rows, axis=0, keepdims=True))[0]
            self._references = references
        return self._reference_embedding


def unit_rows(rows: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, "rows features"]:
    """Scales each row to length 1; a row of zeros stays one."""
    values = np.asarray(rows, dtype=np.float64)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))
