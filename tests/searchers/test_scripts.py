"""Searches written as loops, each under the conformance suite, and what is particular to each."""

from collections.abc import Callable
from itertools import islice
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldf.contracts import Proposal, Searcher
from rldf.errors import ConfigError
from rldf.records.percept import StepRecord
from rldf.searchers import (
    Breeding,
    Script,
    ScriptSearcher,
    anneal,
    confirm,
    evolve,
    hill_climb,
    likeliest,
    plan_on_model,
    play_bandits,
    prior_around,
    rank_by_records,
    rerank,
    search_best_first,
    try_everything,
)
from rldf.searchers.prior import by_probability
from rldf.searchers.scripted import try_all
from rldf.searchers.term_model import TermModel
from rldf.space import Encoding, EncodingSpace, Exclusion
from rldf.testing.feedback import AnalyticFeedback
from rldf.testing.searchers import SPACE, TARGET, SearcherSuite, proposals_of, rewarding
from rldf.testing.simulation import simulated_space

MakeScript = Callable[..., Script]

MAKERS: dict[str, MakeScript] = {
    "hill-climb": hill_climb,
    "anneal": anneal,
    "evolve": evolve,
    "bandits": play_bandits,
    "best-first": search_best_first,
    "planning": plan_on_model,
}


class TestHillClimbKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return ScriptSearcher(hill_climb(space=space, start=start, seed=seed))


class TestAnnealKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return ScriptSearcher(anneal(space=space, start=start, seed=seed))


class TestEvolveKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return ScriptSearcher(evolve(space=space, start=start, seed=seed))


class TestUcbKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return ScriptSearcher(play_bandits(space=space, start=start, seed=seed))


class TestThompsonKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return ScriptSearcher(play_bandits(space=space, start=start, seed=seed, rule="thompson"))


class TestBestFirstKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return ScriptSearcher(search_best_first(space=space, start=start, seed=seed))


class TestPlanningKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return ScriptSearcher(plan_on_model(space=space, start=start, seed=seed))


class TestRerankKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        middle = space.sample(np.random.default_rng(seed)) if start is None else start
        return ScriptSearcher(rerank(space=space, prior=prior_around(space, middle)))


def sequence(script: Script, *, portion: int, num_tries: int = 40) -> list[Proposal]:
    """What a script proposes when it is asked for so many at a time."""
    searcher, feedback = ScriptSearcher(script), rewarding(TARGET)
    asked: list[Proposal] = []
    while len(asked) < num_tries and (proposals := searcher.ask(min(portion, num_tries - len(asked)))):
        encodings = [proposal.encoding for proposal in proposals]
        searcher.tell(feedback.try_encodings(encodings, seeds=[7] * len(proposals)))
        asked += proposals
    return asked


@pytest.mark.parametrize("name", MAKERS)
def test_portions__change_nothing(name: str) -> None:
    """A search resumed, or drawn in batches of another size, asks for the same in the same order."""
    first, second = (sequence(MAKERS[name](space=SPACE, seed=3), portion=portion) for portion in (1, 7))
    assert first == second
    assert first


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "planning"])
def test_start__is_tried_first_and_everything_keeps_the_lock(name: str) -> None:
    space = SPACE.lock({"count": "two"})
    start = Encoding((2, 1, 2))
    proposals = sequence(MAKERS[name](space=space, start=start, seed=1), portion=4)
    assert proposals[0].encoding == start
    assert all(space.allows(proposal.encoding) for proposal in proposals)


@pytest.mark.parametrize("name", MAKERS)
def test_everything_locked__ends(name: str) -> None:
    space = SPACE.lock({"object": "cow", "count": "two", "scene": "farm"})
    proposals = sequence(MAKERS[name](space=space, seed=0), portion=4)
    assert {proposal.encoding for proposal in proposals} == {Encoding((1, 1, 0))}


@settings(max_examples=15, deadline=None)
@given(name=st.sampled_from(sorted(MAKERS)), seed=st.integers(0, 1000), portion=st.integers(1, 9))
def test_any_script__proposes_no_more_than_asked_and_only_what_is_allowed(name: str, seed: int, portion: int) -> None:
    space = EncodingSpace(
        axes=SPACE.axes, exclusions=(Exclusion(terms={"object": ("bus",), "scene": ("beach", "park")}),)
    )
    searcher, feedback = ScriptSearcher(MAKERS[name](space=space, seed=seed)), rewarding(TARGET)
    for _ in range(6):
        proposals = searcher.ask(portion)
        assert len(proposals) <= portion
        assert searcher.ask(portion) == proposals
        assert all(space.allows(proposal.encoding) for proposal in proposals)
        searcher.tell(feedback.try_encodings([p.encoding for p in proposals], seeds=[0] * len(proposals)))


