"""Samplers whose steps have a density: DDIM with noise, and DDPM; exact log-probabilities.

For every kind of prediction the mean of a step is linear in the latents and the prediction,

    mean = latent_weight * x_t + prediction_weight * prediction,

so a step is three numbers. They are computed once, in float64, from the model's own noise schedule. The few numbers of
a latent are put together in float64 as well: the last step divides what float32 rounds by a deviation of about 0.02.
"""

from dataclasses import dataclass
from math import log, pi, sqrt
from typing import Any, final

import numpy as np
import torch
from diffusers import DDIMScheduler
from jaxtyping import Float

from rldf.errors import ConfigError
from rldf.finetuning.settings import NO_DENSITY, SamplerSettings

Latents = Float[torch.Tensor, "batch channels rows columns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoisingStep:
    """One Gaussian step x_t -> x_prev.

    Attributes:
        timestep: t, as the denoiser is told it.
        latent_weight: of x_t in the mean.
        prediction_weight: of the denoiser's prediction in the mean.
        std: standard deviation of the step, above 0.
    """

    timestep: int
    latent_weight: float
    prediction_weight: float
    std: float


@final
class Sampler:
    """A chain of Gaussian steps from noise to latents.

    Attributes:
        steps: in the order they are taken, from noise.
        alphas_cumprod: the model's noise schedule, float64.
        prediction_type: what the denoiser predicts: "epsilon", "v_prediction" or "sample".
    """

    def __init__(
        self, steps: tuple[DenoisingStep, ...], *, alphas_cumprod: Float[np.ndarray, " timesteps"], prediction_type: str
    ) -> None:
        self.steps = steps
        self.alphas_cumprod = alphas_cumprod
        self.prediction_type = prediction_type

    def __len__(self) -> int:
        return len(self.steps)

    def noisy_steps(self, min_std_share: float) -> list[int]:
        """Numbers of the steps with enough noise to be trained.

        Args:
            min_std_share: smallest standard deviation, as a share of the largest one of the chain.

        Returns:
            At least one number, rising.
        """
        bound = min_std_share * max(step.std for step in self.steps)
        return [number for number, step in enumerate(self.steps) if step.std >= bound]

    def mean(self, latents: Latents, prediction: Latents, *, step: int) -> Latents:
        """Computes the mean of one step, in float64 where the device has it, whatever comes in.

        Args:
            latents: x_t, as stored.
            prediction: of the denoiser, guided.
            step: number of the step, from 0.

        Returns:
            The mean of x_prev.
        """
        taken = self.steps[step]
        wide = _wide_dtype(latents.device)
        return taken.latent_weight * latents.to(wide) + taken.prediction_weight * prediction.to(wide)

    def draw(self, mean: Latents, noise: Latents, *, step: int, dtype: torch.dtype) -> Latents:
        """Draws x_prev and rounds it to the format it is stored in; the value returned is the action taken.

        Args:
            mean: of the step.
            noise: standard normal.
            step: number of the step, from 0.
            dtype: storage format.

        Returns:
            x_prev in that format.
        """
        return (mean + self.steps[step].std * noise.to(mean.dtype)).to(dtype)

    def log_prob(self, value: Latents, mean: Latents, *, step: int) -> Float[torch.Tensor, " batch"]:
        """Log-density of one step, as the mean over the latent dimensions; rounded to float32 at its end.

        Args:
            value: x_prev as stored.
            mean: of the step.
            step: number of the step, from 0.

        Returns:
            One number per latent.

        Source: equation 3 of arXiv 2305.13301 with its authors' mean over dimensions; a sum overflows the ratio.
        """
        std = self.steps[step].std
        wide = _wide_dtype(mean.device)
        scaled = (value.detach().to(wide) - mean.to(wide)) / std
        return (-0.5 * scaled.square().flatten(1).mean(dim=1) - (log(std) + 0.5 * log(2.0 * pi))).float()

    def divergence(self, mean: Latents, base_mean: Latents, *, step: int) -> Float[torch.Tensor, " batch"]:
        """KL divergence of one step between two policies of equal variance, as the mean over latent dimensions."""
        scaled = (mean - base_mean) / self.steps[step].std
        return (0.5 * scaled.square().flatten(1).mean(dim=1)).float()

    def noise_prediction(
        self, latents: Latents, prediction: Latents, timesteps: torch.Tensor
    ) -> Float[torch.Tensor, "batch channels rows columns"]:
        """Turns a prediction of any kind into one of the noise, in float32.

        Args:
            latents: x_t.
            prediction: of the denoiser.
            timesteps: one t per latent.

        Returns:
            The predicted noise.
        """
        signal, noise = self.scales(timesteps)
        x_t, predicted = latents.float(), prediction.float()
        if self.prediction_type == "epsilon":
            return predicted
        if self.prediction_type == "v_prediction":
            return signal * predicted + noise * x_t
        return (x_t - signal * predicted) / noise

    def scales(self, timesteps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Shares of signal and noise at some timesteps: (batch, 1, 1, 1) each, float32."""
        kept = torch.from_numpy(self.alphas_cumprod)[timesteps.cpu()].view(-1, 1, 1, 1)
        place = timesteps.device
        return kept.sqrt().float().to(place), (1.0 - kept).sqrt().float().to(place)


def build_sampler(scheduler: object, settings: SamplerSettings) -> Sampler:
    """Builds the training sampler on a model's own noise schedule.

    Args:
        scheduler: the pipeline's own, of diffusers; only its noise schedule and kind of prediction are used.
        settings: how pictures are drawn while training.

    Returns:
        The sampler.

    Raises:
        ConfigError: if a sampler has no density, or the model no noise schedule or prediction that fits.
    """
    require_density(settings.kind)
    alphas = _schedule_of(scheduler)
    config: Any = getattr(scheduler, "config", None)
    prediction_type = str(config.get("prediction_type", "epsilon"))
    if prediction_type not in {"epsilon", "v_prediction", "sample"}:
        raise ConfigError(
            f"the model predicts {prediction_type!r}; fine-tuning knows epsilon, v_prediction and sample. "
            "Choose another model."
        )
    if settings.num_steps > len(alphas):
        raise ConfigError(
            f"sampler.num_steps is {settings.num_steps}, but the model was trained with {len(alphas)} noise levels; "
            "there cannot be more steps. Give fewer."
        )
    timesteps = [int(t) for t in _timesteps(len(alphas), settings=settings)]
    levels = [alphas[0], *(alphas[t] for t in reversed(timesteps))][::-1]
    steps = tuple(
        _step(timestep, kept=levels[i], kept_next=levels[i + 1], prediction_type=prediction_type, settings=settings)
        for i, timestep in enumerate(timesteps)
    )
    for number, step in enumerate(steps):
        _require_gaussian(step, number=number, settings=settings)
    return Sampler(steps, alphas_cumprod=alphas, prediction_type=prediction_type)


def require_density(kind: str) -> None:
    """Refuses a sampler without a density, with the reason.

    Args:
        kind: name of a sampler.

    Raises:
        ConfigError: if its steps have no density, or there is no such sampler.
    """
    if kind in NO_DENSITY:
        raise ConfigError(
            f"the sampler '{kind}' cannot be trained: {NO_DENSITY[kind]}, so its steps have no density. "
            "Samplers with one are: ddim, ddpm. Choose one of them."
        )
    if kind not in {"ddim", "ddpm"}:
        raise ConfigError(f"there is no sampler '{kind}'; samplers with a density are: ddim, ddpm. Choose one of them.")


def _wide_dtype(device: torch.device) -> torch.dtype:
    """Number format of the arithmetic on latents: Apple's graphics processors have no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def _schedule_of(scheduler: object) -> Float[np.ndarray, " timesteps"]:
    alphas = getattr(scheduler, "alphas_cumprod", None)
    if not isinstance(alphas, torch.Tensor):
        raise ConfigError(
            f"the model's {type(scheduler).__name__} has no noise schedule of the DDPM kind (no alphas_cumprod); "
            f"{NO_DENSITY['flow-match'] if 'Flow' in type(scheduler).__name__ else 'its steps have no known density'}. "
            "Choose a Stable Diffusion model."
        )
    return np.asarray(alphas.double().cpu().numpy())


def _timesteps(num_levels: int, *, settings: SamplerSettings) -> list[int]:
    """The timesteps as diffusers spaces them; "leading" has the offset 1 of Stable Diffusion."""
    spaced: Any = DDIMScheduler(
        num_train_timesteps=num_levels, timestep_spacing=settings.spacing, steps_offset=1, clip_sample=False
    )
    spaced.set_timesteps(settings.num_steps)
    timesteps: list[int] = spaced.timesteps.tolist()
    return [min(timestep, num_levels - 1) for timestep in timesteps]


def _step(
    timestep: int, *, kept: float, kept_next: float, prediction_type: str, settings: SamplerSettings
) -> DenoisingStep:
    """Computes one step between two noise levels.

    Returns:
        The step, from alpha-bar `kept` to alpha-bar `kept_next`.

    Source: equations 12 and 16 of arXiv 2010.02502 (DDIM); equations 6 and 7 of arXiv 2006.11239 (DDPM).
    """
    clean_x, clean_p, noise_x, noise_p = _readings(kept, prediction_type)
    if settings.kind == "ddim":
        ratio = max(1.0 - kept / kept_next, 0.0)
        std = settings.eta * sqrt((1.0 - kept_next) / (1.0 - kept)) * sqrt(ratio)
        to_noise = sqrt(max(1.0 - kept_next - std**2, 0.0))
        return DenoisingStep(
            timestep=timestep,
            latent_weight=sqrt(kept_next) * clean_x + to_noise * noise_x,
            prediction_weight=sqrt(kept_next) * clean_p + to_noise * noise_p,
            std=std,
        )
    added = max(1.0 - kept / kept_next, 0.0)  # beta of the step between the two levels
    to_clean = sqrt(kept_next) * added / (1.0 - kept)
    to_latent = sqrt(kept / kept_next) * (1.0 - kept_next) / (1.0 - kept)
    variance = added if settings.variance == "large" else (1.0 - kept_next) / (1.0 - kept) * added
    return DenoisingStep(
        timestep=timestep,
        latent_weight=to_clean * clean_x + to_latent,
        prediction_weight=to_clean * clean_p,
        std=sqrt(variance),
    )


def _readings(kept: float, prediction_type: str) -> tuple[float, float, float, float]:
    """How the clean latents and the noise follow from x_t and the prediction: weights of both for each."""
    signal, noise = sqrt(kept), sqrt(1.0 - kept)
    match prediction_type:
        case "epsilon":
            return (1.0 / signal, -noise / signal, 0.0, 1.0) if signal > 0 else (np.inf, -np.inf, 0.0, 1.0)
        case "v_prediction":
            return (signal, -noise, noise, signal)
        case _:
            return (0.0, 1.0, 1.0 / noise, -signal / noise)


def _require_gaussian(step: DenoisingStep, *, number: int, settings: SamplerSettings) -> None:
    if not np.isfinite([step.latent_weight, step.prediction_weight]).all():
        raise ConfigError(
            f"step {number} of the sampler (timestep {step.timestep}) starts from pure noise, from which a prediction "
            "of noise says nothing; models for that predict v. Choose spacing 'leading' or another model."
        )
    if step.std <= 0.0:
        raise ConfigError(
            f"step {number} of '{settings.kind}' (timestep {step.timestep}) has no noise, so it has no density; every "
            "step must have some. Give fewer steps, or spacing 'leading'."
        )
