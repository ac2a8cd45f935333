"""Fidelity of pictures: how often a judge reads the term that was asked for, with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from jaxtyping import Int

from rldf.records.percept import Percept
from rldf.worlds.trials import Trials

Z_95 = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """Share of pictures in which a judge reads the term that was asked for.

    Attributes:
        accuracy: 0 to 1.
        ci95: Wilson score interval.
        trials: pictures it was measured on, 1 or more.
    """

    accuracy: float
    ci95: tuple[float, float]
    trials: int


def read_fidelity(percepts: Sequence[Percept], trials: Trials) -> dict[str, Fidelity]:
    """Compares what a judge read with what was asked for, where the renderer marks the axis visible.

    Args:
        percepts: what the judge read, a percept per trial.
        trials: what was asked for, and which axes count.

    Returns:
        Axis id to the share read as asked; an axis that counts in no picture is missing.
    """
    agrees = read_terms(percepts) == trials.asked
    return {
        axis.id: _share(int(agrees[counted, k].sum()), int(counted.sum()))
        for k, axis in enumerate(trials.space.axes)
        if (counted := trials.counted[:, k]).any()
    }


def read_terms(percepts: Sequence[Percept]) -> Int[np.ndarray, "trials axes"]:
    """The term a judge read on each axis of each picture, by its place."""
    return np.array([percept.encoding.indices for percept in percepts])


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Finds the 95 % score interval of a share.

    Args:
        successes: 0 to trials.
        trials: 1 or more.

    Returns:
        Lower and upper bound, 0 to 1.

    Example:
        >>> low, high = wilson_interval(90, 100)
        >>> round(low, 3), round(high, 3)
        (0.826, 0.945)

    Source: Wilson 1927, score interval without continuity correction.
    """
    share = successes / trials
    centre = (share + Z_95**2 / (2 * trials)) / (1 + Z_95**2 / trials)
    half = Z_95 / (1 + Z_95**2 / trials) * sqrt(share * (1 - share) / trials + Z_95**2 / (4 * trials**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def _share(successes: int, trials: int) -> Fidelity:
    return Fidelity(accuracy=successes / trials, ci95=wilson_interval(successes, trials), trials=trials)
