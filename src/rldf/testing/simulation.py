"""Simulated worlds in which a searcher's success is known exactly, and a loop to run it there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rldf.contracts import Proposal, Searcher
from rldf.records.percept import StepRecord
from rldf.space import Axis, Encoding, EncodingSpace
from rldf.testing.feedback import AnalyticFeedback, Confusion

FIRST_RENDER_SEED = 1000
CERTAINTY = 0.9
CERTAINTY_SPREAD = 0.1
DISTURBED_SHARE = 0.1  # terms that the simulated image model gets wrong more often than not
DISTURBED_RATE = 0.6
COSINE_NOISE = 0.05
LARGEST_ENUMERATED_SPACE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedWorld:
    """A feedback together with what only the one who measures may know.

    Attributes:
        space: the grid.
        feedback: what a searcher's proposals are tried with.
        target: the encoding wished for.
        expected_reward: mean reward of an encoding over seeds.
        best_reward: its maximum over the grid; in large grids with interactions, that of the target.
    """

    space: EncodingSpace
    feedback: AnalyticFeedback
    target: Encoding
    expected_reward: Callable[[Encoding], float]
    best_reward: float

    def regret(self, encoding: Encoding) -> float:
        """Expected reward that an encoding falls short of the best."""
        return self.best_reward - self.expected_reward(encoding)

    def corrupted_target(self, *, num_axes: int, seed: int) -> Encoding:
        """The target with some axes moved to another term.

        Args:
            num_axes: axes to change, up to the number of axes.
            seed: seed of the choice, 0 or larger.

        Returns:
            An encoding that differs from the target in exactly so many axes.
        """
        rng = np.random.default_rng([seed, 4])
        indices = list(self.target.indices)
        for position in rng.choice(len(indices), num_axes, replace=False):
            others = [index for index in range(self.space.shape[position]) if index != indices[position]]
            indices[position] = int(rng.choice(others))
        return Encoding(tuple(indices))


def simulated_space(sizes: Sequence[int]) -> EncodingSpace:
    """Makes a grid with axes of given sizes and made-up terms."""
    axes = [Axis(id=f"axis-{i}", terms=tuple(f"term-{j}" for j in range(size))) for i, size in enumerate(sizes)]
    return EncodingSpace(axes=tuple(axes))


def percept_world(space: EncodingSpace, *, error_rates: Sequence[float], seed: int) -> SimulatedWorld:
    """Makes a world that rewards what is seen: the mean probability of the target's terms.

    Pictures show a neighbouring term at the axis's error rate, and one term in ten is drawn wrong more often than
    right; what is drawn is read with probability about 0.9.

    Args:
        space: the grid.
        error_rates: per axis, mean share of pictures that show another term, 0 to 0.5.
        seed: seed of the world, 0 or larger.

    Returns:
        The world.
    """
    rng = np.random.default_rng([seed, 1])
    target = space.sample(rng)
    confusions = [_confusion(size, rate, rng) for size, rate in zip(space.shape, error_rates, strict=True)]
    feedback = AnalyticFeedback(
        space=space,
        reward_of_percept=lambda percept: float(percept.probability_of(target).mean()),
        confusions=confusions,
        certainty=CERTAINTY,
        certainty_spread=CERTAINTY_SPREAD,
        seed=seed,
    )
    certainty = np.random.default_rng(0).normal(CERTAINTY, CERTAINTY_SPREAD, 100_000).clip(0, 0.999).mean()
    tables: list[np.ndarray] = []
    for confusion, wished in zip(confusions, target.indices, strict=True):
        read = np.full(len(confusion), (1 - certainty) / (len(confusion) - 1))
        read[wished] = certainty
        tables.append(confusion @ read / len(confusions))
    return SimulatedWorld(
        space=space,
        feedback=feedback,
        target=target,
        expected_reward=lambda e: float(sum(table[i] for table, i in zip(tables, e.indices, strict=True))),
        best_reward=float(sum(table.max() for table in tables)),
    )


def cosine_world(space: EncodingSpace, *, seed: int) -> SimulatedWorld:
    """Makes a world with a smooth reward like an image cosine: axes add up, pairs of terms interact, noise is large.

    The axes weigh 0.08 to 0.2 each; half of an axis's reward falls off with the distance in moves. Interactions and
    peculiarities of terms have a standard deviation of 0.015, noise one of 0.05.

    Args:
        space: the grid.
        seed: seed of the world, 0 or larger.

    Returns:
        The world.
    """
    rng = np.random.default_rng([seed, 2])
    target = space.sample(rng)
    sizes = space.shape
    tables = [_smooth_table(size, wished, rng) for size, wished in zip(sizes, target.indices, strict=True)]
    pairs = {
        (first, second): rng.normal(0, 0.015, (sizes[first], sizes[second]))
        for first in range(len(sizes))
        for second in range(first)
    }

    def expected(encoding: Encoding) -> float:
        indices = encoding.indices
        additive = sum(table[index] for table, index in zip(tables, indices, strict=True))
        interaction = sum(table[indices[first], indices[second]] for (first, second), table in pairs.items())
        return float(0.4 + additive + interaction)

    confusions = [_confusion(size, 0.1, rng) for size in sizes]
    feedback = AnalyticFeedback(space=space, reward_of=expected, confusions=confusions, noise=COSINE_NOISE, seed=seed)
    candidates = space.all_encodings() if space.size <= LARGEST_ENUMERATED_SPACE else iter([target])
    best_reward = max(map(expected, candidates))
    return SimulatedWorld(
        space=space, feedback=feedback, target=target, expected_reward=expected, best_reward=best_reward
    )


def search_world(
    world: SimulatedWorld,
    searcher: Searcher,
    *,
    num_renders: int,
    batch_size: int = 8,
    after_batch: Callable[[list[Proposal]], None] | None = None,
) -> list[StepRecord]:
    """Runs a searcher in a world until its renders are used or it is finished.

    Args:
        world: tries its proposals.
        searcher: asks and learns.
        num_renders: tries in all.
        batch_size: proposals a round at most.
        after_batch: called with every round's proposals.

    Returns:
        Every record, in order.
    """
    records: list[StepRecord] = []
    while len(records) < num_renders:
        proposals = searcher.ask(min(batch_size, num_renders - len(records)))
        if not proposals:
            break
        seeds = [FIRST_RENDER_SEED + proposal.seed_index for proposal in proposals]
        told = world.feedback.try_encodings([proposal.encoding for proposal in proposals], seeds=seeds)
        searcher.tell(told)
        records += told
        if after_batch is not None:
            after_batch(proposals)
    return records


def _confusion(num_terms: int, error_rate: float, rng: np.random.Generator) -> Confusion:
    confusion = np.eye(num_terms)
    for term in range(num_terms):
        near = [other for other in (term - 1, term + 1) if 0 <= other < num_terms]
        rate = DISTURBED_RATE if rng.random() < DISTURBED_SHARE else error_rate * rng.uniform(0.3, 1.7)
        if near:
            confusion[term, term] -= rate
            confusion[term, near] += rate / len(near)
    return confusion


def _smooth_table(num_terms: int, wished: int, rng: np.random.Generator) -> np.ndarray:
    moves = np.abs(np.arange(num_terms) - wished)
    weight = rng.uniform(0.08, 0.2)
    peculiar = np.where(moves > 0, rng.normal(0, 0.015, num_terms), 0.0)
    return np.asarray(weight * (0.5 * (moves == 0) + 0.5 * np.exp(-moves)) + peculiar)
