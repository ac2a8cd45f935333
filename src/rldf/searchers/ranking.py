"""Ranks encodings by the records of a search alone, so that every searcher can be ranked."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rldf.records.percept import StepRecord
from rldf.space import Encoding


class RankedEncoding(NamedTuple):
    """An encoding and what is believed of its reward.

    Attributes:
        encoding: the point of the grid.
        mean: expected reward over seeds.
        std: standard deviation of that belief, in the unit of the reward.
    """

    encoding: Encoding
    mean: float
    std: float


def rank_by_records(records: Sequence[StepRecord], *, max_encodings: int) -> list[RankedEncoding]:
    """Ranks the encodings tried by their mean reward less its standard error.

    The spread over seeds is pooled over the encodings tried with several pictures; where there are none, the spread
    of all rewards takes its place, which leaves the order to the means. The same picture told twice counts once.

    Args:
        records: what came of the tries, in any order.
        max_encodings: how many to return at most.

    Returns:
        The best first; equal ones in the order of their first try.

    Example:
        >>> rank_by_records([], max_encodings=3)
        []
    """
    rewards_of: defaultdict[Encoding, dict[int, float]] = defaultdict(dict)
    for record in records:
        rewards_of[record.outcome.encoding][record.outcome.seed] = record.reward
    groups = {encoding: np.array(list(by_seed.values())) for encoding, by_seed in rewards_of.items()}
    spread = _pooled_spread(list(groups.values()))
    ranked = [
        RankedEncoding(encoding, float(rewards.mean()), spread / float(np.sqrt(len(rewards))))
        for encoding, rewards in groups.items()
    ]
    return sorted(ranked, key=lambda entry: entry.std - entry.mean)[:max_encodings]


def _pooled_spread(groups: Sequence[np.ndarray]) -> float:
    repeated = [rewards for rewards in groups if len(rewards) > 1]
    if repeated:
        squares = sum(float(np.square(rewards - rewards.mean()).sum()) for rewards in repeated)
        return float(np.sqrt(squares / sum(len(rewards) - 1 for rewards in repeated)))
    return float(np.concatenate(groups).std()) if groups else 0.0
