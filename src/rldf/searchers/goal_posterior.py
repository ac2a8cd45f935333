"""Draws what a reward may be looking for: one term per axis, after some tries and what was perceived in them."""

import numpy as np
from jaxtyping import Float

from rldf.searchers.additive_model import Points, Tries

NUM_SWEEPS = 12  # our choice, as all below
FIRST_HEAT = 16.0  # factor of the noise variance in the first sweep; falls to 1
NOISE_FLOOR = 0.05  # standard deviation of the noise at least, in spreads of the rewards
PRIOR_TRIES = 2.0  # tries that the prior of the noise counts for
PRIOR_NOISE = 0.3  # standard deviation of the noise expected beforehand, in spreads of the rewards
SCALE_SPREAD = 0.5  # standard deviation of the scale of an axis beforehand, as a share of its mean
MIN_SPREAD = 1e-6


def draw_goals(tries: Tries, *, count: int, rng: np.random.Generator) -> Points:
    """Draws goals from the posterior of a model in which every axis has one term that pays.

    The reward of a picture is taken to be a constant plus, for every axis, a scale of its own times the probability
    that was perceived of the goal's term, plus noise. So a picture tells of all the terms that it may show, not only
    of the one that was asked for, and a term that pays rules out the others of its axis.

    Args:
        tries: at least two; of one nothing can be learned.
        count: how many goals.
        rng: source of every draw.

    Returns:
        The different ones among them, (at most count, axes), those drawn most often first; one row where the posterior
        is sure.

    Source: ours; Gibbs sampling, Geman and Geman 1984, with a falling temperature, conjugate regression of the scales.
    """
    spread = max(float(tries.rewards.std()), MIN_SPREAD)
    rewards = (tries.rewards - tries.rewards.mean()) / spread
    sizes = [seen.shape[1] for seen in tries.seen]
    goals = np.stack([rng.integers(size, size=count) for size in sizes], axis=1)
    squares = [np.square(seen).sum(axis=0) for seen in tries.seen]
    expected = expected_scale(tries)
    scales = np.full((count, len(sizes) + 1), expected)
    scales[:, -1] = -expected * sum(float(seen.mean()) for seen in tries.seen)
    features = np.ones((count, len(rewards), len(sizes) + 1))
    for place, seen in enumerate(tries.seen):
        features[..., place] = seen[:, goals[:, place]].T
    noise = np.full(count, PRIOR_NOISE**2)
    for heat in FIRST_HEAT ** np.linspace(1.0, 0.0, NUM_SWEEPS):
        left = rewards - np.einsum("cna,ca->cn", features, scales)
        for place in rng.permutation(len(sizes)):
            seen, scale = tries.seen[place], scales[:, place : place + 1]
            left += scale * features[..., place]
            gains = (scale * (left @ seen) - np.square(scale) / 2 * squares[place]) / (heat * noise[:, np.newaxis])
            goals[:, place] = np.argmax(gains + rng.gumbel(size=gains.shape), axis=1)
            features[..., place] = seen[:, goals[:, place]].T
            left -= scale * features[..., place]
        scales = _fit_scales(features, rewards, noise=noise, expected=expected)
        errors = np.square(rewards - np.einsum("cna,ca->cn", features, scales)).sum(axis=1)
        noise = (errors + PRIOR_TRIES * PRIOR_NOISE**2) / (len(rewards) + PRIOR_TRIES)
        noise = np.maximum(noise, NOISE_FLOOR**2)
    unique, times = np.unique(goals, axis=0, return_counts=True)
    return np.asarray(unique[np.argsort(-times, kind="stable")])


def expected_scale(tries: Tries) -> float:
    """The scale of every axis, in spreads of the rewards, if all were alike and explained everything."""
    variance = sum(float(seen.var(axis=0).mean()) for seen in tries.seen)
    return float(1.0 / np.sqrt(max(variance, MIN_SPREAD)))


def _fit_scales(
    features: Float[np.ndarray, "goals tries columns"],
    rewards: Float[np.ndarray, " tries"],
    *,
    noise: Float[np.ndarray, " goals"],
    expected: float,
) -> Float[np.ndarray, "goals columns"]:
    """Posterior mean of the scales and, in the last column, of the constant; no scale is below 0."""
    num_columns = features.shape[2]
    mean = np.full(num_columns, expected)
    mean[-1] = 0.0
    precision = np.full(num_columns, (SCALE_SPREAD * expected) ** -2.0)
    precision[-1] = 1e-2
    grams = np.einsum("cna,cnb->cab", features, features) / noise[:, np.newaxis, np.newaxis] + np.diag(precision)
    sums = np.einsum("cna,n->ca", features, rewards) / noise[:, np.newaxis] + precision * mean
    scales = np.linalg.solve(grams, sums[..., np.newaxis])[..., 0]
    scales[:, :-1] = np.maximum(scales[:, :-1], 0.0)
    return np.asarray(scales)
