"""What a searcher is made from, whoever asks for one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from rldf.arrays import Probabilities
from rldf.space import Encoding, EncodingSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class SearcherRequest:
    """What a searcher is made from; the target is not among it.

    Attributes:
        name: of the method.
        space: the grid.
        start: where it begins.
        prior: what scorer A reads in the input, for each axis one probability per term; None for a cold start.
        sentence_prior: the same from the likeness of sentences to the input; None where the table has no sentences.
        sentence_likeness: cosine of every state's sentence and the input; None as before.
        seed: of the search.
        horizon: renders it may use.
        settings: of the method, by name, as tuned; empty for its defaults.
    """

    name: str
    space: EncodingSpace
    start: Encoding
    prior: tuple[Probabilities, ...] | None
    sentence_prior: tuple[Probabilities, ...] | None
    sentence_likeness: Float[np.ndarray, " states"] | None
    seed: int
    horizon: int
    settings: Mapping[str, float] = field(default_factory=dict)

    def number(self, name: str, default: float) -> float:
        """A setting of the method, or its default."""
        return float(self.settings.get(name, default))

    def whole(self, name: str, default: int) -> int:
        """A setting of the method that is a whole number, or its default."""
        return round(self.settings.get(name, default))
