"""Distillation of the denoiser to a few steps, at tiny size."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, UNet2DConditionModel
from safetensors.torch import load_file
from transformers import CLIPTextModel, PreTrainedTokenizerFast

from rldf.worlds.source import PictureBatch
from rldf.worlds.text import build_text_encoder, build_tokenizer, tokenize
from rldf.worlds.train_denoiser import build_scheduler, build_unet
from rldf.worlds.train_few_step import (
    FewStepSettings,
    build_few_step_scheduler,
    build_student,
    few_step_loss,
    few_step_times,
    noise_angles,
    write_adapter,
)

SETTINGS = FewStepSettings(rank=8, steps=2)
ADAPTER_FILE = "pytorch_lora_weights.safetensors"

Parts = tuple[UNet2DConditionModel, CLIPTextModel, PreTrainedTokenizerFast]


WORDS = ("one", "two", "three", "cow", "cows", "dog", "park", "harbour")


def make_batch(update: int) -> PictureBatch:
    rng = np.random.default_rng(update)
    sentences = [" ".join(rng.choice(WORDS, size=3)) for _ in range(4)]
    return PictureBatch(
        images=torch.zeros((4, 8, 8, 3), dtype=torch.uint8),
        sentences=sentences,
        seen=torch.zeros((4, 1), dtype=torch.int64),
    )


@pytest.fixture(scope="module")
def parts() -> Parts:
    torch.manual_seed(0)
    tokenizer = build_tokenizer(WORDS)
    unet = build_unet(text_width=32, channels=(32, 32, 32), latent_channels=4, latent_side=4)
    return unet, build_text_encoder(len(tokenizer), width=32), tokenizer


@torch.no_grad()
def draw(
    unet: UNet2DConditionModel, parts: Parts, *, scheduler: DDIMScheduler | DPMSolverMultistepScheduler, steps: int
) -> torch.Tensor:
    _, text_encoder, tokenizer = parts
    latents = torch.randn(16, 4, 4, 4, generator=torch.Generator().manual_seed(5))
    states = text_encoder(tokenize(tokenizer, ["two cows"] * 16)).last_hidden_state
    scheduler.set_timesteps(steps)
    for time in scheduler.timesteps:
        latents = scheduler.step(unet(latents, time, states).sample, time, latents).prev_sample
    return latents


def with_adapter(parts: Parts, folder: Path) -> UNet2DConditionModel:
    unet = UNet2DConditionModel.from_config(parts[0].config)
    unet.load_state_dict(parts[0].state_dict())
    unet.load_lora_adapter(folder, prefix="unet", use_safetensors=True)
    unet.fuse_lora()
    unet.unload_lora()
    return unet.eval()


def test_times_of_the_student__are_those_of_its_solver() -> None:
    assert few_step_times(4).tolist() == [999, 749, 499, 249, -1]


def test_angles__share_signal_and_noise_as_the_denoiser_learned_them() -> None:
    torch.testing.assert_close(noise_angles()[1:].cos() ** 2, build_scheduler().alphas_cumprod, rtol=0, atol=1e-6)
    assert noise_angles()[0] == 0


def test_untrained_adapter__changes_nothing(parts: Parts, tmp_path: Path) -> None:
    student = build_student(parts[0], rank=2)
    write_adapter(student.state_dict(), tmp_path, settings=SETTINGS, base_digest="d")
    scheduler = build_few_step_scheduler()
    adapted = draw(with_adapter(parts, tmp_path), parts, scheduler=scheduler, steps=2)
    torch.testing.assert_close(
        adapted, draw(parts[0].eval(), parts, scheduler=scheduler, steps=2), rtol=1e-3, atol=1e-4
    )


def test_trained_adapter__brings_few_steps_nearer_to_many(parts: Parts, tmp_path: Path) -> None:
    unet, text_encoder, tokenizer = parts
    before = {name: value.clone() for name, value in unet.state_dict().items()}
    torch.manual_seed(0)
    student = build_student(unet, rank=SETTINGS.rank)
    loss = few_step_loss(
        student, teacher=unet, text_encoder=text_encoder, tokenizer=tokenizer, settings=SETTINGS, device="cpu"
    )
    matrices = [value for value in student.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(matrices, lr=3e-3, weight_decay=0.0)
    losses = []
    for update in range(30):
        value = loss(make_batch(update), torch.Generator().manual_seed(update))
        value.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(value.detach()))
    write_adapter(student.state_dict(), tmp_path, settings=SETTINGS, base_digest="d")
    solver = DDIMScheduler.from_pretrained(tmp_path)
    many = draw(unet.eval(), parts, scheduler=build_scheduler(), steps=20)
    bare = draw(unet.eval(), parts, scheduler=solver, steps=2)
    adapted = draw(with_adapter(parts, tmp_path), parts, scheduler=solver, steps=2)
    assert losses[-1] < 0.8 * losses[0]
    assert (adapted - many).square().mean() < 0.8 * (bare - many).square().mean()
    for name, value in unet.state_dict().items():
        assert torch.equal(value, before[name])  # the teacher is nobody's to change


@pytest.mark.parametrize(("sentence", "is_same"), [("", True), ("two cows", False)])
def test_guidance_of_the_teacher__changes_the_target_of_a_sentence_only(
    parts: Parts, *, sentence: str, is_same: bool
) -> None:
    unet, text_encoder, tokenizer = parts
    student = build_student(unet, rank=2)
    batch = replace(make_batch(0), sentences=[sentence] * 4)
    losses = [
        few_step_loss(
            student,
            teacher=unet,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            settings=replace(SETTINGS, guidance_scale=scale),
            device="cpu",
        )(batch, torch.Generator().manual_seed(0)).detach()
        for scale in (1.0, 5.0)
    ]
    assert torch.isclose(losses[0], losses[1], rtol=1e-4) == is_same


def test_adapter__is_small_float16_and_says_its_steps(parts: Parts, tmp_path: Path) -> None:
    write_adapter(build_student(parts[0], rank=8).state_dict(), tmp_path, settings=SETTINGS, base_digest="d")
    tensors = load_file(tmp_path / ADAPTER_FILE)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert all(name.startswith("unet.") and ".lora_" in name for name in tensors)
    assert max(min(tensor.shape[:2]) for tensor in tensors.values()) == SETTINGS.rank
    about = json.loads((tmp_path / "adapter.json").read_text())
    assert about == {"steps": 2, "guidance_scale": 1.0, "rank": 8, "base_digest": "d"}


def test_student__trains_its_matrices_alone(parts: Parts) -> None:
    student = build_student(parts[0], rank=2)
    assert all((".lora_" in name) == value.requires_grad for name, value in student.named_parameters())
