"""Texts become embeddings once: encoded one at a time, so an embedding never depends on its neighbours."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, final

import diffusers
import torch

from rldf.errors import GenerationError
from rldf.records.percept import Prompt

MAX_KEPT_TEXTS = 256  # our choice: 60 MB of CLIP ViT-L/14 embeddings in float32


@final
class PromptEmbeddings:
    """Turns prompts into the arguments a pipeline is called with, keeping what was encoded before.

    Stable Diffusion and Stable Diffusion XL are given embeddings. Pipelines of other families are given the texts.
    """

    def __init__(
        self,
        pipeline: diffusers.DiffusionPipeline,
        *,
        device: torch.device,
        parameter_names: frozenset[str],
        max_texts: int = MAX_KEPT_TEXTS,
    ) -> None:
        """Keeps the pipeline.

        Args:
            pipeline: encodes the texts.
            device: where it runs.
            parameter_names: what a call of the pipeline takes.
            max_texts: embeddings kept; the one used longest ago goes first.
        """
        self._pipeline: Any = pipeline
        self._device = device
        self._parameter_names = parameter_names
        self._max_texts = max_texts
        self._kept: OrderedDict[tuple[str, bool], tuple[torch.Tensor, ...]] = OrderedDict()
        self._is_xl = isinstance(pipeline, diffusers.StableDiffusionXLPipeline)
        self._takes_embeddings = self._is_xl or isinstance(pipeline, diffusers.StableDiffusionPipeline)
        self.num_encoded = 0

    def arguments_for(self, prompts: Sequence[Prompt], *, is_guided: bool) -> dict[str, object]:
        """Makes the part of a pipeline's arguments that says what to draw.

        Args:
            prompts: one per picture.
            is_guided: True where the negative texts take part.

        Returns:
            Names and values of the arguments, batched in the order of the prompts. A negative text given to a
            pipeline that takes none is refused with a `GenerationError`.
        """
        if not self._takes_embeddings:
            return self._texts(prompts)
        names = ["prompt_embeds", "pooled_prompt_embeds"] if self._is_xl else ["prompt_embeds"]
        arguments = _batch(names, [self._encoded(prompt.text) for prompt in prompts])
        if is_guided:
            negatives = [self._encoded(prompt.negative, is_negative=True) for prompt in prompts]
            arguments |= _batch([f"negative_{name}" for name in names], negatives)
        return arguments

    def _texts(self, prompts: Sequence[Prompt]) -> dict[str, object]:
        arguments: dict[str, object] = {"prompt": [prompt.text for prompt in prompts]}
        negatives = [prompt.negative for prompt in prompts]
        if "negative_prompt" in self._parameter_names:
            arguments["negative_prompt"] = negatives
        elif any(negatives):
            raise GenerationError(
                f"the negative prompt {next(filter(None, negatives))!r} cannot be used: a "
                f"{type(self._pipeline).__name__} takes none, so only '' is allowed. "
                "Leave it out or choose another model."
            )
        return arguments

    def _encoded(self, text: str, *, is_negative: bool = False) -> tuple[torch.Tensor, ...]:
        key = (text, is_negative)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        with torch.no_grad():
            embeddings = self._encode(text)
        if is_negative and not text and self._is_xl and self._pipeline.config.force_zeros_for_empty_prompt:
            embeddings = tuple(torch.zeros_like(part) for part in embeddings)
        self.num_encoded += 1
        self._kept[key] = embeddings
        while len(self._kept) > self._max_texts:
            self._kept.popitem(last=False)
        return embeddings

    def _encode(self, text: str) -> tuple[torch.Tensor, ...]:
        """Encodes one text: (1, tokens, features), and for XL its summary too, (1, features)."""
        parts = self._pipeline.encode_prompt(
            text, device=self._device, num_images_per_prompt=1, do_classifier_free_guidance=False
        )
        return (parts[0], parts[2]) if self._is_xl else (parts[0],)


def _batch(names: Sequence[str], embeddings: Sequence[tuple[torch.Tensor, ...]]) -> dict[str, object]:
    """Lays the embeddings of several texts side by side, argument by argument."""
    return {
        name: torch.cat([parts[place] for parts in embeddings])  # (batch, tokens, features)
        for place, name in enumerate(names)
    }
