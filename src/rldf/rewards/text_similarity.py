"""CLIPScore: how well a picture fits its own prompt, by embeddings of both."""

from collections.abc import Callable, Sequence
from typing import final

import numpy as np
from jaxtyping import Float

from rldf.contracts import ImageEmbedder, Reward, Target
from rldf.records.percept import Outcome
from rldf.rewards.similarity import unit_rows

WEIGHT = 2.5  # Source: equation 1 of arXiv 2104.08718

EmbedTexts = Callable[[Sequence[str]], Float[np.ndarray, "texts features"]]
"""Turns texts into vectors of the space pictures are embedded in."""


@final
class ClipScoreReward(Reward):
    """Rewards pictures that fit their prompt: 2.5 max(cos, 0). Bounds: 0 to 2.5.

    Source: equation 1 of arXiv 2104.08718, without its prefix "A photo depicts", which the embedder may add.
    """

    def __init__(self, embedder: ImageEmbedder, *, embed_texts: EmbedTexts) -> None:
        """Keeps both halves of the model.

        Args:
            embedder: embeds pictures.
            embed_texts: embeds texts, in the same space.
        """
        self._embedder = embedder
        self._embed_texts = embed_texts
        self._known: dict[str, Float[np.ndarray, " features"]] = {}
        self.bounds = (0.0, WEIGHT)

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each picture against its own prompt; the target is not looked at.

        Args:
            outcomes: tries, their pictures of one size.
            target: may be empty.

        Returns:
            CLIPScores.
        """
        del target
        if not outcomes:
            return np.zeros(0)
        embedded = unit_rows(self._embedder.embed_images(np.stack([outcome.image for outcome in outcomes])))
        cosines = [row @ self._text(outcome.prompt.text) for row, outcome in zip(embedded, outcomes, strict=True)]
        return np.asarray(WEIGHT * np.clip(np.array(cosines), 0.0, 1.0))

    def _text(self, text: str) -> Float[np.ndarray, " features"]:
        if text not in self._known:
            self._known[text] = unit_rows(self._embed_texts([text]))[0]
        return self._known[text]
