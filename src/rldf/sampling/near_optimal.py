"""Encodings of a run that did nearly as well as the one it found."""

from collections.abc import Sequence

import numpy as np

from rldf.records import RunRecord
from rldf.space import Encoding

MARGIN = 0.5  # our choice: so many standard deviations of the run's rewards below the best
MAX_ENCODINGS = 8


def near_optimal(
    run: RunRecord, *, keep: Sequence[str], margin: float = MARGIN, max_encodings: int = MAX_ENCODINGS
) -> list[Encoding]:
    """Finds what a search met that is nearly as good as what it found.

    Args:
        run: a run.
        keep: axes that must be as in the encoding found, such as the noun's.
        margin: how far the mean reward may lie below the best, in standard deviations of all rewards, 0 or larger.
        max_encodings: at most so many, at least 1.

    Returns:
        Encodings, all different: the one found first, the others by their mean reward.
    """
    found = run.encoding
    rewards: dict[Encoding, list[float]] = {}
    for step in run.steps:
        if step.is_new_render:
            rewards.setdefault(step.encoding, []).append(step.reward)
    if not rewards:
        return [found]
    means = {encoding: float(np.mean(values)) for encoding, values in rewards.items()}
    spread = float(np.std([step.reward for step in run.steps if step.is_new_render]))
    best = means.get(found, max(means.values()))
    kept = [k for k, axis in enumerate(run.space.axes) if axis.id in keep]
    others = [
        encoding
        for encoding, mean in sorted(means.items(), key=lambda row: (-row[1], row[0].indices))
        if encoding != found
        and mean >= best - margin * spread
        and all(encoding.indices[k] == found.indices[k] for k in kept)
    ]
    return [found, *others][:max_encodings]
