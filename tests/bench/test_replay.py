from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import NoReturn, final

import numpy as np
import pytest

from rldf.bench import BenchTable, Entry, Plan, Replayer, ResultRow, run_plan
from rldf.bench.table_rewards import agreement
from rldf.contracts import Proposal, Searcher
from rldf.errors import ConfigError
from rldf.presets.methods import NO_TRIES, SEARCHER_NAMES
from rldf.presets.searchers import make_searcher
from rldf.records import StepRecord
from rldf.searchers.request import SearcherRequest
from rldf.space import Encoding


def run_one(
    table: BenchTable, method: str, *, budgets: tuple[int, ...] = (2, 8, 16), start: str = "cold", seed: int = 0
) -> list[ResultRow]:
    result = Replayer(table).run(
        make_searcher,
        method=method,
        start="warm" if start == "warm" else "cold",
        target=1,
        seed=seed,
        budgets=budgets,
        batch_size=4,
    )
    return list(result.rows)


@pytest.mark.parametrize("method", [*NO_TRIES, *SEARCHER_NAMES])
def test_every_method__keeps_its_budget_and_gives_the_same_twice(small_table: BenchTable, method: str) -> None:
    first, second = (run_one(small_table, method, start="warm") for _ in range(2))
    assert first == second
    assert [row.budget for row in first] == [2, 8, 16]
    assert all(row.renders <= row.budget for row in first)
    assert all(0 <= row.judged.score <= 1 for row in first)


def test_budget__is_used_to_the_last_render_where_the_method_goes_on(small_table: BenchTable) -> None:
    for method in ("random", "hill-climb", "exhaustive", "q-learning"):
        assert [row.renders for row in run_one(small_table, method)] == [2, 8, 16]


@final
class Repeating(Searcher):
    """Asks for the same picture for ever, then for others."""

    def __init__(self, encodings: Sequence[Encoding]) -> None:
        self._encodings = list(encodings)
        self.records: list[StepRecord] = []

    def ask(self, max_proposals: int) -> list[Proposal]:
        return [Proposal(encoding=self._encodings[len(self.records) % len(self._encodings)])][:max_proposals]

    def tell(self, records: Sequence[StepRecord]) -> None:
        self.records.extend(records)


def test_pictures_asked_for_again__are_not_charged_but_end_somewhere(small_table: BenchTable) -> None:
    searcher = Repeating([Encoding((0, 0, 0)), Encoding((1, 0, 0))])
    result = Replayer(small_table).run(
        lambda _: searcher, method="repeating", start="cold", target=0, seed=0, budgets=(5,)
    )
    assert result.rows[0].renders == 2
    assert result.num_steps == 500
    rewards = {record.outcome.encoding: record.reward for record in searcher.records}
    assert len({(record.outcome.encoding, record.reward) for record in searcher.records}) == len(rewards)


def test_feedback__tells_what_the_table_holds(small_table: BenchTable) -> None:
    feedback = Replayer(small_table).feedback(2)
    encoding = Encoding((2, 1, 0))
    state = small_table.space.index(encoding)
    (record,) = feedback.try_encodings([encoding], seeds=[1])
    wish = small_table.percept(small_table.readings.target_a[2]).encoding
    shown = small_table.percept(small_table.readings.a_search[state, 1])
    assert record.outcome.percept.encoding == shown.encoding
    assert record.reward == pytest.approx(shown.probability_of(wish).mean())
    again = feedback.try_encodings([encoding, encoding], seeds=[1, 2])
    assert again[0].outcome is record.outcome
    assert (feedback.num_renders, feedback.num_steps) == (2, 3)


def test_clip_reward__is_the_cosine(small_table: BenchTable) -> None:
    feedback = Replayer(small_table, reward="clip").feedback(0)
    (record,) = feedback.try_encodings([Encoding((0, 0, 0))], seeds=[2])
    expected = small_table.readings.a_search_vectors[0, 2].astype(float) @ small_table.readings.target_vectors[
        0
    ].astype(float)
    assert record.reward == pytest.approx(expected)


def test_judgement__is_scorer_b_on_the_second_half_of_the_test_seeds(small_table: BenchTable) -> None:
    (row,) = run_one(small_table, "exhaustive", budgets=(36,))
    wish = small_table.percept(small_table.readings.target_b[1]).encoding
    by_b = agreement(small_table, small_table.readings.b_test, wish)
    assert row.judged.score == pytest.approx(by_b[row.judged.state, 2:].mean())
    assert row.judged.oracle == pytest.approx(by_b[by_b[:, :2].mean(axis=1).argmax(), 2:].mean())


def test_search__never_sees_judging_pictures_nor_scorer_b(small_table: BenchTable) -> None:
    """Other test pictures, another scorer B, other true words: the same encodings are found."""
    rng = np.random.default_rng(0)
    readings = small_table.readings
    other = replace(
        small_table,
        readings=replace(
            readings,
            a_test=rng.permutation(readings.a_test),
            b_test=rng.permutation(readings.b_test),
            target_b=rng.permutation(readings.target_b),
        ),
        targets=tuple(replace(target, terms={}) for target in small_table.targets),
    )
    for method in ("factored", "gradient-guarded", "dyna-q", "percept-rerank"):
        honest, changed = (run_one(table, method, start="warm") for table in (small_table, other))
        assert [row.judged.state for row in honest] == [row.judged.state for row in changed]


