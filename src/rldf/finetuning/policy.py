"""The policy: guided prediction of the denoiser, the Gaussian step that follows from it, pictures at the end."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, final

import diffusers
import numpy as np
import torch
from jaxtyping import Float

from rldf.arrays import ImageBatch
from rldf.errors import ConfigError, GenerationError
from rldf.finetuning.networks import TrainableDenoiser
from rldf.finetuning.samplers import Latents, Sampler, build_sampler
from rldf.finetuning.settings import AdapterSettings, Precision, SamplerSettings
from rldf.generators.prompt_embeddings import PromptEmbeddings
from rldf.records.percept import Prompt

HALVES: dict[Precision, torch.dtype] = {"float16": torch.float16, "bfloat16": torch.bfloat16}
DTYPES: dict[Precision, torch.dtype] = {"float32": torch.float32, **HALVES}

Means = Float[torch.Tensor, "batch channels rows columns"]


@final
class DiffusionPolicy:
    """A Stable Diffusion pipeline seen as a policy: p(x_prev | x_t, prompt) is Gaussian, and its mean is trained.

    Attributes:
        denoiser: what is trained.
        sampler: the Gaussian steps.
        settings: how pictures are drawn.
        precision: number format the denoiser computes in. Frozen weights in half precision imply theirs: gradients
            flow through them in that format, whatever was asked for, and float16 then needs its loss scale.
        latent_shape: channels, rows, columns.
        device: where it runs.
    """

    def __init__(
        self,
        pipeline: diffusers.DiffusionPipeline,
        *,
        sampling: SamplerSettings,
        adapter: AdapterSettings,
        precision: Precision = "float32",
        device: str = "cpu",
        seed: int = 0,
        has_base: bool = False,
        size_px: int | None = None,
        negative_prompt: str = "",
    ) -> None:
        """Takes over a pipeline.

        Args:
            pipeline: of the family of Stable Diffusion 1 and 2.
            sampling: how pictures are drawn.
            adapter: which weights move.
            precision: number format the denoiser computes in, where frozen weights are in float32 or there are none.
            device: where it runs.
            seed: root seed.
            has_base: True to keep the base model even where all weights move.
            size_px: side of the pictures; None for the model's own.
            negative_prompt: what the unconditional half is told; "" as in the paper.
        """
        _require_family(pipeline)
        self._pipeline: Any = pipeline
        self.device = torch.device(device)
        self.settings = sampling
        self.sampler: Sampler = build_sampler(self._pipeline.scheduler, sampling)
        self._pipeline.to(self.device)
        for part in (self._pipeline.vae, self._pipeline.text_encoder):
            part.requires_grad_(requires_grad=False)
            part.eval()
        self.denoiser = TrainableDenoiser(self._pipeline.unet, adapter, seed=seed, has_base=has_base)
        frozen = self.denoiser.frozen_dtype
        self.precision: Precision = next((name for name, dtype in HALVES.items() if dtype == frozen), precision)
        self.latent_shape = _latent_shape(self._pipeline, size_px=size_px)
        self._embeddings = PromptEmbeddings(
            self._pipeline, device=self.device, parameter_names=frozenset({"prompt", "negative_prompt"})
        )
        self._negative_prompt = negative_prompt
        self._denoisers: list[Any] = [self.denoiser.unet]

    @property
    def storage_dtype(self) -> torch.dtype:
        """Number format of stored latents."""
        return DTYPES[self.settings.storage_dtype]

    @property
    def num_dimensions(self) -> int:
        """Numbers in one latent."""
        return int(np.prod(self.latent_shape))

    @property
    def is_guided(self) -> bool:
        """True where both a conditional and an unconditional prediction are made, as pipelines decide it."""
        return self.settings.guidance_scale > 1.0

    @contextmanager
    def as_base(self) -> Iterator[None]:
        """Lets the base model predict, for as long as the block lasts."""
        with self.denoiser.base() as network:
            self._denoisers.append(network)
            try:
                yield
            finally:
                self._denoisers.pop()

    def mean(self, latents: Latents, prompts: Sequence[str], *, step: int, is_guided: bool | None = None) -> Means:
        """Computes the mean of one step.

        Args:
            latents: x_t as stored.
            prompts: one per latent.
            step: number of the step, from 0.
            is_guided: False for the conditional prediction alone; None for the sampler's way.

        Returns:
            Means in float64, on Apple's graphics processors in float32, with gradients where they are on.
        """
        prediction = self.predict(latents, prompts, timestep=self.sampler.steps[step].timestep, is_guided=is_guided)
        return self.sampler.mean(latents, prediction, step=step)

    def predict(
        self,
        latents: Latents,
        prompts: Sequence[str],
        *,
        timestep: int | torch.Tensor,
        is_guided: bool | None = None,
    ) -> Means:
        """Predicts, guided as in sampling: uncond + w (cond - uncond).

        Args:
            latents: x_t.
            prompts: one per latent.
            timestep: one for all, or one per latent.
            is_guided: False for the conditional prediction alone; None for the sampler's way.

        Returns:
            The prediction in float32.
        """
        guided = self.is_guided if is_guided is None else is_guided and self.is_guided
        texts = [Prompt(text=prompt, negative=self._negative_prompt) for prompt in prompts]
        given: Any = self._embeddings.arguments_for(texts, is_guided=guided)
        embeddings, inputs = given["prompt_embeds"], latents
        times = torch.as_tensor(timestep, device=self.device).expand(len(latents))
        if guided:
            embeddings = torch.cat([given["negative_prompt_embeds"], embeddings])
            inputs, times = torch.cat([inputs, inputs]), torch.cat([times, times])
        network = self._denoisers[-1]
        with self._computing():
            output: torch.Tensor = network(
                inputs.to(network.dtype), times, encoder_hidden_states=embeddings.to(network.dtype), return_dict=False
            )[0].float()
        if not guided:
            return output
        without, with_prompt = output.chunk(2)
        return without + self.settings.guidance_scale * (with_prompt - without)

    def decode(self, latents: Latents) -> ImageBatch:
        """Turns clean latents into pictures, one at a time, so that a picture does not depend on its batch.

        Args:
            latents: x_0.

        Returns:
            RGB, 0 to 255, rounded to the nearest.

        Raises:
            GenerationError: if pixels are not numbers.
        """
        autoencoder = self._pipeline.vae
        shift = getattr(autoencoder.config, "shift_factor", None)
        pictures = []
        with torch.no_grad():
            for latent in latents.split(1):
                scaled = latent.to(autoencoder.dtype) / autoencoder.config.scaling_factor
                pixels = autoencoder.decode(scaled if shift is None else scaled + shift, return_dict=False)[0]
                pictures.append((pixels.float() / 2.0 + 0.5).clamp(0.0, 1.0))
        pixels = torch.cat(pictures)
        if not bool(pixels.isfinite().all()):
            raise GenerationError(
                f"the model drew pixels that are not numbers, in {autoencoder.dtype}; every pixel must be one. "
                "Use --dtype float32, or lower the learning rate: the model may have diverged."
            )
        return np.asarray((pixels * 255.0).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())

    def token_ids(self, prompt: str) -> tuple[int, ...]:
        """What is left of a prompt after the text encoder's limit."""
        tokenizer = self._pipeline.tokenizer
        encoded = tokenizer(prompt, truncation=True, max_length=tokenizer.model_max_length)
        return tuple(int(token) for token in encoded["input_ids"])

    def _computing(self) -> AbstractContextManager[None]:
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=DTYPES[self.precision])


