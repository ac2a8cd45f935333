"""Builds the image generator of a search: the embedded model, one of diffusers, or an images endpoint."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from rldf.contracts import ImageGenerator
from rldf.errors import ConfigError
from rldf.generators.cache import CachedGenerator, render_folder
from rldf.generators.diffusers_local import load_diffusers_generator
from rldf.generators.embedded import load_embedded_generator
from rldf.generators.images_api import ImagesApiGenerator, ImagesApiSettings
from rldf.generators.settings import GenerationSettings
from rldf.hub import Announce
from rldf.presets.config import ModelConfig
from rldf.presets.world_folder import ADAPTER, GENERATOR, find_part, find_world
from rldf.search import PartCard

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltGenerator:
    """An image generator, and what is to be known of it.

    Attributes:
        image_generator: draws, through the render cache where there is one.
        card: which model it is.
        evaluations_per_picture: evaluations of the denoiser that one picture takes; 0 where unknown.
        cache_hits: tells how many pictures came from the render cache so far.
        device: where it runs.
        dtype: number format it computes in.
    """

    image_generator: ImageGenerator
    card: PartCard
    evaluations_per_picture: int
    cache_hits: Callable[[], int]
    device: str
    dtype: str


def choose_device(device: str) -> str:
    """Chooses the device: the one named, or the best one present."""
    if device != "auto":
        return device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def kind_of(config: ModelConfig) -> str:
    """Tells what kind of model is meant, by the form of its id where the settings leave it open."""
    if config.kind != "auto":
        return config.kind
    if config.id == "embedded":
        return "embedded"
    return "images-api" if config.id.startswith(("http://", "https://")) else "diffusers"


def shelf_key(config: ModelConfig) -> str:
    """Names a generator for the shelf: its settings, and the render cache it uses."""
    return json.dumps([asdict(config), str(render_folder())])


def build_generator(config: ModelConfig, *, announce: Announce) -> BuiltGenerator:
    """Loads the image generator.

    Args:
        config: the settings.
        announce: is given one line before anything is downloaded.

    Returns:
        The generator, behind the render cache where the settings say so.
    """
    kind = kind_of(config)
    if kind == "images-api":
        return _build_endpoint(config, announce=announce)
    device = choose_device(config.device)
    dtype = DTYPES[("float16" if device == "cuda" else "float32") if config.dtype == "auto" else config.dtype]
    settings = _settings(config)
    world = find_world(config.id)
    if kind == "diffusers" and world is not None and config.adapter == "":
        settings = replace(settings, adapter=find_part(config.id, ADAPTER))
    inner = (
        load_embedded_generator(device=device, dtype=dtype, settings=settings, announce=announce)
        if kind == "embedded"
        else load_diffusers_generator(
            config.id if world is None else world / GENERATOR,
            device=device,
            dtype=dtype,
            settings=settings,
            low_memory=config.use_low_memory,
            announce=announce,
            revision=config.revision if config.revision != "" else None,
        )
    )
    cached = (
        CachedGenerator(inner, announce=announce, numerics=inner.numerics, batch_size=settings.max_batch_size)
        if config.use_cache
        else None
    )
    return BuiltGenerator(
        image_generator=inner if cached is None else cached,
        card=PartCard(id=config.id, digest=inner.digest, kind=kind, identity=inner.identity),
        evaluations_per_picture=inner.evaluations_per_picture,
        cache_hits=_hits_of(cached),
        device=device,
        dtype=str(dtype).removeprefix("torch."),
    )


def _build_endpoint(config: ModelConfig, *, announce: Announce) -> BuiltGenerator:
    """Makes the client of an images endpoint."""
    if config.adapter not in {"", "none"}:
        raise ConfigError(
            f"model.adapter is '{config.adapter}' and the model is the endpoint {config.id}; a LoRA is put on a local "
            "model's weights. Give a local --model, or leave --lora out."
        )
    own = ImagesApiSettings()
    inner = ImagesApiGenerator(
        ImagesApiSettings(
            base_url=config.id,
            model=config.name,
            size_px=config.size_px if config.size_px > 0 else own.size_px,
            key_file=Path(config.key_file) if config.key_file != "" else None,
            picture_cost_usd=config.picture_cost_usd,
            max_cost_usd=config.max_cost_usd if config.max_cost_usd > 0 else None,
            max_images=config.max_images if config.max_images > 0 else None,
        )
    )
    cached = CachedGenerator(inner, announce=announce, batch_size=1) if config.use_cache else None
    return BuiltGenerator(
        image_generator=inner if cached is None else cached,
        card=PartCard(id=f"{config.id} {config.name}", digest="", kind="images-api", identity=inner.identity),
        evaluations_per_picture=0,
        cache_hits=_hits_of(cached),
        device="endpoint",
        dtype="",
    )


def _settings(config: ModelConfig) -> GenerationSettings:
    """How a local model draws; zeros and empty texts stand for the model's own values."""
    return GenerationSettings(
        steps=config.steps if config.steps > 0 else None,
        guidance_scale=config.guidance_scale if config.guidance_scale >= 0 else None,
        size_px=config.size_px if config.size_px > 0 else None,
        scheduler=config.scheduler,
        autoencoder=config.autoencoder if config.autoencoder != "" else None,
        adapter={"": None, "none": ""}.get(config.adapter, config.adapter),
        attention_slicing=config.use_attention_slicing,
        compiled=config.is_compiled,
        safety_checker=config.use_safety_checker,
        max_batch_size=config.max_batch_size if config.max_batch_size > 0 else GenerationSettings().max_batch_size,
        fixed_batches=config.use_fixed_batches,
    )


def _hits_of(cached: CachedGenerator | None) -> Callable[[], int]:
    """Tells how many pictures came from the cache so far."""
    return lambda: 0 if cached is None else cached.counter.hits
