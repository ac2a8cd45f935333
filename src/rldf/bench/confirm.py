"""Makes some replayed searches again with live pictures: what the table told must be what the models show now."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import UInt8

from rldf.bench.plan import Entry, Plan
from rldf.bench.replay import MakeSearcher, Replayer, RunResult
from rldf.bench.results import ResultRow
from rldf.bench.summary import is_success
from rldf.bench.table import BenchTable
from rldf.errors import ConfigError
from rldf.seeding import child_rng

Rows = UInt8[np.ndarray, "pictures terms"]

ReadPictures = Callable[[Sequence[int], Sequence[int]], tuple[Rows, Rows]]
"""Draws states with render seeds and reads them: what scorer A reads, what scorer B reads."""

ReadTarget = Callable[[int], tuple[Rows, Rows]]
"""Draws the target of a position anew and reads it: one row by scorer A, one by scorer B."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """One answer, replayed and live.

    Attributes:
        replayed: from the table.
        live: the same search on pictures drawn now.
    """

    replayed: ResultRow
    live: ResultRow

    @property
    def is_same(self) -> bool:
        """True where both found the same encoding."""
        return self.replayed.judged.state == self.live.judged.state


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedSummary:
    """What the comparison says.

    Attributes:
        searches, answers: compared.
        pictures: drawn live.
        same_encoding: share of answers with the same encoding.
        same_success: share of answers with the same verdict.
        score_difference: mean of live less replayed score by scorer B.
        largest_score_difference: largest size of it.
        same_terms: share of live pictures in which scorer A reads the same terms as the table holds.
    """

    searches: int
    answers: int
    pictures: int
    same_encoding: float
    same_success: float
    score_difference: float
    largest_score_difference: float
    same_terms: float


@final
class LiveTable:
    """A table whose readings are replaced by those of live pictures, as far as a search asks for them."""

    def __init__(self, table: BenchTable, *, read_pictures: ReadPictures, read_target: ReadTarget) -> None:
        """Starts with nothing drawn.

        Args:
            table: what was read before.
            read_pictures: draws and reads states.
            read_target: draws and reads a target.
        """
        arrays = {name: getattr(table.readings, name).copy() for name in ("a_search", "a_test", "b_test")}
        targets = {name: getattr(table.readings, name).copy() for name in ("target_a", "target_b")}
        self.table = replace(table, readings=replace(table.readings, **arrays, **targets))
        self._read_pictures = read_pictures
        self._read_target = read_target
        self._search_drawn: set[tuple[int, int]] = set()
        self._test_drawn: set[int] = set()
        self._targets: set[int] = set()
        self._same_terms: list[bool] = []

    @property
    def num_pictures(self) -> int:
        """Pictures of states drawn so far."""
        return len(self._search_drawn) + len(self._test_drawn) * len(self.table.test_seeds)

    @property
    def same_terms(self) -> float:
        """Share of the search pictures in which scorer A reads the terms that the table holds; 1 before the first."""
        return float(np.mean(self._same_terms)) if self._same_terms else 1.0

    def take_target(self, target: int) -> None:
        """Draws a target, once."""
        if target not in self._targets:
            by_a, by_b = self._read_target(target)
            self.table.readings.target_a[target], self.table.readings.target_b[target] = by_a[0], by_b[0]
            self._targets.add(target)

    def take_search(self, pictures: Sequence[tuple[int, int]]) -> bool:
        """Draws search pictures that were not drawn yet; tells whether there were any."""
        new = [picture for picture in pictures if picture not in self._search_drawn]
        if not new:
            return False
        states = [state for state, _ in new]
        by_a, _ = self._read_pictures(states, [self.table.search_seeds[seed] for _, seed in new])
        for (state, seed), row in zip(new, by_a, strict=True):
            before = self.table.percept(self.table.readings.a_search[state, seed]).encoding
            self._same_terms.append(before == self.table.percept(row).encoding)
            self.table.readings.a_search[state, seed] = row
        self._search_drawn.update(new)
        return True

    def take_test(self, states: Sequence[int]) -> None:
        """Draws all test pictures of states, once."""
        for state in dict.fromkeys(states):
            if state not in self._test_drawn:
                by_a, by_b = self._read_pictures([state] * len(self.table.test_seeds), self.table.test_seeds)
                self.table.readings.a_test[state], self.table.readings.b_test[state] = by_a, by_b
                self._test_drawn.add(state)


def confirm_plan(
    table: BenchTable,
    plan: Plan,
    *,
    share: float,
    make_searcher: MakeSearcher,
    live: LiveTable,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Confirmed]:
    """Draws a share of a plan's searches and makes each from the table and live.

    Args:
        table: what was read before.
        plan: what was run.
        share: of the searches, above 0, at most 1.
        make_searcher: makes searchers by name.
        live: the table of live readings.
        seed: of the draw.
        on_progress: called with searches done and searches in all.

    Returns:
        One entry per answer.

    Raises:
        ConfigError: if the share is out of its range, or rewards compare embeddings, which a table keeps projected.
    """
    if not 0 < share <= 1:
        raise ConfigError(f"a share of {share} of the searches cannot be confirmed; it lies above 0, up to 1. Try 0.1.")
    if plan.reward == "clip":
        raise ConfigError(
            "searches rewarded by 'clip' cannot be confirmed: a table keeps projected embeddings, live ones are not. "
            "Confirm a run with the reward 'agreement'."
        )
    searches = [
        (entry, target, number)
        for entry in plan.entries
        for target in plan.targets[: entry.max_targets or None]
        for number in range(min(plan.num_seeds, entry.max_seeds or plan.num_seeds))
    ]
    order = child_rng(seed, "confirm").permutation(len(searches))
    chosen = sorted(int(place) for place in order[: max(1, round(share * len(searches)))])
    confirmed: list[Confirmed] = []
    replayer = Replayer(table, reward=plan.reward)
    for done, place in enumerate(chosen, start=1):
        entry, target, number = searches[place]
        confirmed += _confirm_one(replayer, plan, entry, live=live, target=target, seed=number, make=make_searcher)
        if on_progress is not None:
            on_progress(done, len(chosen))
    return confirmed


def _confirm_one(
    replayer: Replayer, plan: Plan, entry: Entry, *, live: LiveTable, target: int, seed: int, make: MakeSearcher
) -> list[Confirmed]:
    """Makes one search from the table and live, and judges both answers."""

    def search(which: Replayer, budgets: Sequence[int]) -> RunResult:
        return which.run(
            make,
            method=entry.method,
            start=entry.start,
            target=target,
            seed=seed,
            budgets=budgets,
            batch_size=plan.batch_size,
            settings=entry.settings,
            label=entry.name,
        )

    live.take_target(target)
    found: list[Confirmed] = []
    for budgets in [(budget,) for budget in plan.budgets] if entry.has_horizon else [plan.budgets]:
        replayed = search(replayer, budgets)
        fresh = search(Replayer(live.table, reward=plan.reward), budgets)
        while live.take_search(fresh.pictures):  # what live pictures say may lead to other pictures
            fresh = search(Replayer(live.table, reward=plan.reward), budgets)
        live.take_test([row.judged.state for row in (*fresh.rows, *replayed.rows)])
        judged = search(Replayer(live.table, reward=plan.reward), budgets)
        found += [Confirmed(replayed=a, live=b) for a, b in zip(replayed.rows, judged.rows, strict=True)]
    return found


def summarise_confirmed(confirmed: Sequence[Confirmed], *, live: LiveTable) -> ConfirmedSummary:
    """Compares what was replayed with what was drawn live.

    Args:
        confirmed: at least one answer.
        live: the table of live readings.

    Returns:
        What the comparison says.
    """
    differences = np.array([each.live.judged.score - each.replayed.judged.score for each in confirmed])
    rows = [each.replayed for each in confirmed]
    return ConfirmedSummary(
        searches=len({(row.method, row.start, row.target, row.seed) for row in rows}),
        answers=len(confirmed),
        pictures=live.num_pictures,
        same_encoding=float(np.mean([each.is_same for each in confirmed])),
        same_success=float(np.mean([is_success(each.live) == is_success(each.replayed) for each in confirmed])),
        score_difference=float(differences.mean()),
        largest_score_difference=float(np.abs(differences).max()),
        same_terms=live.same_terms,
    )


def write_confirmed(confirmed: Sequence[Confirmed], path: Path) -> None:
    """Writes every answer, replayed and live, as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["method", "start", "target", "seed", "budget", "state", "live_state", "score", "live_score", "is_same"]
        )
        for each in confirmed:
            row, live = each.replayed, each.live.judged
            scores = [f"{score:.6f}" for score in (row.judged.score, live.score)]
            states = [row.judged.state, live.state]
            writer.writerow(
                [row.method, row.start, row.target, row.seed, row.budget, *states, *scores, int(each.is_same)]
            )
