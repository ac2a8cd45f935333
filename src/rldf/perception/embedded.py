"""Perception of the embedded world: a small vision model with one linear head per axis."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Float
from transformers import CLIPModel, ResNetModel

from rldf.arrays import ImageBatch
from rldf.contracts import ImageEmbedder, Perception
from rldf.errors import ModelUnavailableError, first_line
from rldf.hub import folder_digest
from rldf.perception.loading import load_weights
from rldf.perception.percepts import make_percept
from rldf.perception.preprocessing import read_preprocessing
from rldf.perception.scorer_heads import ScorerHeads, read_heads
from rldf.records.percept import Percept
from rldf.space import Axis, EncodingSpace

UNSURE_BELOW = 0.4  # our choice: below it the most probable term of four is hardly better than a guess


@final
class HeadsPerception(Perception, ImageEmbedder):
    """Reads pictures with a scorer folder: a CLIP or ResNet of transformers, and heads of our own.

    Head terms are found by name. Where the space has only some of a head's terms, the probabilities are
    renormalised over these: p(term | one of the space's terms).

    It abstains on an axis where none of the space's terms reaches `unsure_below` before that renormalising, and on
    every axis where the features lie further from those of the grammar than the stored threshold (squared
    Mahalanobis distance).

    By default pictures go through the model one at a time, so a percept never depends on what else is in the batch.

    Source: linear read-outs of frozen features as in Radford et al. 2021, section 3.2; Mahalanobis distance as in
    Lee et al. 2018, with one mean for all classes; temperatures as in Guo et al. 2017.
    """

    def __init__(
        self,
        folder: Path,
        space: EncodingSpace,
        *,
        unsure_below: float = UNSURE_BELOW,
        device: str = "cpu",
        batch_size: int = 1,
    ) -> None:
        """Loads a scorer.

        Args:
            folder: a scorer folder; docs/methods/perception.md describes its files.
            space: the space to read into.
            unsure_below: probability below which it abstains on an axis, 0 to 1.
            device: where the model runs.
            batch_size: pictures that go through the model together, at least 1; above 1 it is faster on a GPU, and
                features may differ in their last bits with the batch.
        """
        self.space = space
        self._folder = folder
        self._heads = read_heads(folder)
        self._columns = {axis.id: self._heads.head(axis).columns(axis) for axis in space.axes}
        self._model = _load_vision_model(folder, device=device)
        preprocessor = _read_json(folder / "preprocessor_config.json")
        self._prepare = read_preprocessing(preprocessor, size_px=self._heads.image_size_px)
        self._unsure_below = unsure_below
        self._device = device
        self._batch_size = batch_size
        self._digest = folder_digest(folder)

    @property
    def digest(self) -> str:
        """SHA-256 of the scorer folder, 64 hexadecimal digits."""
        return self._digest

    @property
    def folder(self) -> Path:
        """The scorer folder."""
        return self._folder

    @property
    def has_text_side(self) -> bool:
        """True where its features come from a CLIP, whose text tower embeds sentences beside them."""
        return isinstance(self._model, CLIPModel)

    @property
    def heads(self) -> ScorerHeads:
        """What the folder's head files say, the outlier statistics included."""
        return self._heads

    def perceive(self, images: ImageBatch) -> list[Percept]:
        """Reads each picture: one percept each, probabilities summing to 1 per axis."""
        return [self._read_features(features) for features in self.features(images)]

    def embed_images(self, images: ImageBatch) -> Float[np.ndarray, "batch features"]:
        """Embeds each picture: its features scaled to unit length, float32."""
        features = self.features(images)
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        return np.asarray(features / np.maximum(lengths, 1e-12), dtype=np.float32)

    def features(self, images: ImageBatch) -> Float[np.ndarray, "batch features"]:
        """Computes what the heads see: the model's image features before any normalising.

        Args:
            images: RGB, 0 to 255.

        Returns:
            One row per picture, float64.
        """
        parts = [
            self._run_model(images[start : start + self._batch_size])
            for start in range(0, len(images), self._batch_size)
        ]
        return np.concatenate([np.empty((0, len(self._heads.outlier_mean))), *parts])

    def differentiable_probabilities(self, picture: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Reads one picture with torch alone, so that gradients flow back to its pixels.

        Args:
            picture: (1, 3, height, width), RGB, 0 to 1.

        Returns:
            For each axis one probability per term. They differ a little from `perceive`: pixels are not rounded to 256
            steps, and the picture is resized by another implementation of the filter.
        """
        size = self._heads.image_size_px
        if tuple(picture.shape[-2:]) != (size, size):
            picture = torch.nn.functional.interpolate(picture, (size, size), mode="bicubic", antialias=True)
        mean, std = (
            torch.tensor(each).reshape(1, 3, 1, 1).to(picture) for each in (self._prepare.mean, self._prepare.std)
        )
        pixels = ((picture - mean) / std).to(self._device)
        model = self._model
        pooled = (
            model.get_image_features(pixel_values=pixels).pooler_output
            if isinstance(model, CLIPModel)
            else model(pixel_values=pixels).pooler_output.flatten(1)
        )
        return tuple(self._relaxed_axis(axis, pooled[0].double()) for axis in self.space.axes)

    def _relaxed_axis(self, axis: Axis, features: torch.Tensor) -> torch.Tensor:
        head = self._heads.head(axis)
        weight, bias = (
            torch.from_numpy(np.asarray(part, np.float64)).to(features) for part in (head.weight, head.bias)
        )
        known = torch.softmax((weight @ features + bias) / head.temperature, dim=0)[self._columns[axis.id]]
        return known / known.sum()

    def _run_model(self, images: ImageBatch) -> Float[np.ndarray, "batch features"]:
        pixels = torch.from_numpy(np.stack([self._prepare(image) for image in images])).to(self._device)
        with torch.inference_mode():
            if isinstance(self._model, CLIPModel):
                pooled = self._model.get_image_features(pixel_values=pixels).pooler_output
            else:
                pooled = self._model(pixel_values=pixels).pooler_output.flatten(1)
        return np.asarray(pooled.double().cpu().numpy())

    def _read_features(self, features: Float[np.ndarray, " features"]) -> Percept:
        is_outside = self._heads.outlier_distance(features) > self._heads.outlier_threshold
        probabilities = {}
        unsure_axes = []
        for axis in self.space.axes:
            known = self._heads.head(axis).probabilities(features)[self._columns[axis.id]]
            if is_outside or known.max() < self._unsure_below:
                unsure_axes.append(axis.id)
            probabilities[axis.id] = _renormalise(known)
        return make_percept(self.space, probabilities, unsure_axes=unsure_axes)


def load_embedded_scorer(
    scorer: Literal["a", "b"], *, space: EncodingSpace, device: str = "cpu", batch_size: int = 1
) -> HeadsPerception:
    """Loads a scorer that ships with the package.

    Args:
        scorer: "a" guides the search, "b" only judges.
        space: the space to read into.
        device: where the model runs.
        batch_size: pictures that go through the model together; 1 makes percepts independent of the batch.

    Returns:
        The perception.

    Raises:
        ModelUnavailableError: if the package was installed without its weights.
    """
    folder = Path(str(files("rldf").joinpath("weights", "embedded", f"scorer-{scorer}")))
    if not folder.is_dir():
        raise ModelUnavailableError(
            f"the embedded scorer '{scorer}' is not installed at '{folder}'; the package ships scorers a and b. "
            "Install the package again, or train it with `rldf world train`."
        )
    return HeadsPerception(folder, space, device=device, batch_size=batch_size)


def _load_vision_model(folder: Path, *, device: str) -> CLIPModel | ResNetModel:
    model_type = _read_json(folder / "config.json").get("model_type")
    match model_type:
        case "clip":
            model = load_weights(CLIPModel.from_pretrained, folder, device=device)
        case "resnet":
            model = load_weights(ResNetModel.from_pretrained, folder, device=device)
        case _:
            raise ModelUnavailableError(
                f"the scorer in '{folder}' is of the kind {model_type!r}; clip and resnet are read. Give such a folder."
            )
    assert isinstance(model, CLIPModel | ResNetModel)
    return model


def _read_json(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailableError(
            f"'{path}' cannot be read ({first_line(error)}); a scorer folder needs it as JSON. Copy the folder again."
        ) from error
    assert isinstance(content, dict)
    return content


def _renormalise(known: Float[np.ndarray, " terms"]) -> Float[np.ndarray, " terms"]:
    total = known.sum()
    return known / total if total > 0 else np.full(len(known), 1.0 / len(known))