def test_script_searcher__is_finished_for_good_when_its_script_returns() -> None:
    def once() -> Script:
        (reward,) = yield from try_all([TARGET])
        assert reward > 0

    searcher = ScriptSearcher(once())
    assert searcher.ask(3) == [Proposal(encoding=TARGET)]
    searcher.tell(rewarding(TARGET).try_encodings([TARGET], seeds=[0]))
    assert searcher.ask(3) == []
    assert searcher.ask(3) == []


def test_script_searcher__sends_the_script_all_records_of_its_batch_in_order() -> None:
    sent: list[list[StepRecord]] = []

    def script() -> Script:
        sent.append((yield [Proposal(encoding=encoding) for encoding in islice(SPACE.all_encodings(), 5)]))

    searcher, feedback = ScriptSearcher(script()), rewarding(TARGET)
    while proposals := searcher.ask(2):
        searcher.tell(feedback.try_encodings([p.encoding for p in proposals], seeds=[0] * len(proposals)))
    assert [record.outcome.encoding for record in sent[0]] == list(islice(SPACE.all_encodings(), 5))


def test_hill_climb__reaches_the_top_of_a_sum_in_one_sweep() -> None:
    """4 + 3 + 3 terms: the start, then 3 + 2 + 2 others."""
    feedback = AnalyticFeedback(space=SPACE, reward_of=lambda e: -float(SPACE.distance(e, TARGET)), noise=0.0)
    proposals = proposals_of(ScriptSearcher(hill_climb(space=SPACE, seed=2)), feedback, num_batches=8, batch_size=1)
    assert TARGET in {proposal.encoding for proposal in proposals}


@pytest.mark.parametrize("search", [hill_climb, anneal])
def test_local_search__tries_nothing_twice_and_covers_a_small_space(search: MakeScript) -> None:
    proposals = sequence(search(space=SPACE, seed=0), portion=5, num_tries=200)
    encodings = [proposal.encoding for proposal in proposals]
    assert len(encodings) == len(set(encodings)) == SPACE.size


def test_anneal__refuses_to_heat_up() -> None:
    with pytest.raises(ConfigError, match=r"from temperature 0\.1 to 0\.5.*Change these"):
        next(anneal(space=SPACE, first_temperature=0.1, last_temperature=0.5))


def test_anneal__accepts_downhill_less_and_less() -> None:
    """Cold from the beginning it looks around the top and stays there; hot it walks off."""
    feedback = AnalyticFeedback(space=SPACE, reward_of=lambda e: -float(SPACE.distance(e, TARGET)), noise=0.0)

    def most_axes_off(first: float) -> int:
        script = anneal(space=SPACE, start=TARGET, num_tries=40, first_temperature=first, last_temperature=first)
        proposals = proposals_of(ScriptSearcher(script), feedback, num_batches=6, batch_size=1)
        pairs = [zip(proposal.encoding.indices, TARGET.indices, strict=True) for proposal in proposals]
        return max(sum(mine != its for mine, its in pair) for pair in pairs)

    assert most_axes_off(1e-3) == 1
    assert most_axes_off(100.0) > 1


def test_evolve__keeps_the_numbers_of_a_generation() -> None:
    space = simulated_space((10, 4, 3, 4))
    script = evolve(space=space, seed=0)
    first = next(script)
    feedback = AnalyticFeedback(space=space, reward_of=lambda e: float(sum(e.indices)))
    second = script.send(feedback.try_encodings([p.encoding for p in first], seeds=[0] * len(first)))
    assert (len(first), len(second)) == (20, 20)
    assert not {p.encoding for p in first} & {p.encoding for p in second}


def test_breeding__refuses_more_parents_than_there_are() -> None:
    with pytest.raises(ConfigError, match=r"30 parents of a population of 20.*Change these"):
        Breeding(num_parents=30)


def test_bandits__refuse_pessimism() -> None:
    with pytest.raises(ConfigError, match=r"optimism is -1.*Try 1"):
        next(play_bandits(space=SPACE, optimism=-1))


def test_best_first__expands_neighbours_of_what_it_drew_only() -> None:
    proposals = sequence(search_best_first(space=SPACE, seed=0, batch_size=1), portion=1, num_tries=20)
    drawn = [proposal.encoding for proposal in proposals]
    for place, encoding in enumerate(drawn[1:], start=1):
        assert min(SPACE.distance(encoding, earlier) for earlier in drawn[:place]) == 1


def test_best_first__refuses_a_negative_cost() -> None:
    with pytest.raises(ConfigError, match=r"path cost -1.*Change these"):
        next(search_best_first(space=SPACE, path_cost=-1))


def test_planning__walks_to_the_target_of_a_sum() -> None:
    proposals = sequence(plan_on_model(space=SPACE, start=Encoding((3, 0, 2)), seed=1), portion=1, num_tries=30)
    assert TARGET in {proposal.encoding for proposal in proposals}


def test_planning__refuses_a_discount_of_one() -> None:
    with pytest.raises(ConfigError, match=r"discount is 1.*Try 0\.9"):
        next(plan_on_model(space=SPACE, discount=1.0))


