"""The generator that ships with the package: a small Stable Diffusion, loaded like any other."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import torch

from rldf.errors import ModelUnavailableError
from rldf.generators.diffusers_local import DiffusersGenerator, load_diffusers_generator
from rldf.generators.settings import GenerationSettings
from rldf.hub import Announce


def embedded_folder() -> Path:
    """The folder of the embedded generator inside the installed package; it may be missing."""
    return Path(str(files("rldf").joinpath("weights", "embedded", "generator")))


def load_embedded_generator(
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    settings: GenerationSettings | None = None,
    announce: Announce,
) -> DiffusersGenerator:
    """Loads the embedded generator with its adapter for few steps; `adapter=""` leaves it out.

    Its `rldf.json` gives steps, guidance and size unless the settings or the adapter do.

    Args:
        device: where it runs.
        dtype: number format it computes in.
        settings: how it draws; None for its own way.
        announce: is given a line before a download, which only another autoencoder can cause.

    Returns:
        The generator.

    Raises:
        ModelUnavailableError: if the package was installed without its weights.
    """
    folder = embedded_folder()
    if not folder.is_dir():
        raise ModelUnavailableError(
            f"the embedded generator is not installed at '{folder}'; the package ships it. "
            "Install the package again, or train it with `rldf world train`."
        )
    settings = GenerationSettings() if settings is None else settings
    few_step = folder.parent / "few-step"
    if settings.adapter is None and few_step.is_dir():
        settings = replace(settings, adapter=str(few_step))
    return load_diffusers_generator(
        folder,
        device=device,
        dtype=dtype,
        settings=settings,
        low_memory=False,
        announce=announce,
    )
