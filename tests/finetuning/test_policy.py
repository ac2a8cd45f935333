"""The policy on a tiny pipeline: guidance, replay to the bit, base, LoRA in plain diffusers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from tests.finetuning.tiny import NUM_STEPS, PROMPTS, SAMPLING, TRAIN, guided, make_policy, make_trainer
from tests.generators.tiny_pipelines import build_distilled_pipeline, build_pipeline, build_xl_pipeline

from rldf.errors import ConfigError
from rldf.finetuning.policy import DiffusionPolicy, require_distinct_prompts
from rldf.finetuning.rollout import Trajectories, roll_out
from rldf.finetuning.settings import AdapterSettings, Precision, SamplerSettings


def drawn(policy: DiffusionPolicy, *, seeds: tuple[int, ...] = (3, 4)) -> tuple[Trajectories, np.ndarray]:
    return roll_out(policy, indices=range(len(seeds)), prompts=[PROMPTS[0]] * len(seeds), seeds=seeds)


def replayed(policy: DiffusionPolicy, trajectories: Trajectories, *, is_guided: bool | None = None) -> torch.Tensor:
    rows = [
        policy.sampler.log_prob(
            trajectories.latents[:, step + 1],
            policy.mean(trajectories.latents[:, step], trajectories.prompts, step=step, is_guided=is_guided),
            step=step,
        )
        for step in range(NUM_STEPS)
    ]
    return torch.stack(rows, dim=1)


@pytest.mark.parametrize("storage_dtype", ["float32", "float16", "bfloat16"])
def test_replay__gives_the_log_probabilities_of_sampling_to_the_bit(storage_dtype: Precision) -> None:
    policy = make_policy(replace(SAMPLING, storage_dtype=storage_dtype))
    trajectories, _ = drawn(policy)
    assert trajectories.latents.dtype == policy.storage_dtype
    again = replayed(policy, trajectories)
    assert again.requires_grad
    torch.testing.assert_close(again.detach(), trajectories.log_probs, rtol=0, atol=0)


def test_replay__without_the_guidance_of_sampling_differs() -> None:
    policy = make_policy(guided(5.0))
    trajectories, _ = drawn(policy)
    assert (replayed(policy, trajectories, is_guided=False) - trajectories.log_probs).abs().max() > 1e-4


def test_guidance_of_1__is_the_conditional_prediction() -> None:
    policy = make_policy(guided(1.0))
    trajectories, _ = drawn(policy)
    alone = replayed(policy, trajectories, is_guided=False)
    torch.testing.assert_close(replayed(policy, trajectories), alone, rtol=0, atol=0)


def test_guidance__goes_beyond_the_conditional_prediction() -> None:
    latents = torch.randn((1, *make_policy().latent_shape), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, two, three = (
            make_policy(guided(scale)).predict(latents, PROMPTS[:1], timestep=500) for scale in (1.0, 2.0, 3.0)
        )
    torch.testing.assert_close(three - two, two - one, rtol=1e-3, atol=1e-5)
    assert (two - one).abs().max() > 1e-4


def test_picture__depends_on_its_seed_and_not_on_its_batch() -> None:
    policy = make_policy()
    _, both = drawn(policy, seeds=(3, 4))
    _, alone = drawn(policy, seeds=(4,))
    assert np.abs(both[1].astype(int) - alone[0].astype(int)).max() <= 1  # another batch shape may round otherwise
    assert (both[0] != both[1]).any()


def test_fresh_lora__is_the_base() -> None:
    policy = make_policy()
    trajectories, _ = drawn(policy)
    with policy.as_base():
        base = replayed(policy, trajectories)
    torch.testing.assert_close(base.detach(), trajectories.log_probs, rtol=0, atol=0)


def test_lora__trains_its_own_weights_alone() -> None:
    policy = make_policy()
    assert policy.denoiser.trained
    assert all("lora" in name for name in policy.denoiser.trained)
    assert not any(module.training for module in policy.denoiser.unet.modules())


def test_base_of_full_training__is_kept_where_asked_for() -> None:
    policy = make_policy(kind="full", has_base=True)
    trajectories, _ = drawn(policy)
    with torch.no_grad():
        for weight in policy.denoiser.trained.values():
            weight.mul_(1.1)
    with policy.as_base(), torch.no_grad():
        torch.testing.assert_close(replayed(policy, trajectories), trajectories.log_probs, rtol=0, atol=0)
    assert (replayed(policy, trajectories) - trajectories.log_probs).abs().max() > 1e-4


def test_base_of_full_training__is_refused_where_none_was_kept() -> None:
    with pytest.raises(ConfigError, match=r"'full' and no base model was kept"), make_policy(kind="full").as_base():
        pass


def test_saved_lora__draws_in_plain_diffusers_as_it_does_here(tmp_path: Path) -> None:
    policy = make_policy()
    make_trainer(replace(TRAIN, learning_rate=0.05), policy=policy).run_epoch()
    latents = torch.randn((1, *policy.latent_shape), generator=torch.Generator().manual_seed(0))
    pipeline: Any = build_pipeline()
    plain: Any = StableDiffusionPipeline(**pipeline.components, requires_safety_checker=False)
    embeddings = plain.encode_prompt(PROMPTS[0], "cpu", 1, do_classifier_free_guidance=False)[0]
    with torch.no_grad():
        base = plain.unet(latents, 500, encoder_hidden_states=embeddings).sample
        plain.load_lora_weights(policy.denoiser.save(tmp_path / "lora"))
        loaded = plain.unet(latents, 500, encoder_hidden_states=embeddings).sample
        ours = policy.predict(latents, PROMPTS[:1], timestep=500, is_guided=False)
    torch.testing.assert_close(loaded, ours, rtol=1e-5, atol=1e-5)
    assert (loaded - base).abs().max() > 1e-3
    assert [path.suffix for path in (tmp_path / "lora").iterdir()] == [".safetensors"]


def test_saved_denoiser_of_full_training__loads_in_plain_diffusers(tmp_path: Path) -> None:
    policy = make_policy(kind="full")
    loaded: Any = UNet2DConditionModel.from_pretrained(policy.denoiser.save(tmp_path / "denoiser"))
    for name, weight in loaded.named_parameters():
        torch.testing.assert_close(weight, policy.denoiser.trained[name].detach(), rtol=0, atol=0)


def test_prompts_equal_for_the_text_encoder__are_refused() -> None:
    with pytest.raises(ConfigError, match=r"'a photo of zebra' and 'a photo of heron' are the same"):
        require_distinct_prompts(make_policy(), ["a photo of zebra", "a photo of heron"])  # words it does not have


@pytest.mark.parametrize("build", [build_xl_pipeline, build_distilled_pipeline])
def test_another_family__is_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ConfigError, match=r"cannot be fine-tuned here.*family of Stable Diffusion 1 or 2"):
        DiffusionPolicy(build(), sampling=SamplerSettings(num_steps=3), adapter=AdapterSettings())


def test_lora_of_layers_that_do_not_exist__is_refused() -> None:
    with pytest.raises(ConfigError, match=r"adapter.targets is to_nothing, and no layer of the denoiser is named so"):
        DiffusionPolicy(
            build_pipeline(),
            sampling=SamplerSettings(num_steps=3),
            adapter=AdapterSettings(targets=("to_nothing",)),
        )
