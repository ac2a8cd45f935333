"""What is left out after all pictures are drawn, in plan order, each for one named reason."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int64

from rldf.datasets.class_check import ClassCheck
from rldf.datasets.duplicates import MARK_BYTES, Likeness, Marks, has_alike, later_repeats
from rldf.datasets.plan import SPLITS, Plan
from rldf.datasets.plan_store import parquet_bytes, parquet_table
from rldf.datasets.shards import decode_picture, read_pictures, read_shard_table
from rldf.datasets.storage import Storage
from rldf.datasets.verdicts import VERDICTS, StoredReport, name_missing, write_verdicts

_CHECK_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """Which gates there are.

    Attributes:
        class_check: leaves out pictures of another class; None to keep them.
        real_marks: class name to the marks of its real pictures, to find leaks; empty to look for none.
        likeness: from when on two pictures count as nearly the same.
        has_duplicate_gate: False to keep repeats.
    """

    class_check: ClassCheck | None = None
    real_marks: Mapping[str, Marks] = field(default_factory=dict)
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
    _find_leaks(verdicts, columns, settings)
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
    )
    write_verdicts(storage, rounds, [str(verdict) for verdict in verdicts], report=stored)
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


def _find_leaks(verdicts: np.ndarray, columns: _Columns, settings: GateSettings) -> None:
    """Marks what is nearly a real picture, of whatever class."""
    real = [marks for marks in settings.real_marks.values() if len(marks)]
    if real:
        kept = np.flatnonzero(verdicts == "kept")
        verdicts[kept[has_alike(columns.marks[kept], np.concatenate(real), likeness=settings.likeness)]] = "leak"


def _find_repeats(verdicts: np.ndarray, columns: _Columns, *, likeness: Likeness) -> None:
    """Marks exact repeats of any earlier picture, then near ones within each class."""
    kept = np.flatnonzero(verdicts == "kept")
    _, first = np.unique(columns.digests[kept], return_index=True)
    verdicts[np.delete(kept, first)] = "exact-duplicate"
    for position in np.unique(columns.class_index):
        rows = np.flatnonzero((columns.class_index == position) & (verdicts == "kept"))
        verdicts[rows[later_repeats(columns.marks[rows], likeness=likeness)]] = "near-duplicate"


def _off_class(storage: Storage, rounds: Sequence[Plan], check: ClassCheck) -> Iterator[Bool[np.ndarray, " _pictures"]]:
    """Judges shard by shard; what was judged by the same check before is read, not judged again."""
    folder = f"gates/off-class-{sha256(check.name.encode()).hexdigest()[:16]}"
    for plan in rounds:
        for shard in plan.shards:
            name = plan.shard_name(shard)
            place = f"{folder}/{name}.parquet"
            if not storage.has(place):
                judged = _judge_shard(storage, name, check)
                storage.write(place, parquet_bytes(pa.table({"is_off_class": judged})))
            yield parquet_table(storage.read(place), name=place)["is_off_class"].to_numpy()


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
