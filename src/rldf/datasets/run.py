"""Makes the shards that are missing, and knows from storage alone which these are."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rldf.contracts import Executor, ShardResult
from rldf.datasets.executors import BeginWorker
from rldf.datasets.plan import Plan
from rldf.datasets.shards import SHARD_FOLDER
from rldf.datasets.storage import Storage
from rldf.datasets.verdicts import Missing, count_missing, current_report

QUARANTINE_FOLDER = "quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneStatus:
    """How far a clone is, read from storage.

    Attributes:
        num_rounds: rounds of its plan.
        num_pictures: planned pictures of all rounds.
        num_shards: planned shards.
        pictures_done: planned pictures of the shards that are committed.
        done: numbers of the shards that are committed.
        quarantined: shard to what went wrong with it.
        missing: numbers of the shards that are neither.
        missing_pictures: split to class to pictures that its count lacks, as the gates found; None where they did not
            judge every round yet.
    """

    num_rounds: int
    num_pictures: int
    num_shards: int
    pictures_done: int
    done: tuple[int, ...]
    quarantined: dict[int, str]
    missing: tuple[int, ...]
    missing_pictures: Missing | None

    @property
    def num_missing(self) -> int | None:
        """Pictures the class counts lack; None where the gates did not judge every round yet."""
        return None if self.missing_pictures is None else count_missing(self.missing_pictures)

    @property
    def is_complete(self) -> bool:
        """True where every shard is committed."""
        return len(self.done) == self.num_shards


def read_status(storage: Storage, rounds: Sequence[Plan]) -> CloneStatus:
    """Reads how far a clone is; needs neither model nor engine."""
    there = set(storage.names(SHARD_FOLDER))
    quarantined = _read_quarantine(storage)
    done: list[int] = []
    missing: list[int] = []
    pictures_done = 0
    for plan in rounds:
        for shard in plan.shards:
            name = plan.shard_name(shard)
            if {f"{name}.tar", f"{name}.parquet"} <= there:
                done.append(shard)
                pictures_done += plan.num_pictures_of(shard)
            elif shard not in quarantined:
                missing.append(shard)
    there_already = set(done)
    report = current_report(storage, rounds)
    return CloneStatus(
        num_rounds=len(rounds),
        num_pictures=sum(len(plan) for plan in rounds),
        num_shards=sum(plan.num_shards for plan in rounds),
        pictures_done=pictures_done,
        done=tuple(done),
        quarantined={shard: text for shard, text in quarantined.items() if shard not in there_already},
        missing=tuple(missing),
        missing_pictures=None if report is None else report.missing,
    )


def run_missing(
    storage: Storage, rounds: Sequence[Plan], *, executor: Executor, begin_worker: BeginWorker
) -> Iterator[ShardResult]:
    """Makes every shard that is missing; what fails for good is put into quarantine and never forgotten.

    Args:
        storage: of the clone.
        rounds: its plan.
        executor: who makes them.
        begin_worker: begins one worker; it makes shards of any round.

    Yields:
        One result per shard, as it is done.
    """
    status = read_status(storage, rounds)
    for result in executor.map(status.missing, begin_worker=begin_worker):
        if result.state == "failed":
            about = {"shard": result.shard, "error": result.error, "attempts": result.num_attempts}
            storage.write(_quarantine_file(result.shard), (json.dumps(about, ensure_ascii=False) + "\n").encode())
        yield result


def clear_quarantine(storage: Storage) -> list[int]:
    """Lets every shard in quarantine be tried again; tells which these were."""
    cleared = sorted(_read_quarantine(storage))
    for name in storage.names(QUARANTINE_FOLDER):
        storage.remove(f"{QUARANTINE_FOLDER}/{name}")
    return cleared


def _read_quarantine(storage: Storage) -> dict[int, str]:
    found: dict[int, str] = {}
    for name in storage.names(QUARANTINE_FOLDER):
        stem = name.removesuffix(".json")
        if stem.isdigit():
            try:
                found[int(stem)] = str(json.loads(storage.read(f"{QUARANTINE_FOLDER}/{name}"))["error"])
            except (ValueError, KeyError, TypeError):
                found[int(stem)] = "unknown: the note cannot be read"
    return found


def _quarantine_file(shard: int) -> str:
    return f"{QUARANTINE_FOLDER}/{shard:06d}.json"
