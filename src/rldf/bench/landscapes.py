"""What a reward looks like from every state of a grid: plateaus, false peaks, where climbing ends."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from rldf.bench.statistics import rank_averaged
from rldf.bench.table_walk import TableGrid


@dataclass(frozen=True, slots=True, kw_only=True)
class Landscape:
    """One reward for one target.

    Attributes:
        plateau_share: states from which no move changes the reward.
        false_peak_share: climbs, one from every state, that end at a strict peak other than the goal.
        goal_share: climbs that end at the goal.
        nearness: rank correlation of reward and nearness to the goal, -1 to 1; 0 for a flat reward.
    """

    plateau_share: float
    false_peak_share: float
    goal_share: float
    nearness: float


def look_at(grid: TableGrid, rewards: Float[np.ndarray, " states"], *, goal: int) -> Landscape:
    """Describes a landscape.

    Args:
        grid: gives the moves.
        rewards: one per state.
        goal: number of the target's state.

    Returns:
        What it looks like.
    """
    states = np.arange(len(rewards))
    around = np.where(grid.after == states[:, np.newaxis], np.nan, rewards[grid.after])  # a border is no neighbour
    highest, lowest = np.nanmax(around, axis=1), np.nanmin(around, axis=1)
    ends = climb_ends(grid, rewards)
    is_peak = rewards > highest
    return Landscape(
        plateau_share=float(((highest == rewards) & (lowest == rewards)).mean()),
        false_peak_share=float((is_peak[ends] & (ends != goal)).mean()),
        goal_share=float((ends == goal).mean()),
        nearness=rank_correlation(rewards, -grid.distances_to(goal).astype(np.float64)),
    )


def climb_ends(grid: TableGrid, rewards: Float[np.ndarray, " states"]) -> Int[np.ndarray, " states"]:
    """Where a climb from every state ends that always makes the best move, as long as it rises."""
    best = grid.after[np.arange(len(rewards)), rewards[grid.after].argmax(axis=1)]
    there = np.where(rewards[best] > rewards, best, np.arange(len(rewards)))
    while (further := there[there]).tolist() != there.tolist():
        there = further
    return np.asarray(there)


def rank_correlation(first: Float[np.ndarray, " values"], second: Float[np.ndarray, " values"]) -> float:
    """Spearman's rank correlation, ties sharing their mean rank; 0 where one of them does not vary."""
    ranks = np.stack([rank_averaged(first), rank_averaged(second)])
    if (ranks.std(axis=1) == 0).any():
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])
