"""Feature extractors by name: the embedded scorer B, or a vision model by folder or hub id."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image as PillowImage
from transformers import AutoModel

from rldf.arrays import Image, ImageBatch
from rldf.errors import ModelUnavailableError
from rldf.evaluation.features import FeatureExtractor
from rldf.grammar import load_grammar
from rldf.hub import PICKLED_SUFFIXES, Announce, fetch_model_folder, folder_digest
from rldf.perception.embedded import HeadsPerception, load_embedded_scorer
from rldf.perception.loading import load_weights
from rldf.perception.preprocessing import Preprocessing, read_preprocessing
from rldf.perception.scorer_heads import read_heads
from rldf.space import Axis, EncodingSpace

EMBEDDED = "embedded"
_BATCH_SIZE = 32
_FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}


def build_extractor(name: str, *, device: str, announce: Announce) -> FeatureExtractor:
    """Loads a feature extractor.

    Args:
        name: "embedded"; a folder of a scorer with heads; or folder or hub id of a vision model of transformers, such
            as "facebook/dinov2-large" or "openai/clip-vit-large-patch14-336".
        device: where it runs.
        announce: is given one line before anything is downloaded.

    Returns:
        The extractor.

    Raises:
        ModelUnavailableError: if it is a file that runs code when it is loaded, such as Inception as TorchScript.
    """
    if Path(name).suffix.lower() in PICKLED_SUFFIXES:
        raise ModelUnavailableError(
            f"the extractor '{name}' is a {Path(name).suffix} file, and loading one can run code; 'embedded', a folder "
            "or a hub id is loaded. In Python give evaluate_distances a FeatureExtractor of your own, as "
            "docs/methods/evaluation.md shows for Inception."
        )
    if name == EMBEDDED:
        scorer = load_embedded_scorer("b", space=load_grammar("base").space, device=device, batch_size=_BATCH_SIZE)
        return _of_scorer(scorer, name="embedded/scorer-b")
    if (Path(name) / "heads.json").is_file():
        space = _own_space(Path(name))
        return _of_scorer(HeadsPerception(Path(name), space, device=device, batch_size=_BATCH_SIZE), name=name)
    return _of_vision_model(name, device=device, announce=announce)


def _own_space(folder: Path) -> EncodingSpace:
    """The space of all that a scorer reads; only its features are wanted."""
    axes = (Axis(id=axis, terms=head.terms) for axis, head in read_heads(folder).axes.items())
    return EncodingSpace(axes=tuple(axes))


def _of_scorer(scorer: HeadsPerception, *, name: str) -> FeatureExtractor:
    side = scorer.heads.image_size_px
    return FeatureExtractor(
        name=name,
        digest=scorer.digest,
        resize=f"pillow bicubic to {side} px square",
        size_px=side,
        num_features=len(scorer.heads.outlier_mean),
        prepare=_squeeze(side, resample=int(PillowImage.Resampling.BICUBIC)),
        extract=scorer.features,
    )


def _of_vision_model(name: str, *, device: str, announce: Announce) -> FeatureExtractor:
    folder = fetch_model_folder(name, announce=announce)
    config = _read_json(folder / "config.json")
    preprocessor = _read_json(folder / "preprocessor_config.json")
    side = _side_of(preprocessor, config, folder=folder)
    preparation = read_preprocessing(preprocessor, size_px=side)
    model = load_weights(AutoModel.from_pretrained, folder, device=device)
    extract = _forward(model, preparation, device=device)
    blank = np.zeros((1, side, side, 3), dtype=np.uint8)
    return FeatureExtractor(
        name=name,
        digest=folder_digest(folder),
        resize=f"pillow {_FILTERS[preparation.resample]} to {side} px square",
        size_px=side,
        num_features=extract(blank).shape[1],
        prepare=_squeeze(side, resample=preparation.resample),
        extract=extract,
    )


def _forward(
    model: Any,  # noqa: ANN401 - any vision model of transformers
    preparation: Preprocessing,
    *,
    device: str,
) -> Callable[[ImageBatch], Float[np.ndarray, "batch features"]]:
    """Pictures in, image features out: what CLIP-like models project, else the pooled output, else the first token."""

    def extract(images: ImageBatch) -> Float[np.ndarray, "batch features"]:
        pixels = torch.from_numpy(np.stack([preparation(image) for image in images])).to(device)
        with torch.inference_mode():
            if hasattr(model, "get_image_features"):
                output = model.get_image_features(pixel_values=pixels)
            else:
                output = model(pixel_values=pixels)
            pooled = output if isinstance(output, torch.Tensor) else getattr(output, "pooler_output", None)
            features = output.last_hidden_state[:, 0] if pooled is None else pooled
        return np.asarray(features.flatten(1).float().cpu().numpy())

    return extract


def _squeeze(side: int, *, resample: int) -> Callable[[Image], Image]:
    """Brings a picture to a square; all of it stays in sight."""

    def prepare(image: Image) -> Image:
        picture = PillowImage.fromarray(image)
        return np.asarray(picture.resize((side, side), PillowImage.Resampling(resample)), dtype=np.uint8)

    return prepare


def _side_of(preprocessor: dict[str, Any], config: dict[str, Any], *, folder: Path) -> int:
    """The side of the square a vision model looks at, from its own files."""
    for entry in (preprocessor.get("crop_size"), preprocessor.get("size"), config.get("image_size")):
        if isinstance(entry, int):
            return entry
        if isinstance(entry, dict):
            for key in ("height", "shortest_edge"):
                if isinstance(entry.get(key), int):
                    return int(entry[key])
    raise ModelUnavailableError(
        f"the model in '{folder}' does not say how large its pictures are; preprocessor_config.json needs crop_size or "
        "size. Add it, or choose another model."
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailableError(
            f"'{path}' cannot be read ({error}); a vision model has config.json and preprocessor_config.json. "
            "Give a folder written by save_pretrained, or a hub id."
        ) from error
    return data
