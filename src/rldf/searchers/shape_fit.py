"""Chooses the shape of the additive model that explains the tries best."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import log

import numpy as np

from rldf.searchers.additive_model import Evidence, Shape, Tries

LOCALITIES = (0.0, 0.2, 0.5)
PERCEPT_SHARES = (0.1, 0.7, 0.95)
INTERACTIONS = (0.02, 0.1, 0.4)
NOISES = (0.01, 0.03, 0.1, 0.3, 1.0)
WEIGHT_STEPS = (0.25, 4.0)
NUM_PASSES = 2
MIN_TRIES = 6  # below this the tries say nothing of the shape
MAX_TRIES = 128  # tries the shape is fitted on, evenly spread over all; our choice
PRIOR_SPREAD = 1.5  # standard deviation of log variances around the default shape; our choice


def fit_shape(tries: Tries) -> Shape:
    """Fits the shape by coordinate search over a small table of values, with a weak prior.

    Args:
        tries: what has been tried.

    Returns:
        The best shape met; the default where there are too few tries.
    """
    default = Shape(axis_weights=(1.0,) * len(tries.seen))
    if len(tries.rewards) < MIN_TRIES:
        return default
    evidence = Evidence(_thinned(tries))

    def score(shape: Shape) -> float:
        return evidence.log_evidence(shape) + _log_prior(shape, default)

    best, best_score = default, score(default)
    for _ in range(NUM_PASSES):
        before = best
        for variants in _coordinates(len(tries.seen)):
            for candidate in variants(best):
                if candidate != best and (candidate_score := score(candidate)) > best_score:
                    best, best_score = candidate, candidate_score
        if best == before:
            break
    return best


def _thinned(tries: Tries) -> Tries:
    num_tries = len(tries.rewards)
    kept = np.unique(np.linspace(0, num_tries - 1, min(num_tries, MAX_TRIES)).astype(int))
    return Tries(points=tries.points[kept], seen=tuple(rows[kept] for rows in tries.seen), rewards=tries.rewards[kept])


def _coordinates(num_axes: int) -> Iterator[Callable[[Shape], list[Shape]]]:
    """Yields, one setting at a time, how to vary a shape in it."""
    yield lambda shape: [replace(shape, noise=value) for value in NOISES]
    yield lambda shape: [replace(shape, percept_share=value) for value in PERCEPT_SHARES]
    yield lambda shape: [replace(shape, interaction=value) for value in INTERACTIONS]
    yield lambda shape: [replace(shape, locality=value) for value in LOCALITIES]
    yield from (partial(_reweigh, position) for position in range(num_axes))


def _reweigh(position: int, shape: Shape) -> list[Shape]:
    weights = shape.axis_weights
    return [
        replace(shape, axis_weights=(*weights[:position], weights[position] * step, *weights[position + 1 :]))
        for step in WEIGHT_STEPS
    ]


def _log_prior(shape: Shape, default: Shape) -> float:
    pairs = [*zip(shape.axis_weights, default.axis_weights, strict=True)]
    pairs += [(shape.noise, default.noise), (shape.interaction, default.interaction)]
    return -0.5 * sum((log(value / usual) / PRIOR_SPREAD) ** 2 for value, usual in pairs)
