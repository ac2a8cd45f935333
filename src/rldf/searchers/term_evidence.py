"""TermEvidence: which terms appear in the pictures when a term is asked for, learned from the percepts."""

from collections.abc import Sequence
from typing import final

import numpy as np
from jaxtyping import Float

from rldf.records.percept import StepRecord
from rldf.space import EncodingSpace

PRIOR_PICTURES = 1.0  # our choice: the prior weighs as much as one picture of each term
PRIOR_SHARE_AS_ASKED = 0.9  # our choice: before any picture, a term is drawn as asked nine times in ten

TermShares = Float[np.ndarray, "_terms _terms"]
"""Row: the term asked for; column: mean probability of reading each term; rows sum to 1."""


@final
class TermEvidence:
    """Mean percept of every term of every axis, started from "drawn as asked".

    Attributes:
        shares: one matrix per axis.
    """

    def __init__(self, space: EncodingSpace, records: Sequence[StepRecord]) -> None:
        self.shares: tuple[TermShares, ...] = tuple(
            self._shares_of(position, len(axis), records) for position, axis in enumerate(space.axes)
        )

    @staticmethod
    def _shares_of(position: int, num_terms: int, records: Sequence[StepRecord]) -> TermShares:
        as_asked = PRIOR_SHARE_AS_ASKED * np.eye(num_terms) + (1 - PRIOR_SHARE_AS_ASKED) / num_terms
        sums = PRIOR_PICTURES * as_asked
        for record in records:
            asked = record.outcome.encoding.indices[position]
            sums[asked] += record.outcome.percept.probabilities[position]
        return np.asarray(sums / sums.sum(axis=1, keepdims=True))
