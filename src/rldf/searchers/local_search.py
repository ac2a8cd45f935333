"""Searches that look around one encoding: hill climbing with restarts, and annealing; written as scripts."""

from math import exp
from typing import Literal

import numpy as np

from rldf.errors import ConfigError
from rldf.searchers.scripted import Script, try_all
from rldf.seeding import child_rng
from rldf.space import Encoding, EncodingSpace

Improvement = Literal["first", "best"]

FIRST_TEMPERATURE = 1.0  # in spreads of the rewards met; our choice
LAST_TEMPERATURE = 0.02  # the same; our choice
MIN_SPREAD = 1e-6
MAX_IDLE_RESTARTS = 50  # restarts in a row that land where everything is known; our choice
MAX_IDLE_MOVES = 50  # moves in a row among what is known, after which annealing starts anywhere; our choice


def hill_climb(
    *,
    space: EncodingSpace,
    start: Encoding | None = None,
    seed: int = 0,
    improvement: Improvement = "best",
) -> Script:
    """Climbs axis by axis to a local maximum, then starts again anywhere; for `ScriptSearcher`.

    On one axis after another, in random order, it tries every other term. "best" tries all of an axis and goes to the
    best; "first" goes to the first that is better. Where no axis improves, it starts again at random. Nothing is tried
    twice; the search is finished when restarts keep landing on what is known.

    Args:
        space: the grid; locks and exclusions are kept.
        start: where the first climb begins; None draws it.
        seed: seed of every draw, 0 or larger.
        improvement: which better encoding it goes to.

    Yields:
        Batches of proposals.

    Source: coordinate ascent with random restarts; the rule that all terms of an axis are neighbours is ours.
    """
    rng = child_rng(seed, "hill-climb")
    known: dict[Encoding, float] = {}
    here = space.sample(rng) if start is None else start
    idle = 0
    while idle < MAX_IDLE_RESTARTS:
        num_known = len(known)
        if here not in known:
            (known[here],) = yield from try_all([here])
        has_moved = True
        while has_moved:
            has_moved = False
            for axis in rng.permutation(len(space.axes)):
                before = here
                others = _others(space, here, axis=int(axis))
                portion = len(others) if improvement == "best" else 1
                for first in range(0, len(others), max(portion, 1)):
                    candidates = others[first : first + portion]
                    fresh = [encoding for encoding in candidates if encoding not in known]
                    if fresh:
                        known.update(zip(fresh, (yield from try_all(fresh)), strict=True))
                    best = max(candidates, key=lambda encoding: known[encoding])
                    if known[best] > known[here]:
                        here = best
                        break
                has_moved = has_moved or here != before
        idle = idle + 1 if len(known) == num_known else 0
        here = space.sample(rng)


def anneal(
    *,
    space: EncodingSpace,
    start: Encoding | None = None,
    seed: int = 0,
    num_tries: int = 64,
    first_temperature: float = FIRST_TEMPERATURE,
    last_temperature: float = LAST_TEMPERATURE,
) -> Script:
    """Walks to random neighbours, uphill always and downhill ever more rarely; for `ScriptSearcher`.

    A neighbour differs in one axis. The temperature falls geometrically over `num_tries` tries, then stays. Its unit
    is the spread of the rewards met so far, so rewards of any range will do. Nothing is tried twice: what is known is
    walked on for nothing. Where a walk meets nothing new for a while it starts again at random; the search is finished
    when restarts keep meeting nothing new.

    Args:
        space: the grid; locks and exclusions are kept.
        start: where it begins; None draws it.
        seed: seed of every draw, 0 or larger.
        num_tries: tries over which it cools, at least 1.
        first_temperature: in spreads, above 0.
        last_temperature: in spreads, above 0.

    Yields:
        Batches of one proposal.

    Raises:
        ConfigError: if a setting is out of its range.

    Source: Kirkpatrick, Gelatt, Vecchi 1983; neighbourhood, schedule and unit are our choice.
    """
    if num_tries < 1 or not 0 < last_temperature <= first_temperature:
        raise ConfigError(
            f"annealing over {num_tries} tries from temperature {first_temperature} to {last_temperature} is not "
            "possible; it takes at least 1 try and falls to a temperature above 0. Change these."
        )
    rng = child_rng(seed, "anneal")
    here = space.sample(rng) if start is None else start
    rewards: dict[Encoding, float] = {}
    num_restarts, ratio = 0, last_temperature / first_temperature
    while num_restarts < MAX_IDLE_RESTARTS:
        num_known, num_idle = len(rewards), 0
        there: Encoding | None = here
        while there is not None and num_idle < MAX_IDLE_MOVES:
            if there in rewards:
                num_idle += 1
            else:
                (rewards[there],) = yield from try_all([there])
                num_idle, spread = 0, max(float(np.std([*rewards.values()])), MIN_SPREAD)
            temperature = first_temperature * ratio ** min(1.0, len(rewards) / num_tries) * spread
            rise = rewards[there] - rewards[here]
            if rise >= 0 or rng.random() < exp(rise / temperature):
                here = there
            there = _random_neighbour(space, here, rng=rng)
        num_restarts = num_restarts + 1 if len(rewards) == num_known else 0
        here = space.sample(rng)


def _others(space: EncodingSpace, encoding: Encoding, *, axis: int) -> list[Encoding]:
    """The allowed encodings that differ from one on one axis alone; none where the axis is locked."""
    if space.axes[axis].id in space.locked:
        return []
    others = [
        Encoding((*encoding.indices[:axis], term, *encoding.indices[axis + 1 :]))
        for term in range(len(space.axes[axis]))
        if term != encoding.indices[axis]
    ]
    return [other for other in others if space.allows(other)]


def _random_neighbour(space: EncodingSpace, encoding: Encoding, *, rng: np.random.Generator) -> Encoding | None:
    """An allowed encoding that differs on one axis; None where there is none."""
    for axis in rng.permutation(len(space.axes)):
        others = _others(space, encoding, axis=int(axis))
        if others:
            return others[int(rng.integers(len(others)))]
    return None
