"""Semantic locality: whether what is near on the grid looks alike."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from rldf.errors import GrammarError
from rldf.grammar.order import cosine_distances

_TIE_DIGITS = 12  # distances that differ by rounding only are ties, on every machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Locality:
    """How well distances on the grid agree with distances between embeddings.

    Attributes:
        rank_correlation: Spearman's, over all pairs of points, -1 to 1; 0 where all pairs are equally far.
        neighbour_agreement: share of points whose most alike other point is one of their nearest on the grid, 0 to 1.
        chance_agreement: what neighbour_agreement would be if the most alike point were drawn at random, 0 to 1.
    """

    rank_correlation: float
    neighbour_agreement: float
    chance_agreement: float


def measure_locality(
    embeddings: Float[np.ndarray, "points features"], *, positions: Int[np.ndarray, "points axes"]
) -> Locality:
    """Measures semantic locality.

    Args:
        embeddings: of pictures or words, one vector per point; only directions count.
        positions: indices of each point on the grid; one column for the terms of one axis.

    Returns:
        Rank correlation and nearest neighbours.

    Raises:
        GrammarError: if there are fewer than 3 points, or not one position for each.

    Source: semantic locality of arXiv 2311.15648, whose measure is not given; Spearman, "The proof and measurement of
    association between two things", 1904.
    """
    if len(embeddings) < 3 or len(embeddings) != len(positions):
        raise GrammarError(
            f"locality of {len(embeddings)} embeddings at {len(positions)} positions; it takes at least 3 points and "
            "one position each. Give more points."
        )
    unlike = cosine_distances(embeddings)
    grid = np.abs(positions[:, None, :] - positions[None, :, :]).sum(axis=2).astype(np.float64)
    firsts, lasts = np.triu_indices(len(unlike), k=1)
    agreement, chance = _neighbour_agreement(unlike, grid)
    return Locality(
        rank_correlation=_correlation(
            average_ranks(grid[firsts, lasts]), average_ranks(np.round(unlike[firsts, lasts], _TIE_DIGITS))
        ),
        neighbour_agreement=agreement,
        chance_agreement=chance,
    )


def average_ranks(values: Float[np.ndarray, " values"]) -> Float[np.ndarray, " values"]:
    """Ranks values from 1; equal values share the mean of their ranks.

    Args:
        values: any numbers.

    Returns:
        The rank of each.

    Example:
        >>> average_ranks(np.array([3.0, 1.0, 3.0])).tolist()
        [2.5, 1.0, 2.5]
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last_ranks = np.cumsum(counts)
    return (last_ranks - (counts - 1) / 2)[inverse]


def _correlation(first: Float[np.ndarray, " pairs"], second: Float[np.ndarray, " pairs"]) -> float:
    """Pearson's correlation; 0 where one side does not vary."""
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first @ first) * (second @ second)))
    return float(np.clip(first @ second / scale, -1.0, 1.0)) if scale else 0.0


def _neighbour_agreement(
    unlike: Float[np.ndarray, "points points"], grid: Float[np.ndarray, "points points"]
) -> tuple[float, float]:
    """Share of points whose most alike point is a nearest one on the grid; and that share by chance."""
    far = np.where(np.eye(len(grid), dtype=bool), np.inf, grid)
    is_near = far == far.min(axis=1, keepdims=True)
    alike = np.where(np.eye(len(unlike), dtype=bool), np.inf, unlike).argmin(axis=1)
    agreement = is_near[np.arange(len(grid)), alike].mean()
    return float(agreement), float(is_near.sum() / (len(grid) * (len(grid) - 1)))
