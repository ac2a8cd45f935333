"""States of a training on disk: safetensors, written whole, so that an interrupted training goes on to the same end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file


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
    """Writes a state; a kill leaves the one before.

    Args:
        path: the file.
        state: what to keep.
        about: what the training is of; `load_state` compares it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    metadata = {"epoch": str(state.epoch), "losses": json.dumps(state.losses), "about": _text(about)}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()}
    save_file(tensors, part, metadata=metadata)
    part.replace(path)


def load_state(path: Path, *, about: Mapping[str, Any]) -> TrainingState | None:
    """Reads a state.

    Args:
        path: the file.
        about: what the training is of.

    Returns:
        The state; None where there is none, or one of another training.
    """
    if not path.is_file():
        return None
    with safe_open(path, framework="pt") as file:
        metadata: dict[str, str] = file.metadata()
    if metadata["about"] != _text(about):
        return None
    return TrainingState(
        epoch=int(metadata["epoch"]), tensors=load_file(path), losses=tuple(json.loads(metadata["losses"]))
    )


def _text(about: Mapping[str, Any]) -> str:
    return json.dumps(about, sort_keys=True)
