"""Who makes shards on one machine: this process, or several that keep their model and are replaced if they die."""

import errno
import multiprocessing
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, final

from rldf.contracts import Executor, ShardMaker, ShardResult
from rldf.errors import ConfigError, RecordError, RldfError

MAX_ATTEMPTS = 3  # our choice: of each shard
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

BeginWorker = Callable[[int], ShardMaker]


@final
class InlineExecutor(Executor):
    """Makes shards one after the other in this process."""

    def __init__(self, *, max_attempts: int = MAX_ATTEMPTS) -> None:
        """Sets how often a shard is begun at most, at least 1."""
        self._max_attempts = max_attempts

    def map(self, shards: Sequence[int], *, begin_worker: BeginWorker) -> Iterator[ShardResult]:
        """Makes each shard; one that fails is tried again at once."""
        if not shards:
            return
        make = begin_worker(0)
        for shard in shards:
            yield self._attempt(make, shard)

    def _attempt(self, make: ShardMaker, shard: int) -> ShardResult:
        result = ShardResult(shard=shard, state="failed")
        for attempt in range(1, self._max_attempts + 1):
            result = replace(attempted(make, shard), worker="0", num_attempts=attempt)
            if result.state != "failed":
                break
        return result


@final
class ProcessExecutor(Executor):
    """Makes shards in several processes of this machine, each with its own model.

    A process that dies is replaced, and its shard is begun again, `max_attempts` times at most. Work is handed out one
    shard at a time, so a slow process holds nobody up. Processes whose driver died end after their shard.
    """

    def __init__(self, num_workers: int, *, max_attempts: int = MAX_ATTEMPTS) -> None:
        """Sets how many processes there are.

        Args:
            num_workers: at least 1.
            max_attempts: how often a shard is begun at most, at least 1.

        Raises:
            ConfigError: if there are no workers.
        """
        if num_workers < 1:
            raise ConfigError(f"{num_workers} workers were asked for; at least 1 is needed. Give a larger --workers.")
        self._num_workers = num_workers
        self._max_attempts = max_attempts

    def map(self, shards: Sequence[int], *, begin_worker: BeginWorker) -> Iterator[ShardResult]:
        """Makes each shard; results come as they are done."""
        waiting = deque(shards)
        attempts: Counter[int] = Counter()
        early_deaths = 0
        workers = [_begin(number, begin_worker) for number in range(min(self._num_workers, len(waiting)))]
        try:
            while workers:
                ready = wait([worker.connection for worker in workers])
                for worker in [entry for entry in workers if entry.connection in ready]:
                    message = worker.receive()
                    is_dead = message is None
                    if isinstance(message, ShardResult):
                        result = replace(message, num_attempts=attempts[message.shard])
                        yield from self._settle(result, waiting)
                    elif is_dead:
                        early_deaths = self._count_early(worker, early_deaths)
                    if waiting and not is_dead:
                        is_dead = not worker.begin(waiting.popleft(), attempts)
                    if is_dead:
                        yield from self._settle(worker.death(attempts), waiting)
                    if is_dead or worker.shard is None:
                        workers.remove(worker)
                        worker.end()
                    if is_dead and waiting:
                        workers.append(_begin(worker.number, begin_worker))
        finally:
            for worker in workers:
                worker.end(is_killed=True)

    def _count_early(self, worker: "_Worker", early_deaths: int) -> int:
        """Counts the death of a worker that had no shard yet; too many of them end the run."""
        early_deaths += worker.shard is None
        if early_deaths >= self._max_attempts:
            raise ConfigError(
                f"a worker process died {early_deaths} times while it loaded the model; it must start. "
                "Check memory and the model with --workers 1."
            )
        return early_deaths

    def _settle(self, result: ShardResult | None, waiting: deque[int]) -> Iterator[ShardResult]:
        """Hands a result on, or puts its shard back in the queue."""
        if result is None:
            return
        if result.state == "failed" and result.num_attempts < self._max_attempts:
            waiting.append(result.shard)
        else:
            yield result


@dataclass(slots=True, kw_only=True)
class _Worker:
    """One process, and what it is doing."""

    number: int
    process: BaseProcess
    connection: "Connection[Any, Any]"
    shard: int | None = None

    def receive(self) -> "ShardResult | str | None":
        """What it says: a result, "ready", or None where it died; what stops the whole run is raised."""
        try:
            message: object = self.connection.recv()
        except (EOFError, OSError):
            return None
        if isinstance(message, ShardResult):
            self.shard = None
            return message
        if isinstance(message, RldfError):
            raise message
        return "ready"

    def begin(self, shard: int, attempts: Counter[int]) -> bool:
        """Hands it a shard; False where it died since it last spoke."""
        self.shard = shard
        attempts[shard] += 1
        try:
            self.connection.send(shard)
        except OSError:
            return False
        return True

    def death(self, attempts: Counter[int]) -> ShardResult | None:
        """The result of a worker that died; None where it had nothing to do."""
        if self.shard is None:
            return None
        self.process.join()
        return ShardResult(
            shard=self.shard,
            state="failed",
            worker=str(self.number),
            num_attempts=attempts[self.shard],
            error=f"the worker process died with exit code {self.process.exitcode}",
        )

    def end(self, *, is_killed: bool = False) -> None:
        """Ends the process: it leaves when its connection closes."""
        self.connection.close()
        if is_killed:
            self.process.kill()
        self.process.join()


def attempted(make: ShardMaker, shard: int) -> ShardResult:
    """Makes a shard once; what goes wrong with this shard becomes a result that says so.

    Args:
        make: makes it.
        shard: its number.

    Returns:
        What came of it.

    Raises:
        ConfigError: if the settings do not go with the plan; every other shard would fail as this one did.
        RecordError: if the storage cannot be read or written, or a disk is full, likewise.
    """
    try:
        return make(shard)
    except (ConfigError, RecordError):
        raise
    except Exception as error:  # a model may raise anything, and one shard must not end the others
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise RecordError(
                f"shard {shard} cannot be made: {error}. What was written before is whole. Free space, and run the "
                "same command again."
            ) from error
        reason = " ".join(str(error).split())
        return ShardResult(shard=shard, state="failed", error=f"{type(error).__name__}: {reason}")


def sendable(error: RldfError) -> RldfError:
    """Makes an error that another process can read; one with fields of its own becomes a `ConfigError`."""
    return type(error)(*error.args) if type(error).__init__ is Exception.__init__ else ConfigError(str(error))


def _begin(number: int, begin_worker: BeginWorker) -> _Worker:
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe()
    process = context.Process(target=_work, args=(its, number, begin_worker), daemon=True, name=f"rldf-worker-{number}")
    process.start()
    its.close()
    return _Worker(number=number, process=process, connection=mine)


def _work(connection: "Connection[Any, Any]", number: int, begin_worker: BeginWorker) -> None:
    """What a worker process does: loads once, then makes what it is handed until nobody is there any more."""
    try:
        make = begin_worker(number)
    except RldfError as error:
        connection.send(sendable(error))
        return
    connection.send("ready")
    while True:
        try:
            shard = connection.recv()
            connection.send(replace(attempted(make, shard), worker=str(number)))
        except RldfError as error:
            connection.send(sendable(error))
            return
        except (EOFError, OSError, KeyboardInterrupt):
            return
