"""Zero-shot perception by CLIP or SigLIP: reads any vocabulary, by comparing a picture with sentences."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from transformers import (
    AutoModel,
    AutoTokenizer,
    CLIPModel,
    CLIPTextConfig,
    PreTrainedTokenizerBase,
    SiglipModel,
    SiglipTextConfig,
)

from rldf.arrays import ImageBatch
from rldf.contracts import ImageEmbedder, Perception
from rldf.errors import ModelUnavailableError, PerceptionError, first_line
from rldf.hub import Announce, fetch_model_folder, folder_digest
from rldf.perception.loading import load_image_processor, load_weights, quiet_transformers
from rldf.perception.percepts import OBJECT_AXES, make_percept, softmax
from rldf.records.percept import Percept
from rldf.space import EncodingSpace

UNSURE_BELOW = 0.4  # our choice
ALSO_PRESENT_ABOVE = 0.2  # our choice: at most five objects can reach it
OUTSIDE_TEXTS = (
    "a satellite picture of land seen from above",
    "an X-ray or other medical scan",
    "a page of written text",
    "random noise without any meaning",
)
"""What a picture may show that no grammar speaks of; our choice."""

AxisTexts = Mapping[str, Mapping[str, Sequence[str]]]
"""Axis id -> term -> the sentences that describe the term; at least one each."""


@final
class ZeroShotClip(Perception, ImageEmbedder):
    """Compares a picture's embedding with those of sentences, axis by axis.

    p(term) = softmax over the axis's terms of scale * cosine(picture, term), with the model's own scale; a term's
    embedding is the mean of those of its sentences, scaled to unit length. SigLIP models are used in the same way:
    their bias is the same for all terms and drops out.

    It abstains on an axis whose largest probability is below `unsure_below`, and on every axis where one of
    `outside_texts` fits the picture better than every term of every axis.

    `Percept.objects` holds every term of the object axes above `also_present_above`, the most probable first.

    Source: zero-shot classification with prompt ensembles, Radford et al. 2021, section 3.1; SigLIP, Zhai et al.
    2023. The outside texts and several objects are ours.
    """

    def __init__(
        self,
        model: str | Path,
        space: EncodingSpace,
        *,
        texts: AxisTexts,
        announce: Announce,
        unsure_below: float = UNSURE_BELOW,
        also_present_above: float = ALSO_PRESENT_ABOVE,
        outside_texts: Sequence[str] = OUTSIDE_TEXTS,
        device: str = "cpu",
        batch_size: int = 1,
    ) -> None:
        """Loads a model and embeds the sentences once.

        Args:
            model: a local folder or a hub id of a CLIP or SigLIP model, such as "openai/clip-vit-large-patch14".
            space: the space to read into.
            texts: sentences for every term of every axis.
            announce: is given one line before anything is downloaded.
            unsure_below: probability below which it abstains on an axis, 0 to 1.
            also_present_above: probability from which an object counts as being in the picture, 0 to 1.
            outside_texts: sentences for pictures outside the grammar; empty to leave this test out.
            device: where the model runs.
            batch_size: pictures that go through the model together; 1 makes percepts independent of the batch.

        Raises:
            PerceptionError: if a term has no sentence.
        """
        self.space = space
        for axis in space.axes:
            silent = [term for term in axis.terms if not texts.get(axis.id, {}).get(term)]
            if silent:
                raise PerceptionError(
                    f"no sentence describes {', '.join(map(repr, silent))} on axis '{axis.id}'; zero-shot CLIP needs "
                    "at least one for every term. Add it to the texts, or use plain_texts."
                )
        folder = fetch_model_folder(model, announce=announce)
        self._digest = folder_digest(folder)
        self._device = device
        self._batch_size = batch_size
        self._model = _load_dual_encoder(folder, device=device)
        self._processor = load_image_processor(folder)
        self._tokenizer = _load_tokenizer(folder)
        self._max_tokens = _longest_text(self._model)
        self._scale = float(self._model.logit_scale.exp())
        self._unsure_below = unsure_below
        self._also_present_above = also_present_above
        self._terms = {
            axis.id: np.stack([self._embed_term(texts[axis.id][term]) for term in axis.terms]) for axis in space.axes
        }
        self._outside = self.embed_texts(outside_texts) if outside_texts else None

    @property
    def digest(self) -> str:
        """SHA-256 of the model folder, 64 hexadecimal digits."""
        return self._digest

    def perceive(self, images: ImageBatch) -> list[Percept]:
        """Reads each picture: one percept each, probabilities summing to 1 per axis."""
        return [self._read_embedding(embedding) for embedding in self.embed_images(images)]

    def embed_images(self, images: ImageBatch) -> Float[np.ndarray, "batch features"]:
        """Embeds each picture: unit length, float32."""
        parts = [
            self._run_vision(images[start : start + self._batch_size])
            for start in range(0, len(images), self._batch_size)
        ]
        return np.concatenate([np.empty((0, *self._terms[self.space.axes[0].id].shape[1:]), np.float32), *parts])

    def embed_texts(self, texts: Sequence[str]) -> Float[np.ndarray, "texts features"]:
        """Embeds sentences, each on its own, so that none depends on the others.

        Args:
            texts: sentences; what is longer than the model reads is cut off.

        Returns:
            One row per sentence, unit length, float32.
        """
        return np.concatenate([self._run_text(text) for text in texts])

    def _embed_term(self, sentences: Sequence[str]) -> Float[np.ndarray, " features"]:
        mean = self.embed_texts(sentences).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)

    def _run_vision(self, images: ImageBatch) -> Float[np.ndarray, "batch features"]:
        pixels = self._processor(list(images), input_data_format="channels_last", return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            pooled = self._model.get_image_features(pixel_values=pixels.to(self._device)).pooler_output
        return _unit_rows(pooled)

    def _run_text(self, text: str) -> Float[np.ndarray, "1 features"]:
        padding = "max_length" if isinstance(self._model, SiglipModel) else "longest"  # SigLIP was trained so
        tokens = self._tokenizer(
            text, padding=padding, truncation=True, max_length=self._max_tokens, return_tensors="pt"
        )
        mask = tokens.get("attention_mask")
        with torch.inference_mode():
            pooled = self._model.get_text_features(
                input_ids=tokens["input_ids"].to(self._device),
                attention_mask=None if mask is None or isinstance(self._model, SiglipModel) else mask.to(self._device),
            ).pooler_output
        return _unit_rows(pooled)

    def _read_embedding(self, embedding: Float[np.ndarray, " features"]) -> Percept:
        cosines = {axis_id: terms.astype(np.float64) @ embedding for axis_id, terms in self._terms.items()}
        probabilities = {axis_id: softmax(self._scale * row) for axis_id, row in cosines.items()}
        best = max(float(row.max()) for row in cosines.values())
        is_outside = self._outside is not None and float((self._outside.astype(np.float64) @ embedding).max()) > best
        unsure_axes = [
            axis_id for axis_id, row in probabilities.items() if is_outside or float(row.max()) < self._unsure_below
        ]
        return make_percept(
            self.space, probabilities, unsure_axes=unsure_axes, objects=self._objects(probabilities, unsure_axes)
        )

    def _objects(
        self, probabilities: Mapping[str, Float[np.ndarray, " terms"]], unsure_axes: Sequence[str]
    ) -> list[str]:
        found: dict[str, float] = {}
        for axis in self.space.axes:
            if axis.id not in OBJECT_AXES or axis.id in unsure_axes:
                continue
            for index, term in enumerate(axis.terms):
                probability = float(probabilities[axis.id][index])
                if probability >= self._also_present_above and not (axis.is_optional and index == 0):
                    found[term] = max(probability, found.get(term, 0.0))
        return sorted(found, key=lambda term: -found[term])


def plain_texts(space: EncodingSpace, *, template: str = "a photo of {term}") -> dict[str, dict[str, tuple[str, ...]]]:
    """Makes one sentence per term, for spaces without a grammar at hand.

    Args:
        space: the space.
        template: the sentence, with {term} in it.

    Returns:
        Axis id -> term -> sentences.

    Example:
        >>> from rldf.space import Axis
        >>> plain_texts(EncodingSpace(axes=(Axis(id="object", terms=("cow",)),)))
        {'object': {'cow': ('a photo of cow',)}}
    """
    return {axis.id: {term: (template.format(term=term),) for term in axis.terms} for axis in space.axes}


def _load_dual_encoder(folder: Path, *, device: str) -> CLIPModel | SiglipModel:
    model = load_weights(AutoModel.from_pretrained, folder, device=device)
    if not isinstance(model, CLIPModel | SiglipModel):
        raise ModelUnavailableError(
            f"the model in '{folder}' is a {type(model).__name__}; zero-shot perception needs CLIP or SigLIP. "
            "Give such a model."
        )
    return model


def _load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    load: Callable[..., PreTrainedTokenizerBase] = AutoTokenizer.from_pretrained
    try:
        with quiet_transformers():
            return load(folder, local_files_only=True)
    except Exception as error:  # transformers raises many kinds for a damaged folder
        raise ModelUnavailableError(
            f"the tokenizer in '{folder}' cannot be loaded: {first_line(error)}. Zero-shot perception needs its files "
            "beside the model. Copy the folder again."
        ) from error


def _unit_rows(rows: torch.Tensor) -> Float[np.ndarray, "rows features"]:
    values = rows.double().cpu().numpy()
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def _longest_text(model: CLIPModel | SiglipModel) -> int:
    text_config = model.config.text_config
    assert isinstance(text_config, CLIPTextConfig | SiglipTextConfig)
    return text_config.max_position_embeddings
