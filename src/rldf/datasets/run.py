"""Makes the shards that are missing, and knows from storage alone which these are."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rldf.contracts import Executor, ShardResult
from rldf.datasets.executors import BeginWorker
from rldf.datasets.plan import SPLITS, Plan
from rldf.datasets.shards import SHARD_FOLDER, has_shard, read_shard_table
from rldf.datasets.storage import Storage
from rldf.datasets.verdicts import Missing, count_missing, current_report, name_missing
from rldf.errors import ConfigError, GenerationError

QUARANTINE_FOLDER = "quarantine"
MAX_FAILURES_IN_A_ROW = 3  # our choice: shards that failed for good, before the run stops
LOOKS_S = (0.0, 1.0, 4.0, 16.0)  # our choice: before each look for a shard, since NFS may show a new file later


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

    Raises:
        GenerationError: if several shards in a row failed for good. A worker's shard that is not here is a
            `ConfigError`.
    """
    status = read_status(storage, rounds)
    in_a_row: list[int] = []
    for result in executor.map(status.missing, begin_worker=begin_worker):
        if result.state == "failed":
            about = {"shard": result.shard, "error": result.error, "attempts": result.num_attempts}
            storage.write(_quarantine_file(result.shard), (json.dumps(about, ensure_ascii=False) + "\n").encode())
            in_a_row.append(result.shard)
        else:
            _require_here(storage, rounds, result)
            in_a_row.clear()
        yield result
        if len(in_a_row) == MAX_FAILURES_IN_A_ROW:
            raise GenerationError(
                f"{len(in_a_row)} shards in a row failed ({', '.join(map(str, in_a_row))}), the last in worker "
                f"'{result.worker}' with: {result.error.rstrip('.')}. So many have one cause, so the rest was not "
                "begun. Put it right, run `rldf clone repair`, and the same command again; without a repair that goes "
                "on with the other shards."
            )


def lacking_on_storage(storage: Storage, rounds: Sequence[Plan]) -> Missing:
    """Counts what the classes lack where no gate judged: pictures that were left out when drawn.

    Args:
        storage: of the clone, with every shard.
        rounds: its plan.

    Returns:
        Split to class to number.
    """
    kept = np.zeros_like(rounds[0].quotas)
    for plan in rounds:
        for shard in plan.shards:
            rows = read_shard_table(storage, plan.shard_name(shard)).select(["split", "class_index", "state"])
            for row in rows.to_pylist():
                kept[SPLITS.index(row["split"]), row["class_index"]] += row["state"] == "kept"
    return name_missing(rounds[0].quotas - kept, class_names=rounds[0].class_names)


def clear_quarantine(storage: Storage) -> list[int]:
    """Lets every shard in quarantine be tried again; tells which these were."""
    cleared = sorted(_read_quarantine(storage))
    for name in storage.names(QUARANTINE_FOLDER):
        storage.remove(f"{QUARANTINE_FOLDER}/{name}")
    return cleared


def _require_here(storage: Storage, rounds: Sequence[Plan], result: ShardResult) -> None:
    """Makes sure that what a worker made lies here: on another machine the same folder may be another one.

    An address that is no folder is the same place everywhere.

    Raises:
        ConfigError: if it does not.
    """
    if not storage.is_local:
        return
    name = next(plan.shard_name(result.shard) for plan in rounds if result.shard in plan.shards)
    for pause_s in LOOKS_S:
        time.sleep(pause_s)
        if has_shard(storage, name):
            return
    raise ConfigError(
        f"shard {result.shard} was made by worker '{result.worker}' and is not in '{storage.address}' here: this is "
        "not shared storage. All machines must see one clone; put it on a disk that they share, or at an address such "
        "as s3://bucket/clone."
    )


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
