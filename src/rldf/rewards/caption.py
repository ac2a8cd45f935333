"""VLM alignment: what a captioning model says of a picture, compared with its prompt by BERTScore recall."""

from collections.abc import Callable, Sequence
from typing import final

import numpy as np
from jaxtyping import Float

from rldf.arrays import ImageBatch
from rldf.contracts import Reward, Target
from rldf.records.percept import Outcome
from rldf.rewards.failures import RewardError
from rldf.rewards.similarity import unit_rows

REFERENCE = "The image contains {prompt}"  # Source: the authors' code of arXiv 2305.13301
NUM_EDGES = 2  # start and end token

Caption = Callable[[ImageBatch], Sequence[str]]
"""Says what is in pictures: one text each."""

EmbedTokens = Callable[[str], Float[np.ndarray, "tokens features"]]
"""Turns a text into one vector per token, start and end tokens included."""


@final
class CaptionReward(Reward):
    """Rewards pictures whose caption says what the prompt asked for: BERTScore recall. Bounds: -1 to 1.

    The prompt, in a sentence, is the reference and the caption the candidate; swapping them would turn recall into
    precision. Differences are small by nature: see `docs/methods/ddpo.md`.

    Source: section 5.2 of arXiv 2305.13301.
    """

    def __init__(self, caption: Caption, *, embed_tokens: EmbedTokens) -> None:
        """Keeps both models.

        Args:
            caption: says what is in pictures.
            embed_tokens: embeds the tokens of a text; the paper's is DeBERTa-XL fine-tuned on MNLI.
        """
        self._caption = caption
        self._embed_tokens = embed_tokens
        self.bounds = (-1.0, 1.0)

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each picture against its own prompt; the target is not looked at.

        Args:
            outcomes: tries, their pictures of one size.
            target: may be empty.

        Returns:
            Recalls, -1 to 1.

        Raises:
            RewardError: if the captioner gives another number of texts.
        """
        del target
        if not outcomes:
            return np.zeros(0)
        captions = list(self._caption(np.stack([outcome.image for outcome in outcomes])))
        if len(captions) != len(outcomes):
            raise RewardError(
                f"the captioner gave {len(captions)} texts for {len(outcomes)} pictures; one each is needed. "
                "Give another captioner."
            )
        return np.array(
            [
                bert_recall(
                    candidate=self._embed_tokens(text),
                    reference=self._embed_tokens(REFERENCE.format(prompt=outcome.prompt.text)),
                )
                for text, outcome in zip(captions, outcomes, strict=True)
            ],
            dtype=np.float64,
        )


def bert_recall(
    *, candidate: Float[np.ndarray, "said features"], reference: Float[np.ndarray, "asked features"]
) -> float:
    """BERTScore recall: how well each token of the reference is matched in the candidate.

    Neither weighted by inverse document frequency nor rescaled. Start and end tokens, the first and the last of each
    text, can be matched but are not counted: the reference's have weight 0, the candidate's stay in the match.

    Args:
        candidate: token embeddings of what was said.
        reference: token embeddings of what was asked for; at least one word between start and end.

    Returns:
        Mean of the best cosine of each reference token, -1 to 1; 0 where nothing was said.

    Source: equation 1 of arXiv 1904.09675, with the treatment of start, end and empty texts of its authors' code.
    """
    if len(candidate) <= NUM_EDGES:
        return 0.0
    cosines = unit_rows(reference)[1:-1] @ unit_rows(candidate).T
    return float(np.clip(cosines.max(axis=1).mean(), -1.0, 1.0))
