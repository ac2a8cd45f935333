"""Planning with q* of a learned factored reward model; written as a script."""

from math import prod

import numpy as np

from rldf.contracts import Proposal
from rldf.errors import ConfigError
from rldf.searchers.scripted import Script
from rldf.searchers.term_model import TermModel
from rldf.seeding import child_rng
from rldf.space import Encoding, EncodingSpace

DISCOUNT = 0.9  # the paper's
MAX_PLANNED_STATES = 5000  # states of the part of the grid that is planned on; our choice
TOLERANCE = 1e-3  # in spreads; our choice
MAX_SWEEPS = 200
MAX_STILL = 8  # moves without anything new before it jumps; our choice


def plan_on_model(
    *, space: EncodingSpace, start: Encoding | None = None, seed: int = 0, discount: float = DISCOUNT
) -> Script:
    """Walks by q* of a reward model that it learns on its way; for `ScriptSearcher`.

    After every try it draws a reward for each term from the posterior of a `TermModel`, computes the optimal action
    values of the walk under these rewards by value iteration, and makes the best move. On each axis only the terms
    promising under the drawn rewards, and the present one, take part, so that at most a few thousand states are
    planned on however large the space is; a move goes to the next of them. Where it sees nothing new for a while, it
    begins again anywhere; where that does not help either, the search is finished.

    Args:
        space: the grid; locks and exclusions are kept.
        start: where the walk begins; None draws it.
        seed: seed of every draw, 0 or larger.
        discount: 0 up to, but not including, 1.

    Yields:
        Batches of one proposal.

    Raises:
        ConfigError: if the discount is out of its range.

    Source: value iteration, eq. (4.10) of Sutton & Barto 2018, on a posterior sample as in PSRL, Osband et al. 2013.
    """
    if not 0 <= discount < 1:
        raise ConfigError(f"the discount is {discount}; it lies from 0 up to, not including, 1. Try 0.9.")
    rng = child_rng(seed, "planning")
    model = TermModel(space)
    here = space.sample(rng) if start is None else start
    known: dict[Encoding, None] = {}
    num_still = 0
    while len(known) < space.size and num_still <= MAX_STILL**2:
        if here not in known:
            num_still = 0
            known[here] = None
            model.learn((yield [Proposal(encoding=here)]))
        else:
            num_still += 1
        if num_still > 0 and num_still % MAX_STILL == 0:
            here = _anywhere(space, known=known, rng=rng)
            continue
        drawn = model.draw(rng)
        terms = _terms_planned_on(space, here, drawn=drawn, model=model)
        here = _best_move(
            space, here, terms=terms, rewards=_rewards(terms, drawn=drawn, model=model), discount=discount
        )


def _terms_planned_on(space: EncodingSpace, here: Encoding, *, drawn: np.ndarray, model: TermModel) -> list[np.ndarray]:
    """The terms of each axis that take part: all in a small space, else the most promising and the present one."""
    sizes = [1 if axis.id in space.locked else len(axis) for axis in space.axes]
    while prod(sizes) > MAX_PLANNED_STATES:
        largest = int(np.argmax(sizes))
        sizes[largest] -= 1
    terms: list[np.ndarray] = []
    for place, (axis, size) in enumerate(zip(space.axes, sizes, strict=True)):
        present = here.indices[place]
        if axis.id in space.locked:
            terms.append(np.array([present]))
            continue
        columns = model.columns(np.tile(np.arange(len(axis))[:, np.newaxis], len(space.axes)))[:, place]
        order = [int(term) for term in np.argsort(-drawn[columns], kind="stable") if term != present]
        terms.append(np.sort(np.array([present, *order[: size - 1]])))
    return terms


def _rewards(terms: list[np.ndarray], *, drawn: np.ndarray, model: TermModel) -> np.ndarray:
    """Reward of every state planned on, under drawn weights: an array of one dimension per axis."""
    total = np.zeros(tuple(len(row) for row in terms))
    for place, row in enumerate(terms):
        points = np.zeros((len(row), len(terms)), dtype=np.int64)
        points[:, place] = row
        shape = [1] * len(terms)
        shape[place] = len(row)
        total = total + drawn[model.columns(points)[:, place]].reshape(shape)
    return np.asarray(total)


def _best_move(
    space: EncodingSpace, here: Encoding, *, terms: list[np.ndarray], rewards: np.ndarray, discount: float
) -> Encoding:
    """Makes the move with the best q*; stays where no allowed move is worth it."""
    values = _state_values(rewards, discount=discount)
    gains = rewards + discount * values
    spot = tuple(int(np.searchsorted(row, index)) for row, index in zip(terms, here.indices, strict=True))
    best, best_gain = here, -np.inf
    for place, row in enumerate(terms):
        for step in (1, -1):
            position = spot[place] + step
            if not 0 <= position < len(row):
                continue
            entered = (*spot[:place], position, *spot[place + 1 :])
            there = Encoding((*here.indices[:place], int(row[position]), *here.indices[place + 1 :]))
            if gains[entered] > best_gain and space.allows(there):
                best, best_gain = there, float(gains[entered])
    return best


def _state_values(rewards: np.ndarray, *, discount: float) -> np.ndarray:
    """Value iteration on a grid: v(s) = max over moves of r(s') + discount v(s'); walls reflect."""
    values = np.zeros_like(rewards)
    for _ in range(MAX_SWEEPS):
        gains = rewards + discount * values
        improved = np.full_like(values, -np.inf)
        for place, size in enumerate(rewards.shape):
            if size == 1:
                improved = np.maximum(improved, gains)
                continue
            up = np.take(gains, [*range(1, size), size - 1], axis=place)
            down = np.take(gains, [0, *range(size - 1)], axis=place)
            improved = np.maximum(improved, np.maximum(up, down))
        change = float(np.abs(improved - values).max())
        values = improved
        if change * discount <= TOLERANCE * (1 - discount):
            break
    return values


def _anywhere(space: EncodingSpace, *, known: dict[Encoding, None], rng: np.random.Generator) -> Encoding:
    """Draws an encoding, one that was not tried if that is easy."""
    for _ in range(MAX_STILL):
        encoding = space.sample(rng)
        if encoding not in known:
            return encoding
    return encoding
