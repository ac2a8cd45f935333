"""Everything about a clone once more, from storage alone: every picture decoded, hashed and counted."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int64

from rldf.datasets.gates import find_damaged
from rldf.datasets.plan import SPLITS, Plan, PlannedPicture, PlanSettings
from rldf.datasets.plan_store import load_rounds
from rldf.datasets.run import CloneStatus, clear_quarantine, read_status
from rldf.datasets.shards import (
    SHARD_FOLDER,
    archive_file,
    decode_picture,
    members,
    picture_file,
    planned_columns,
    read_members,
    read_shard_table,
    seen_columns,
    table_file,
)
from rldf.datasets.storage import LEFT_OVER_SUFFIX, Storage
from rldf.datasets.verdicts import REPORT_FILE, VERDICT_FILE, Missing, count_missing, name_missing
from rldf.errors import RecordError, StorageError

FRESH_S = 3600.0  # our choice: what was written within the last hour may be of a run in progress
_LOSSLESS = frozenset({"png"})
_DEVIATION_STEP = 1e-3  # our choice: machines add up in another order, and the column has single precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One shard that is not as planned, or cannot be read at present.

    Attributes:
        shard: its number.
        what: one line.
        is_damaged: False where it could not be read, so that nothing is known of it.
    """

    shard: int
    what: str
    is_damaged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found.

    Attributes:
        status: how far the clone is.
        num_pictures: pictures that are there, decode, and have their digest.
        num_refused: planned pictures that were drawn and left out.
        missing_pictures: split to class to pictures that its count lacks: as the gates found, and without them as
            the shards hold.
        problems: shards that are not as planned, or cannot be read.
        left_overs: files of killed writers, or of a run in progress; harmless.
        strays: files that no plan knows.
        damaged_gates: files of the gates that cannot be read.
    """

    status: CloneStatus
    num_pictures: int
    num_refused: int
    missing_pictures: Missing
    problems: tuple[Problem, ...]
    left_overs: tuple[str, ...]
    strays: tuple[str, ...]
    damaged_gates: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """True where every shard is there and as planned, every class has its count, and the gates can be read."""
        return self.status.is_complete and not (self.problems or self.num_missing or self.damaged_gates)

    @property
    def num_missing(self) -> int:
        """Pictures the class counts lack."""
        return count_missing(self.missing_pictures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What was put right; what is missing now is made by the next run.

    Attributes:
        removed: files that were removed.
        retried: shards that left the quarantine.
        unreadable: shards that could not be read; they were left alone.
        fresh: left-overs of less than `FRESH_S`; they were left alone, since a run in progress may be writing them.
    """

    removed: tuple[str, ...]
    retried: tuple[int, ...]
    unreadable: tuple[int, ...]
    fresh: tuple[str, ...]


def verify_clone(storage: Storage, *, on_shard: Callable[[int, int], None] | None = None) -> Verification:
    """Checks every committed shard against the plan.

    Args:
        storage: of the clone.
        on_shard: is told how many shards are checked, of how many.

    Returns:
        What was found.
    """
    rounds = load_rounds(storage)
    status = read_status(storage, rounds)
    problems: list[Problem] = []
    kept = np.zeros_like(rounds[0].quotas)
    num_refused = 0
    for position, shard in enumerate(status.done, start=1):
        plan = _round_of(rounds, shard)
        try:
            found = check_shard(storage, plan, shard)
            kept += found
            num_refused += plan.num_pictures_of(shard) - int(found.sum())
        except StorageError as error:
            problems.append(Problem(shard=shard, what=str(error), is_damaged=False))
        except RecordError as error:
            problems.append(Problem(shard=shard, what=str(error), is_damaged=True))
        if on_shard is not None:
            on_shard(position, len(status.done))
    left_overs, strays = _unexpected(storage, rounds)
    lacking = name_missing(rounds[0].quotas - kept, class_names=rounds[0].class_names)
    return Verification(
        status=status,
        num_pictures=int(kept.sum()),
        num_refused=num_refused,
        missing_pictures=lacking if status.missing_pictures is None else status.missing_pictures,
        problems=tuple(problems),
        left_overs=left_overs,
        strays=strays,
        damaged_gates=find_damaged(storage),
    )


def repair_clone(storage: Storage) -> Repair:
    """Removes what is damaged or left over and empties the quarantine; a run then makes and judges what is missing.

    Files no plan knows are left alone: they may be the user's. So are shards that cannot be read at present: they may
    well be whole. So are left-overs of the last hour: a run may be in progress.

    Args:
        storage: of the clone.

    Returns:
        What was done.
    """
    rounds = load_rounds(storage)
    removed = list(find_damaged(storage))
    _remove(storage, removed)  # first: a report that cannot be read stops whatever reads how far the clone is
    if storage.has(REPORT_FILE) and not storage.has(VERDICT_FILE):
        storage.remove(REPORT_FILE)  # it would make verdicts count that are gone
        removed.append(REPORT_FILE)
    found = verify_clone(storage)
    fresh = [name for name in found.left_overs if _is_fresh(storage, name)]
    damaged = [f"{SHARD_FOLDER}/{name}" for name in found.left_overs if name not in fresh]
    for problem in (each for each in found.problems if each.is_damaged):
        name = _round_of(rounds, problem.shard).shard_name(problem.shard)
        damaged.extend((archive_file(name), table_file(name)))
    _remove(storage, damaged)
    return Repair(
        removed=(*removed, *damaged),
        retried=tuple(clear_quarantine(storage)),
        unreadable=tuple(problem.shard for problem in found.problems if not problem.is_damaged),
        fresh=tuple(fresh),
    )


