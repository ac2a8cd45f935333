"""What the Ray executor does with a cluster that is small, or loses workers; played by a cluster of this process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from rldf.contracts import ShardMaker, ShardResult
from rldf.datasets import ray_executor
from rldf.datasets.ray_executor import RayExecutor
from rldf.errors import BudgetExceededError, ConfigError


class RayError(Exception):
    """Ray's own root."""


class OutOfMemoryError(RayError):
    """What a worker killed for memory gives; no `RayActorError`."""


@dataclass(eq=False)
class Reference:
    """What was asked of an actor."""

    actor: "Handle"
    ask: Callable[[], object]


@dataclass(eq=False)
class Handle:
    """An actor from the outside; where there is a card for it, it keeps it."""

    cluster: "Cluster"
    begin: Callable[[], Any]
    has_card: bool = False
    inner: Any = None

    def __getattr__(self, name: str) -> SimpleNamespace:
        def ask(*rest: object) -> Reference:
            def answer() -> object:
                self.inner = self.begin() if self.inner is None else self.inner
                return getattr(self.inner, name)(*rest)

            return Reference(self, answer)

        return SimpleNamespace(remote=ask)


@dataclass
class Cluster:
    """A Ray that answers in order, and never where no card is left for an actor."""

    num_cards: float
    handles: list[Handle] = field(default_factory=list)
    exceptions: Any = field(default_factory=lambda: SimpleNamespace(RayError=RayError))
    is_up: bool = False
    fails_at: tuple[int, ...] = ()
    num_asked: int = 0

    def init(self, **_: object) -> None:
        self.is_up = True

    def shutdown(self) -> None:
        self.is_up = False

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0, "GPU": self.num_cards} if self.num_cards else {"CPU": 2.0}

    def remote(self, *, num_gpus: float, **_: object) -> Callable[[Any], SimpleNamespace]:
        def wrap(kind: Any) -> SimpleNamespace:  # noqa: ANN401 - a class
            def begin(*rest: object) -> Handle:
                num_held = sum(handle.has_card for handle in self.handles)
                handle = Handle(self, lambda: kind(*rest), has_card=num_held + num_gpus <= self.num_cards)
                self.handles.append(handle)
                return handle

            return SimpleNamespace(remote=begin)

        return wrap

    def wait(self, references: Sequence[Reference], *, num_returns: int) -> tuple[list[Reference], list[Reference]]:
        assert num_returns == 1
        ready = [reference for reference in references if reference.actor.has_card]
        assert ready, "this would wait for ever"
        return ready[:1], [reference for reference in references if reference is not ready[0]]

    def get(self, reference: Reference) -> object:
        self.num_asked += 1
        if self.num_asked in self.fails_at:
            raise OutOfMemoryError("the worker was killed: the node runs low on memory")
        return reference.ask()


class BeginFailingFirst:
    """Workers that cannot make a shard, the first of them all."""

    def __init__(self, error: Exception, *, num_failing: int) -> None:
        self.error = error
        self.num_begun = 0
        self.num_failing = num_failing

    def __call__(self, number: int) -> ShardMaker:
        del number
        self.num_begun += 1
        is_failing = self.num_begun <= self.num_failing

        def make(shard: int) -> ShardResult:
            if is_failing:
                raise self.error
            return made(shard)

        return make


def made(shard: int) -> ShardResult:
    return ShardResult(shard=shard, state="made")


def begin(number: int) -> ShardMaker:
    del number
    return made


def use(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    monkeypatch.setattr(ray_executor, "_load_ray", lambda: cluster)


def test_ray__no_card_for_a_worker__refused_instead_of_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(num_cards=0)
    use(monkeypatch, cluster)
    with pytest.raises(ConfigError, match=r"needs 1 graphics cards, and the Ray at 'local' has 0; .*0 for none"):
        list(RayExecutor(num_workers=1).map([0], begin_worker=begin))
    assert not cluster.is_up


def test_ray__fewer_cards_than_workers__ends_after_the_last_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Cluster(num_cards=1))
    results = list(RayExecutor(num_workers=3).map(range(5), begin_worker=begin))
    assert [result.shard for result in results] == list(range(5))


def test_ray__worker_killed_for_memory__its_shard_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Cluster(num_cards=2, fails_at=(3,)))  # asked: whether it is ready, shard 0, shard 1
    results = list(RayExecutor(num_workers=1).map([0, 1, 2], begin_worker=begin))
    assert {result.shard: result.num_attempts for result in results} == {0: 1, 1: 2, 2: 1}
    assert {result.state for result in results} == {"made"}


def test_ray__workers_that_die_loading_now_and_then__are_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # dies asked whether it is ready, at shard 0, asked whether it is ready, at shard 1, asked whether it is ready
    use(monkeypatch, Cluster(num_cards=9, fails_at=(1, 3, 4, 7, 8)))
    results = list(RayExecutor(num_workers=1).map([0, 1, 2], begin_worker=begin))
    assert {result.shard: result.num_attempts for result in results} == {0: 2, 1: 2, 2: 1}


def test_ray__worker_that_never_loads__ends_the_run_after_three_deaths(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Cluster(num_cards=9, fails_at=(1, 2, 3)))
    with pytest.raises(ConfigError, match=r"a Ray worker died 3 times in a row while it loaded .*node runs low"):
        list(RayExecutor(num_workers=1).map([0, 1, 2], begin_worker=begin))


def test_ray__worker_that_failed_a_shard__is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Cluster(num_cards=2))
    failing = BeginFailingFirst(RuntimeError("device-side assert triggered"), num_failing=1)
    results = list(RayExecutor(num_workers=1).map([0, 1], begin_worker=failing))
    assert [(result.shard, result.state, result.num_attempts) for result in results] == [(0, "made", 2), (1, "made", 1)]


def test_ray__limit_is_reached__stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(num_cards=2)
    use(monkeypatch, cluster)
    failing = BeginFailingFirst(BudgetExceededError("picture 5 would exceed max_images = 4"), num_failing=9)
    with pytest.raises(BudgetExceededError, match="max_images = 4"):
        list(RayExecutor(num_workers=2).map(range(5), begin_worker=failing))
    assert not cluster.is_up
