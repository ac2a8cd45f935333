"""Rewards made of rewards: a weighted sum, and one drawn for a run."""

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from jaxtyping import Float

from rldf.contracts import Reward, Target
from rldf.errors import ConfigError
from rldf.records.percept import Outcome


@final
class WeightedSum(Reward):
    """Adds rewards up: R = sum of w_i R_i.

    The bounds follow from theirs: each part gives w_i low_i to w_i high_i, or the reverse where w_i is negative.

    Attributes:
        weights: name of each part to its weight.
    """

    def __init__(self, parts: Mapping[str, tuple[float, Reward]]) -> None:
        """Keeps the parts.

        Args:
            parts: name of each part to its weight, finite, and its reward; at least one.

        Raises:
            ConfigError: if there are no parts or a weight is not finite.
        """
        if not parts:
            raise ConfigError("a weighted sum has 0 parts; it needs at least one reward. Name one.")
        for name, (weight, _) in parts.items():
            if not np.isfinite(weight):
                raise ConfigError(f"the weight of reward '{name}' is {weight}; it must be finite. Change it.")
        self._parts = dict(parts)
        self.weights = {name: weight for name, (weight, _) in parts.items()}
        ends = [sorted((weight * reward.bounds[0], weight * reward.bounds[1])) for weight, reward in parts.values()]
        self.bounds = (sum(low for low, _ in ends), sum(high for _, high in ends))

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each outcome by every part and adds up.

        Args:
            outcomes: tries.
            target: must hold what every part needs.

        Returns:
            One sum per outcome, within the bounds.
        """
        scores = self.score_parts(outcomes, target=target)
        total = sum((self.weights[name] * row for name, row in scores.items()), start=np.zeros(len(outcomes)))
        return np.clip(total, *self.bounds)

    def score_parts(self, outcomes: Sequence[Outcome], *, target: Target) -> dict[str, Float[np.ndarray, " outcomes"]]:
        """Scores each outcome by every part, before weighting.

        Args:
            outcomes: tries.
            target: must hold what every part needs.

        Returns:
            Name of each part to its scores.
        """
        return {name: reward.score(outcomes, target=target) for name, (_, reward) in self._parts.items()}


def draw_reward(rewards: Mapping[str, Reward], rng: np.random.Generator) -> tuple[str, Reward]:
    """Draws the reward of a run, each with the same probability.

    Args:
        rewards: name to reward; at least one.
        rng: the run's random source for this draw.

    Returns:
        Name and reward.

    Raises:
        ConfigError: if there is nothing to draw from.

    Source: line 4 of Algorithm 1, arXiv 2311.15648, where a run samples one of three rewards.
    """
    if not rewards:
        raise ConfigError("a reward is to be drawn from 0 rewards; at least one is needed. Name one.")
    names = list(rewards)
    name = names[int(rng.integers(len(names)))]
    return name, rewards[name]
