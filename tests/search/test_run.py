"""The loop: within its budget to the picture, whatever the searcher asks."""

from collections.abc import Sequence
from typing import final

import pytest
from tests.search.tiny_world import GRAMMAR, Painter, encode, make_input, make_parts

from rldf.contracts import Proposal, Searcher, Target
from rldf.records import StepRecord
from rldf.search import Budget, Journal, Ledger, RunFeedback, RunSeeds, search
from rldf.search.run import why_stopped
from rldf.search.wish import read_inputs


@final
class Scripted(Searcher):
    """Proposes a given list, as many as are allowed."""

    def __init__(self, proposals: Sequence[Proposal]) -> None:
        self.waiting = list(proposals)
        self.told: list[StepRecord] = []

    def ask(self, max_proposals: int) -> list[Proposal]:
        batch, self.waiting = self.waiting[:max_proposals], self.waiting[max_proposals:]
        return batch

    def tell(self, records: Sequence[StepRecord]) -> None:
        self.told.extend(records)


def propose(count: int, *, num_seeds: int = 1) -> list[Proposal]:
    encodings = list(GRAMMAR.space.all_encodings())
    return [Proposal(encoding=encodings[n // num_seeds], seed_index=n % num_seeds) for n in range(count)]


def run(proposals: Sequence[Proposal], *, budget: Budget, batch_size: int = 8) -> tuple[Ledger, Scripted, Painter, int]:
    painter, ledger, seeds = Painter(), Ledger(budget), RunSeeds(root=0)
    parts = make_parts(painter=painter)
    inner = parts.wire(Target(percept=read_inputs(parts.perception, [make_input(encode())]))).feedback
    feedback = RunFeedback(
        inner, journal=Journal(space=GRAMMAR.space), ledger=ledger, seeds=seeds, phase="search", target=encode()
    )
    searcher = Scripted(proposals)
    records = list(search(searcher, feedback, ledger=ledger, seed_of=seeds.of("search"), batch_size=batch_size))
    assert records == searcher.told
    return ledger, searcher, painter, len(records)


@pytest.mark.parametrize("max_renders", [1, 2, 5, 16, 23])
@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_search__never_passes_its_budget(max_renders: int, batch_size: int) -> None:
    budget = Budget(max_renders=max_renders)
    ledger, _, painter, _ = run(propose(60, num_seeds=2), budget=budget, batch_size=batch_size)
    assert ledger.renders == painter.num_pictures == budget.search_renders
    assert why_stopped(ledger) == "budget"


def test_search__ends_when_the_searcher_is_finished() -> None:
    ledger, _, _, count = run(propose(3), budget=Budget(max_renders=48))
    assert (ledger.renders, count, why_stopped(ledger)) == (3, 3, "finished")


def test_search__of_one_picture_over_and_over_ends() -> None:
    ledger, searcher, painter, count = run(propose(1) * 5000, budget=Budget(max_renders=6))
    assert (painter.num_pictures, ledger.renders, count) == (1, 1, 600)
    assert len(searcher.waiting) == 4400
    assert why_stopped(ledger) == "budget"


def test_seed_index__chooses_among_the_search_seeds() -> None:
    _, searcher, _, _ = run(propose(4, num_seeds=2), budget=Budget(max_renders=48))
    seeds = [record.outcome.seed for record in searcher.told]
    assert seeds == [RunSeeds(root=0).seed("search", index) for index in (0, 1, 0, 1)]


def test_seeds__of_different_purposes_never_meet() -> None:
    seeds = RunSeeds(root=5)
    everything = [seed for purpose in ("search", "validation", "test", "new") for seed in seeds.first(purpose, 100)]
    assert len(set(everything)) == 400
    assert seeds.first("search", 2) != RunSeeds(root=6).first("search", 2)
