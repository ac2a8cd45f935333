"""How fast a clone grows, who is at work, and how long it will take."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

from rldf.contracts import ShardResult

_WINDOW = 20  # our choice: shards the speed is measured over


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """What one worker did last.

    Attributes:
        shard: the shard it made.
        state: what came of it.
        pictures_per_second: of that shard, loading left out.
        num_shards: shards it made so far.
    """

    shard: int
    state: str
    pictures_per_second: float
    num_shards: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneProgress:
    """Where a run stands.

    Attributes:
        shards_done: shards of this run that are finished, failed ones included.
        num_shards: shards this run makes.
        num_failed: shards of this run that went into quarantine.
        pictures: pictures made in this run.
        num_refused: pictures drawn and left out.
        pictures_per_second: lately, of all workers together; 0 at the very beginning.
        eta_s: seconds left; None at the very beginning.
        workers: worker to what it did last.
    """

    shards_done: int
    num_shards: int
    num_failed: int
    pictures: int
    num_refused: int
    pictures_per_second: float
    eta_s: float | None
    workers: dict[str, WorkerState]


@final
@dataclass(kw_only=True)
class ProgressMeter:
    """Counts results and measures speed over the last shards.

    Attributes:
        num_shards: shards this run makes.
        pictures_left: pictures of these shards.
        clock: seconds, never going back.
    """

    num_shards: int
    pictures_left: int
    clock: Callable[[], float] = time.monotonic
    _marks: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_WINDOW + 1))
    _workers: dict[str, WorkerState] = field(default_factory=dict)
    _done: int = 0
    _failed: int = 0
    _pictures: int = 0
    _refused: int = 0
    _given_up: int = 0

    def __post_init__(self) -> None:
        self._marks.append((self.clock(), 0))

    def count(self, result: ShardResult, *, num_planned: int = 0) -> CloneProgress:
        """Counts one result and tells where the run stands.

        Args:
            result: what came of a shard.
            num_planned: its planned pictures; where it failed, these are waited for no longer.

        Returns:
            Where the run stands.
        """
        made = result.num_pictures + result.num_refused
        before = self._workers.get(result.worker)
        self._workers[result.worker] = WorkerState(
            shard=result.shard,
            state=result.state,
            pictures_per_second=made / result.seconds if result.seconds > 0 else 0.0,
            num_shards=1 + (0 if before is None else before.num_shards),
        )
        self._done += 1
        self._failed += result.state == "failed"
        self._pictures += result.num_pictures
        self._refused += result.num_refused
        self._given_up += num_planned if result.state == "failed" else 0
        total = self._pictures + self._refused
        self._marks.append((self.clock(), total))
        (first_s, first), (last_s, last) = self._marks[0], self._marks[-1]
        rate = (last - first) / (last_s - first_s) if last_s > first_s else 0.0
        return CloneProgress(
            shards_done=self._done,
            num_shards=self.num_shards,
            num_failed=self._failed,
            pictures=self._pictures,
            num_refused=self._refused,
            pictures_per_second=rate,
            eta_s=(self.pictures_left - self._given_up - total) / rate if rate > 0 else None,
            workers=dict(self._workers),
        )
