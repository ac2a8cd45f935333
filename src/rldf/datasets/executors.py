"""Who makes shards on one machine: this process, or several that keep their model and are replaced if they die."""

import copy
import errno
import multiprocessing
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, final

from rldf.contracts import Executor, ShardMaker, ShardResult
from rldf.errors import (
    BudgetExceededError,
    ConfigError,
    ImagesApiError,
    MissingExtraError,
    ModelUnavailableError,
    PerceptionError,
    PromptRefusedError,
    RecordError,
    RldfError,
)

MAX_ATTEMPTS = 3  # our choice: of each shard
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
STOPPING = (ConfigError, RecordError, BudgetExceededError, ModelUnavailableError, MissingExtraError, PerceptionError)
"""What every other shard would fail of as well."""
OF_ONE_REQUEST = (400, 413, 422)
"""HTTP statuses that may be the fault of one prompt; an endpoint with any other fails all shards."""
HOPELESS = (PromptRefusedError.__name__, ImagesApiError.__name__)
"""What fails one shard however often it is tried; each try would be paid for."""

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
            if not deserves_another_try(result, max_attempts=self._max_attempts):
                break
        return result


@final
class ProcessExecutor(Executor):
    """Makes shards in several processes of this machine, each with its own model.

    A process that dies or fails is replaced, since a card in a bad state stays so for its process; its shard is begun
    again, `max_attempts` times at most. Work is handed out one shard at a time, so a slow process holds nobody up.
    Processes whose driver died end after their shard.
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
        early_deaths: Counter[int] = Counter()
        workers = [_begin(number, begin_worker) for number in range(min(self._num_workers, len(waiting)))]
        try:
            while workers:
                ready = wait([worker.connection for worker in workers])
                for worker in [entry for entry in workers if entry.connection in ready]:
                    result = worker.receive(attempts)
                    self._count_early(worker, result, early_deaths)
                    yield from settled(result, waiting, max_attempts=self._max_attempts)
                    if waiting and not worker.is_spent:
                        result = worker.begin(waiting.popleft(), attempts)
                        yield from settled(result, waiting, max_attempts=self._max_attempts)
                    if worker.is_spent or worker.shard is None:
                        workers.remove(worker)
                        worker.end(is_killed=worker.is_spent)
                    if worker.is_spent and waiting:
                        workers.append(_begin(worker.number, begin_worker))
        finally:
            for worker in workers:
                worker.end(is_killed=True)

    def _count_early(self, worker: "_Worker", result: ShardResult | None, early_deaths: Counter[int]) -> None:
        """Counts how often in a row a worker died before it had a shard; too many of them end the run."""
        is_early = worker.is_spent and result is None
        early_deaths[worker.number] = early_deaths[worker.number] + 1 if is_early else 0
        if early_deaths[worker.number] >= self._max_attempts:
            raise ConfigError(
                f"a worker process died {early_deaths[worker.number]} times in a row while it loaded the model; it "
                "must start. Check memory and the model with --workers 1."
            )


@dataclass(slots=True, kw_only=True)
class _Worker:
    """One process, and what it is doing; once it is spent, another takes its place."""

    number: int
    process: BaseProcess
    connection: "Connection[Any, Any]"
    shard: int | None = None
    is_spent: bool = False

    def receive(self, attempts: Counter[int]) -> ShardResult | None:
        """What came of its shard; None where it had none. What stops the whole run is raised."""
        try:
            message: object = self.connection.recv()
        except (EOFError, OSError):
            return self._death(attempts)
        if isinstance(message, RldfError):
            raise message
        if not isinstance(message, ShardResult):
            return None
        self.shard = None
        self.is_spent = message.state == "failed"
        return replace(message, num_attempts=attempts[message.shard])

    def begin(self, shard: int, attempts: Counter[int]) -> ShardResult | None:
        """Hands it a shard; gives what came of it where it died since it last spoke."""
        self.shard = shard
        attempts[shard] += 1
        try:
            self.connection.send(shard)
        except OSError:
            return self._death(attempts)
        return None

    def end(self, *, is_killed: bool = False) -> None:
        """Ends the process: it leaves when its connection closes."""
        self.connection.close()
        if is_killed:
            self.process.kill()
        self.process.join()

    def _death(self, attempts: Counter[int]) -> ShardResult | None:
        """The result of a worker that died; None where it had nothing to do."""
        self.is_spent = True
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


def settled(result: ShardResult | None, waiting: deque[int], *, max_attempts: int) -> Iterator[ShardResult]:
    """Hands a result on, or puts its shard back as the next one: what fails everywhere shows after a few shards.

    Args:
        result: what came of a shard; None where nothing did yet.
        waiting: shards to be begun.
        max_attempts: how often a shard is begun at most.

    Yields:
        The result, where it is final.
    """
    if result is None:
        return
    if deserves_another_try(result, max_attempts=max_attempts):
        waiting.appendleft(result.shard)
    else:
        yield result


def deserves_another_try(result: ShardResult, *, max_attempts: int) -> bool:
    """Tells whether a shard failed of what another try may mend, and has one left."""
    kind = result.error.partition(":")[0]  # as `attempted` writes it
    return result.state == "failed" and result.num_attempts < max_attempts and kind not in HOPELESS


def attempted(make: ShardMaker, shard: int) -> ShardResult:
    """Makes a shard once; what goes wrong with this shard becomes a result that says so.

    Args:
        make: makes it.
        shard: its number.

    Returns:
        What came of it.

    Raises:
        RecordError: if a disk is full. What every other shard would fail of as well, such as a limit that was reached,
            a model or storage that is not there, or an endpoint that does not answer, is raised as it is.
    """
    try:
        return make(shard)
    except Exception as error:  # a model may raise anything, and one shard must not end the others
        if isinstance(error, STOPPING):
            raise
        if isinstance(error, ImagesApiError) and error.status not in OF_ONE_REQUEST:
            raise
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise RecordError(
                f"shard {shard} cannot be made: {error}. What was written before is whole. Free space, and run the "
                "same command again."
            ) from error
        reason = " ".join(str(error).split())
        return ShardResult(shard=shard, state="failed", error=f"{type(error).__name__}: {reason}")


def sendable(error: RldfError) -> RldfError:
    """Makes an error that another process can read; one that cannot be made again becomes a `ConfigError`."""
    try:
        return copy.copy(error)
    except TypeError:  # its constructor takes more than a message
        return ConfigError(str(error))


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
