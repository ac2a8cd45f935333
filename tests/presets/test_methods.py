"""The one table of all methods."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from rldf.contracts import Agent, Proposal, Searcher
from rldf.errors import ConfigError
from rldf.presets.agent_methods import Learning, uniform
from rldf.presets.build import build_searcher
from rldf.presets.config import SearchConfig, SearcherName, SearchSettings
from rldf.presets.method_settings import check_settings, tunable
from rldf.presets.methods import METHODS, NO_TRIES, SEARCHER_NAMES
from rldf.searchers.request import SearcherRequest
from rldf.space import Encoding
from rldf.testing.feedback import AnalyticFeedback
from rldf.testing.simulation import simulated_space

SPACE = simulated_space((3, 2))


class Asked(dict[str, float]):
    """Settings that remember which of them were asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def get(self, name: str, default: float) -> float:  # type: ignore[override]
        self.names.add(name)
        return default


def request(name: str, settings: dict[str, float]) -> SearcherRequest:
    return SearcherRequest(
        name=name,
        space=SPACE,
        start=SPACE.encoding(0),
        prior=None,
        sentence_prior=None,
        sentence_likeness=None,
        seed=0,
        horizon=8,
        settings=settings,
    )


def test_names_of_a_search__are_those_of_the_table() -> None:
    assert get_args(SearcherName) == tuple(name for name in SEARCHER_NAMES if not METHODS[name].is_bench_only)


def test_bounds__are_of_the_benchmark_alone() -> None:
    assert all(METHODS[name].is_bench_only for name in NO_TRIES)


@pytest.mark.parametrize("name", [name for name in METHODS if tunable(name)])
def test_tunable_settings__are_all_asked_for(name: str) -> None:
    asked = Asked()
    METHODS[name].make(request(name, asked))
    assert set(tunable(name)) <= asked.names


def test_thompson__has_no_setting_that_does_nothing() -> None:
    assert tunable("thompson") == {}
    assert set(tunable("thompson+confirm")) == {"confirming_share"}
    with pytest.raises(ConfigError, match=r"'thompson' has no setting 'optimism' to tune. It has: none"):
        check_settings("thompson", {"optimism": 1.0})


@pytest.mark.parametrize("name", ["q-learning", "sarsa", "expected-sarsa", "double-q", "dyna-q"])
def test_every_learning_agent__takes_the_settings_of_a_search(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Learning] = []

    def make(by: Learning) -> Agent:
        seen.append(by)
        return uniform(by)

    assert METHODS[name].make_agent is not None
    monkeypatch.setitem(METHODS, name, replace(METHODS[name], make_agent=make))
    config = SearchConfig(search=SearchSettings(searcher=name, discount=0.42, epsilon=0.2, final_epsilon=0.1))
    build_searcher(config, space=SPACE, start=SPACE.encoding(0), seed=3)
    assert [(by.discount, by.seed, by.exploration.at(0)) for by in seen] == [(0.42, 3, 0.2)]


def test_percept_rerank__ranks_a_search_by_what_was_read() -> None:
    prior = (np.array([0.5, 0.1, 0.4]), np.array([0.9, 0.1]))
    config = SearchConfig(search=SearchSettings(searcher="percept-rerank"))
    searcher = build_searcher(config, space=SPACE, start=Encoding((0, 0)), seed=0, prior=prior)
    tried = [proposal.encoding.indices for _ in range(3) for proposal in asked_and_told(searcher)]
    assert tried == [(0, 0), (2, 0), (1, 0)]  # a neighbour of the start, (1, 0) or (0, 1), is less likely than (2, 0)


def asked_and_told(searcher: Searcher) -> list[Proposal]:
    proposals = searcher.ask(1)
    feedback = AnalyticFeedback(space=SPACE, reward_of=lambda _: 0.0)
    searcher.tell(feedback.try_encodings([proposal.encoding for proposal in proposals], seeds=[0] * len(proposals)))
    return proposals
