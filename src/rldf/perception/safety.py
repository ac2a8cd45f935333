"""A safety model: an image classifier, of which some labels mean that a picture is unsafe."""

from pathlib import Path
from typing import final

import numpy as np
import torch
from transformers import AutoModelForImageClassification

from rldf.arrays import ImageBatch
from rldf.errors import ModelUnavailableError
from rldf.hub import Announce, fetch_model_folder, folder_digest
from rldf.perception.label_names import plain_name
from rldf.perception.loading import load_image_processor, load_weights, quiet_transformers

UNSAFE_LABELS = frozenset(
    {
        *("nsfw", "unsafe", "not safe", "explicit", "adult", "nude", "nudity", "porn", "pornography", "hentai", "sexy"),
        *("sexual", "gore", "violence", "violent", "graphic violence", "hate", "self harm"),
    }
)
"""Labels that mean a picture is unsafe, written plainly; our choice, from the labels of published models."""


@final
class SafetyModel:
    """Tells how likely pictures are unsafe; each is looked at alone, so batches change nothing."""

    def __init__(self, name: str | Path, *, device: str, announce: Announce) -> None:
        """Loads the classifier.

        Args:
            name: local folder or hub id of an image classifier of transformers.
            device: where it runs.
            announce: is given one line before anything is downloaded.

        Raises:
            ModelUnavailableError: if it is not there, or none of its labels means unsafe.
        """
        folder = fetch_model_folder(name, announce=announce)
        self._processor = load_image_processor(folder)
        self._model = load_weights(AutoModelForImageClassification.from_pretrained, folder, device=device)
        self._device = device
        labels = [str(label) for label in (self._model.config.id2label or {}).values()]
        self._unsafe = [place for place, label in enumerate(labels) if plain_name(label) in UNSAFE_LABELS]
        if not self._unsafe:
            raise ModelUnavailableError(
                f"none of the labels of '{name}' means unsafe: {', '.join(labels[:10])}. A safety model has one such "
                f"as {', '.join(sorted(UNSAFE_LABELS)[:5])}. Choose a model that judges safety."
            )
        self.digest = folder_digest(folder)

    def scores(self, images: ImageBatch) -> list[float]:
        """Judges pictures.

        Args:
            images: RGB, 0 to 255.

        Returns:
            One number a picture, 0 harmless to 1 unsafe: the probability of all unsafe labels together, or of the
            likeliest of them where labels do not exclude one another.
        """
        return [self._score(image) for image in images]

    def _score(self, image: np.ndarray) -> float:
        with quiet_transformers(), torch.inference_mode():
            pixels = self._processor(image, return_tensors="pt")["pixel_values"].to(self._device)
            logits = self._model(pixel_values=pixels).logits[0].float()
        if self._model.config.problem_type == "multi_label_classification":
            return float(logits.sigmoid()[self._unsafe].max())
        return float(logits.softmax(dim=0)[self._unsafe].sum())
