"""Everything about a clone once more, from storage alone: every picture decoded, hashed and counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int64

from rldf.datasets.plan import SPLITS, Plan, PlannedPicture
from rldf.datasets.plan_store import load_rounds
from rldf.datasets.run import CloneStatus, clear_quarantine, read_status
from rldf.datasets.shards import (
    SHARD_FOLDER,
    archive_file,
    decode_picture,
    read_pictures,
    read_shard_table,
    table_file,
)
from rldf.datasets.storage import LEFT_OVER_SUFFIX, Storage
from rldf.datasets.verdicts import Missing, count_missing, name_missing
from rldf.errors import RecordError, StorageError


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
        left_overs: files of killed writers; harmless.
        strays: files that no plan knows.
    """

    status: CloneStatus
    num_pictures: int
    num_refused: int
    missing_pictures: Missing
    problems: tuple[Problem, ...]
    left_overs: tuple[str, ...]
    strays: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """True where every shard is there and as planned, and every class has its count."""
        return self.status.is_complete and not self.problems and not self.num_missing

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
    """

    removed: tuple[str, ...]
    retried: tuple[int, ...]
    unreadable: tuple[int, ...]


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
    )


def repair_clone(storage: Storage) -> Repair:
    """Removes what is damaged or left over and empties the quarantine; `run_missing` then makes what is missing.

    Files no plan knows are left alone: they may be the user's. So are shards that cannot be read at present: they may
    well be whole.

    Args:
        storage: of the clone.

    Returns:
        What was done.
    """
    found = verify_clone(storage)
    rounds = load_rounds(storage)
    removed = [f"{SHARD_FOLDER}/{name}" for name in found.left_overs]
    for problem in (each for each in found.problems if each.is_damaged):
        name = _round_of(rounds, problem.shard).shard_name(problem.shard)
        removed.extend((archive_file(name), table_file(name)))
    for file in removed:
        storage.remove(file)
    return Repair(
        removed=tuple(removed),
        retried=tuple(clear_quarantine(storage)),
        unreadable=tuple(problem.shard for problem in found.problems if not problem.is_damaged),
    )


def check_shard(storage: Storage, plan: Plan, shard: int) -> Int64[np.ndarray, "splits classes"]:
    """Checks one shard against its plan: rows, ids, digests, and that every picture decodes.

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
    digests = {row["key"]: row["sha256"] for row in rows if row["state"] == "kept"}
    for key, content in read_pictures(storage, name):
        if digests.pop(key, "") != sha256(content).hexdigest():
            raise RecordError(
                f"picture {key} of shard '{name}' is not the one that was drawn, or should not be there; "
                "`rldf clone repair` removes the shard."
            )
        decode_picture(content, key=key)
    if digests:
        raise RecordError(
            f"{len(digests)} pictures are missing from shard '{name}', such as {min(digests)}; "
            "`rldf clone repair` removes the shard."
        )
    kept = np.zeros_like(plan.quotas)
    for row in rows:
        kept[SPLITS.index(row["split"]), row["class_index"]] += row["state"] == "kept"
    return kept


def _checked_rows(table: pa.Table, planned: Sequence[PlannedPicture], *, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    names = ("index", "class_index", "class_name", "split", "sentence", "seed")
    found = [tuple(row[name] for name in names) for row in rows]
    wanted = [(p.index, p.class_index, p.class_name, p.split, p.recipe.sentence, p.seed) for p in planned]
    if found != wanted:
        raise RecordError(
            f"the rows of shard '{name}' are not those of the plan ({len(found)} rows for {len(wanted)} pictures); "
            "each planned picture has one. `rldf clone repair` removes the shard."
        )
    return rows


def _unexpected(storage: Storage, rounds: Sequence[Plan]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = (plan.shard_name(shard) for plan in rounds for shard in plan.shards)
    expected = {f"{name}{suffix}" for name in names for suffix in (".tar", ".parquet")}
    others = [name for name in storage.names(SHARD_FOLDER) if name not in expected]
    left_overs = tuple(name for name in others if name.endswith(LEFT_OVER_SUFFIX))
    return left_overs, tuple(name for name in others if name not in left_overs)


def _round_of(rounds: Sequence[Plan], shard: int) -> Plan:
    return next(plan for plan in rounds if shard in plan.shards)
