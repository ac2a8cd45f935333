"""The policy on a tiny pipeline: pictures, base, LoRA in plain diffusers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from tests.finetuning.tiny import PROMPTS, TRAIN, drawn, make_policy, make_trainer, replayed
from tests.generators.tiny_pipelines import build_distilled_pipeline, build_pipeline, build_xl_pipeline

from rldf.errors import ConfigError
from rldf.finetuning.policy import DiffusionPolicy
from rldf.finetuning.settings import AdapterSettings, SamplerSettings

ATTENTION = AdapterSettings().targets


def test_picture__depends_on_its_seed_and_not_on_its_batch() -> None:
    policy = make_policy()
    _, both = drawn(policy, seeds=(3, 4))
    _, alone = drawn(policy, seeds=(4,))
    assert np.abs(both[1].astype(int) - alone[0].astype(int)).max() <= 1  # another batch shape may round otherwise
    assert (both[0] != both[1]).any()


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


@pytest.mark.parametrize(
    "targets", [ATTENTION, (*ATTENTION, "conv1", "conv2")], ids=["attention", "attention and convolutions"]
)
def test_saved_lora__draws_in_plain_diffusers_as_it_does_here(targets: tuple[str, ...], tmp_path: Path) -> None:
    policy = make_policy(targets=targets)
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
