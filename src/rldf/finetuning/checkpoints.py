"""Checkpoints: safetensors and JSON in a folder of their own, whole or not there at all; never pickles."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch

from rldf.errors import RecordError
from rldf.finetuning.networks import read_weights, write_weights
from rldf.records.durable_files import write_file

FOLDER = "checkpoints"
PREFIX = "epoch-"


def write_checkpoint(
    run: Path, *, epoch: int, tensors: dict[str, torch.Tensor], state: dict[str, Any], kept: int
) -> Path:
    """Writes a checkpoint; a kill at any moment leaves the former ones whole.

    Args:
        run: the run folder.
        epoch: epochs done.
        tensors: weights, moments of the optimiser, moving average.
        state: what JSON can hold.
        kept: newest checkpoints that stay.

    Returns:
        Its folder.

    Raises:
        RecordError: if it cannot be written.
    """
    folder = run / FOLDER / f"{PREFIX}{epoch:06d}"
    half = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        write_weights(tensors, half / "tensors.safetensors")
        _flush(half / "tensors.safetensors")
        write_file(half / "state.json", (json.dumps(state, allow_nan=False) + "\n").encode())
        shutil.rmtree(folder, ignore_errors=True)
        half.replace(folder)
    except OSError as error:
        raise RecordError(
            f"the checkpoint '{folder}' cannot be written: {error.strerror}. The former one is whole. Free space, "
            "then go on with `rldf finetune run --resume`."
        ) from error
    for old in find_checkpoints(run)[:-kept]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def find_checkpoints(run: Path) -> list[Path]:
    """Finds the whole checkpoints of a run, the oldest first."""
    return sorted(path for path in (run / FOLDER).glob(f"{PREFIX}*") if (path / "state.json").is_file())


def epoch_of(folder: Path) -> int:
    """Tells how many epochs a checkpoint has behind it, by its folder's name."""
    return int(folder.name.removeprefix(PREFIX))


def read_checkpoint(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Reads a checkpoint.

    Args:
        folder: of the checkpoint.

    Returns:
        Tensors, and what JSON held.

    Raises:
        RecordError: if it is damaged.
    """
    try:
        state: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        return read_weights(folder / "tensors.safetensors"), state
    except Exception as error:  # safetensors has an error class of its own
        raise RecordError(
            f"the checkpoint '{folder}' cannot be read: {error}. It must hold tensors.safetensors and state.json. "
            "Remove it to go on from the one before."
        ) from error


def _flush(path: Path) -> None:
    """Waits until a file is on the disk."""
    with path.open("rb+") as file:  # Windows flushes what may be written alone
        os.fsync(file.fileno())
