"""Model folders, hub ids and single files become diffusers pipelines: safetensors only, announced first."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.loaders.single_file_utils import fetch_diffusers_config
from diffusers.utils import logging as diffusers_logging
from safetensors import SafetensorError, safe_open
from transformers.utils import logging as transformers_logging

from rldf.errors import ModelUnavailableError, first_line
from rldf.generators.adapters import ABOUT_FILE, SCHEDULER_FILE, WEIGHTS_FILE, Adapter, apply_adapter
from rldf.generators.settings import GenerationSettings
from rldf.hub import PICKLED_SUFFIXES, Announce, fetch_model_folder, folder_digest, require_safetensors

INDEX_FILE = "model_index.json"
DEFAULTS_FILE = "rldf.json"
SAFETY_CHECKER = "safety_checker"
CONFIG_PATTERNS = (INDEX_FILE, DEFAULTS_FILE, "*/*.json", "*/*.txt", "*/*.model")
WEIGHT_NAMES = ("model", "diffusion_pytorch_model")
PIPELINE_PATTERNS = (
    *CONFIG_PATTERNS,
    *(f"*/{name}.safetensors" for name in WEIGHT_NAMES),
    *(f"*/{name}-?????-of-?????.safetensors" for name in WEIGHT_NAMES),
)
"""What is fetched of a hub pipeline: the plain weights of its parts, no second number formats, no second copies."""

UNUSED_PATTERNS = ("vae_*/*",)  # second autoencoders and converted ones that some repositories carry
ADAPTER_PATTERNS = (WEIGHTS_FILE, ABOUT_FILE, SCHEDULER_FILE)
AUTOENCODER_PATTERNS = ("config.json", "diffusion_pytorch_model.safetensors")
DENOISER_PREFIX = "model.diffusion_model."  # where a whole pipeline in one file keeps its denoiser

MAX_QUOTED = 300  # characters of a library's own words in a message

_MISSING_WEIGHTS = "newly initialized"  # how diffusers and transformers both say that a checkpoint lacks weights
_NOT_ACTIONABLE = (
    "No LoRA keys associated to CLIPTextModel",  # a LoRA of the denoiser alone
    "requires torchvision",  # Pillow processors are what we want
    "Expected types for vae",  # AutoencoderTiny is meant
    "The config attributes {'block_out_channels'",  # written by AutoencoderTiny itself
    "You have disabled the safety checker",  # documented in docs/methods/generators.md
    "low cpu memory usage",  # needs accelerate, and the models that run without a card are small
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPipeline:
    """A pipeline and what it is.

    Attributes:
        pipeline: on the CPU, its bars hidden.
        name: hub id, or name of the folder or file.
        digest: hub commit, or SHA-256 of weights and configuration; another autoencoder's is joined to it by "+".
        settings: with every None that the model has a value of its own for filled in.
    """

    pipeline: diffusers.DiffusionPipeline
    name: str
    digest: str
    settings: GenerationSettings


def load_pipeline(
    model: str | Path, *, dtype: torch.dtype, settings: GenerationSettings, announce: Announce, revision: str | None
) -> LoadedPipeline:
    """Loads a text-to-image pipeline from a folder, a hub id or one safetensors file.

    Args:
        model: which.
        dtype: number format of its weights.
        settings: how it will draw.
        announce: is given one line before anything is downloaded.
        revision: branch, tag or commit on the hub; None for the main branch.

    Returns:
        The pipeline.

    Raises:
        ModelUnavailableError: if there is no such model, or it cannot be loaded safely.
    """
    path = Path(model).expanduser()
    is_one_file = path.is_file()
    folder = (
        _configuration_of(path, announce=announce)
        if is_one_file
        else _fetch_folder(model, settings=settings, announce=announce, revision=revision)
    )
    components, digests = _chosen_components(folder, dtype=dtype, settings=settings, announce=announce)
    try:
        with _quiet_loading() as heard:
            pipeline = (
                _from_file(path, folder, components=components, dtype=dtype)
                if is_one_file
                else _from_folder(folder, components=components, dtype=dtype)
            )
    except Exception as error:  # diffusers raises many kinds for a damaged folder
        raise ModelUnavailableError(
            f"the model '{model}' cannot be loaded: {first_line(error)}. It must be a text-to-image pipeline of "
            "diffusers with safetensors weights. Check it, or copy it again."
        ) from error
    if heard.missing:
        raise ModelUnavailableError(
            f"the model '{model}' lacks weights: {heard.missing[0]}. All weights are needed; what is missing would be "
            "noise. Check it, or copy it again."
        )
    pipeline.set_progress_bar_config(disable=True)
    if settings.scheduler == "dpm-solver-multistep":
        pipeline.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    own_digests = [_file_digest(path), folder_digest(folder)] if is_one_file else [_commit_or_digest(folder)]
    digests = [*own_digests, *digests]
    adapter = _put_on_adapter(pipeline, settings=settings, announce=announce)
    if adapter is not None:
        if adapter.model_digest not in {"", "+".join(digests)}:
            announce(f"The adapter '{settings.adapter}' was trained on other weights than those of '{model}'.")
        digests = [*digests, adapter.digest]
        settings = replace(
            settings,
            steps=adapter.steps if settings.steps is None else settings.steps,
            guidance_scale=adapter.guidance_scale if settings.guidance_scale is None else settings.guidance_scale,
        )
    return LoadedPipeline(
        pipeline=pipeline,
        name=path.resolve().name if path.exists() else str(model),
        digest="+".join(digests),
        settings=_with_own_values(settings, folder),
    )


def _fetch_folder(model: str | Path, *, settings: GenerationSettings, announce: Announce, revision: str | None) -> Path:
    """Makes a local folder of a pipeline, its weights checked to be safetensors."""
    checker = () if settings.safety_checker else (f"{SAFETY_CHECKER}/*",)
    folder = fetch_model_folder(
        model,
        announce=announce,
        allow_patterns=PIPELINE_PATTERNS,
        ignore_patterns=(*UNUSED_PATTERNS, *checker),
        revision=revision,
    )
    if not (folder / INDEX_FILE).is_file():
        raise ModelUnavailableError(
            f"the model '{model}' has no {INDEX_FILE}, so it is no text-to-image pipeline; it may be one part of one. "
            "Give a folder written by a pipeline's save_pretrained, a hub id, or one .safetensors file."
        )
    require_safetensors(folder, except_folders=() if settings.safety_checker else (SAFETY_CHECKER,))
    return folder


def _configuration_of(path: Path, *, announce: Announce) -> Path:
    """Finds what a single file leaves unsaid: a folder of its name beside it, or the hub's for that family."""
    if path.suffix != ".safetensors":
        kind = "pickled, and pickles can run code" if path.suffix in PICKLED_SUFFIXES else "no model"
        raise ModelUnavailableError(
            f"the file '{path}' is {kind}; one file must be .safetensors. Where you trust it, convert it once: "
            "StableDiffusionPipeline.from_single_file(FILE).save_pretrained(FOLDER), and give the folder."
        )
    beside = path.with_suffix("")
    if (beside / INDEX_FILE).is_file():
        return beside
    try:
        with safe_open(path, framework="pt") as weights:
            shapes = {key: tuple(weights.get_slice(key).get_shape()) for key in weights.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelUnavailableError(
            f"the file '{path}' cannot be read: {first_line(error)}. It must be a whole .safetensors file. "
            "Copy it again."
        ) from error
    if not any(key.startswith(DENOISER_PREFIX) for key in shapes):
        raise ModelUnavailableError(
            f"the file '{path}' holds no whole pipeline: no weight is named '{DENOISER_PREFIX}...'. "
            "Give a whole checkpoint; a LoRA or an autoencoder alone cannot draw."
        )
    skeleton = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    family: str = fetch_diffusers_config(skeleton)["pretrained_model_name_or_path"]
    try:
        return fetch_model_folder(family, announce=announce, allow_patterns=CONFIG_PATTERNS, needs_weights=False)
    except ModelUnavailableError as error:
        raise ModelUnavailableError(
            f"the file '{path}' needs the configuration of '{family}', which is neither in the folder '{beside}' nor "
            f"reachable: {error} Put that configuration ({INDEX_FILE} and its folders, no weights) there."
        ) from error


def _chosen_components(
    folder: Path, *, dtype: torch.dtype, settings: GenerationSettings, announce: Announce
) -> tuple[dict[str, object], list[str]]:
    """Says which parts differ from the folder's: no safety checker unless asked for, another autoencoder.

    Returns:
        Arguments for loading, and the digest of each part that comes from elsewhere.

    Raises:
        ModelUnavailableError: if the other autoencoder is none, or cannot be loaded safely.
    """
    index = _read_json(folder / INDEX_FILE)
    components: dict[str, object] = {}
    if SAFETY_CHECKER in index and not settings.safety_checker:
        components = {SAFETY_CHECKER: None, "requires_safety_checker": False}
    if settings.autoencoder is None:
        return components, []
    other = fetch_model_folder(settings.autoencoder, announce=announce, allow_patterns=AUTOENCODER_PATTERNS)
    require_safetensors(other)
    class_name = _read_json(other / "config.json").get("_class_name")
    autoencoder: Any = getattr(diffusers, str(class_name), None)
    if autoencoder is None or not str(class_name).startswith("Autoencoder"):
        raise ModelUnavailableError(
            f"'{settings.autoencoder}' is a {class_name}, no autoencoder; one of diffusers' Autoencoder classes is "
            "needed. Give another, such as 'stabilityai/sd-vae-ft-mse', or none."
        )
    try:
        with _quiet_loading():
            components["vae"] = autoencoder.from_pretrained(
                other, use_safetensors=True, local_files_only=True, dtype=dtype
            )
    except Exception as error:  # diffusers raises many kinds for a damaged folder
        raise ModelUnavailableError(
            f"the autoencoder '{settings.autoencoder}' cannot be loaded: {first_line(error)}. It must be an "
            "autoencoder of diffusers with safetensors weights. Check it, or copy it again."
        ) from error
    return components, [_commit_or_digest(other)]


def _from_folder(folder: Path, *, components: dict[str, object], dtype: torch.dtype) -> diffusers.DiffusionPipeline:
    auto: Any = diffusers.AutoPipelineForText2Image
    pipeline: diffusers.DiffusionPipeline = auto.from_pretrained(
        folder, use_safetensors=True, local_files_only=True, dtype=dtype, **components
    )
    return pipeline


def _from_file(
    path: Path, folder: Path, *, components: dict[str, object], dtype: torch.dtype
) -> diffusers.DiffusionPipeline:
    class_name = str(_read_json(folder / INDEX_FILE).get("_class_name"))
    family: Any = getattr(diffusers, class_name)
    pipeline: diffusers.DiffusionPipeline = family.from_single_file(
        str(path), config=str(folder), local_files_only=True, dtype=dtype, **components
    )
    return pipeline


def _put_on_adapter(
    pipeline: diffusers.DiffusionPipeline, *, settings: GenerationSettings, announce: Announce
) -> Adapter | None:
    """Adds the adapter that the settings name, if they name one."""
    if settings.adapter is None or settings.adapter == "":
        return None
    folder = Path(settings.adapter).expanduser()
    if not folder.is_dir():
        folder = fetch_model_folder(settings.adapter, announce=announce, allow_patterns=ADAPTER_PATTERNS)
    with _quiet_loading():
        return apply_adapter(pipeline, folder)


def _with_own_values(settings: GenerationSettings, folder: Path) -> GenerationSettings:
    """Fills in what the model's `rldf.json` says wherever the user leaves a setting to the model."""
    path = folder / DEFAULTS_FILE
    if not path.is_file():
        return settings
    own = _read_json(path)
    try:
        return replace(
            settings,
            steps=int(own["steps"]) if settings.steps is None else settings.steps,
            guidance_scale=float(own["guidance_scale"]) if settings.guidance_scale is None else settings.guidance_scale,
            size_px=int(own["size_px"]) if settings.size_px is None else settings.size_px,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnavailableError(
            f"'{path}' does not say how the model draws ({error!r}); it needs steps, guidance_scale and size_px as "
            "numbers. Copy the model folder again."
        ) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailableError(
            f"'{path}' cannot be read ({first_line(error)}); a model folder needs it as JSON. Copy the folder again."
        ) from error
    if not isinstance(content, dict):
        raise ModelUnavailableError(f"'{path}' holds no JSON object; a model folder needs one. Copy the folder again.")
    return content


def _commit_or_digest(folder: Path) -> str:
    """The hub's commit of a folder in its cache; for any other folder the SHA-256 of what it holds."""
    return folder.name if folder.parent.name == "snapshots" else folder_digest(folder)


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


class _Heard(logging.Handler):
    """Listens while a model loads: hides what a user can do nothing about, and keeps what says that weights lack."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.missing: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a message about weights that are not in the checkpoint."""
        message = record.getMessage()
        if _MISSING_WEIGHTS in message:
            self.missing.append(" ".join(message.split())[:MAX_QUOTED])

    def shows(self, record: logging.LogRecord) -> bool:
        """Says whether another handler may show a record."""
        message = record.getMessage()
        return not any(text in message for text in (*_NOT_ACTIONABLE, _MISSING_WEIGHTS))


@contextmanager
def _quiet_loading() -> Iterator[_Heard]:
    """Hides progress bars and messages that a user can do nothing about, for as long as a model loads."""
    heard = _Heard()
    loggers = [logging.getLogger(name) for name in ("diffusers", "transformers")]
    shown_by = [handler for logger in loggers for handler in logger.handlers]
    bars: list[Any] = [
        library for library in (diffusers_logging, transformers_logging) if library.is_progress_bar_enabled()
    ]
    for handler in shown_by:
        handler.addFilter(heard.shows)
    for logger in loggers:
        logger.addHandler(heard)
    for library in bars:
        library.disable_progress_bar()
    try:
        yield heard
    finally:
        for handler in shown_by:
            handler.removeFilter(heard.shows)
        for logger in loggers:
            logger.removeHandler(heard)
        for library in bars:
            library.enable_progress_bar()
