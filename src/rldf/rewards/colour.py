"""Redness: a reward that any model can learn quickly, for tests and for comparing methods."""

from collections.abc import Sequence
from typing import final

import numpy as np
from jaxtyping import Float

from rldf.contracts import Reward, Target
from rldf.records.percept import Outcome


@final
class RednessReward(Reward):
    """Rewards red pictures: the mean over pixels of R - (G + B) / 2, channels from 0 to 1. Bounds: -1 to 1."""

    def __init__(self) -> None:
        self.bounds = (-1.0, 1.0)

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each picture; the target is not looked at.

        Args:
            outcomes: tries.
            target: may be empty.

        Returns:
            Redness, -1 to 1.
        """
        del target
        return np.array([_redness(outcome.image) for outcome in outcomes], dtype=np.float64)


def _redness(image: np.ndarray) -> float:
    red, green, blue = (image[..., channel].astype(np.float64).mean() / 255.0 for channel in range(3))
    return float(red - (green + blue) / 2.0)
