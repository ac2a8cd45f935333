"""The finished data set, in the forms that other programs read."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int64

from rldf.datasets.card import write_card
from rldf.datasets.plan import SPLITS, Plan
from rldf.datasets.plan_store import load_rounds
from rldf.datasets.run import read_status
from rldf.datasets.shards import SUFFIXES, read_pictures, read_shard_table
from rldf.datasets.storage import Storage
from rldf.datasets.tar_files import pack
from rldf.datasets.verdicts import Missing, name_missing, read_report, read_verdicts
from rldf.errors import ConfigError, RecordError

ExportForm = Literal["imagefolder", "webdataset", "huggingface"]
_ROWS_PER_FILE = 2000  # our choice: pictures in one exported archive or table


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        folder: where.
        form: in which form.
        counts: split to number of pictures.
        num_left_out: pictures the gates left out.
        missing: split to class to pictures that its planned count lacks.
    """

    folder: Path
    form: str
    counts: dict[str, int]
    num_left_out: int
    missing: Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """One picture that is handed out."""

    row: dict[str, Any]
    content: bytes


def export_clone(
    storage: Storage, folder: str | Path, *, form: ExportForm, on_pictures: Callable[[int], None] | None = None
) -> Exported:
    """Writes the pictures that passed the gates, with a data card.

    Args:
        storage: of the clone; complete.
        folder: receives the data set; must not hold anything yet.
        form: "imagefolder" (split/class/picture), "webdataset" (split-000000.tar) or "huggingface" (Parquet that
            `datasets.load_dataset` reads).
        on_pictures: is told how many are written.

    Returns:
        What was written.

    Raises:
        RecordError: if the clone is not complete.
        ConfigError: if the folder is not empty.
    """
    folder = Path(folder)
    rounds = load_rounds(storage)
    status = read_status(storage, rounds)
    if not status.is_complete:
        raise RecordError(
            f"the clone in '{storage.address}' has {len(status.done)} of {status.num_shards} shards; a complete one "
            "can be exported. Run `rldf clone run`."
        )
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"the folder '{folder}' is not empty; nothing is overwritten. Choose another --out.")
    folder.mkdir(parents=True, exist_ok=True)
    report = read_report(storage)
    verdicts = None if report is None else read_verdicts(storage, rounds)
    written = np.zeros_like(rounds[0].quotas)
    for row, split in zip(written, SPLITS, strict=True):
        samples = _samples(storage, rounds, split=split, verdicts=verdicts)
        _WRITERS[form](_told(samples, row, on_pictures), folder, split, rounds[0])
    counts = {split: int(row.sum()) for split, row in zip(SPLITS, written, strict=True) if row.any()}
    missing = name_missing(rounds[0].quotas - written, class_names=rounds[0].class_names)
    gates = None if report is None else report.gates
    write_card(folder, rounds, counts=counts, verdicts=verdicts, gates=gates, missing=missing, form=form)
    left_out = status.num_pictures - sum(counts.values())
    return Exported(folder=folder, form=form, counts=counts, num_left_out=left_out, missing=missing)


def _samples(storage: Storage, rounds: Sequence[Plan], *, split: str, verdicts: list[str] | None) -> Iterator[_Sample]:
    """The pictures of a split that passed, in plan order."""
    for plan in rounds:
        for shard in plan.shards:
            name = plan.shard_name(shard)
            if not name.startswith(f"{split}-"):
                continue
            rows = {row["key"]: row for row in read_shard_table(storage, name).to_pylist()}
            for key, content in read_pictures(storage, name):
                if verdicts is None or verdicts[rows[key]["index"]] == "kept":
                    yield _Sample(row=rows[key], content=content)


def _told(
    samples: Iterator[_Sample], counts: Int64[np.ndarray, " classes"], on_pictures: Callable[[int], None] | None
) -> Iterator[_Sample]:
    """Hands samples on, and counts them by class."""
    for number, sample in enumerate(samples, start=1):
        counts[sample.row["class_index"]] += 1
        yield sample
        if on_pictures is not None:
            on_pictures(number)


def _write_imagefolder(samples: Iterator[_Sample], folder: Path, split: str, plan: Plan) -> None:
    names = folder_names(plan.class_names)
    for sample in samples:
        place = folder / split / names[sample.row["class_index"]]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{sample.row['key']}.{SUFFIXES[plan.settings.picture_format]}").write_bytes(sample.content)


def _write_webdataset(samples: Iterator[_Sample], folder: Path, split: str, plan: Plan) -> None:
    suffix = SUFFIXES[plan.settings.picture_format]
    for position, group in enumerate(_groups(samples)):
        files: dict[str, bytes] = {}
        for sample in group:
            about = {name: sample.row[name] for name in ("index", "class_name", "sentence", "seed")}
            about["terms"] = json.loads(sample.row["terms"])
            key = sample.row["key"]
            files[f"{key}.{suffix}"] = sample.content
            files[f"{key}.cls"] = str(sample.row["class_index"]).encode()
            files[f"{key}.json"] = json.dumps(about, ensure_ascii=False).encode()
        (folder / f"{split}-{position:06d}.tar").write_bytes(pack(files))


def _write_huggingface(samples: Iterator[_Sample], folder: Path, split: str, plan: Plan) -> None:
    features: dict[str, Any] = {
        "image": {"_type": "Image"},
        "label": {"names": list(plan.class_names), "_type": "ClassLabel"},
        "sentence": {"dtype": "string", "_type": "Value"},
        "terms": {"dtype": "string", "_type": "Value"},
        "seed": {"dtype": "int64", "_type": "Value"},
        "index": {"dtype": "int64", "_type": "Value"},
    }
    schema = pa.schema(
        [
            ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            ("label", pa.int64()),
            ("sentence", pa.string()),
            ("terms", pa.string()),
            ("seed", pa.int64()),
            ("index", pa.int64()),
        ],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    for position, group in enumerate(_groups(samples)):
        rows = [
            {
                "image": {
                    "bytes": sample.content,
                    "path": f"{sample.row['key']}.{SUFFIXES[plan.settings.picture_format]}",
                },
                "label": sample.row["class_index"],
                **{name: sample.row[name] for name in ("sentence", "terms", "seed", "index")},
            }
            for sample in group
        ]
        (folder / "data").mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "data" / f"{split}-{position:05d}.parquet")


def folder_names(class_names: Sequence[str]) -> list[str]:
    """Names the folder of each class: its name, where that can be a folder, and a number before it where it cannot."""
    return [
        name
        if name not in {"", ".", ".."} and not any(letter in '/\\:*?"<>|\0' for letter in name)
        else f"{position:04d}-" + "".join(letter if letter.isalnum() else "-" for letter in name)
        for position, name in enumerate(class_names)
    ]


def _groups(samples: Iterator[_Sample]) -> Iterator[list[_Sample]]:
    group: list[_Sample] = []
    for sample in samples:
        group.append(sample)
        if len(group) == _ROWS_PER_FILE:
            yield group
            group = []
    if group:
        yield group


_WRITERS: dict[str, Callable[[Iterator[_Sample], Path, str, Plan], None]] = {
    "imagefolder": _write_imagefolder,
    "webdataset": _write_webdataset,
    "huggingface": _write_huggingface,
}
