"""Puts a LoRA adapter on a pipeline: its matrices are added to the weights once, so drawing costs no more."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from rldf.errors import MissingExtraError, ModelUnavailableError
from rldf.hub import folder_digest

WEIGHTS_FILE = "pytorch_lora_weights.safetensors"
ABOUT_FILE = "adapter.json"
SCHEDULER_FILE = "scheduler_config.json"
DOWN, UP = ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """What was put on a pipeline.

    Attributes:
        digest: of its folder.
        steps: denoising steps it was made for; None where it does not say.
        guidance_scale: guidance it was made for; None where it does not say.
        model_digest: of the model it was trained on; "" where it does not say.
    """

    digest: str
    steps: int | None
    guidance_scale: float | None
    model_digest: str = ""


def apply_adapter(pipeline: diffusers.DiffusionPipeline, folder: Path) -> Adapter:
    """Adds an adapter to a pipeline's weights, and takes its solver where it brings one.

    Adapters as `rldf world train` writes them need nothing but this package; any other that diffusers reads, such as
    those of `rldf finetune run`, needs peft.

    Args:
        pipeline: changed in place.
        folder: holds `pytorch_lora_weights.safetensors`; beside it may lie a `scheduler_config.json` and an
            `adapter.json` with steps and guidance_scale.

    Returns:
        What is known of it.

    Raises:
        ModelUnavailableError: if the folder holds no adapter, or one that does not fit the pipeline. Where peft is
            needed and not installed it is a `MissingExtraError`.
    """
    path = folder / WEIGHTS_FILE
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelUnavailableError(
            f"'{folder}' holds no adapter: {error}. An adapter is a folder with {WEIGHTS_FILE}. Copy it again."
        ) from error
    about = json.loads((folder / ABOUT_FILE).read_text()) if (folder / ABOUT_FILE).is_file() else {}
    if "base_digest" in about:
        _add_matrices(pipeline, weights, folder=folder)
    else:
        _load_with_peft(pipeline, folder)
    if (folder / SCHEDULER_FILE).is_file():
        name = json.loads((folder / SCHEDULER_FILE).read_text())["_class_name"]
        scheduler: Any = getattr(diffusers, name)
        pipeline.scheduler = scheduler.from_pretrained(folder)
    return Adapter(
        digest=folder_digest(folder),
        steps=about.get("steps"),
        guidance_scale=about.get("guidance_scale"),
        model_digest=about.get("model", {}).get("digest", ""),
    )


@torch.no_grad()
def _add_matrices(pipeline: diffusers.DiffusionPipeline, weights: dict[str, torch.Tensor], *, folder: Path) -> None:
    """Adds up times down to each weight; the adapter's scale is 1."""
    for name, down in weights.items():
        if not name.endswith(DOWN):
            continue
        up = weights[name.replace(DOWN, UP)]
        part, _, inner = name.removesuffix(DOWN).partition(".")
        try:
            weight = getattr(pipeline, part).get_submodule(inner).weight
            weight += (up.float().flatten(1) @ down.float().flatten(1)).view_as(weight).to(weight)
        except (AttributeError, RuntimeError) as error:
            raise ModelUnavailableError(
                f"the adapter '{folder}' does not fit the model: {name} ({str(error).splitlines()[0]}). It fits the "
                "weights it was trained on. Train it again with `rldf world train --stage few-step`, or leave it out."
            ) from error


def _load_with_peft(pipeline: diffusers.DiffusionPipeline, folder: Path) -> None:
    loader: Any = pipeline  # diffusers has these by a mixin of each family
    try:
        loader.load_lora_weights(folder, weight_name=WEIGHTS_FILE)
        loader.fuse_lora()
        loader.unload_lora_weights()
    except (ValueError, RuntimeError) as error:
        if "PEFT" not in str(error):
            reason = " ".join(line.strip() for line in str(error).splitlines()[:2]).rstrip(".")
            raise ModelUnavailableError(
                f"the adapter '{folder}' does not fit the model: {reason}. It fits the weights it was trained on. "
                "Give one of the model's family."
            ) from error
        raise MissingExtraError(
            f"the adapter '{folder}' needs the package 'peft', which is not installed. "
            "Install it with: pip install 'rldf[train]'."
        ) from error
