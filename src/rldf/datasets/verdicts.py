"""What the gates found, on storage: a verdict for each picture, what is missing, and which gates there were."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Int64

from rldf.datasets.plan import SPLITS, Plan
from rldf.datasets.plan_store import parquet_bytes, parquet_table
from rldf.datasets.storage import Storage
from rldf.errors import RecordError

VERDICTS = ("kept", "blank", "unsafe", "off-class", "leak", "exact-duplicate", "near-duplicate", "surplus")
VERDICT_FILE = "gates/verdicts.parquet"
REPORT_FILE = "gates/report.json"

MAX_UNREADABLE = 100  # our choice: names of unreadable real pictures in the report

Missing = dict[str, dict[str, int]]
"""Split to class to pictures that are still wanted; classes that lack none are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestReal:
    """The real picture that a picture left out as a leak is nearest to.

    Attributes:
        name: path within the folder of real pictures; None where unknown.
        signs: signs of brightness steps that differ, of 256.
    """

    name: str | None
    signs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReport:
    """What storage says of the gates.

    Attributes:
        digest: of the round they were last applied to.
        counts: verdict to number of pictures.
        missing: pictures that are still wanted.
        gates: gate to what it compares with, "none" where it was off; empty where that was not noted.
        unreadable: names of real pictures that could not be read; the file has the first `MAX_UNREADABLE`.
    """

    digest: str
    counts: Mapping[str, int]
    missing: Missing
    gates: Mapping[str, str]
    unreadable: Sequence[str] = ()

    @property
    def num_missing(self) -> int:
        """Pictures that are still wanted."""
        return count_missing(self.missing)


def name_missing(counts: Int64[np.ndarray, "splits classes"], *, class_names: Sequence[str]) -> Missing:
    """Names the splits and classes that lack pictures.

    Args:
        counts: pictures still wanted.
        class_names: of the columns.

    Returns:
        Split to class to number.
    """
    return {
        split: {name: int(number) for name, number in zip(class_names, row, strict=True) if number > 0}
        for split, row in zip(SPLITS, counts, strict=True)
        if (row > 0).any()
    }


def count_missing(missing: Missing) -> int:
    """Adds up the pictures that are still wanted."""
    return sum(sum(classes.values()) for classes in missing.values())


def write_verdicts(
    storage: Storage,
    rounds: Sequence[Plan],
    verdicts: Sequence[str],
    *,
    report: StoredReport,
    nearest: Mapping[int, NearestReal],
) -> None:
    """Writes the verdicts, then the report that makes them count.

    Args:
        storage: of the clone.
        rounds: its plan.
        verdicts: one per planned picture, in plan order.
        report: what they come to.
        nearest: position of a picture left out as a leak to the real one it is nearest to.
    """
    found = [nearest.get(position) for position in range(len(verdicts))]
    table = pa.table(
        {
            "index": np.arange(len(verdicts), dtype=np.int64),
            "verdict": list(verdicts),
            "nearest_real": pa.array([None if each is None else each.name for each in found], pa.string()),
            "nearest_real_signs": pa.array([None if each is None else each.signs for each in found], pa.int16()),
        }
    )
    storage.write(VERDICT_FILE, parquet_bytes(table))
    about = {
        "digest": rounds[-1].digest,
        "counts": dict(report.counts),
        "num_missing": report.num_missing,
        "missing": report.missing,
        "gates": dict(report.gates),
        "unreadable_real": {"count": len(report.unreadable), "names": list(report.unreadable[:MAX_UNREADABLE])},
    }
    storage.write(REPORT_FILE, (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode())


def read_report(storage: Storage) -> StoredReport | None:
    """Reads what the gates came to.

    Args:
        storage: of the clone.

    Returns:
        The report, perhaps of an earlier round; None where no gates were applied.

    Raises:
        RecordError: if it is damaged.
    """
    if not storage.has(REPORT_FILE):
        return None
    try:
        about = json.loads(storage.read(REPORT_FILE))
        return StoredReport(
            digest=str(about["digest"]),
            counts=about["counts"],
            missing=about.get("missing", {"all": {"classes": about["num_missing"]}} if about["num_missing"] else {}),
            gates=about.get("gates", {}),
            unreadable=about.get("unreadable_real", {}).get("names", ()),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(
            f"'{REPORT_FILE}' in '{storage.address}' cannot be read ({error}); it says what the gates came to. "
            "`rldf clone repair` removes it, and `rldf clone run` makes it again."
        ) from error


def current_report(storage: Storage, rounds: Sequence[Plan]) -> StoredReport | None:
    """Reads what the gates came to, where they judged every round; None otherwise."""
    found = read_report(storage)
    return found if found is not None and found.digest == rounds[-1].digest else None


def read_verdicts(storage: Storage, rounds: Sequence[Plan]) -> list[str]:
    """Reads the verdict of every picture, in plan order.

    Args:
        storage: of the clone.
        rounds: its plan.

    Returns:
        One of `VERDICTS` per planned picture.

    Raises:
        RecordError: if the gates were not applied to this plan.
    """
    report = read_report(storage)
    if report is None:
        raise RecordError(
            f"the gates were not applied in '{storage.address}'; they come after all shards. Run `rldf clone run`."
        )
    if report.digest != rounds[-1].digest:
        raise RecordError(
            f"the verdicts in '{storage.address}' are those of an earlier round; every round is judged. "
            "Run `rldf clone run` again."
        )
    table = parquet_table(storage.read(VERDICT_FILE), name=VERDICT_FILE)
    verdicts: list[str] = table["verdict"].to_pylist()
    return verdicts


def require_same_gates(storage: Storage, gates: Mapping[str, str]) -> None:
    """Refuses to replace verdicts by those of other gates.

    Args:
        storage: of the clone.
        gates: those about to be applied, as in `StoredReport`.

    Raises:
        RecordError: if the verdicts there come of others.
    """
    found = read_report(storage)
    if found is None or not found.gates or dict(found.gates) == dict(gates):
        return
    different = "; ".join(
        f"{name}: {found.gates.get(name, 'none')}, now {gates.get(name, 'none')}"
        for name in sorted({*found.gates, *gates})
        if found.gates.get(name, "none") != gates.get(name, "none")
    )
    raise RecordError(
        f"'{storage.address}' was judged by other gates ({different}); a clone is judged by the same throughout. Give "
        "the same options and real pictures, or --force to judge all of it anew by these."
    )
