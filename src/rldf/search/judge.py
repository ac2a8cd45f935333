"""The final judgement: scorer B looks at pictures on test seeds, which nothing was chosen by.

B itself reads the input; a picture scores the mean, over all axes, of the probability B gives to the term read there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rldf.records import Percept
from rldf.seeding import child_rng

NUM_RESAMPLES = 2000  # our choice: the interval's ends move by less than 0.005 from seed to seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What scorer B says of the pictures of one encoding.

    Attributes:
        score: 0 to 1, mean over pictures and axes.
        ci95: lower and upper end of the 95 % interval, by bootstrap over seeds.
        axes: for each axis, the mean over pictures, 0 to 1.
    """

    score: float
    ci95: tuple[float, float]
    axes: tuple[float, ...]


def judge(readings: Sequence[Percept], *, input_reading: Percept, seed: int) -> Judgement:
    """Scores what scorer B read in the pictures of one encoding.

    Args:
        readings: one percept per test picture.
        input_reading: what scorer B read in the input.
        seed: root seed of the run; the bootstrap's own seed is derived from it.

    Returns:
        The score, its interval and its parts.

    Source:
        Percentile bootstrap over seeds: Efron & Tibshirani 1993, section 13.3; 2,000 resamples.
    """
    agreement: Float[np.ndarray, "pictures axes"] = np.array(
        [reading.probability_of(input_reading.encoding) for reading in readings], dtype=np.float64
    )
    per_picture = agreement.mean(axis=1)
    rng = child_rng(seed, "bootstrap")
    picks = rng.integers(len(per_picture), size=(NUM_RESAMPLES, len(per_picture)))
    low, high = np.quantile(per_picture[picks].mean(axis=1), [0.025, 0.975])
    return Judgement(
        score=float(per_picture.mean()),
        ci95=(float(low), float(high)),
        axes=tuple(float(value) for value in agreement.mean(axis=0)),
    )
