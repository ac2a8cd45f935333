"""Validation: paired, within its renders, and hard to convince by luck."""

from collections.abc import Callable, Sequence
from typing import Literal, final

import numpy as np
import pytest
from tests.search.tiny_world import GRAMMAR, encode

from rldf.contracts import Feedback, Proposal, Searcher
from rldf.records import StepRecord
from rldf.search import Budget, Journal, Ledger, RunFeedback, RunSeeds
from rldf.search.select import Candidate, SelectionRule, choose, rank, sort_candidates, validate
from rldf.searchers import RandomSearcher, RankedEncoding
from rldf.space import Encoding
from rldf.testing.feedback import AnalyticFeedback

START = encode()
RULE = SelectionRule()
SEEDS = RunSeeds(root=0)
NAMES = ("apple", "bus", "car", "sheep")
OTHERS = [encode(object=name) for name in NAMES]


def candidate(encoding: Encoding, rewards: Sequence[float]) -> Candidate:
    return Candidate(encoding=encoding, search_reward=None, rewards=list(rewards))


def validated(
    renders: int, *, num_ranked: int = 4, reward_of: Callable[[Encoding], float]
) -> tuple[list[Candidate], Ledger]:
    ledger = Ledger(Budget(max_renders=max(1, renders)))
    if renders == 0:
        ledger.count_try(is_new_render=True)
    feedback: Feedback = RunFeedback(
        AnalyticFeedback(space=GRAMMAR.space, reward_of=reward_of, noise=0.01),
        journal=Journal(space=GRAMMAR.space),
        ledger=ledger,
        seeds=SEEDS,
        phase="validation",
        target=START,
    )
    candidates = validate(
        OTHERS[:num_ranked],
        start=START,
        steps=[],
        feedback=feedback,
        ledger=ledger,
        seed_of=SEEDS.of("validation"),
        spread=0.3,
    )
    return candidates, ledger


@pytest.mark.parametrize(
    ("renders", "pairs"),
    [(0, [0, 0, 0]), (2, [1, 1, 0]), (6, [3, 3, 0]), (10, [4, 2, 4]), (16, [6, 2, 6])],
)
def test_validation__spends_its_renders_in_pairs_on_the_best(renders: int, pairs: list[int]) -> None:
    def reward_of(encoding: Encoding) -> float:
        return 0.9 if encoding == OTHERS[1] else 0.4

    candidates, ledger = validated(renders, reward_of=reward_of)
    assert [len(entry.rewards) for entry in candidates[:3]] == pairs
    assert (
        ledger.renders
        == max(1 if renders == 0 else 0, sum(len(entry.rewards) for entry in candidates))
        <= max(1, renders)
    )
    assert candidates[0].encoding == START


def test_validation__without_a_challenger_costs_nothing() -> None:
    candidates, ledger = validated(16, num_ranked=0, reward_of=lambda _: 0.0)
    assert ([entry.encoding for entry in candidates], ledger.renders) == ([START], 0)
    assert choose(candidates, rule=RULE, spread=0.3) is candidates[0]


def test_choose__takes_a_clear_gain_and_leaves_a_lucky_one() -> None:
    start = candidate(START, [0.5, 0.6, 0.4, 0.5, 0.6, 0.5])
    clear = candidate(OTHERS[0], [0.7, 0.8, 0.6, 0.7, 0.9, 0.7])
    lucky = candidate(OTHERS[1], [0.9, 0.2, 0.8, 0.3, 0.7, 0.6])
    assert choose([start, clear], rule=RULE, spread=0.3) is clear
    assert choose([start, lucky], rule=RULE, spread=0.3) is start
    assert choose([start, lucky, clear], rule=RULE, spread=0.3) is clear


def test_choose__is_not_convinced_by_two_equal_pairs_of_small_gain() -> None:
    start, challenger = candidate(START, [0.5, 0.5]), candidate(OTHERS[0], [0.55, 0.55])
    assert choose([start, challenger], rule=RULE, spread=0.3) is start
    assert choose([start, challenger], rule=SelectionRule(prior_deviation=0.0), spread=0.3) is challenger


def test_choose__measures_gains_in_the_spread_of_the_search() -> None:
    start, challenger = candidate(START, [0.50] * 6), candidate(OTHERS[0], [0.53] * 6)
    assert choose([start, challenger], rule=RULE, spread=0.3) is start
    assert choose([start, challenger], rule=RULE, spread=0.03) is challenger


