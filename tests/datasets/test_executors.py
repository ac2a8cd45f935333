"""What stops a run at once, what puts a shard aside, and which workers are replaced."""

from collections import deque
from pathlib import Path

import pytest
from tests.datasets.clone_fakes import (
    ENGINES,
    BeginFailing,
    BeginFake,
    BeginFragile,
    BeginStumbling,
    executor_for,
    frozen,
    run_all,
)

from rldf.contracts import ShardMaker, ShardResult
from rldf.datasets import run as run_module
from rldf.datasets.executors import InlineExecutor, ProcessExecutor, sendable, settled
from rldf.datasets.plan_store import load_rounds
from rldf.datasets.run import read_status, run_missing
from rldf.datasets.storage import Storage
from rldf.errors import (
    BudgetExceededError,
    ConfigError,
    GenerationError,
    ImagesApiError,
    MissingExtraError,
    ModelUnavailableError,
    PerceptionError,
    PromptRefusedError,
    RldfError,
)

ENDPOINT_IS_DEAD = ImagesApiError("the images endpoint could not be reached", status=None, is_retryable=True)
OF_EVERY_SHARD = [
    BudgetExceededError("picture 5 would exceed max_images = 4"),
    ModelUnavailableError("there is no model"),
    MissingExtraError("an extra is missing"),
    PerceptionError("the safety model cannot be used"),
    ENDPOINT_IS_DEAD,
    ImagesApiError("the images endpoint does not accept the key", status=401, is_retryable=False),
]


@pytest.mark.parametrize("error", OF_EVERY_SHARD, ids=lambda error: type(error).__name__)
def test_run__what_every_shard_would_fail_of__stops_at_the_first(error: RldfError, tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path / "clone")
    begin = BeginFailing(error=error, ledger=str(tmp_path / "ledger"))
    with pytest.raises(type(error), match=str(error)):
        list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=begin))
    assert (tmp_path / "ledger").read_text().split() == ["0"]
    assert read_status(storage, [plan]).quarantined == {}


@pytest.mark.parametrize("engine", ENGINES)
def test_run__dead_endpoint_in_a_worker__stops_with_its_own_error(engine: str, tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path / "clone")
    begin = BeginFailing(error=ENDPOINT_IS_DEAD, ledger=str(tmp_path / "ledger"))
    with pytest.raises(ImagesApiError, match="could not be reached") as caught:
        list(run_missing(storage, [plan], executor=executor_for(engine), begin_worker=begin))
    assert caught.value.is_retryable
    assert len((tmp_path / "ledger").read_text().split()) <= 2  # one shard a worker
    assert read_status(storage, [plan]).quarantined == {}


@pytest.mark.parametrize(
    "error",
    [
        PromptRefusedError("the images endpoint refused the prompt"),
        ImagesApiError("the images endpoint did not accept the request", status=400, is_retryable=False),
    ],
    ids=lambda error: type(error).__name__,
)
def test_run__prompt_that_is_refused__is_not_paid_for_again(error: RldfError, tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path / "clone", count=2)  # two shards
    begin = BeginFailing(error=error, ledger=str(tmp_path / "ledger"))
    results = list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=begin))
    assert [(result.state, result.num_attempts) for result in results] == [("failed", 1)] * 2
    assert (tmp_path / "ledger").read_text().split() == ["0", "1"]
    assert set(read_status(storage, [plan]).quarantined) == {0, 1}


@pytest.mark.parametrize(
    "engine", ["inline", *(pytest.param(name, marks=pytest.mark.slow) for name in ("processes", "ray"))]
)
def test_run__every_shard_fails__stops_after_three_and_leaves_the_rest_alone(engine: str, tmp_path: Path) -> None:
    folder, ledger = tmp_path / "clone", tmp_path / "ledger"
    begin = BeginFake(address=str(folder), poison=tuple(range(12)), ledger=str(ledger))
    with pytest.raises(GenerationError, match=r"3 shards in a row failed .*shard \d is poison.*rldf clone repair"):
        run_all(folder, executor=executor_for(engine), begin=begin)
    assert len(ledger.read_text().split()) <= 3 * 3 + 2
    storage = Storage(str(folder))
    rounds = load_rounds(storage)
    assert len(read_status(storage, rounds).quarantined) == 3
    run_all(folder, executor=InlineExecutor(), begin=None)  # the same command goes on with the others
    assert len(read_status(storage, rounds).done) == 9


def test_settled__shard_that_failed__is_the_next_one_while_it_may_be_tried() -> None:
    waiting = deque([5, 6])
    failed = ShardResult(shard=4, state="failed", num_attempts=2, error="RuntimeError: no")
    assert list(settled(failed, waiting, max_attempts=3)) == []
    assert list(waiting) == [4, 5, 6]
    assert list(settled(failed, waiting, max_attempts=2)) == [failed]
    assert list(settled(None, waiting, max_attempts=2)) == []
    assert list(waiting) == [4, 5, 6]


def test_run__poison_shards_among_good_ones__go_into_quarantine(tmp_path: Path) -> None:
    begin = BeginFake(address=str(tmp_path), poison=(0, 1, 3, 4, 7))
    run_all(tmp_path, executor=InlineExecutor(), begin=begin)
    storage = Storage(str(tmp_path))
    status = read_status(storage, load_rounds(storage))
    assert (set(status.quarantined), len(status.done)) == ({0, 1, 3, 4, 7}, 7)


def make_elsewhere(number: int) -> ShardMaker:
    return lambda shard: ShardResult(shard=shard, state="made", worker=f"{number}@elsewhere")


def test_run__shard_made_on_another_disk__is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "LOOKS_S", (0.0, 0.0))
    storage, plan = frozen(tmp_path)
    with pytest.raises(ConfigError, match=r"shard 0 was made by worker '0' and is not in .*not shared storage"):
        list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=make_elsewhere))
    assert read_status(storage, [plan]).done == ()


class OddError(RldfError):
    """Takes more than a message."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")


def test_sendable__keeps_kind_and_fields_where_it_can() -> None:
    sent = sendable(ENDPOINT_IS_DEAD)
    assert isinstance(sent, ImagesApiError)
    assert (str(sent), sent.status, sent.is_retryable) == (str(ENDPOINT_IS_DEAD), None, True)
    assert type(sendable(MissingExtraError("x"))) is MissingExtraError
    assert repr(sendable(OddError("a", "b"))) == "ConfigError('a: b')"


@pytest.mark.slow  # begins six processes
def test_process_that_stumbles_now_and_then__is_begun_again_and_goes_on(tmp_path: Path) -> None:
    begin = BeginStumbling(ledger=str(tmp_path / "ledger"))
    results = list(ProcessExecutor(1).map(range(3), begin_worker=begin))
    assert [(result.shard, result.state) for result in results] == [(shard, "made") for shard in range(3)]
    assert len((tmp_path / "ledger").read_text().split()) == 6  # of which 3 died while they loaded


def test_process_that_failed_a_shard__is_replaced(tmp_path: Path) -> None:
    (tmp_path / "flag").touch()
    begin = BeginFragile(flag=str(tmp_path / "flag"), shard=1)
    results = list(ProcessExecutor(1).map(range(3), begin_worker=begin))
    assert [(r.shard, r.state, r.num_attempts) for r in results] == [(0, "made", 1), (1, "made", 2), (2, "made", 1)]