def test_request__holds_no_target(small_table: BenchTable) -> None:
    """A cold searcher gets a random start and nothing read in the target."""
    requests: list[SearcherRequest] = []

    def make(request: SearcherRequest) -> Searcher:
        requests.append(request)
        return Repeating([request.start])

    for start in ("cold", "warm"):
        Replayer(small_table).run(
            make, method="x", start="warm" if start == "warm" else "cold", target=3, seed=0, budgets=(1,)
        )
    cold, warm = requests
    assert cold.prior is None
    assert cold.sentence_prior is None
    assert warm.start == small_table.percept(small_table.readings.target_a[3]).encoding
    assert warm.sentence_prior is not None
    assert [row.sum() for row in warm.sentence_prior] == pytest.approx([1.0, 1.0, 1.0])


def test_methods_without_tries__answer_with_what_they_were_told(small_table: BenchTable) -> None:
    readings, space = small_table.readings, small_table.space
    likeness = readings.sentence_vectors.astype(float) @ readings.target_vectors[1].astype(float)
    likeliest = int(likeness.argmax())
    best = run_one(small_table, "pez-snapped", start="warm")
    assert {row.judged.state for row in best} == {likeliest}
    assert {row.renders for row in best} == {0}
    percept = space.index(small_table.percept(readings.target_a[1]).encoding)
    assert {row.judged.state for row in run_one(small_table, "percept", start="warm")} == {percept}
    ranked = run_one(small_table, "sentence-ranking", start="warm")[0].judged.state
    means = likeness.reshape(space.shape)
    expected = [int(means.mean(axis=others).argmax()) for others in ((1, 2), (0, 2), (0, 1))]
    assert list(space.encoding(ranked).indices) == expected


def test_pez_rerank__tries_sentences_in_falling_order_of_likeness(small_table: BenchTable) -> None:
    readings = small_table.readings
    likeness = readings.sentence_vectors.astype(float) @ readings.target_vectors[1].astype(float)
    result = Replayer(small_table).run(
        make_searcher, method="pez-snapped-rerank", start="warm", target=1, seed=0, budgets=(6,)
    )
    assert [state for state, _ in result.pictures] == np.argsort(-likeness, kind="stable")[:6].tolist()


def test_plan__gives_the_same_rows_with_any_number_of_workers(small_table: BenchTable) -> None:
    plan = Plan(
        entries=(Entry(method="random", start="cold"), Entry(method="annealing", start="cold", has_horizon=True)),
        targets=(0, 3),
        num_seeds=2,
        budgets=(4, 8),
    )
    alone, timings = run_plan(small_table, plan, make_searcher=make_searcher)
    together, _ = run_plan(small_table, plan, make_searcher=make_searcher, num_workers=2)
    assert alone == together
    assert len(alone) == 2 * 2 * 2 * 2
    assert [(timing.method, timing.steps > 0) for timing in timings] == [("random", True), ("annealing", True)]


def broken_pool(*_: object, **__: object) -> NoReturn:
    raise BrokenProcessPool("A process in the process pool was terminated abruptly")


def test_plan__worker_that_was_killed_is_told_clearly(small_table: BenchTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rldf.bench.plan.ProcessPoolExecutor", broken_pool)
    plan = Plan(entries=(Entry(method="random", start="cold"),), targets=(0,), budgets=(4,))
    with pytest.raises(ConfigError, match=r"one of 2 worker processes was ended from outside.*fewer --workers"):
        run_plan(small_table, plan, make_searcher=make_searcher, num_workers=2)


def test_plan__slow_entries_run_on_a_subset(small_table: BenchTable) -> None:
    entry = Entry(method="random", start="cold", max_targets=1, max_seeds=1)
    rows, _ = run_plan(
        small_table,
        Plan(entries=(entry,), targets=(2, 4), num_seeds=3, budgets=(2,)),
        make_searcher=make_searcher,
    )
    assert [(row.target, row.seed) for row in rows] == [(2, 0)]


def test_plan__refuses_budgets_that_do_not_rise() -> None:
    with pytest.raises(ConfigError, match=r"budgets \(8, 4\) cannot be run.*Change these"):
        Plan(entries=(), targets=(0,), budgets=(8, 4))


def test_replayer__refuses_a_single_test_seed(small_table: BenchTable) -> None:
    readings = small_table.readings
    cut = replace(
        small_table,
        test_seeds=small_table.test_seeds[:1],
        readings=replace(
            readings,
            a_test=readings.a_test[:, :1],
            b_test=readings.b_test[:, :1],
            a_test_vectors=readings.a_test_vectors[:, :1],
        ),
    )
    with pytest.raises(ConfigError, match=r"has 1 test seeds.*more test seeds"):
        Replayer(cut)


def test_make_searcher__unknown_name_is_refused_with_a_suggestion(small_table: BenchTable) -> None:
    with pytest.raises(ConfigError, match=r"no searcher 'hillclimb'.*Did you mean 'hill-climb'"):
        run_one(small_table, "hillclimb")
