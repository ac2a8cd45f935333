"""Replays one search from a table: the same feedback as a live run gives, without drawing anything."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, final

import numpy as np
from jaxtyping import Float, Int

from rldf.arrays import Image, Probabilities
from rldf.bench.results import Judged, ResultRow
from rldf.bench.table import BenchTable
from rldf.bench.table_rewards import PictureRewards, RewardKind, agreement, rewards_of
from rldf.contracts import Feedback, Proposal, Searcher
from rldf.errors import ConfigError
from rldf.records.percept import Outcome, Percept, Prompt, StepRecord
from rldf.search.budget import STEPS_PER_RENDER
from rldf.search.select import rank
from rldf.searchers.request import SearcherRequest
from rldf.seeding import child_rng
from rldf.space import Encoding, EncodingSpace

StartKind = Literal["cold", "warm"]

SHARPNESS = 20.0  # of the softmax that turns cosines with sentences into probabilities; our choice
NO_PICTURE: Image = np.zeros((1, 1, 3), dtype=np.uint8)
"""A table keeps no pictures."""


MakeRewards = Callable[[int], PictureRewards]
"""Rewards every search picture of a table for a target, by its position."""

MakeSearcher = Callable[[SearcherRequest], Searcher | Encoding]
"""Makes a searcher, or gives the answer of a method that tries nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What one replayed search brought.

    Attributes:
        rows: one per budget.
        own_seconds: time of the searcher itself.
        num_steps: tries, pictures asked for again included.
        pictures: state and position of the seed of every distinct picture, in the order they were asked for.
    """

    rows: tuple[ResultRow, ...]
    own_seconds: float
    num_steps: int
    pictures: tuple[tuple[int, int], ...]


@final
class TableFeedback(Feedback):
    """Looks up what came of an encoding.

    Attributes:
        num_steps: tries so far.
    """

    def __init__(self, *, space: EncodingSpace, rewards: PictureRewards, pictures: "TablePictures") -> None:
        """Takes the rewards of every picture.

        Args:
            space: the table's.
            rewards: of every search picture, for one target.
            pictures: of the same table; shared by all searches.
        """
        self._pictures = pictures
        self._space = space
        self._rewards = rewards
        self._seen: dict[tuple[int, int], None] = {}
        self.num_steps = 0

    @property
    def num_renders(self) -> int:
        """Distinct pictures asked for so far."""
        return len(self._seen)

    @property
    def pictures(self) -> tuple[tuple[int, int], ...]:
        """State and seed of every distinct picture, in the order they were asked for."""
        return tuple(self._seen)

    def try_encodings(self, encodings: Sequence[Encoding], *, seeds: Sequence[int]) -> list[StepRecord]:
        """Looks each encoding up.

        Args:
            encodings: points of the grid.
            seeds: positions among the table's search seeds.

        Returns:
            One record per encoding; pictures are blank.
        """
        records: list[StepRecord] = []
        for encoding, seed in zip(encodings, seeds, strict=True):
            state = self._space.index(encoding)
            self.num_steps += 1
            self._seen.setdefault((state, seed))
            outcome = self._pictures.outcome(encoding, state=state, seed=seed)
            records.append(StepRecord(outcome=outcome, reward=float(self._rewards[state, seed])))
        return records


@final
class TablePictures:
    """Outcomes of a table's search pictures, each made once."""

    def __init__(self, table: BenchTable) -> None:
        self._table = table
        self._outcomes: dict[tuple[int, int], Outcome] = {}

    def outcome(self, encoding: Encoding, *, state: int, seed: int) -> Outcome:
        """What came of an encoding with one search seed."""
        key = state, seed
        if key not in self._outcomes:
            percept: Percept = self._table.percept(self._table.readings.a_search[state, seed])
            prompt = Prompt(text=f"state {state}")
            self._outcomes[key] = Outcome(
                encoding=encoding, prompt=prompt, seed=seed, image=NO_PICTURE, percept=percept
            )
        return self._outcomes[key]


