"""Searchers of other packages: the extra `rldf[bench]`."""

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from threading import enumerate as every_thread

import numpy as np
import pytest
import torch

from rldf.contracts import Searcher
from rldf.errors import ConfigError, MissingExtraError
from rldf.searchers import ScriptSearcher
from rldf.searchers.cma_search import search_with_cma
from rldf.searchers.optuna_search import search_with_optuna
from rldf.searchers.stable_baselines import StableBaselinesSearcher
from rldf.space import Encoding, EncodingSpace
from rldf.testing.feedback import AnalyticFeedback
from rldf.testing.searchers import SPACE, TARGET, SearcherSuite, proposals_of, rewarding
from rldf.testing.simulation import simulated_space


class TestOptunaKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return ScriptSearcher(search_with_optuna(space=space, start=start, seed=seed))


class TestCmaKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return ScriptSearcher(search_with_cma(space=space, start=start, seed=seed))


class TestPpoKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return StableBaselinesSearcher(space=space, start=start, seed=seed)


class TestDqnKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return StableBaselinesSearcher(space=space, start=start, seed=seed, algorithm="dqn")


def test_optuna_gp__proposes_and_learns() -> None:
    searcher = ScriptSearcher(search_with_optuna(space=SPACE, start=TARGET, seed=0, sampler="gp"))
    proposals = proposals_of(searcher, rewarding(TARGET), num_batches=12, batch_size=1)
    assert proposals[0].encoding == TARGET
    assert len(proposals) == 12


def test_cma__finds_the_top_of_a_smooth_reward() -> None:
    space = simulated_space((9, 9, 9))
    top = Encoding((7, 2, 5))
    feedback = AnalyticFeedback(space=space, reward_of=lambda e: -float(space.distance(e, top)), noise=0.0)
    proposals = proposals_of(ScriptSearcher(search_with_cma(space=space, seed=0)), feedback, num_batches=40)
    assert min(space.distance(proposal.encoding, top) for proposal in proposals) <= 1


@pytest.mark.parametrize("free", [0, 1])
def test_cma__searches_with_one_axis_or_none(free: int) -> None:
    locks = {"object": "cow", "count": "two", "scene": "farm"}
    space = SPACE.lock(dict(list(locks.items())[free:]))
    proposals = proposals_of(ScriptSearcher(search_with_cma(space=space, seed=0)), rewarding(TARGET), num_batches=4)
    assert proposals
    assert all(space.allows(proposal.encoding) for proposal in proposals)


def global_state() -> tuple[list[int], list[int]]:
    """Of numpy and torch; the type checker of the tests itself draws from Python's."""
    state = np.random.get_state(legacy=False)  # noqa: NPY002
    assert isinstance(state, dict)
    return state["state"]["key"].tolist(), torch.get_rng_state().tolist()


def test_stable_baselines__leaves_the_global_random_sources_alone() -> None:
    before = global_state()
    proposals_of(StableBaselinesSearcher(space=SPACE, seed=3), rewarding(TARGET), num_batches=12)
    assert global_state() == before


def test_stable_baselines__two_side_by_side_do_not_disturb_one_another() -> None:
    alone = proposals_of(StableBaselinesSearcher(space=SPACE, seed=3), rewarding(TARGET), num_batches=25, batch_size=1)
    searchers = [StableBaselinesSearcher(space=SPACE, seed=seed) for seed in (3, 4)]
    feedback = rewarding(TARGET)
    told: list[Encoding] = []
    for _ in range(25):
        for searcher in searchers:
            (proposal,) = searcher.ask(1)
            searcher.tell(feedback.try_encodings([proposal.encoding], seeds=[100]))
            if searcher is searchers[0]:
                told.append(proposal.encoding)
    assert told == [proposal.encoding for proposal in alone]


def test_stable_baselines__its_thread_ends_with_it() -> None:
    before = set(every_thread())
    searcher = StableBaselinesSearcher(space=SPACE, seed=0)
    searcher.ask(1)
    (thread,) = set(every_thread()) - before
    assert thread.name == "rldf-ppo"
    del searcher
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_stable_baselines__never_asks_twice_for_the_same() -> None:
    proposals = proposals_of(StableBaselinesSearcher(space=SPACE, seed=1), rewarding(TARGET), num_batches=30)
    encodings = [proposal.encoding for proposal in proposals]
    assert len(set(encodings)) == len(encodings) > 10


def test_stable_baselines__refuses_a_grid_without_moves() -> None:
    with pytest.raises(ConfigError, match=r"with 0 moves.*unlock"):
        StableBaselinesSearcher(space=SPACE.lock({"object": "cow", "count": "one", "scene": "farm"}))


def without(package: str, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    def find(name: str, package_name: str | None = None) -> ModuleSpec | None:
        del package_name
        return None if name == package else ModuleSpec(name, None)

    monkeypatch.setattr(sys.modules[module], "find_spec", find)


MAKERS: dict[str, tuple[str, str, Callable[[], object]]] = {
    "optuna": ("optuna", "rldf.searchers.optuna_search", lambda: next(search_with_optuna(space=SPACE))),
    "cmaes": ("cmaes", "rldf.searchers.cma_search", lambda: next(search_with_cma(space=SPACE))),
    "stable-baselines3": (
        "stable_baselines3",
        "rldf.searchers.stable_baselines",
        lambda: StableBaselinesSearcher(space=SPACE),
    ),
}


@pytest.mark.parametrize("name", MAKERS)
def test_missing_extra__is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package, module, make = MAKERS[name]
    without(package, monkeypatch, module)
    with pytest.raises(MissingExtraError, match=rf"'{name}', which is not installed.*rldf\[bench\]"):
        make()
