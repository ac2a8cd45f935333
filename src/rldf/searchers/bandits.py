"""Factored bandits: every axis a bandit, all of them rewarded together; written as scripts."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from rldf.contracts import Proposal
from rldf.errors import ConfigError
from rldf.searchers.additive_model import Points
from rldf.searchers.grid_ascent import GridAscent
from rldf.searchers.scripted import Script
from rldf.searchers.term_model import TermModel
from rldf.seeding import child_rng
from rldf.space import Encoding, EncodingSpace

BanditRule = Literal["ucb", "thompson"]

OPTIMISM = 1.0  # standard deviations; our choice
NUM_STARTS = 4  # random points the maximum is climbed from, beside the best tried ones; our choice
NUM_GOOD = 4


def play_bandits(
    *,
    space: EncodingSpace,
    start: Encoding | None = None,
    seed: int = 0,
    rule: BanditRule = "ucb",
    optimism: float = OPTIMISM,
) -> Script:
    """Learns one weight per term and always tries what could be best; for `ScriptSearcher`.

    It looks at the terms asked for and at the rewards, not at what is seen in the pictures: the ablation that shows
    what percepts and sequential credit add. An encoding already tried is not tried again while others are promising;
    the search is finished when every climb ends on what is known.

    Args:
        space: the grid; locks and exclusions are kept.
        start: the first proposal; None draws it.
        seed: seed of every draw, 0 or larger.
        rule: "ucb" maximises mean + optimism x standard deviation, "thompson" a draw from the posterior.
        optimism: standard deviations, 0 or larger; "thompson" makes no use of it.

    Yields:
        Batches of one proposal.

    Raises:
        ConfigError: if the optimism is negative.

    Source: linear bandits on one-hot terms: Li et al. 2010 (upper confidence bound), Agrawal and Goyal 2013 (Thompson
    sampling).
    """
    if optimism < 0:
        raise ConfigError(f"the optimism is {optimism}; it must be 0 or larger. Try 1.")
    rng = child_rng(seed, "bandits", rule)
    ascent = GridAscent(space)
    model = TermModel(space)
    tried: dict[Encoding, None] = {}
    here: Encoding | None = space.sample(rng) if start is None else start
    while here is not None:
        tried[here] = None
        model.learn((yield [Proposal(encoding=here)]))
        drawn = model.draw(rng) if rule == "thompson" else None
        here = _promising(space, model=model, ascent=ascent, tried=tried, drawn=drawn, optimism=optimism, rng=rng)


def _promising(
    space: EncodingSpace,
    *,
    model: TermModel,
    ascent: GridAscent,
    tried: dict[Encoding, None],
    drawn: np.ndarray | None,
    optimism: float,
    rng: np.random.Generator,
) -> Encoding | None:
    known = np.array([encoding.indices for encoding in tried])
    score = _score(model, drawn=drawn, optimism=optimism, known=known)
    mean, _ = model.predict(known)
    good = known[np.argsort(-mean, kind="stable")[:NUM_GOOD]]
    random = np.array([space.sample(rng).indices for _ in range(NUM_STARTS)])
    points, values = ascent.climb(score, np.vstack([good, random]))
    best = int(np.argmax(values))
    return Encoding(tuple(int(index) for index in points[best])) if np.isfinite(values[best]) else None


def _score(
    model: TermModel, *, drawn: np.ndarray | None, optimism: float, known: np.ndarray
) -> Callable[[Points], np.ndarray]:
    def score(points: Points) -> np.ndarray:
        if drawn is not None:
            values = drawn[model.columns(points)].sum(axis=1)
        else:
            mean, std = model.predict(points)
            values = mean + optimism * std
        is_known = (points[:, np.newaxis, :] == known[np.newaxis]).all(axis=2).any(axis=1)
        return np.asarray(np.where(is_known, -np.inf, values))

    return score
