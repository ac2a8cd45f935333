"""Killed at every phase of a shard, the clone is equal to the byte to one that nobody disturbed."""

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.datasets.clone_fakes import (
    ENGINES,
    PHASES,
    BeginFake,
    FakeGenerator,
    contents,
    executor_for,
    frozen,
    run_all,
)

from rldf.contracts import ShardMaker, ShardResult
from rldf.datasets.executors import InlineExecutor, ProcessExecutor
from rldf.datasets.plan import Plan
from rldf.datasets.plan_store import load_rounds
from rldf.datasets.run import clear_quarantine, read_status, run_missing
from rldf.datasets.shards import archive_file, draw_shard, read_pictures, read_shard_table, table_file
from rldf.datasets.storage import Storage
from rldf.datasets.verify import verify_clone
from rldf.errors import ConfigError, RecordError
from rldf.records.percept import Prompt

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every file of a clone made in one process without a stop."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run_all(folder, executor=InlineExecutor(), begin=None)
    return contents(folder)


@pytest.mark.parametrize("engine", ENGINES)
def test_workers_killed_at_every_phase__bytes_of_an_undisturbed_run(
    engine: str, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    flags, ledger = tmp_path / "flags", tmp_path / "ledger"
    flags.mkdir()
    dead = dict(zip((1, 3, 5, 8), PHASES, strict=True))
    for shard, phase in dead.items():
        (flags / f"{phase}-{shard}").touch()
    folder = tmp_path / "clone"
    begin = BeginFake(address=str(folder), flags=str(flags), ledger=str(ledger))
    results = run_all(folder, executor=executor_for(engine), begin=begin)
    assert sorted(path.suffix for path in flags.iterdir()) == [".fired"] * 4
    assert contents(folder) == undisturbed
    assert sorted(result.shard for result in results) == list(range(12))
    begun = Counter(int(line) for line in ledger.read_text().split())
    assert begun == {shard: 2 if shard in dead else 1 for shard in range(12)}
    assert {r.shard: r.num_attempts for r in results} == dict(begun)
    assert ids_in(Storage(str(folder))) == list(range(48))
    report = verify_clone(Storage(str(folder)))
    assert len(report.left_overs) == 2  # of the deaths half-way and before the rename
    assert report.problems == ()


@pytest.mark.parametrize("engine", ENGINES)
def test_driver_killed_and_started_again__bytes_of_an_undisturbed_run(
    engine: str, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    folder = tmp_path / "clone"
    storage, plan = frozen(folder, count=16)
    driver = subprocess.Popen(
        [sys.executable, "-m", "tests.datasets.clone_fakes", str(folder), engine, "0.2"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert driver.stdout is not None
    for _ in range(3):
        assert driver.stdout.readline().strip().isdigit()
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    driver.stdout.close()
    time.sleep(1.5)  # its workers finish what they were at, and find nobody there
    kept = {name: (folder / "shards" / name).stat().st_mtime_ns for name in contents(folder)}
    before = len(read_status(storage, [plan]).done)
    assert 3 <= before < 12
    results = run_all(folder, executor=executor_for(engine), begin=None)
    assert len(results) == 12 - before
    assert contents(folder) == undisturbed
    assert {name: (folder / "shards" / name).stat().st_mtime_ns for name in kept} == kept


@pytest.mark.parametrize("engine", ["inline", *ENGINES])
def test_poison_shard__is_tried_three_times_and_put_aside(engine: str, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    folder = tmp_path / "clone"
    executor = InlineExecutor() if engine == "inline" else executor_for(engine)
    begin = BeginFake(address=str(folder), poison=(2,), ledger=str(ledger))
    results = run_all(folder, executor=executor, begin=begin)
    (failed,) = [result for result in results if result.state == "failed"]
    assert (failed.shard, failed.num_attempts) == (2, 3)
    assert failed.error == "RuntimeError: shard 2 is poison"
    assert Counter(ledger.read_text().split())["2"] == 3
    storage = Storage(str(folder))
    status = read_status(storage, load_rounds(storage))
    assert status.quarantined == {2: "RuntimeError: shard 2 is poison"}
    assert len(status.done) == 11
    assert not status.is_complete
    assert run_all(folder, executor=InlineExecutor(), begin=None) == []  # nothing silently tries again
    assert clear_quarantine(storage) == [2]
    run_all(folder, executor=InlineExecutor(), begin=None)
    assert read_status(storage, load_rounds(storage)).is_complete


def test_worker_that_always_dies__is_put_aside_with_its_exit_code(tmp_path: Path) -> None:
    folder, flags = tmp_path / "clone", tmp_path / "flags"
    flags.mkdir()
    frozen(folder, count=4)
    begin = BeginAlwaysDying(address=str(folder))
    results = list(
        run_missing(
            Storage(str(folder)), load_rounds(Storage(str(folder))), executor=ProcessExecutor(1), begin_worker=begin
        )
    )
    failed = {result.shard: result.error for result in results if result.state == "failed"}
    assert failed == {1: "the worker process died with exit code -9"}


def test_worker_that_dies_between_two_shards__is_replaced(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    storage, plan = frozen(tmp_path, count=16)
    begin = BeginFake(address=str(tmp_path))
    results = []
    for result in run_missing(storage, [plan], executor=ProcessExecutor(1), begin_worker=begin):
        results.append(result.shard)
        if result.shard == 4:
            for child in multiprocessing.active_children():  # it waits for its next shard
                child.kill()
                child.join()
    assert sorted(results) == list(range(12))
    assert contents(tmp_path) == undisturbed


class BeginAlwaysDying:
    """Dies at shard 1, every time."""

    def __init__(self, address: str) -> None:
        self._inner = BeginFake(address=address)

    def __call__(self, number: int) -> ShardMaker:
        make = self._inner(number)

        def die_or_make(shard: int) -> ShardResult:
            if shard == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return make(shard)

        return die_or_make


def refuse(number: int) -> ShardMaker:
    raise ConfigError(f"worker {number} has no model")


def leave(number: int) -> ShardMaker:
    os._exit(number + 3)


@pytest.mark.parametrize("engine", ENGINES)
def test_model_that_cannot_be_loaded__ends_the_run_at_once(engine: str, tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path)
    with pytest.raises(ConfigError, match=r"^worker \d has no model$"):
        list(run_missing(storage, [plan], executor=executor_for(engine), begin_worker=refuse))


def test_process_that_never_starts__ends_the_run_after_three_deaths(tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path)
    with pytest.raises(ConfigError, match=r"died 3 times in a row while it loaded the model"):
        list(run_missing(storage, [plan], executor=ProcessExecutor(1), begin_worker=leave))


def test_processes__no_workers__refused() -> None:
    with pytest.raises(ConfigError, match=r"0 workers were asked for; at least 1"):
        ProcessExecutor(0)


class WritesInPlace:
    """Wrong on purpose: writes under the final name and dies half-way."""

    def write(self, storage: Storage, plan: Plan, shard: int) -> None:
        files = draw_shard(plan.shard_pictures(shard), settings=plan.settings, image_generator=FakeGenerator())
        name = plan.shard_name(shard)
        storage.write(table_file(name), files.table)
        (storage.folder / archive_file(name)).write_bytes(files.archive[: len(files.archive) // 2 // 512 * 512])


class AppendsRows:
    """Wrong on purpose: a second attempt appends its rows to those of the first."""

    def write(self, storage: Storage, plan: Plan, shard: int) -> None:
        import pyarrow as pa

        from rldf.datasets.plan_store import parquet_bytes

        files = draw_shard(plan.shard_pictures(shard), settings=plan.settings, image_generator=FakeGenerator())
        name = plan.shard_name(shard)
        storage.write(table_file(name), files.table)
        storage.write(archive_file(name), files.archive)
        rows = read_shard_table(storage, name)
        storage.write(table_file(name), parquet_bytes(pa.concat_tables([rows, rows]).combine_chunks()))


@pytest.mark.parametrize(
    ("writer", "message"), [(WritesInPlace(), "damaged|pictures are missing"), (AppendsRows(), "rows")]
)
def test_wrong_writers__are_caught(writer: WritesInPlace | AppendsRows, message: str, tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path)
    writer.write(storage, plan, 1)
    list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=BeginFake(address=str(tmp_path))))
    assert read_status(storage, [plan]).is_complete  # by their names alone the files look finished
    (problem,) = verify_clone(storage).problems
    assert problem.shard == 1
    import re

    assert re.search(message, problem.what)


def test_memory_storage__holds_the_same_bytes_as_a_folder(undisturbed: dict[str, bytes]) -> None:
    address = "memory://kill-tests/clone"
    storage, plan = frozen(address, count=16)
    list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=BeginFake(address=address)))
    names = storage.names("shards")
    assert {name: storage.read(f"shards/{name}") for name in names} == undisturbed
    assert verify_clone(storage).problems == ()


@pytest.mark.parametrize("engine", ["inline", *ENGINES])
def test_run__another_generator__stops_at_once_and_blames_no_shard(engine: str, tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path)
    executor = InlineExecutor() if engine == "inline" else executor_for(engine)
    begin = BeginFake(address=str(tmp_path), identity="another generator")
    with pytest.raises(ConfigError, match="the plan was made for the generator 'fake generator 1'"):
        list(run_missing(storage, [plan], executor=executor, begin_worker=begin))
    assert read_status(storage, [plan]).quarantined == {}


@pytest.mark.parametrize("engine", ["inline", *ENGINES])
def test_run__storage_that_cannot_be_written__stops_at_once_and_blames_no_shard(engine: str, tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path)
    (tmp_path / "shards").write_text("in the way of the folder")
    executor = InlineExecutor() if engine == "inline" else executor_for(engine)
    with pytest.raises(RecordError, match=r"cannot be written to .*Free space or check the permissions"):
        list(run_missing(storage, [plan], executor=executor, begin_worker=BeginFake(address=str(tmp_path))))
    assert read_status(storage, [plan]).quarantined == {}


def fill_the_disk(number: int) -> ShardMaker:
    def make(shard: int) -> ShardResult:
        raise OSError(errno.ENOSPC, "No space left on device", f"/tmp/{number}-{shard}")

    return make


def test_run__full_disk__stops_at_once_and_blames_no_shard(tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path)
    with pytest.raises(RecordError, match=r"shard 0 cannot be made: .*No space left on device.*Free space"):
        list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=fill_the_disk))
    assert read_status(storage, [plan]).quarantined == {}


def test_fake_generator__draws_otherwise_in_other_company() -> None:
    one, two = Prompt(text="a cow"), Prompt(text="a car")
    together = FakeGenerator().generate([one, two], seeds=[1, 2])
    assert (together[0] != FakeGenerator().generate([one], seeds=[1])[0]).any()
    assert (together == FakeGenerator().generate([one, two], seeds=[1, 2])).all()


def ids_in(storage: Storage) -> list[int]:
    return sorted(int(key) for key in keys_in(storage))


def keys_in(storage: Storage) -> Iterator[str]:
    for plan in load_rounds(storage):
        for shard in plan.shards:
            for key, _ in read_pictures(storage, plan.shard_name(shard)):
                yield key
