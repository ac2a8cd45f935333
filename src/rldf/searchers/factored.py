"""FactoredSearcher: learns what each axis contributes and tries what could be best."""

from collections import Counter
from collections.abc import Sequence
from math import erf, pi
from typing import final

import numpy as np
from jaxtyping import Int

from rldf.contracts import Proposal, Searcher
from rldf.errors import ConfigError, EncodingError
from rldf.records.percept import StepRecord
from rldf.searchers.additive_model import AdditiveModel, Points, Shape, Tries
from rldf.searchers.goal_posterior import draw_goals
from rldf.searchers.grid_ascent import GridAscent
from rldf.searchers.ranking import RankedEncoding
from rldf.searchers.shape_fit import fit_shape
from rldf.searchers.term_evidence import TermEvidence
from rldf.seeding import child_rng
from rldf.space import Encoding, EncodingSpace

Tried = Int[np.ndarray, "tried axes"]
"""Encodings that were tried, or are taken as tried, as rows of term indices."""

OPTIMISM_CYCLE = (0.4, 0.75, 1.5, 2.25)  # standard deviations of benefit of the doubt within a batch; our choice
CAUTION = 1.0  # standard deviations taken off a mean before it is ranked; our choice
MAX_SEEDS_PER_ENCODING = 4  # our choice
NUM_GOALS = 8  # goals drawn for a batch; our choice
RECORDS_PER_PROPOSAL = 4  # a batch grows by one with so many records; our choice
NUM_RANDOM_STARTS = 4
NUM_GOOD_STARTS = 8
MAX_TRIES = 512  # tries the model is built on: half the best, half the latest; our choice
MIN_TRIES_TO_FINISH = 24
EVERY_RECORD_UP_TO = 24  # records; beyond, the shape is fitted anew when they have grown by a quarter; our choice
FINISHED_IMPROVEMENT = 0.005  # expected improvement, as a share of the spread of the rewards; our choice


