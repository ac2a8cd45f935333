"""Reads the folder of a fine-tuning run, without models and without changing anything."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from rldf.errors import RecordError
from rldf.records import read_json
from rldf.web.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEpoch:
    """One epoch; the fields stand in docs/methods/ddpo.md, "Recorded quantities"."""

    epoch: int
    queries: int
    reward_mean: float
    reward_std: float
    approx_kl: float | None
    clip_fraction: float | None
    first_deviation: float | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLook:
    """The fixed prompts drawn and scored after some epochs.

    Attributes:
        epoch: epochs done.
        queries: reward queries so far.
        reward: mean of the pictures.
        second: mean of the second reward; None where there is none.
        is_alarm: True where the reward rose since the first look and the second one fell.
    """

    epoch: int
    queries: int
    reward: float
    second: float | None
    is_alarm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinetune:
    """Everything the folder of a fine-tuning run tells.

    Attributes:
        sheets: epochs done and file of each sheet of the fixed prompts, in order.
        summary: None while the run is unfinished.
        evaluation: what `rldf finetune evaluate` found; None before it.
        kept_epochs: epochs behind the newest checkpoint: where an interrupted run goes on.
    """

    folder: Path
    header: Fields
    epochs: tuple[StoredEpoch, ...]
    looks: tuple[StoredLook, ...]
    sheets: tuple[tuple[int, str], ...]
    summary: Fields | None
    evaluation: Fields | None
    kept_epochs: int

    @property
    def is_alarm(self) -> bool:
        """True where training or judging gave the alarm."""
        found = self.evaluation is not None and self.evaluation.flag("alarm")
        return found or (bool(self.looks) and self.looks[-1].is_alarm)


def is_finetune(folder: Path) -> bool:
    """Tells the folder of a fine-tuning run from that of a search; a folder without records is neither."""
    path = folder / "run.json"
    return path.is_file() and Fields(read_json(path), where=str(path)).optional_text("kind") == "finetune"


def read_finetune_folder(folder: Path) -> StoredFinetune:
    """Reads the folder of a fine-tuning run, finished or not.

    Args:
        folder: the run folder.

    Returns:
        What it holds.
    """
    path = folder / "run.json"
    sheets = sorted((folder / "images").glob("epoch-*.png"))
    return StoredFinetune(
        folder=folder,
        header=Fields(read_json(path), where=str(path)),
        epochs=tuple(_epoch(line) for line in _lines(folder / "epochs.jsonl")),
        looks=tuple(_look(line) for line in _lines(folder / "watch.jsonl")),
        sheets=tuple((int(sheet.stem.removeprefix("epoch-")), f"images/{sheet.name}") for sheet in sheets),
        summary=_optional(folder / "summary.json"),
        evaluation=_optional(folder / "evaluation.json"),
        kept_epochs=_kept_epochs(folder),
    )


def _kept_epochs(folder: Path) -> int:
    checkpoints = (path.parent.name for path in (folder / "checkpoints").glob("epoch-*/state.json"))
    return max((int(name.removeprefix("epoch-")) for name in checkpoints), default=0)


def _epoch(line: Fields) -> StoredEpoch:
    return StoredEpoch(
        epoch=line.whole("epoch"),
        queries=line.whole("queries"),
        reward_mean=_needed(line, "reward_mean"),
        reward_std=_needed(line, "reward_std"),
        approx_kl=_last(line.numbers("approx_kl")),
        clip_fraction=_last(line.numbers("clip_fraction")),
        first_deviation=line.number("first_deviation"),
        seconds=_needed(line, "seconds"),
    )


def _look(line: Fields) -> StoredLook:
    second = line.numbers("second")
    return StoredLook(
        epoch=line.whole("epoch"),
        queries=line.whole("queries"),
        reward=fmean(line.numbers("rewards")),
        second=fmean(second) if second else None,
        is_alarm=line.flag("is_alarm"),
    )


def _needed(line: Fields, name: str) -> float:
    value = line.number(name)
    if value is None:
        raise RecordError(f"a line of epochs.jsonl has no number '{name}'; every epoch has one. Restore the file.")
    return value


def _last(values: Sequence[float]) -> float | None:
    return values[-1] if values else None


def _optional(path: Path) -> Fields | None:
    return Fields(read_json(path), where=str(path)) if path.is_file() else None


def _lines(path: Path) -> list[Fields]:
    """The lines of a file; a torn last one is left out."""
    rows = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
    read: list[Fields] = []
    for number, row in enumerate(rows, start=1):
        try:
            values: Mapping[str, object] = json.loads(row)
        except ValueError as error:
            raise RecordError(
                f"line {number} of '{path}' is not JSON: {error}; every line must be an object. Restore the file, or "
                "go on with the run, which writes it again."
            ) from error
        read.append(Fields(values, where=f"{path}, line {number}"))
    return read
