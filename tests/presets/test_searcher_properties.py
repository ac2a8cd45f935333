"""What holds for every searcher in a live search: exact budgets, an honest ledger, the same way twice."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.search.tiny_world import GRAMMAR, Painter, encode, make_input, make_parts

from rldf.contracts import Target
from rldf.presets.methods import METHODS, SEARCHER_NAMES
from rldf.presets.searchers import make_for_search
from rldf.records import StepRecord
from rldf.search import Budget, Journal, Ledger, RunFeedback, RunSeeds, search
from rldf.search.wish import read_inputs

SLOW = ("gp", "gp+confirm", "ppo", "dqn")
NAMES = [name for name in SEARCHER_NAMES if not METHODS[name].is_bench_only and name not in SLOW]


def run(name: str, *, max_renders: int, batch_size: int) -> tuple[Ledger, Painter, list[StepRecord]]:
    painter, seeds = Painter(), RunSeeds(root=0)
    budget = Budget(max_renders=max_renders)
    ledger = Ledger(budget)
    parts = make_parts(painter=painter)
    inner = parts.wire(Target(percept=read_inputs(parts.perception, [make_input(encode())]))).feedback
    feedback = RunFeedback(
        inner, journal=Journal(space=GRAMMAR.space), ledger=ledger, seeds=seeds, phase="search", target=encode()
    )
    searcher = make_for_search(
        name, space=GRAMMAR.space, start=GRAMMAR.space.encoding(100), seed=1, horizon=budget.search_renders
    )
    records = list(search(searcher, feedback, ledger=ledger, seed_of=seeds.of("search"), batch_size=batch_size))
    return ledger, painter, records


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(max_renders=st.integers(1, 14), batch_size=st.integers(1, 8))
def test_every_searcher__keeps_to_its_budget_and_the_ledger_counts_what_was_drawn(
    name: str, max_renders: int, batch_size: int
) -> None:
    ledger, painter, records = run(name, max_renders=max_renders, batch_size=batch_size)
    distinct = {(record.outcome.encoding, record.outcome.seed) for record in records}
    assert ledger.renders == painter.num_pictures == len(distinct)
    assert ledger.renders <= Budget(max_renders=max_renders).search_renders


@pytest.mark.parametrize("name", NAMES)
def test_every_searcher__goes_the_same_way_twice(name: str) -> None:
    ways = [
        [
            (record.outcome.encoding, record.outcome.seed, record.reward)
            for record in run(name, max_renders=12, batch_size=4)[2]
        ]
        for _ in range(2)
    ]
    assert ways[0] == ways[1]