def test_choose__does_not_go_back_to_who_fell_behind_in_the_first_round() -> None:
    start, best = candidate(START, [0.5] * 6), candidate(OTHERS[0], [0.9, 0.9, 0.4, 0.4, 0.5, 0.5])
    behind = candidate(OTHERS[1], [0.89, 0.89])
    assert choose([start, behind, best], rule=RULE, spread=0.3) is start


def share_changed(gain: float, *, deviation: float) -> float:
    """Share of 400 validations that leave the start: one challenger gains, two are as good as the start."""
    rng, changed = np.random.default_rng(0), 0
    for _ in range(400):
        rewards = rng.normal(0.6, deviation, size=(4, 6))
        rewards[1] += gain
        best = 1 + int(np.argmax(rewards[1:, :2].mean(axis=1)))
        start = candidate(START, list(rewards[0]))
        challengers = [candidate(OTHERS[n], list(rewards[n] if n == best else rewards[n, :2])) for n in (1, 2, 3)]
        changed += choose([start, *challengers], rule=RULE, spread=0.3) is not start
    return changed / 400


@pytest.mark.parametrize("deviation", [0.05, 0.15])
def test_choose__leaves_an_equal_start_so_rarely_that_one_run_in_twenty_gets_worse(deviation: float) -> None:
    assert share_changed(0.0, deviation=deviation) <= 0.10  # half of those that change score lower


def test_choose__takes_what_a_random_start_has_to_gain() -> None:
    assert share_changed(0.4, deviation=0.15) >= 0.95


def test_candidates__are_sorted_with_the_chosen_one_first() -> None:
    start, good, best, other = (
        candidate(START, [0.5]), candidate(OTHERS[0], [0.6]), candidate(OTHERS[1], [0.7]), candidate(OTHERS[2], [])
    )  # fmt: skip
    assert sort_candidates([start, good, best, other], found=start) == [start, best, good, other]
    assert other.validation_reward is None


@final
class Believer(Searcher):
    """Believes in two encodings whatever comes."""

    def ask(self, max_proposals: int) -> list[Proposal]:
        return [Proposal(encoding=START)][:max_proposals]

    def tell(self, records: Sequence[StepRecord]) -> None:
        del records

    def ranking(self, max_encodings: int) -> list[RankedEncoding]:
        beliefs = [RankedEncoding(encoding, 0.5, 0.1) for encoding in (OTHERS[1], OTHERS[1], OTHERS[0])]
        return beliefs[:max_encodings]


def test_rank__asks_the_searcher_where_it_can_tell_and_the_records_else() -> None:
    records = AnalyticFeedback(space=GRAMMAR.space, reward_of=lambda e: float(e.indices[0])).try_encodings(
        OTHERS, seeds=[1, 1, 1, 1]
    )
    by_index = sorted(OTHERS, key=lambda encoding: -encoding.indices[0])
    assert rank(Believer(), records, count=8) == [OTHERS[1], OTHERS[0]]
    assert rank(RandomSearcher(space=GRAMMAR.space), records, count=2) == by_index[:2]
    assert rank(Believer(), [], count=8) == [OTHERS[1], OTHERS[0]]
    assert rank(RandomSearcher(space=GRAMMAR.space), [], count=8) == []


def test_validation__spares_challengers_that_fell_far_behind_in_the_search() -> None:
    def reward_of(encoding: Encoding) -> float:
        return {START: 0.9, OTHERS[0]: 0.2, OTHERS[1]: 0.8}.get(encoding, 0.1)

    ledger, journal = Ledger(Budget(max_renders=24)), Journal(space=GRAMMAR.space)
    inner = AnalyticFeedback(space=GRAMMAR.space, reward_of=reward_of)

    def feedback(phase: Literal["search", "validation"]) -> RunFeedback:
        return RunFeedback(inner, journal=journal, ledger=ledger, seeds=SEEDS, phase=phase, target=START)

    def validate_now(ranked: list[Encoding]) -> list[Candidate]:
        return validate(
            ranked,
            start=START,
            steps=journal.steps,
            feedback=feedback("validation"),
            ledger=ledger,
            seed_of=SEEDS.of("validation"),
            spread=0.3,
        )

    feedback("search").try_encodings([START, *OTHERS[:2]], seeds=[SEEDS.seed("search", 0)] * 3)
    assert [len(entry.rewards) for entry in validate_now([OTHERS[0]])] == [0, 0]
    assert ledger.renders == 3
    candidates = validate_now(OTHERS[:2])
    assert [entry.encoding for entry in candidates] == [START, OTHERS[1], OTHERS[0]]
    assert [len(entry.rewards) for entry in candidates] == [8, 8, 0]
