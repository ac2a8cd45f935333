"""States of a training on disk: safetensors, written whole, so that an interrupted training goes on to the same end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from rldf.errors import RecordError, first_line
from rldf.records.durable_files import write_file


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingState:
    """Where a training stands.

    Attributes:
        epoch: finished epochs.
        tensors: weights, statistics and momenta by name.
        losses: mean training loss of each epoch.
    """

    epoch: int
    tensors: Mapping[str, torch.Tensor]
    losses: tuple[float, ...]


def save_state(path: Path, state: TrainingState, *, about: Mapping[str, Any]) -> None:
    """Writes a state; a kill or a power cut leaves the one before.

    A full disk, or a folder that cannot be written, gives a `RecordError`.

    Args:
        path: the file.
        state: what to keep.
        about: what the training is of; `load_state` compares it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"epoch": str(state.epoch), "losses": json.dumps(state.losses), "about": _text(about)}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()}
    write_file(path, save(tensors, metadata=metadata))


def load_state(path: Path, *, about: Mapping[str, Any]) -> TrainingState | None:
    """Reads a state.

    Args:
        path: the file.
        about: what the training is of.

    Returns:
        The state; None where there is none.

    Raises:
        RecordError: if the file is damaged, or of another training, whose state would be lost.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
        stored = _flat(json.loads(metadata["about"]))
        state = TrainingState(
            epoch=int(metadata["epoch"]), tensors=load_file(path), losses=tuple(json.loads(metadata["losses"]))
        )
    except (OSError, SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise RecordError(
            f"the state of a training '{path}' cannot be read ({first_line(error)}); a whole file that a training "
            "wrote is needed. Remove it to train anew, or choose another --out."
        ) from error
    given = _flat(json.loads(_text(about)))
    if stored != given:
        raise RecordError(
            f"'{path}' is the state of another training: {_differences(stored, given)}. A state is taken up by the "
            "same training alone and never overwritten. Choose another --out, or remove it."
        )
    return state


def _flat(about: Mapping[str, Any]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in about.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": text for key, text in _flat(value).items()}
        else:
            flat[name] = str(value)
    return flat


def _differences(stored: Mapping[str, str], given: Mapping[str, str]) -> str:
    """Names what differs between two trainings, such as "recipe.epochs is 15 there and 3 here"."""
    names = sorted(name for name in stored.keys() | given.keys() if stored.get(name) != given.get(name))
    return ", ".join(f"{name} is {_short(stored, name)} there and {_short(given, name)} here" for name in names)


def _short(about: Mapping[str, str], name: str) -> str:
    text = about.get(name, "not set")
    return text if len(text) < 64 else text[:12]  # enough of a digest


def _text(about: Mapping[str, Any]) -> str:
    return json.dumps(about, sort_keys=True)
