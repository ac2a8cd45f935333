"""The finished data set, in the forms that other programs read."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
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
CARD_FILES = ("README.md", "provenance.json")
UNFINISHED = ".rldf-export.json"
"""Lies in a folder until its export is finished, and says of what it is."""

_ROWS_PER_FILE = 2000  # our choice: pictures in one exported archive or table
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # one letter alone is a drive; a Path has lost one of two slashes


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

    Called again after an interruption, it goes on: what is there already is compared, and never overwritten.

    Args:
        storage: of the clone; complete.
        folder: receives the data set; must not hold anything yet but the same export, interrupted. No URL.
        form: "imagefolder" (split/class/picture), "webdataset" (split-000000.tar) or "huggingface" (Parquet that
            `datasets.load_dataset` reads).
        on_pictures: is told how many are written.

    Returns:
        What was written.

    Raises:
        RecordError: if the clone is not complete.
        ConfigError: if the folder is a URL, or holds something else.
    """
    if _URL.match(str(folder)) is not None:
        raise ConfigError(
            f"the export is to go to '{folder}'; it goes to a folder of this machine. Give one as --out, and copy it "
            "from there, as with `aws s3 sync`."
        )
    folder = Path(folder)
    rounds = load_rounds(storage)
    status = read_status(storage, rounds)
    if not status.is_complete:
        raise RecordError(
            f"the clone in '{storage.address}' has {len(status.done)} of {status.num_shards} shards; a complete one "
            "can be exported. Run `rldf clone run`."
        )
    report = read_report(storage)
    verdicts = None if report is None else read_verdicts(storage, rounds)
    about = {"form": form, "digest": _digest(rounds, verdicts)}
    _begin(folder, about)
    written = np.zeros_like(rounds[0].quotas)
    for row, split in zip(written, SPLITS, strict=True):
        samples = _samples(storage, rounds, split=split, verdicts=verdicts)
        _WRITERS[form](_told(samples, row, on_pictures), folder, split, rounds[0])
    counts = {split: int(row.sum()) for split, row in zip(SPLITS, written, strict=True) if row.any()}
    missing = name_missing(rounds[0].quotas - written, class_names=rounds[0].class_names)
    gates = None if report is None else report.gates
    _write_unfinished(folder, {**about, "has_pictures": True})
    write_card(folder, rounds, counts=counts, verdicts=verdicts, gates=gates, missing=missing, form=form)
    (folder / UNFINISHED).unlink()
    left_out = status.num_pictures - sum(counts.values())
    return Exported(folder=folder, form=form, counts=counts, num_left_out=left_out, missing=missing)


def _digest(rounds: Sequence[Plan], verdicts: list[str] | None) -> str:
    """Fixes what an export holds."""
    return sha256(json.dumps([[plan.digest for plan in rounds], verdicts]).encode()).hexdigest()


def _begin(folder: Path, about: dict[str, str]) -> None:
    """Takes an empty folder, or one where the same export was interrupted; refuses any other."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"'{folder}' is a file; an export needs a folder. Choose another --out.")
    there = {entry.name for entry in folder.iterdir()} if folder.exists() else set()
    others = there - {UNFINISHED, f"{UNFINISHED}.part"}
    began = _read_unfinished(folder)
    if others and not began:
        raise ConfigError(f"the folder '{folder}' is not empty; nothing is overwritten. Choose another --out.")
    if others and {name: began.get(name) for name in about} != about:
        raise ConfigError(
            f"the folder '{folder}' holds part of another export (form {began.get('form')}); what is gone on with has "
            "the same plan, verdicts and form. Remove it, or choose another --out."
        )
    for name in CARD_FILES if not began.get("has_pictures") else ():
        if name in others:
            raise _foreign(folder / name)
    folder.mkdir(parents=True, exist_ok=True)
    if not others:
        _write_unfinished(folder, about)


def _read_unfinished(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / UNFINISHED).read_bytes())
    except (FileNotFoundError, ValueError):  # not there, or cut off when it was begun
        return {}
    return found if isinstance(found, dict) else {}


def _write_unfinished(folder: Path, about: dict[str, Any]) -> None:
    part = folder / f"{UNFINISHED}.part"
    part.write_text(json.dumps(about), encoding="utf-8")
    part.replace(folder / UNFINISHED)


def _put(place: Path, content: bytes) -> None:
    """Writes a file, unless it is there; what a kill left of it is the beginning of it, and all else is foreign."""
    found = place.read_bytes() if place.exists() else b""
    if not content.startswith(found):
        raise _foreign(place)
    if found != content:
        place.write_bytes(content)


def _foreign(place: Path) -> ConfigError:
    return ConfigError(
        f"'{place}' is not what this export writes there; nothing is overwritten. Remove it, or choose another --out."
    )


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
        _put(place / f"{sample.row['key']}.{SUFFIXES[plan.settings.picture_format]}", sample.content)


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
        _put(folder / f"{split}-{position:06d}.tar", pack(files))


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
        buffer = BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), buffer)
        _put(folder / "data" / f"{split}-{position:05d}.parquet", buffer.getvalue())


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
