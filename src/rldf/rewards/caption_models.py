"""The two models behind the caption reward, loaded from transformers folders: a captioner and a token embedder."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
import PIL.Image
import torch
from jaxtyping import Float
from transformers import AutoModel, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

from rldf.arrays import Image, ImageBatch
from rldf.errors import ModelUnavailableError
from rldf.hub import Announce, fetch_model_folder, folder_digest, require_safetensors

QUESTION = "Answer concisely: what is going on in this image?"  # Source: the authors' code of arXiv 2305.13301
MAX_NEW_TOKENS = 64  # Source: the same
CAPTIONER_FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")


def check_captioner(model: str | Path, *, announce: Announce) -> None:
    """Refuses what is no image-to-text model by a `ModelUnavailableError`, without loading its weights.

    Args:
        model: folder or hub id.
        announce: is given one line before anything is downloaded.
    """
    folder = fetch_model_folder(model, announce=announce, allow_patterns=CAPTIONER_FILES)
    require_safetensors(folder)
    _load(AutoProcessor, folder)


@final
class TransformersCaptioner:
    """Says what is in a picture, by greedy decoding, one picture at a time.

    A model with a chat template, such as LLaVA, is asked a question; one without, such as BLIP, just describes.
    """

    def __init__(self, model: str | Path, *, announce: Announce, question: str = QUESTION, device: str = "cpu") -> None:
        """Loads a model.

        Args:
            model: folder or hub id of an image-to-text model.
            announce: is given one line before anything is downloaded.
            question: asked about each picture.
            device: where it runs.
        """
        folder = fetch_model_folder(model, announce=announce, allow_patterns=CAPTIONER_FILES)
        require_safetensors(folder)
        self._processor: Any = _load(AutoProcessor, folder)
        self._model: Any = _load(AutoModelForImageTextToText, folder, use_safetensors=True).to(device).eval()
        self._device = device
        self._question = question
        self._folder = folder

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the model folder, 64 hexadecimal digits."""
        return folder_digest(self._folder)

    def __call__(self, images: ImageBatch) -> Sequence[str]:
        """Describes pictures.

        Args:
            images: RGB, 0 to 255.

        Returns:
            One text each.
        """
        return [self._describe(image) for image in images]

    def describe_variously(self, image: Image, *, count: int) -> list[str]:
        """Describes one picture in several ways, by beam search.

        Args:
            image: RGB, 0 to 255.
            count: descriptions at most, at least 1.

        Returns:
            Texts, all different, the likeliest first.
        """
        return list(dict.fromkeys(self._texts(image, num_beams=count, num_return_sequences=count)))

    def _describe(self, image: Image) -> str:
        return self._texts(image, num_beams=1, num_return_sequences=1)[0]

    def _texts(self, image: Image, *, num_beams: int, num_return_sequences: int) -> list[str]:
        picture = PIL.Image.fromarray(image)
        if getattr(self._processor, "chat_template", None) is None:
            inputs = self._processor(images=picture, return_tensors="pt").to(self._device, self._model.dtype)
            num_asked = 0
        else:
            content = [{"type": "image"}, {"type": "text", "text": self._question}]
            asked = self._processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
            )
            inputs = self._processor(images=picture, text=asked, return_tensors="pt")
            inputs = inputs.to(self._device, self._model.dtype)
            num_asked = inputs["input_ids"].shape[1]
        with torch.inference_mode():
            tokens = self._model.generate(
                **inputs,
                max_new_tokens=MAX_NEW_TOKENS,
                do_sample=False,
                num_beams=num_beams,
                num_return_sequences=num_return_sequences,
            )
        decode = self._processor.decode
        return [str(decode(row[num_asked:], skip_special_tokens=True)).strip() for row in tokens]


@final
class TransformersTokenEmbedder:
    """Embeds the tokens of a text by one layer of a text encoder, as BERTScore takes them."""

    def __init__(self, model: str | Path, *, announce: Announce, layer: int, device: str = "cpu") -> None:
        """Loads a model.

        Args:
            model: folder or hub id of a text encoder; the paper's is microsoft/deberta-xlarge-mnli.
            announce: is given one line before anything is downloaded.
            layer: whose output is taken, from 1, or from the end where negative; BERTScore takes layer 40 of the
                paper's model.
            device: where it runs.

        Raises:
            ModelUnavailableError: if the model has no such layer.
        """
        folder = fetch_model_folder(model, announce=announce)
        require_safetensors(folder)
        self._tokenizer: Any = _load(AutoTokenizer, folder)
        self._model: Any = _load(AutoModel, folder, use_safetensors=True).to(device).eval()
        layers = int(self._model.config.num_hidden_layers)
        if not 1 <= (layer if layer > 0 else layers + 1 + layer) <= layers:
            raise ModelUnavailableError(
                f"the text encoder '{model}' has {layers} layers and layer {layer} was asked for; 1 to {layers} exist. "
                "Give one of them."
            )
        self._layer = layer
        self._device = device

    def __call__(self, text: str) -> Float[np.ndarray, "tokens features"]:
        """Embeds a text, start and end tokens included.

        Args:
            text: what is longer than the model reads is cut off.

        Returns:
            One row per token, float64.
        """
        encoded = self._tokenizer(text, truncation=True, return_tensors="pt", return_token_type_ids=False)
        with torch.inference_mode():
            output = self._model(**encoded.to(self._device), output_hidden_states=True)
        return np.asarray(output.hidden_states[self._layer][0].double().cpu().numpy())


def _load(kind: Any, folder: Path, **how: bool) -> Any:  # noqa: ANN401 - transformers' classes
    try:
        return kind.from_pretrained(folder, local_files_only=True, **how)
    except Exception as error:  # transformers raises many kinds for a damaged folder
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ModelUnavailableError(
            f"the model in '{folder}' cannot be loaded: {reason}. The caption reward needs an image-to-text model and "
            "a text encoder with safetensors weights. Check it, or copy it again."
        ) from error
