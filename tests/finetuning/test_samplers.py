"""Steps and densities against diffusers and torch.distributions."""

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, EulerDiscreteScheduler, FlowMatchEulerDiscreteScheduler

from rldf.errors import ConfigError
from rldf.finetuning.samplers import build_sampler, require_density
from rldf.finetuning.settings import NO_DENSITY, PosteriorVariance, SamplerSettings

SD = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
SHAPE = (2, 4, 8, 8)
KINDS = ("epsilon", "v_prediction", "sample")


def scheduler_of(prediction_type: str, spacing: str = "leading") -> Any:  # noqa: ANN401 - diffusers is untyped
    return DDIMScheduler(
        **SD, prediction_type=prediction_type, timestep_spacing=spacing, clip_sample=False, set_alpha_to_one=False
    )


def numbers(seed: int) -> torch.Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("prediction_type", KINDS)
@pytest.mark.parametrize("variance", ["small", "large"])
def test_ddpm_step__equals_that_of_diffusers_but_for_the_last(
    prediction_type: str, variance: PosteriorVariance
) -> None:
    theirs: Any = DDPMScheduler(
        **SD,
        prediction_type=prediction_type,
        timestep_spacing="leading",
        clip_sample=False,
        variance_type=f"fixed_{variance}",
    )
    theirs.set_timesteps(20)
    sampler = build_sampler(theirs, SamplerSettings(kind="ddpm", variance=variance, num_steps=20))
    latents, prediction = numbers(0), numbers(1)
    for number, step in enumerate(sampler.steps[:-1]):  # diffusers' last step has no noise to speak of
        expected = theirs.step(
            prediction, step.timestep, latents, generator=torch.Generator().manual_seed(5)
        ).prev_sample
        noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(5))
        drawn = sampler.draw(sampler.mean(latents, prediction, step=number), noise, step=number, dtype=torch.float32)
        torch.testing.assert_close(drawn, expected, rtol=1e-5, atol=1e-5)


def test_ddpm_of_small_variance__is_ddim_with_all_its_noise() -> None:
    ddim = build_sampler(scheduler_of("epsilon"), SamplerSettings(num_steps=20))
    ddpm = build_sampler(scheduler_of("epsilon"), SamplerSettings(kind="ddpm", num_steps=20))
    for first, second in zip(ddim.steps, ddpm.steps, strict=True):
        np.testing.assert_allclose(first.std, second.std, rtol=1e-9)
        np.testing.assert_allclose(first.latent_weight, second.latent_weight, rtol=1e-9)


@pytest.mark.golden
def test_sigma__is_that_of_stable_diffusion_1_4() -> None:
    sampler = build_sampler(scheduler_of("epsilon"), SamplerSettings(num_steps=50))
    stds = [sampler.steps[step].std for step in (0, 25, 45, 48, 49)]
    np.testing.assert_allclose(stds, [0.4545, 0.2877, 0.1323, 0.0395, 0.0206], atol=5e-5)


@pytest.mark.parametrize("prediction_type", KINDS)
def test_noise_prediction__recovers_the_noise(prediction_type: str) -> None:
    sampler = build_sampler(scheduler_of(prediction_type), SamplerSettings(num_steps=10))
    clean, noise, timesteps = numbers(0), numbers(1), torch.tensor([100, 800])
    signal, share = sampler.scales(timesteps)
    noised = signal * clean + share * noise
    perfect = {"epsilon": noise, "v_prediction": signal * noise - share * clean, "sample": clean}[prediction_type]
    torch.testing.assert_close(sampler.noise_prediction(noised, perfect, timesteps), noise, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", sorted(NO_DENSITY))
def test_sampler_without_a_density__is_refused_with_the_reason(kind: str) -> None:
    with pytest.raises(ConfigError, match=f"'{kind}' cannot be trained: .*no noise.*ddim, ddpm"):
        require_density(kind)


def test_flow_matching_model__is_refused() -> None:
    with pytest.raises(ConfigError, match=r"FlowMatchEulerDiscreteScheduler has no noise schedule.*flow matching"):
        build_sampler(FlowMatchEulerDiscreteScheduler(), SamplerSettings())


def test_prediction_of_noise_from_pure_noise__is_refused() -> None:
    zero: Any = DDIMScheduler(**SD, rescale_betas_zero_snr=True)
    zero.alphas_cumprod[-1] = 0.0
    with pytest.raises(ConfigError, match=r"timestep 999\) starts from pure noise"):
        build_sampler(zero, SamplerSettings(spacing="trailing"))


def test_schedule_of_another_solver__is_read() -> None:
    euler: Any = EulerDiscreteScheduler(**{name: SD[name] for name in ("beta_start", "beta_end", "beta_schedule")})
    ours = build_sampler(euler, SamplerSettings(num_steps=50))
    assert ours.steps == build_sampler(scheduler_of("epsilon"), SamplerSettings(num_steps=50)).steps