@final
class Replayer:
    """Replays searches of one table; what searches share is computed once."""

    def __init__(self, table: BenchTable, *, reward: RewardKind | MakeRewards = "agreement") -> None:
        """Prepares a table.

        Args:
            table: what was read in the pictures; at least two test seeds.
            reward: what searches are rewarded for, by name or as a function.

        Raises:
            ConfigError: if the table has fewer than two test seeds.
        """
        if len(table.test_seeds) < 2:
            raise ConfigError(
                f"the table '{table.name}' has {len(table.test_seeds)} test seeds; the oracle and the judgement need "
                "one each at least. Make it again with more test seeds."
            )
        self._table = table
        self._reward: RewardKind | MakeRewards = reward
        self._pictures = TablePictures(table)
        self._half = len(table.test_seeds) // 2
        self._scores: dict[int, _Scores] = {}

    def run(
        self,
        make_searcher: MakeSearcher,
        *,
        method: str,
        start: StartKind,
        target: int,
        seed: int,
        budgets: Sequence[int],
        batch_size: int = 8,
        settings: Mapping[str, float] | None = None,
        label: str = "",
    ) -> RunResult:
        """Replays one search and judges what it holds for best at every budget.

        The search seeds of the table are taken in an order drawn from `seed`. A try beyond them is one of them again.

        Args:
            make_searcher: makes the searcher.
            method: its name.
            start: "cold" begins anywhere, "warm" at what scorer A reads in the target.
            target: position of the target.
            seed: of the search, 0 or larger.
            budgets: renders after which it is judged, rising.
            batch_size: tries at once at most; no batch goes past a budget.
            settings: of the method, by name; None for its defaults.
            label: what the rows call it; "" for its name.

        Returns:
            One row per budget.
        """
        table = self._table
        wish = table.percept(table.readings.target_a[target])
        first = wish.encoding if start == "warm" else table.space.sample(child_rng(seed, "start", target))
        likeness = self._sentence_likeness(target) if start == "warm" else None
        request = SearcherRequest(
            name=method,
            space=table.space,
            start=first,
            prior=wish.probabilities if start == "warm" else None,
            sentence_prior=None if likeness is None else _prior_of(likeness, shape=table.space.shape),
            sentence_likeness=likeness,
            seed=seed,
            horizon=budgets[-1],
            settings={} if settings is None else settings,
        )
        feedback = self.feedback(target)
        order = seed_order(table, target=target, seed=seed)
        began = perf_counter()
        searcher = make_searcher(request)
        loop = _Loop(searcher, feedback, order=order, batch_size=batch_size, seconds=perf_counter() - began)
        judge = self.judge_of(target, start=first)
        rows: list[ResultRow] = []
        for budget in budgets:
            found = loop.search_to(budget, start=first)
            rows.append(
                ResultRow(
                    method=label if label else method,
                    start=start,
                    target=target,
                    kind=table.targets[target].kind,
                    split=table.targets[target].split,
                    seed=seed,
                    budget=budget,
                    renders=feedback.num_renders,
                    judged=judge(found),
                )
            )
        return RunResult(
            rows=tuple(rows),
            own_seconds=loop.seconds,
            num_steps=feedback.num_steps,
            pictures=feedback.pictures,
        )

    @property
    def table(self) -> BenchTable:
        """What was read in the pictures."""
        return self._table

    def feedback(self, target: int) -> TableFeedback:
        """Makes the feedback of one target, nothing counted yet."""
        reward = self._reward
        rewards = reward(target) if callable(reward) else rewards_of(self._table, target=target, kind=reward)
        return TableFeedback(space=self._table.space, rewards=rewards, pictures=self._pictures)

    def judge_of(self, target: int, *, start: Encoding) -> Callable[[Encoding], Judged]:
        """Makes the judge of one target: scorer B, on the second half of the test seeds."""
        table, space = self._table, self._table.space
        if target not in self._scores:
            self._scores[target] = _Scores.of(table, target=target, half=self._half)
        scores = self._scores[target]
        terms = table.targets[target].terms
        truth = table.target_state(target)
        first = space.index(start)

        def judge(found: Encoding) -> Judged:
            state = space.index(found)
            named = space.terms(found)
            return Judged(
                state=state,
                score=float(scores.by_b[state]),
                score_a=float(scores.by_a[state]),
                start_score=float(scores.by_b[first]),
                start_score_a=float(scores.by_a[first]),
                oracle=scores.oracle,
                ceiling=scores.ceiling,
                is_exact=state == truth,
                right_axes=" ".join(axis for axis, term in named.items() if terms.get(axis) == term),
            )

        return judge

    def _sentence_likeness(self, target: int) -> Float[np.ndarray, " states"] | None:
        """Likeness of every state's sentence to the target; None without sentences."""
        readings = self._table.readings
        if len(readings.sentence_vectors) != self._table.space.size:
            return None
        wish = np.asarray(readings.target_vectors[target], dtype=np.float64)
        return np.asarray(np.asarray(readings.sentence_vectors, dtype=np.float64) @ wish)