def require_distinct_prompts(policy: DiffusionPolicy, prompts: Sequence[str]) -> None:
    """Refuses prompts that the text encoder cannot tell apart, since they would share statistics silently.

    Args:
        policy: its tokenizer decides.
        prompts: different texts.

    Raises:
        ConfigError: if two of them are the same to the model.
    """
    seen: dict[tuple[int, ...], str] = {}
    for prompt in prompts:
        earlier = seen.setdefault(policy.token_ids(prompt), prompt)
        if earlier != prompt:
            raise ConfigError(
                f"the prompts {earlier[:60]!r} and {prompt[:60]!r} are the same to the text encoder, which cuts long "
                "texts and may lack words; prompts must differ for it. Leave one out, or shorten them."
            )


def _require_family(pipeline: diffusers.DiffusionPipeline) -> None:
    if not isinstance(pipeline, diffusers.StableDiffusionPipeline):
        raise ConfigError(
            f"a {type(pipeline).__name__} cannot be fine-tuned here: the methods need Gaussian denoising steps of a "
            "UNet with one text encoder. Give a model of the family of Stable Diffusion 1 or 2."
        )
    unet: Any = pipeline.unet
    if unet.config.in_channels != pipeline.vae.config.latent_channels or unet.config.time_cond_proj_dim is not None:
        raise ConfigError(
            f"the model's denoiser takes {unet.config.in_channels} channels and its autoencoder makes "
            f"{pipeline.vae.config.latent_channels}, or it was distilled with a fixed guidance; neither can be "
            "fine-tuned here. Give the model it was made from."
        )


def _latent_shape(pipeline: Any, *, size_px: int | None) -> tuple[int, int, int]:  # noqa: ANN401 - diffusers is untyped
    channels = int(pipeline.unet.config.in_channels)
    if size_px is None:
        side = pipeline.unet.config.sample_size
        rows, columns = (side, side) if isinstance(side, int) else side
        return channels, int(rows), int(columns)
    return channels, size_px // int(pipeline.vae_scale_factor), size_px // int(pipeline.vae_scale_factor)