@final
class FactoredSearcher(Searcher):
    """Searches with a Bayesian model of what each axis contributes to the reward.

    The start is the first proposal, also where tries of earlier searches were told before. Then come goals: encodings
    that could be what the reward looks for, drawn by `draw_goals`, as long as it draws new ones. Every further
    proposal maximises mean + optimism x standard deviation of an `AdditiveModel` by coordinate ascent on the grid;
    within a batch each pending try is imagined to come out as expected, so that proposals differ. An encoding that
    stays promising is tried again on the next search seed. The proposals depend only on the seed and on the records
    told so far, so a search resumes by telling them again.

    Source: goals are posterior samples, Thompson 1933; the rest is GP-UCB, Srinivas et al. 2010, with constant
    optimism; batches by the Kriging believer, Ginsbourger et al. 2010; covariance and percepts as in `AdditiveModel`.
    """

    def __init__(
        self,
        *,
        space: EncodingSpace,
        start: Encoding | None = None,
        seed: int = 0,
        max_seeds_per_encoding: int = MAX_SEEDS_PER_ENCODING,
        min_tries: int = MIN_TRIES_TO_FINISH,
    ) -> None:
        """Sets the search up.

        Args:
            space: the grid; locks and exclusions are kept.
            start: the first proposal, such as the percept of the input; None draws one.
            seed: seed of every draw, 0 or larger.
            max_seeds_per_encoding: pictures of one encoding at most, at least 1.
            min_tries: tries before the search may call itself finished.

        Raises:
            ConfigError: if max_seeds_per_encoding is below 1.
            EncodingError: if the space does not allow the start.
        """
        if max_seeds_per_encoding < 1:
            raise ConfigError(
                f"max_seeds_per_encoding is {max_seeds_per_encoding}; an encoding is drawn at least once. Give more."
            )
        if start is not None and not space.allows(start):
            raise EncodingError(
                f"the start {space.terms(start)} is not allowed: locks are {dict(space.locked)} and "
                f"{len(space.exclusions)} exclusions hold. Change the start, or loosen a lock or exclusion."
            )
        self._space = space
        self._start = space.sample(child_rng(seed, "factored-start")) if start is None else start
        self._seed = seed
        self._max_seeds_per_encoding = max_seeds_per_encoding
        self._min_tries = min_tries
        self._ascent = GridAscent(space)
        self._records: list[StepRecord] = []
        self._fitted: tuple[int, Shape] | None = None

    def tell(self, records: Sequence[StepRecord]) -> None:
        """Remembers what came of the tries."""
        self._records.extend(records)

    def ask(self, max_proposals: int) -> list[Proposal]:
        """Proposes a batch; empty when nothing better is likely or everything has been tried often enough.

        Args:
            max_proposals: size of the batch at most; while there are few records it is smaller.

        Returns:
            Proposals that are worth trying together.
        """
        num_records = len(self._records)
        max_proposals = min(max_proposals, 1 + num_records // RECORDS_PER_PROPOSAL)
        rng = child_rng(self._seed, "factored-ask", num_records)
        tried = Counter(record.outcome.encoding for record in self._records)
        asked = [self._start] if self._start not in tried and max_proposals > 0 else []
        if self._records and not self._is_finished():
            goals = self._untried_goals(tried=tried, rng=rng)
            asked = list(dict.fromkeys([*asked, *goals]))[:max_proposals]
            if len(asked) < max_proposals:
                asked = self._add_promising(asked, count=max_proposals, tried=tried, rng=rng)
        proposals: list[Proposal] = []
        for encoding in asked:
            proposals.append(Proposal(encoding=encoding, seed_index=tried[encoding]))
            tried[encoding] += 1
        return proposals

    def ranking(self, max_encodings: int) -> list[RankedEncoding]:
        """Ranks encodings by the posterior: mean less one standard deviation, the best first.

        Args:
            max_encodings: how many to return at most.

        Returns:
            Tried encodings, and untried ones where the model trusts them more; empty before the first record.
        """
        if not self._records:
            return []
        tries = self._tries()
        model = self._model()
        tried = np.unique(tries.points, axis=0)

        def cautious(points: Points) -> np.ndarray:
            mean, std = model.predict(points)
            return np.asarray(mean - CAUTION * std)

        best_tried = tried[np.argsort(-cautious(tried), kind="stable")[:NUM_GOOD_STARTS]]
        reached, _ = self._ascent.climb(cautious, best_tried)
        points = np.unique(np.vstack([tried, reached]), axis=0)
        mean, std = model.predict(points)
        order = np.argsort(CAUTION * std - mean, kind="stable")[:max_encodings]
        return [RankedEncoding(_encoding(points[i]), float(mean[i]), float(std[i])) for i in order]

    def _shape(self) -> Shape:
        """Fits the shape on the first records, as many as the next lower rung of a ladder."""
        num_fitted = rung_below(len(self._records))
        if self._fitted is None or self._fitted[0] != num_fitted:
            self._fitted = num_fitted, fit_shape(self._tries(self._records[:num_fitted]))
        return self._fitted[1]

    def _model(self) -> AdditiveModel:
        shares = TermEvidence(self._space, self._records).shares
        return AdditiveModel(shape=self._shape(), shares=shares, tries=self._tries())

    def _tries(self, records: list[StepRecord] | None = None) -> Tries:
        """The records as arrays; all of them, if none are given."""
        records = self._records if records is None else records
        if len(records) > MAX_TRIES:
            latest = records[-MAX_TRIES // 2 :]
            earlier = sorted(records[: -MAX_TRIES // 2], key=lambda record: -record.reward)
            records = earlier[: MAX_TRIES // 2] + latest
        return Tries(
            points=np.array([record.outcome.encoding.indices for record in records]),
            seen=tuple(
                np.array([record.outcome.percept.probabilities[position] for record in records])
                for position in range(len(self._space.axes))
            ),
            rewards=np.array([record.reward for record in records]),
        )

    def _untried_goals(self, *, tried: Counter[Encoding], rng: np.random.Generator) -> list[Encoding]:
        """Encodings that could be what the reward looks for and were never drawn, the likeliest first."""
        if len(self._records) < 2:
            return []
        goals = draw_goals(self._tries(), count=NUM_GOALS, rng=rng)
        for place, axis in enumerate(self._space.axes):
            if axis.id in self._space.locked:
                goals[:, place] = axis.index_of(self._space.locked[axis.id])
        encodings = dict.fromkeys(_encoding(goal) for goal in goals)
        return [goal for goal in encodings if goal not in tried and self._space.allows(goal)]

    def _add_promising(
        self, asked: list[Encoding], *, count: int, tried: Counter[Encoding], rng: np.random.Generator
    ) -> list[Encoding]:
        """Fills a batch up with what the model of the reward finds promising, as if the rest of it had come out."""
        model = self._model()
        points = self._tries().points
        for encoding in asked:
            model.imagine(np.array(encoding.indices))
            points = np.vstack([points, encoding.indices])
        filled = list(asked)
        while len(filled) < count:
            optimism = OPTIMISM_CYCLE[len(filled) % len(OPTIMISM_CYCLE)]
            best = self._most_promising(model, points=points, optimism=optimism, used=tried + Counter(filled), rng=rng)
            if best is None:
                break
            filled.append(best)
            model.imagine(np.array(best.indices))
            points = np.vstack([points, best.indices])
        return filled

    def _most_promising(
        self,
        model: AdditiveModel,
        *,
        points: Points,
        optimism: float,
        used: Counter[Encoding],
        rng: np.random.Generator,
    ) -> Encoding | None:
        """Maximises mean + optimism x standard deviation over what has not been drawn often enough."""
        spent = np.array([e.indices for e, times in used.items() if times >= self._max_seeds_per_encoding])

        def promise(points: Points) -> np.ndarray:
            mean, std = model.predict(points)
            values = mean + optimism * std
            if len(spent):
                is_spent = (points[:, np.newaxis, :] == spent[np.newaxis]).all(axis=2).any(axis=1)
                values = np.where(is_spent, -np.inf, values)
            return np.asarray(values)

        reached, values = self._ascent.climb(promise, self._ascent_starts(model, tried=points, rng=rng))
        best = int(np.argmax(values))
        return _encoding(reached[best]) if np.isfinite(values[best]) else None

    def _ascent_starts(self, model: AdditiveModel, *, tried: Tried, rng: np.random.Generator) -> Points:
        mean, _ = model.predict(tried)
        good = tried[np.argsort(-mean, kind="stable")[:NUM_GOOD_STARTS]]
        drawn = np.array([self._space.sample(rng).indices for _ in range(NUM_RANDOM_STARTS)])
        return np.vstack([np.unique(good, axis=0), drawn])

    def _is_finished(self) -> bool:
        """Tells whether no encoding is expected to improve on the best one by more than a trifle."""
        if len(self._records) < max(self._min_tries, 1):
            return False
        tries = self._tries()
        model = self._model()
        incumbent = float(model.predict(tries.points)[0].max())

        def improvement(points: Points) -> np.ndarray:
            mean, std = model.predict(points)
            return expected_improvement(mean - incumbent, std)

        rng = child_rng(self._seed, "factored-finish", len(self._records))
        starts = self._ascent_starts(model, tried=tries.points, rng=rng)
        _, values = self._ascent.climb(improvement, starts)
        return float(values.max()) < FINISHED_IMPROVEMENT * float(tries.rewards.std())


def rung_below(num_records: int) -> int:
    """The largest rung of a ladder that is not above a number: every number at first, then ever fewer.

    Args:
        num_records: 0 or larger.

    Returns:
        The rung, which depends on the number alone.

    Example:
        >>> [rung_below(number) for number in (5, 24, 25, 30, 100)]
        [5, 24, 24, 30, 88]
    """
    rung = min(num_records, EVERY_RECORD_UP_TO)
    while (higher := rung + max(1, rung // 4)) <= num_records:
        rung = higher
    return rung


def expected_improvement(gain: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Expected positive part of a normal variable.

    Args:
        gain: means, (points,).
        std: standard deviations, (points,), 0 or larger.

    Returns:
        (points,), 0 or larger.

    Example:
        >>> expected_improvement(np.array([1.0, -1.0]), np.array([0.0, 0.0])).tolist()
        [1.0, 0.0]

    Source: Jones, Schonlau, Welch 1998, eq. (15).
    """
    safe = np.maximum(std, 1e-12)
    ratio = gain / safe
    cumulative = np.array([0.5 * (1 + erf(value / 2**0.5)) for value in ratio])
    density = np.exp(-0.5 * np.square(ratio)) / (2 * pi) ** 0.5
    return np.asarray(np.maximum(gain * cumulative + safe * density, 0.0))


def _encoding(point: np.ndarray) -> Encoding:
    return Encoding(tuple(int(index) for index in point))