def test_likeliest__falls_in_probability_and_covers_the_space() -> None:
    rng = np.random.default_rng(0)
    prior = tuple(rng.dirichlet(np.ones(len(axis))) for axis in SPACE.axes)
    walked = list(likeliest(SPACE, prior))
    chances = [np.prod([row[index] for row, index in zip(prior, encoding.indices, strict=True)]) for encoding in walked]
    assert len(set(walked)) == len(walked) == SPACE.size
    assert all(high >= low - 1e-12 for high, low in zip([inf, *chances], chances, strict=False))


def test_by_probability__puts_the_first_terms_before_likelier_ones() -> None:
    prior = tuple(np.eye(len(axis))[0] for axis in SPACE.axes)
    walked = list(by_probability(SPACE, prior, first=TARGET))
    assert walked[0] == TARGET
    assert len(set(walked)) == len(walked) == SPACE.size


def test_prior_around__sums_to_one_and_is_largest_at_the_start() -> None:
    for row, index in zip(prior_around(SPACE, TARGET), TARGET.indices, strict=True):
        assert row.sum() == pytest.approx(1.0)
        assert int(row.argmax()) == index


def test_try_everything__tries_each_allowed_encoding_once() -> None:
    proposals = sequence(try_everything(space=SPACE), portion=5, num_tries=100)
    assert [proposal.encoding for proposal in proposals] == list(SPACE.all_encodings())


def test_term_model__equals_ridge_regression() -> None:
    """The posterior mean is the ridge estimate on one-hot rows, rewards in spreads around their mean."""
    space = simulated_space((3, 2))
    encodings = [Encoding((a, b)) for a in range(3) for b in range(2)]
    feedback = AnalyticFeedback(space=space, reward_of=lambda e: 2.0 * e.indices[0] - e.indices[1], noise=0.1)
    records = feedback.try_encodings(encodings, seeds=range(6))
    model = TermModel(space, prior_variance=2.0, noise_variance=0.5)
    model.learn(records)
    rows = np.array([[*np.eye(3)[e.indices[0]], *np.eye(2)[e.indices[1]]] for e in encodings])
    rewards = np.array([record.reward for record in records])
    scaled = (rewards - rewards.mean()) / rewards.std()
    expected = np.linalg.solve(rows.T @ rows / 0.5 + np.eye(5) / 2.0, rows.T @ scaled / 0.5)
    np.testing.assert_allclose(model.weights()[0], expected, atol=1e-8)
    mean, std = model.predict(np.array([[1, 1]]))
    covariance = np.linalg.inv(rows.T @ rows / 0.5 + np.eye(5) / 2.0)
    np.testing.assert_allclose(std[0] ** 2, covariance[np.ix_([1, 4], [1, 4])].sum(), atol=1e-6)
    assert mean[0] == pytest.approx(expected[[1, 4]].sum())


class TestConfirmKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return ScriptSearcher(confirm(hill_climb(space=space, start=start, seed=seed)))


def test_confirm__spends_its_share_on_the_leader_with_the_next_seeds() -> None:
    proposals = sequence(confirm(hill_climb(space=SPACE, seed=0), share=0.25), portion=3, num_tries=32)
    again = [proposal for proposal in proposals if proposal.seed_index > 0]
    assert 0.15 <= len(again) / len(proposals) <= 0.3
    for encoding in {proposal.encoding for proposal in again}:
        seeds = [proposal.seed_index for proposal in proposals if proposal.encoding == encoding]
        assert seeds == list(range(len(seeds)))


def test_confirm__leaves_the_script_as_it_was_without_a_share() -> None:
    plain, confirmed = (
        sequence(script, portion=4)
        for script in (hill_climb(space=SPACE, seed=1), confirm(hill_climb(space=SPACE, seed=1), share=0.0))
    )
    assert plain == confirmed


def test_confirm__finds_the_steady_encoding_where_one_picture_was_lucky() -> None:
    """Noise as large as the reward: the true top is found more often with further seeds than with one."""
    found = {"plain": 0, "confirmed": 0}
    for seed in range(12):
        for name in found:
            feedback = AnalyticFeedback(
                space=SPACE, reward_of=lambda e: 0.5 * float(e == TARGET), noise=0.25, seed=seed
            )
            script = try_everything(space=SPACE)
            searcher = ScriptSearcher(script if name == "plain" else confirm(script, share=0.4, max_seeds=6))
            records: list[StepRecord] = []
            while len(records) < 60 and (proposals := searcher.ask(4)):
                seeds = [10 + proposal.seed_index for proposal in proposals]
                told = feedback.try_encodings([p.encoding for p in proposals], seeds=seeds)
                searcher.tell(told)
                records += told
            found[name] += rank_by_records(records, max_encodings=1)[0].encoding == TARGET
    assert found["confirmed"] > found["plain"]


def test_confirm__refuses_to_do_nothing_else() -> None:
    with pytest.raises(ConfigError, match=r"share of 1.*Try 0\.25"):
        next(confirm(try_everything(space=SPACE), share=1.0))