def seed_order(table: BenchTable, *, target: int, seed: int) -> Int[np.ndarray, " seeds"]:
    """The order in which a search takes the table's search seeds: positions, the first one draws most."""
    return child_rng(seed, "search-seeds", target).permutation(len(table.search_seeds))


def _prior_of(likeness: Float[np.ndarray, " states"], *, shape: tuple[int, ...]) -> tuple[Probabilities, ...]:
    """Likeness of each term's sentences, averaged over the other axes, as probabilities."""
    grid = likeness.reshape(shape)
    rows: list[Probabilities] = []
    for place in range(grid.ndim):
        means = grid.mean(axis=tuple(other for other in range(grid.ndim) if other != place))
        shares = np.exp(SHARPNESS * (means - means.max()))
        rows.append(shares / shares.sum())
    return tuple(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scores:
    """Judgements of every state for one target."""

    by_a: Float[np.ndarray, " states"]
    by_b: Float[np.ndarray, " states"]
    oracle: float
    ceiling: float

    @classmethod
    def of(cls, table: BenchTable, *, target: int, half: int) -> "_Scores":
        """Judges every state; the oracle is chosen on the first half of the test seeds, the ceiling on search seeds."""
        readings = table.readings
        wish_a = table.percept(readings.target_a[target]).encoding
        wish_b = table.percept(readings.target_b[target]).encoding
        by_b = agreement(table, readings.b_test, wish_b)
        judged_b = by_b[:, half:].mean(axis=1)
        return cls(
            by_a=agreement(table, readings.a_test, wish_a)[:, half:].mean(axis=1),
            by_b=judged_b,
            oracle=float(judged_b[int(by_b[:, :half].mean(axis=1).argmax())]),
            ceiling=float(judged_b[int(agreement(table, readings.a_search, wish_a).mean(axis=1).argmax())]),
        )


@final
class _Loop:
    """A search that stops at one budget after the other."""

    def __init__(
        self,
        searcher: Searcher | Encoding,
        feedback: TableFeedback,
        *,
        order: np.ndarray,
        batch_size: int,
        seconds: float,
    ) -> None:
        self._searcher = searcher
        self._feedback = feedback
        self._order = order
        self._batch_size = batch_size
        self._records: list[StepRecord] = []
        self._is_finished = isinstance(searcher, Encoding)
        self._ranked: tuple[int, Encoding] | None = None
        self.seconds = seconds

    def search_to(self, budget: int, *, start: Encoding) -> Encoding:
        """Goes on until a budget is used, and tells the best encoding; the start where nothing is known yet."""
        feedback, max_steps = self._feedback, STEPS_PER_RENDER * budget
        while not self._is_finished and feedback.num_renders < budget and feedback.num_steps < max_steps:
            left = min(budget - feedback.num_renders, max_steps - feedback.num_steps)
            self._turn(min(self._batch_size, left))
        if isinstance(self._searcher, Encoding):
            return self._searcher
        if self._ranked is None or self._ranked[0] != len(self._records):
            best = rank(self._searcher, self._records, count=1)
            self._ranked = len(self._records), best[0] if best else start
        return self._ranked[1]

    def _turn(self, max_proposals: int) -> None:
        """One round of ask, try and tell; the searcher's own time is measured."""
        assert not isinstance(self._searcher, Encoding)
        began = perf_counter()
        proposals: list[Proposal] = self._searcher.ask(max_proposals)
        self.seconds += perf_counter() - began
        if not proposals:
            self._is_finished = True
            return
        seeds = [int(self._order[proposal.seed_index % len(self._order)]) for proposal in proposals]
        records = self._feedback.try_encodings([proposal.encoding for proposal in proposals], seeds=seeds)
        began = perf_counter()
        self._searcher.tell(records)
        self.seconds += perf_counter() - began
        self._records += records