def _remove(storage: Storage, files: Sequence[str]) -> None:
    for file in files:
        storage.remove(file)


def _is_fresh(storage: Storage, name: str) -> bool:
    """Tells whether a left-over was written lately; only folders have left-overs, and times."""
    try:
        written = (storage.folder / SHARD_FOLDER / name).stat().st_mtime if storage.is_local else 0.0
    except FileNotFoundError:  # the run that wrote it has just renamed it
        return True
    return time.time() - written < FRESH_S


def check_shard(storage: Storage, plan: Plan, shard: int) -> Int64[np.ndarray, "splits classes"]:
    """Checks one shard against its plan: every row, and every member of the archive, label and sentence included.

    What the plan decides is made anew and compared. What the picture decides, its mark among it, is computed anew from
    a lossless picture; of a lossy one the size alone, since the others come of the picture before it was encoded.

    Args:
        storage: of the clone.
        plan: the round it belongs to.
        shard: its number.

    Returns:
        How many pictures of each split and class it holds; a `StorageError` tells where it cannot be read.

    Raises:
        RecordError: if anything is not as planned.
    """
    name = plan.shard_name(shard)
    planned = plan.shard_pictures(shard)
    rows = _checked_rows(read_shard_table(storage, name), planned, name=name)
    files = _members_once(storage, name)
    kept = np.zeros_like(plan.quotas)
    for picture, row in zip(planned, rows, strict=True):
        if row["state"] == "kept":
            _check_picture(files, picture, row, settings=plan.settings, name=name)
            kept[SPLITS.index(picture.split), picture.class_index] += 1
    if files:
        raise RecordError(_unlike(f"'{min(files)}' should not be there", name=name))
    return kept


def _checked_rows(table: pa.Table, planned: Sequence[PlannedPicture], *, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    wanted = [planned_columns(picture) for picture in planned]
    if table.select(list(wanted[0])).to_pylist() != wanted:
        raise RecordError(
            f"the rows of shard '{name}' are not those of the plan ({len(rows)} rows for {len(wanted)} pictures); "
            "each planned picture has one. `rldf clone repair` removes the shard."
        )
    for row in rows:
        is_left_out = row["state"] in {"blank", "unsafe"} and (row["sha256"], row["num_bytes"]) == ("", 0)
        if row["state"] != "kept" and not is_left_out:
            raise RecordError(_unlike(f"the row of picture {row['key']} says '{row['state']}'", name=name))
    return rows


def _members_once(storage: Storage, name: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for member, content in read_members(storage, name):
        if member in files:
            raise RecordError(_unlike(f"'{member}' is there twice", name=name))
        files[member] = content
    return files


def _check_picture(
    files: dict[str, bytes], picture: PlannedPicture, row: dict[str, Any], *, settings: PlanSettings, name: str
) -> None:
    """Takes the members of a picture out of the files of its shard, each as the plan and the row say."""
    content = files.get(picture_file(picture, settings=settings))
    if content is None:
        raise RecordError(_unlike(f"picture {picture.key} is missing", name=name))
    if (row["sha256"], row["num_bytes"]) != (sha256(content).hexdigest(), len(content)):
        raise RecordError(_unlike(f"picture {picture.key} is not the one that was drawn", name=name))
    for member, wanted in members(picture, content, settings=settings).items():
        if files.pop(member, None) != wanted:
            raise RecordError(_unlike(f"'{member}' is missing, or says something else", name=name))
    seen = seen_columns(decode_picture(content, key=picture.key))
    columns = ("width", "height", "mark") if settings.picture_format in _LOSSLESS else ("width", "height")
    is_same = all(row[column] == seen[column] for column in columns)
    if settings.picture_format in _LOSSLESS:
        stored = math.nan if row["deviation"] is None else row["deviation"]
        is_same = is_same and math.isclose(stored, seen["deviation"], abs_tol=_DEVIATION_STEP)
    if not is_same:
        raise RecordError(_unlike(f"size, brightness or mark of picture {picture.key} are not its own", name=name))


def _unlike(what: str, *, name: str) -> str:
    return f"{what} in shard '{name}'; a shard holds what was planned and drawn. `rldf clone repair` removes the shard."


def _unexpected(storage: Storage, rounds: Sequence[Plan]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = (plan.shard_name(shard) for plan in rounds for shard in plan.shards)
    expected = {f"{name}{suffix}" for name in names for suffix in (".tar", ".parquet")}
    others = [name for name in storage.names(SHARD_FOLDER) if name not in expected]
    left_overs = tuple(name for name in others if name.endswith(LEFT_OVER_SUFFIX))
    return left_overs, tuple(name for name in others if name not in left_overs)


def _round_of(rounds: Sequence[Plan], shard: int) -> Plan:
    return next(plan for plan in rounds if shard in plan.shards)
