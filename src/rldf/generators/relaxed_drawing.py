"""Draws from mixed prompt embeddings, and lets gradients flow back to them through the last denoising steps."""

from copy import deepcopy
from typing import Any, final

import diffusers
import torch

from rldf.errors import ConfigError
from rldf.generators.diffusers_local import DiffusersGenerator
from rldf.records.percept import Prompt

BACKWARD_COST = 2.0
"""A step backward costs as much as two forward. Source: DPO-Diff, Wang et al. 2024, counts the same."""


@final
class RelaxedDrawing:
    """The white-box side of a Stable Diffusion pipeline; weights and pictures are those of its generator.

    Source: truncated backpropagation through the denoising as in DPO-Diff (Wang et al. 2024, arXiv 2407.01606), with
    the early steps left out of the gradient.
    """

    def __init__(self, generator: DiffusersGenerator, *, num_steps_back: int) -> None:
        """Takes the pipeline of a generator.

        Args:
            generator: draws with a Stable Diffusion pipeline.
            num_steps_back: last denoising steps that the gradient goes through, at least 1.

        Raises:
            ConfigError: if the pipeline is of another kind, or there are fewer denoising steps.
        """
        pipeline = generator.pipeline
        if not isinstance(pipeline, diffusers.StableDiffusionPipeline) or pipeline.unet.config.time_cond_proj_dim:
            raise ConfigError(
                f"gradients flow through a StableDiffusionPipeline, and this is a {type(pipeline).__name__} (or a "
                "distilled one). Choose a Stable Diffusion model, or one of the black-box gradients."
            )
        if not 1 <= num_steps_back <= generator.num_steps:
            raise ConfigError(
                f"a gradient through {num_steps_back} denoising steps is not possible; the model makes "
                f"{generator.num_steps} and at least 1 is needed. Change the number."
            )
        self._pipeline: Any = pipeline
        self._generator = generator
        self._num_steps_back = num_steps_back

    @property
    def cost(self) -> float:
        """What one picture with its gradient costs, in renders: all steps forward, some of them backward too."""
        return 1.0 + BACKWARD_COST * self._num_steps_back / self._generator.num_steps

    def embed(self, prompt: Prompt) -> torch.Tensor:
        """Embeds a prompt's text: (1, tokens, features), the same shape for every text."""
        with torch.no_grad():
            embedding, _ = self._pipeline.encode_prompt(
                prompt.text,
                device=self._generator.device,
                num_images_per_prompt=1,
                do_classifier_free_guidance=False,
            )
        assert isinstance(embedding, torch.Tensor)
        return embedding

    def draw(self, embedding: torch.Tensor, *, seed: int, negative: str = "") -> torch.Tensor:
        """Draws one picture.

        Args:
            embedding: (1, tokens, features); may be a mixture, and may want a gradient.
            seed: of the noise; equal seeds and an unmixed embedding give the generator's picture.
            negative: what is steered away from, where the model is guided.

        Returns:
            (1, 3, height, width), 0 to 1, with a gradient where the embedding wants one.
        """
        pipeline, scale = self._pipeline, self._generator.guidance_scale
        scheduler = deepcopy(pipeline.scheduler)
        scheduler.set_timesteps(self._generator.num_steps, device=self._generator.device)
        unguided = self.embed(Prompt(text=negative)) if scale > 1 else None
        latents = self._noise(scheduler, seed=seed, dtype=embedding.dtype)
        first_back = len(scheduler.timesteps) - self._num_steps_back
        for number, timestep in enumerate(scheduler.timesteps):
            with torch.set_grad_enabled(number >= first_back):
                noisy = scheduler.scale_model_input(latents, timestep)
                predicted = pipeline.unet(noisy, timestep, encoder_hidden_states=embedding).sample
                if unguided is not None:
                    plain = pipeline.unet(noisy, timestep, encoder_hidden_states=unguided).sample
                    predicted = plain + scale * (predicted - plain)
                latents = scheduler.step(predicted, timestep, latents).prev_sample
        decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
        assert isinstance(decoded, torch.Tensor)
        return (decoded / 2 + 0.5).clamp(0, 1)

    def _noise(self, scheduler: Any, *, seed: int, dtype: torch.dtype) -> torch.Tensor:  # noqa: ANN401 - diffusers'
        pipeline, factor = self._pipeline, self._pipeline.vae_scale_factor
        side = self._generator.settings.size_px
        height = width = pipeline.unet.config.sample_size if side is None else side // factor
        shape = (1, pipeline.unet.config.in_channels, height, width)
        noise = torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed), dtype=dtype)
        return noise.to(self._generator.device) * float(scheduler.init_noise_sigma)
