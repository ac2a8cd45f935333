"""What is left out after all pictures are drawn, in plan order, each for one named reason."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

import fsspec
import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int64, UInt8

from rldf.datasets.class_check import ClassCheck
from rldf.datasets.duplicates import MARK_BYTES, Likeness, Marks, alike, has_alike, later_repeats
from rldf.datasets.plan import SPLITS, Plan
from rldf.datasets.plan_store import parquet_bytes, parquet_table
from rldf.datasets.shards import decode_picture, read_pictures, read_shard_table
from rldf.datasets.storage import Storage
from rldf.datasets.verdicts import (
    REPORT_FILE,
    VERDICT_FILE,
    VERDICTS,
    NearestReal,
    StoredReport,
    name_missing,
    read_report,
    write_verdicts,
)
from rldf.errors import RecordError, StorageError

GATE_FOLDER = "gates"
_OFF_CLASS = "is_off_class"
_CHECK_BATCH = 32
_SIGN_BYTES = 32  # of a mark


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """Which gates there are.

    Attributes:
        class_check: leaves out pictures of another class; None to keep them.
        real_marks: class name to the marks of its real pictures, to find leaks; empty to look for none.
        real_names: class name to the names of these pictures, in the order of their marks; empty where unknown.
        unreadable: names of real pictures that could not be read, and are not compared with.
        likeness: from when on two pictures count as nearly the same.
        has_duplicate_gate: False to keep repeats.
    """

    class_check: ClassCheck | None = None
    real_marks: Mapping[str, Marks] = field(default_factory=dict)
    real_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    likeness: Likeness = field(default_factory=Likeness)
    has_duplicate_gate: bool = True

    @property
    def about(self) -> dict[str, str]:
        """Gate to everything that decides its verdicts, "none" where it is off: kept beside the verdicts."""
        near = f"at most {self.likeness.max_bits} signs and {self.likeness.max_colour} of 255"
        real = [self.real_marks[name] for name in sorted(self.real_marks) if len(self.real_marks[name])]
        digest = sha256(b"".join(marks.tobytes() for marks in real)).hexdigest()
        return {
            "off-class": "none" if self.class_check is None else self.class_check.about,
            "leak": f"{sum(map(len, real))} real pictures {digest[:16]}, {near}" if real else "none",
            "duplicates": near if self.has_duplicate_gate else "none",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """What the gates did.

    Attributes:
        counts: verdict to number of pictures.
        missing: pictures that are still wanted, (splits, classes).
    """

    counts: Mapping[str, int]
    missing: Int64[np.ndarray, "splits classes"]

    @property
    def num_missing(self) -> int:
        """Pictures that are still wanted."""
        return int(self.missing.sum())


def apply_gates(storage: Storage, rounds: Sequence[Plan], *, settings: GateSettings) -> GateReport:
    """Judges every picture of a clone whose shards are all committed, and writes the verdicts.

    Blank and unsafe pictures were left out when they were drawn. Then, in plan order: off-class; leak of a real picture
    of any class; exact repeat of an earlier picture of any class, since one picture cannot have two labels; near repeat
    of an earlier picture of the class that is kept; surplus over the quota. Near repeats are not looked for across
    classes: two classes may well differ in little of a picture. The order of plan and gates alone decides, so who drew
    what when changes nothing.

    Args:
        storage: of the clone.
        rounds: its plan.
        settings: which gates there are.

    Returns:
        How many pictures have which verdict, and what is missing.
    """
    columns = _read_columns(storage, rounds)
    verdicts = np.array(columns.states, dtype=object)
    if settings.class_check is not None:
        is_off = np.concatenate(list(_off_class(storage, rounds, settings.class_check)))
        verdicts[(verdicts == "kept") & is_off] = "off-class"
    nearest = _find_leaks(verdicts, columns, settings)
    if settings.has_duplicate_gate:
        _find_repeats(verdicts, columns, likeness=settings.likeness)
    missing = rounds[0].quotas.copy()
    for split in range(len(SPLITS)):
        for position in range(len(rounds[0].class_names)):
            rows = np.flatnonzero((columns.split == split) & (columns.class_index == position) & (verdicts == "kept"))
            quota = int(rounds[0].quotas[split, position])
            verdicts[rows[quota:]] = "surplus"
            missing[split, position] = quota - min(quota, len(rows))
    counts = Counter(str(verdict) for verdict in verdicts)
    report = GateReport(counts={name: counts[name] for name in VERDICTS}, missing=missing)
    stored = StoredReport(
        digest=rounds[-1].digest,
        counts=report.counts,
        missing=name_missing(missing, class_names=rounds[0].class_names),
        gates=settings.about,
        unreadable=settings.unreadable,
    )
    write_verdicts(storage, rounds, [str(verdict) for verdict in verdicts], report=stored, nearest=nearest)
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """What the gates look at, one entry per planned picture, in plan order."""

    states: list[str]
    digests: np.ndarray
    class_index: np.ndarray
    split: np.ndarray
    marks: Marks


def _read_columns(storage: Storage, rounds: Sequence[Plan]) -> _Columns:
    tables = [read_shard_table(storage, plan.shard_name(shard)) for plan in rounds for shard in plan.shards]
    table = pa.concat_tables(tables).select(["state", "sha256", "class_index", "split", "mark"])
    marks = np.frombuffer(b"".join(table["mark"].to_pylist()), dtype=np.uint8).reshape(-1, MARK_BYTES)
    return _Columns(
        states=table["state"].to_pylist(),
        digests=np.array(table["sha256"].to_pylist()),
        class_index=table["class_index"].to_numpy(),
        split=np.concatenate([plan.table.split for plan in rounds]),
        marks=marks,
    )


def _find_leaks(verdicts: np.ndarray, columns: _Columns, settings: GateSettings) -> dict[int, NearestReal]:
    """Marks what is nearly a real picture, of whatever class; tells the nearest one of each such picture."""
    classes = [name for name, marks in settings.real_marks.items() if len(marks)]
    if not classes:
        return {}
    real = np.concatenate([settings.real_marks[name] for name in classes])
    names: list[str | None] = []
    for name in classes:
        own = settings.real_names.get(name)
        names.extend([None] * len(settings.real_marks[name]) if own is None else own)
    kept = np.flatnonzero(verdicts == "kept")
    leaked = kept[has_alike(columns.marks[kept], real, likeness=settings.likeness)]
    verdicts[leaked] = "leak"
    return {int(row): _nearest(columns.marks[row], real, names, likeness=settings.likeness) for row in leaked}


def _nearest(
    own: UInt8[np.ndarray, " 80"], real: Marks, names: Sequence[str | None], *, likeness: Likeness
) -> NearestReal:
    """Among the real pictures that are alike, the one that differs in the fewest signs; the first of equals."""
    rows = np.flatnonzero(alike(own[None], real, likeness=likeness)[0])
    signs = np.bitwise_count(own[:_SIGN_BYTES] ^ real[rows, :_SIGN_BYTES]).sum(axis=1, dtype=np.int64)
    best = int(np.argmin(signs))
    return NearestReal(name=names[int(rows[best])], signs=int(signs[best]))


def _find_repeats(verdicts: np.ndarray, columns: _Columns, *, likeness: Likeness) -> None:
    """Marks exact repeats of any earlier picture, then near ones within each class."""
    kept = np.flatnonzero(verdicts == "kept")
    _, first = np.unique(columns.digests[kept], return_index=True)
    verdicts[np.delete(kept, first)] = "exact-duplicate"
    for position in np.unique(columns.class_index):
        rows = np.flatnonzero((columns.class_index == position) & (verdicts == "kept"))
        verdicts[rows[later_repeats(columns.marks[rows], likeness=likeness)]] = "near-duplicate"


def find_damaged(storage: Storage) -> tuple[str, ...]:
    """Finds the files of the gates that cannot be read, or lack the column they are for.

    Args:
        storage: of the clone; what it does not hand out is a `StorageError`, not damage.

    Returns:
        Their names; `rldf clone run` judges anew where they are gone.
    """
    checks: dict[str, Callable[[], object]] = {REPORT_FILE: partial(read_report, storage)}
    if storage.has(VERDICT_FILE):
        checks[VERDICT_FILE] = partial(_read_column, storage, VERDICT_FILE, "verdict")
    for place in _off_class_files(storage):
        checks[place] = partial(_read_column, storage, place, _OFF_CLASS)
    return tuple(place for place, check in checks.items() if _is_damaged(check))


def _is_damaged(check: Callable[[], object]) -> bool:
    try:
        check()
    except StorageError:
        raise
    except RecordError:
        return True
    return False


def _read_column(storage: Storage, place: str, column: str) -> np.ndarray:
    table = parquet_table(storage.read(place), name=place)
    if column not in table.column_names:
        raise RecordError(
            f"the table '{place}' has no column '{column}'; it is for that. `rldf clone repair` removes it, and "
            "`rldf clone run` makes it again."
        )
    return np.asarray(table[column].to_numpy())


def _off_class_files(storage: Storage) -> list[str]:
    """What scorer A found before, in one folder for each way of judging."""
    filesystem, root = fsspec.core.url_to_fs(storage.address)
    filesystem.invalidate_cache()
    try:
        entries = filesystem.ls(f"{root.rstrip('/')}/{GATE_FOLDER}", detail=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(
            f"'{GATE_FOLDER}' cannot be listed in '{storage.address}': {error.strerror or error}. Check the place."
        ) from error
    names = sorted(entry["name"].rstrip("/").rpartition("/")[2] for entry in entries if entry["type"] == "directory")
    folders = [f"{GATE_FOLDER}/{name}" for name in names if name.startswith("off-class-")]
    return [f"{folder}/{name}" for folder in folders for name in storage.names(folder) if name.endswith(".parquet")]


def _off_class(storage: Storage, rounds: Sequence[Plan], check: ClassCheck) -> Iterator[Bool[np.ndarray, " _pictures"]]:
    """Judges shard by shard; what was judged by the same check before is read, and judged again where it is damaged."""
    folder = f"{GATE_FOLDER}/off-class-{sha256(check.name.encode()).hexdigest()[:16]}"
    for plan in rounds:
        for shard in plan.shards:
            name = plan.shard_name(shard)
            place = f"{folder}/{name}.parquet"
            judged = _judged_before(storage, place)
            if judged is None or len(judged) != plan.num_pictures_of(shard):
                judged = _judge_shard(storage, name, check)
                storage.write(place, parquet_bytes(pa.table({_OFF_CLASS: judged})))
            yield judged


def _judged_before(storage: Storage, place: str) -> Bool[np.ndarray, " _pictures"] | None:
    """What lies there of an earlier run; None where nothing does, or nothing that can be read."""
    try:
        found = _read_column(storage, place, _OFF_CLASS) if storage.has(place) else None
    except StorageError:
        raise
    except RecordError:
        return None
    return found if found is not None and found.dtype == bool else None


def _judge_shard(storage: Storage, name: str, check: ClassCheck) -> Bool[np.ndarray, " _pictures"]:
    table = read_shard_table(storage, name)
    keys: list[str] = table["key"].to_pylist()
    class_of = dict(zip(keys, table["class_name"].to_pylist(), strict=True))
    pictures = [(key, decode_picture(content, key=key)) for key, content in read_pictures(storage, name)]
    is_off = dict.fromkeys(keys, False)
    for start in range(0, len(pictures), _CHECK_BATCH):
        batch = pictures[start : start + _CHECK_BATCH]
        judged = check.is_off_class([image for _, image in batch], [class_of[key] for key, _ in batch])
        is_off |= dict(zip((key for key, _ in batch), (bool(entry) for entry in judged), strict=True))
    return np.array([is_off[key] for key in keys], dtype=bool)
