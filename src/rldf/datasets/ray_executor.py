"""Who makes shards on a Ray cluster: one actor per worker, each with its own model, on this machine or many."""

import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, final

from rldf.contracts import Executor, ShardMaker, ShardResult
from rldf.datasets.executors import MAX_ATTEMPTS, BeginWorker, attempted, sendable, settled
from rldf.errors import ConfigError, MissingExtraError, RldfError


@final
class RayExecutor(Executor):
    """Makes shards in Ray actors.

    With "local" a Ray of its own is started on this machine and stopped at the end; with any other address an existing
    cluster is joined. An actor that dies or fails is replaced, and its shard is begun again, `max_attempts` times at
    most.
    Actors may outlive a driver that was killed; that does no harm, since equal shards have equal bytes and a rename
    commits them.
    """

    def __init__(
        self,
        *,
        num_workers: int,
        address: str = "local",
        gpus_per_worker: float = 1.0,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> None:
        """Sets where and with how many.

        Args:
            num_workers: actors, at least 1.
            address: "local", or of a cluster, such as "auto" or "ray://host:10001".
            gpus_per_worker: graphics cards of an actor; 0 for none.
            max_attempts: how often a shard is begun at most, at least 1.

        Raises:
            ConfigError: if there are no workers.
        """
        if num_workers < 1:
            raise ConfigError(f"{num_workers} workers were asked for; at least 1 is needed. Give a larger --workers.")
        self._num_workers = num_workers
        self._address = address
        self._gpus_per_worker = gpus_per_worker
        self._max_attempts = max_attempts

    def map(self, shards: Sequence[int], *, begin_worker: BeginWorker) -> Iterator[ShardResult]:
        """Makes each shard; results come as they are done."""
        if not shards:
            return
        ray = _load_ray()
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            address=self._address,
            include_dashboard=False if self._address == "local" else None,
            log_to_driver=False,
            ignore_reinit_error=False,
        )
        try:
            self._require_cards(ray)
            yield from self._hand_out(ray, shards, begin_worker)
        finally:
            ray.shutdown()

    def _require_cards(self, ray: Any) -> None:  # noqa: ANN401 - Ray's API is untyped
        """Refuses what the cluster can never give; Ray itself would wait for it."""
        present = float(ray.cluster_resources().get("GPU", 0.0))
        if present < self._gpus_per_worker:
            raise ConfigError(
                f"a worker needs {self._gpus_per_worker:g} graphics cards, and the Ray at '{self._address}' has "
                f"{present:g}; it must have as many. Give a smaller --gpus-per-worker, 0 for none, or join machines "
                "with cards first."
            )

    def _hand_out(self, ray: Any, shards: Sequence[int], begin_worker: BeginWorker) -> Iterator[ShardResult]:  # noqa: ANN401 - Ray's API is untyped
        remote = ray.remote(num_gpus=self._gpus_per_worker, num_cpus=1, max_restarts=0, max_task_retries=0)(_Actor)
        waiting, attempts, early_deaths = deque(shards), Counter[int](), Counter[int]()
        running: dict[Any, tuple[Any, int, int | None]] = {}  # what was asked -> actor, its number, shard

        def start(number: int) -> None:
            actor = remote.remote(begin_worker, number)
            running[actor.is_ready.remote()] = (actor, number, None)

        for number in range(min(self._num_workers, len(waiting))):
            start(number)
        while waiting or any(shard is not None for _, _, shard in running.values()):
            actor = None  # an idle one ends here, and its card is free for one that waits
            (reference, *_), _ = ray.wait(list(running), num_returns=1)
            actor, number, shard = running.pop(reference)
            result, death = _answer(ray, reference, shard=shard, number=number)
            self._count_early(number, None if shard is not None else death, early_deaths)
            if result is not None:
                result = replace(result, num_attempts=attempts[result.shard])
                yield from settled(result, waiting, max_attempts=self._max_attempts)
            if death is not None or (result is not None and result.state == "failed"):
                actor = None
            if not waiting:
                continue
            if actor is None:
                start(number)  # a new one; a restarted one would refuse work until it is up
            else:
                following = waiting.popleft()
                attempts[following] += 1
                running[actor.make.remote(following)] = (actor, number, following)

    def _count_early(self, number: int, death: str | None, early_deaths: Counter[int]) -> None:
        """Counts how often in a row a worker died before it had a shard; too many of them end the run."""
        early_deaths[number] = 0 if death is None else early_deaths[number] + 1
        if early_deaths[number] >= self._max_attempts:
            raise ConfigError(
                f"a Ray worker died {early_deaths[number]} times in a row while it loaded the model; it must start. "
                f"Check the model and --gpus-per-worker: {death}"
            )


def _answer(
    ray: Any,  # noqa: ANN401 - Ray's API is untyped
    reference: Any,  # noqa: ANN401
    *,
    shard: int | None,
    number: int,
) -> tuple[ShardResult | None, str | None]:
    """The result of a worker's shard, if it had one, and why it died, if it did; what ends the run is raised."""
    try:
        told = ray.get(reference)
    except ray.exceptions.RayError as error:  # the actor, its machine, its memory: a new one tries again
        death = " ".join(str(error).split())
        reason = f"the worker died: {type(error).__name__}"
        failed = None if shard is None else ShardResult(shard=shard, state="failed", worker=str(number), error=reason)
        return failed, death
    if isinstance(told, RldfError):
        raise told
    return (None if shard is None else told), None


class _Actor:
    """A worker on the cluster: loads once, then makes what it is handed."""

    def __init__(self, begin_worker: BeginWorker, number: int) -> None:
        self._make: ShardMaker | RldfError
        try:
            self._make = begin_worker(number)
        except RldfError as error:
            self._make = sendable(error)
        self._name = f"{number}@{os.uname().nodename}" if hasattr(os, "uname") else str(number)

    def is_ready(self) -> RldfError | None:
        """Answers once the model is loaded, or says why it cannot be."""
        return self._make if isinstance(self._make, RldfError) else None

    def make(self, shard: int) -> ShardResult | RldfError:
        """Makes a shard, or says what stops the whole run; an error raised here would come back as one of Ray's."""
        assert not isinstance(self._make, RldfError), "who is not ready is handed nothing"
        try:
            return replace(attempted(self._make, shard), worker=self._name)
        except RldfError as error:
            return sendable(error)


def _load_ray() -> Any:  # noqa: ANN401 - Ray's API is untyped
    try:
        import ray  # an optional extra
    except ImportError as error:
        raise MissingExtraError(
            "Ray is not installed, and the engine 'ray' needs it. Install it with `pip install 'rldf[ray]'`, or use "
            "the engine 'local'."
        ) from error
    return ray
