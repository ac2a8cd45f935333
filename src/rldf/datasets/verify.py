"""Everything about a clone once more, from storage alone: every picture decoded, hashed and counted."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pyarrow as pa

from rldf.datasets.plan import Plan, PlannedPicture
from rldf.datasets.plan_store import load_rounds
from rldf.datasets.run import CloneStatus, clear_quarantine, read_status
from rldf.datasets.shards import (
    SHARD_FOLDER,
    archive_file,
    decode_picture,
    has_shard,
    read_pictures,
    read_shard_table,
    table_file,
)
from rldf.datasets.storage import LEFT_OVER_SUFFIX, Storage
from rldf.errors import RecordError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One shard that is not as planned.

    Attributes:
        shard: its number.
        what: one line.
    """

    shard: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found.

    Attributes:
        status: how far the clone is.
        num_pictures: pictures that are there, decode, and have their digest.
        num_refused: planned pictures that were drawn and left out.
        problems: shards that are not as planned.
        left_overs: files of killed writers; harmless.
        strays: files that no plan knows.
    """

    status: CloneStatus
    num_pictures: int
    num_refused: int
    problems: tuple[Problem, ...]
    left_overs: tuple[str, ...]
    strays: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """True where every shard is there and as planned."""
        return self.status.is_complete and not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What was put right; what is missing now is made by the next run.

    Attributes:
        removed: files that were removed.
        retried: shards that left the quarantine.
    """

    removed: tuple[str, ...]
    retried: tuple[int, ...]


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
    counts: Counter[str] = Counter()
    for position, shard in enumerate(status.done, start=1):
        plan = _round_of(rounds, shard)
        try:
            counts.update(check_shard(storage, plan, shard))
        except RecordError as error:
            problems.append(Problem(shard=shard, what=str(error)))
        if on_shard is not None:
            on_shard(position, len(status.done))
    left_overs, strays = _unexpected(storage, rounds)
    return Verification(
        status=status,
        num_pictures=counts["kept"],
        num_refused=counts["refused"],
        problems=tuple(problems),
        left_overs=left_overs,
        strays=strays,
    )


def repair_clone(storage: Storage) -> Repair:
    """Removes what is damaged or left over and empties the quarantine; `run_missing` then makes what is missing.

    Files no plan knows are left alone: they may be the user's.

    Args:
        storage: of the clone.

    Returns:
        What was done.
    """
    found = verify_clone(storage)
    rounds = load_rounds(storage)
    removed = [f"{SHARD_FOLDER}/{name}" for name in found.left_overs]
    for problem in found.problems:
        name = _round_of(rounds, problem.shard).shard_name(problem.shard)
        removed.extend((archive_file(name), table_file(name)))
    for file in removed:
        storage.remove(file)
    return Repair(removed=tuple(removed), retried=tuple(clear_quarantine(storage)))


def check_shard(storage: Storage, plan: Plan, shard: int) -> Counter[str]:
    """Checks one shard against its plan: rows, ids, digests, and that every picture decodes.

    Args:
        storage: of the clone.
        plan: the round it belongs to.
        shard: its number.

    Returns:
        How many pictures were "kept" and "refused".

    Raises:
        RecordError: if anything is not as planned.
    """
    name = plan.shard_name(shard)
    assert has_shard(storage, name)
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
    num_kept = sum(row["state"] == "kept" for row in rows)
    return Counter(kept=num_kept, refused=len(rows) - num_kept)


def _checked_rows(table: pa.Table, planned: Sequence[PlannedPicture], *, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    found = [(row["index"], row["class_name"], row["split"], row["sentence"], row["seed"]) for row in rows]
    wanted = [(p.index, p.class_name, p.split, p.recipe.sentence, p.seed) for p in planned]
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
