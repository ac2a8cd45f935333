"""Writes trained parts in the formats of diffusers and transformers, the way every other model comes."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image as PillowImage
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPImageProcessorPil, CLIPTextModel, PreTrainedTokenizerFast

from rldf.worlds.calibration import Calibration
from rldf.worlds.train_scorer import IMAGE_SIZE_PX, PIXEL_MEAN, PIXEL_STD, Scorer


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldOrigin:
    """Where a world comes from, as its files say.

    Attributes:
        name: of the world.
        version: of its parts.
        source: what it was trained on.
        licence: of the weights, and of what they were trained on.
    """

    name: str = "embedded"
    version: str = "2"
    source: str = "trained from scratch by `rldf world train` on pictures its own renderer draws"
    licence: str = "Apache-2.0; glyphs it was trained on: Noto Emoji, SIL Open Font License 1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationDefaults:
    """How the embedded generator draws unless told otherwise.

    Attributes:
        steps: denoising steps.
        guidance_scale: w of uncond + w (cond - uncond); above 1 the denoiser runs twice a step.
        size_px: side of its pictures.
    """

    steps: int = 20
    guidance_scale: float = 2.0
    size_px: int = 128


def write_generator(
    folder: Path,
    *,
    unet: UNet2DConditionModel,
    text_encoder: CLIPTextModel,
    tokenizer: PreTrainedTokenizerFast,
    autoencoder: AutoencoderTiny,
    scheduler: DPMSolverMultistepScheduler,
    defaults: GenerationDefaults,
    origin: WorldOrigin,
) -> None:
    """Writes a Stable Diffusion pipeline folder, float16 safetensors, and its default settings.

    Args:
        folder: made if missing; files in it are replaced.
        unet: the denoiser.
        text_encoder: reads the sentences.
        tokenizer: one token a word.
        autoencoder: its decoder draws.
        scheduler: the solver.
        defaults: written as `rldf.json`.
        origin: written there too.
    """
    pipeline = StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.to(dtype=torch.float16).save_pretrained(folder, safe_serialization=True)
    pipeline.to(dtype=torch.float32)  # the autoencoder is the caller's own
    about = {
        **asdict(origin),
        "steps": defaults.steps,
        "guidance_scale": defaults.guidance_scale,
        "size_px": defaults.size_px,
        "digest": weights_digest(folder),
    }
    (folder / "rldf.json").write_text(json.dumps(about, indent=2) + "\n")


def write_scorer(
    folder: Path,
    scorer: Scorer,
    *,
    tokenizer: PreTrainedTokenizerFast,
    calibration: Calibration,
    origin: WorldOrigin,
) -> None:
    """Writes a scorer: its backbone as a transformers folder, its heads and calibration beside it.

    Args:
        folder: made if missing; files in it are replaced.
        scorer: trained.
        tokenizer: written with A, which reads sentences.
        calibration: temperatures and what lies outside the grammar.
        origin: written with the heads.
    """
    nn.Module.to(scorer.backbone, torch.float16)
    scorer.backbone.save_pretrained(folder, safe_serialization=True)
    nn.Module.to(scorer.backbone, torch.float32)
    if scorer.name == "a":
        tokenizer.save_pretrained(folder)
    processor = CLIPImageProcessorPil(
        size={"height": IMAGE_SIZE_PX, "width": IMAGE_SIZE_PX},
        do_center_crop=False,
        resample=PillowImage.Resampling.BILINEAR,  # as in training
        image_mean=[PIXEL_MEAN] * 3,
        image_std=[PIXEL_STD] * 3,
    )
    processor.save_pretrained(folder)
    tensors: dict[str, torch.Tensor] = {n: value.half() for n, value in scorer.heads.state_dict().items()}
    tensors |= {"outlier.mean": calibration.mean.float(), "outlier.precision": calibration.precision.float()}
    save_file({name: value.contiguous() for name, value in tensors.items()}, folder / "heads.safetensors")
    about = {
        "kind": "heads",
        **asdict(origin),
        "name": f"scorer-{scorer.name}",
        "image_size": IMAGE_SIZE_PX,
        "axes": {axis: list(terms) for axis, terms in scorer.axes.items()},
        "outlier_threshold": calibration.outlier_threshold,
        "temperature": dict(calibration.temperature),
        "digest": weights_digest(folder),
    }
    (folder / "heads.json").write_text(json.dumps(about, indent=2) + "\n")


def weights_digest(folder: Path) -> str:
    """Digest of all safetensors below a folder, by relative path: 16 hexadecimal digits."""
    digest = sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(str(path.relative_to(folder)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
