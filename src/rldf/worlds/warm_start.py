"""Starts a training from a finished world, also where the new one knows other words, terms or sizes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import interpolate
from transformers import PreTrainedTokenizerFast

from rldf.worlds.train_scorer import Scorer

Weights = Mapping[str, torch.Tensor]


def world_weights(world: Path, stage: str) -> dict[str, torch.Tensor]:
    """Reads what a stage starts from out of a finished world.

    Args:
        world: holds `generator`, `scorer-a` and `scorer-b`.
        stage: one of `STAGES`.

    Returns:
        Weights by the names of the stage's model, float32.
    """
    generator = world / "generator"
    match stage:
        case "denoiser":
            parts = {"unet": generator / "unet", "text_encoder": generator / "text_encoder"}
        case "autoencoder":
            parts = {"": generator / "vae"}
        case _:
            parts = {"backbone": world / stage}
    weights = {
        f"{prefix}.{name}".removeprefix("."): value.float()
        for prefix, folder in parts.items()
        for path in sorted(folder.glob("*model*.safetensors"))
        for name, value in load_file(path).items()
    }
    if stage.startswith("scorer"):
        heads = load_file(world / stage / "heads.safetensors")
        weights |= {f"heads.{name}": value for name, value in heads.items() if not name.startswith("outlier")}
    return weights


def fit_weights(
    model: nn.Module, weights: Weights, *, world: Path, stage: str, tokenizer: PreTrainedTokenizerFast
) -> dict[str, torch.Tensor]:
    """Fits the weights of a finished world to a model: rows of words and terms by name, the rest by shape.

    Args:
        model: gives names and shapes, and what stands where the world has nothing.
        weights: of `world_weights`.
        world: the finished world; names the rows of its weights.
        stage: one of `STAGES`.
        tokenizer: of the new world.

    Returns:
        Weights of the model.
    """
    words = _words(world, stage)
    terms = _terms(world, stage)
    axes = model.axes if isinstance(model, Scorer) else {}
    fitted = {}
    for name, own in model.state_dict().items():
        other = weights.get(name)
        if other is None:
            fitted[name] = own
        elif name.endswith("token_embedding.weight"):
            fitted[name] = _by_name(own, other, rows=_in_order(tokenizer.get_vocab()), other_rows=words)
        elif name.startswith("heads."):
            axis = name.split(".")[1]
            fitted[name] = _by_name(own, other, rows=axes[axis], other_rows=terms.get(axis, []))
        elif own.shape == other.shape:
            fitted[name] = other.to(own.dtype)
        elif name.endswith("position_embedding.weight") and "text" in name:
            fitted[name] = torch.cat([other, other[-1:].expand(max(0, len(own) - len(other)), -1)])[: len(own)]
        elif name.endswith("patch_embedding.weight") and own.shape[:2] == other.shape[:2]:
            fitted[name] = _resized(other, own.shape[-1]).to(own.dtype)
        else:
            fitted[name] = own
    return fitted


def _resized(kernel: torch.Tensor, side: int) -> torch.Tensor:
    """Resizes the kernel of patches so that a smooth picture gives about the same values."""
    larger = interpolate(kernel, size=(side, side), mode="bilinear")
    return larger * (kernel.shape[-1] / side) ** 2


def _words(world: Path, stage: str) -> list[str]:
    """The words of a stage's tokenizer, in the order of their numbers; none where it reads no text."""
    folder = {"denoiser": world / "generator" / "tokenizer", "scorer-a": world / "scorer-a"}.get(stage)
    return [] if folder is None else _in_order(PreTrainedTokenizerFast.from_pretrained(folder).get_vocab())


def _in_order(vocabulary: Mapping[str, int]) -> list[str]:
    return sorted(vocabulary, key=lambda word: vocabulary[word])


def _terms(world: Path, stage: str) -> dict[str, list[str]]:
    path = world / stage / "heads.json"
    axes: dict[str, list[str]] = json.loads(path.read_text())["axes"] if path.exists() else {}
    return axes


def _by_name(own: torch.Tensor, other: torch.Tensor, *, rows: Sequence[str], other_rows: Sequence[str]) -> torch.Tensor:
    """Copies the rows that both have; only where the columns agree."""
    fitted = own.clone()
    if own.shape[1:] == other.shape[1:]:
        places = {row: place for place, row in enumerate(other_rows)}
        for place, row in enumerate(rows):
            if row in places:
                fitted[place] = other[places[row]].to(own.dtype)
    return fitted
