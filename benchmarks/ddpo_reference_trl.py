"""The reference's side of `ddpo_reference.py`: it runs in an environment of its own, with TRL 0.23.1, and without rldf.

`ddpo_reference.py` starts it; it makes the tiny pipeline, replays trajectories, and trains one epoch per line it reads.
"""

# ruff: noqa: T201

import argparse
import json
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import accelerate
import diffusers
import numpy as np
import torch
import transformers
import trl
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
from trl import DDPOConfig, DDPOTrainer, DefaultDDPOStableDiffusionPipeline

PROMPTS = ("cat", "dog", "horse", "monkey")
NUM_STEPS = 10
GUIDANCE = 2.0
CLIP_RANGE = 1e-4
MOVES = (0.0, 1e-4, 1e-3)
"""Standard deviations of what is added to the weights before trajectories are replayed; 0: the policy that drew."""


def main() -> None:
    """Does one of the jobs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("job", choices=["pipeline", "replay", "serve"])
    parser.add_argument("--pipeline", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    accelerate.PartialState(cpu=True)  # the trainer logs before it makes one
    if given.job == "pipeline":
        make_pipeline(given.pipeline)
    elif given.job == "replay":
        replay(given.pipeline, given.out)
    else:
        serve(given.pipeline, seed=given.seed)


def make_pipeline(folder: Path) -> None:
    """Writes an untrained pipeline with a denoiser of 253,364 weights, from seed 0."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
        norm_num_groups=8,
    )
    autoencoder = AutoencoderKL(
        block_out_channels=(16, 32),
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=4,
        norm_num_groups=8,
        sample_size=32,
    )
    text = CLIPTextConfig(
        vocab_size=514,
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        max_position_embeddings=16,
        projection_dim=32,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        timestep_spacing="leading",
    )
    pipeline = StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=CLIPTextModel(text),
        tokenizer=_byte_tokenizer(folder / "tokenizer"),
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    count = sum(weight.numel() for weight in unet.parameters())
    print(json.dumps({"denoiser_weights": count, "versions": _versions()}))


def _byte_tokenizer(folder: Path) -> CLIPTokenizer:
    """A CLIP tokenizer of single bytes: 256 of them, 256 at the end of a word, two marks, no merges."""
    letters = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    spelled = [chr(letter) for letter in letters] + [chr(256 + number) for number in range(256 - len(letters))]
    words = [*spelled, *(f"{letter}</w>" for letter in spelled), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=16)


def make_trainer(folder: Path, *, seed: int) -> DDPOTrainer:
    """Makes the reference's trainer: 64 pictures an epoch, two updates, all weights of the denoiser."""
    rng = np.random.default_rng(seed)
    config = DDPOConfig(
        seed=seed,
        num_epochs=1,
        log_with=None,
        mixed_precision="no",
        allow_tf32=False,
        project_kwargs={"project_dir": str(folder.parent / "trl"), "automatic_checkpoint_naming": False},
        sample_num_steps=NUM_STEPS,
        sample_eta=1.0,
        sample_guidance_scale=GUIDANCE,
        sample_batch_size=16,
        sample_num_batches_per_epoch=4,
        train_batch_size=16,
        train_gradient_accumulation_steps=2,
        train_num_inner_epochs=1,
        train_learning_rate=3e-4,
        train_cfg=True,
        train_clip_range=CLIP_RANGE,
        train_adv_clip_max=5.0,
        per_prompt_stat_tracking=True,
        per_prompt_stat_tracking_buffer_size=32,
        per_prompt_stat_tracking_min_count=16,
        async_reward_computation=False,
        save_freq=1_000_000,
    )
    trainer = DDPOTrainer(
        config,
        reward_function=lambda images, _prompts, _metadata: (redness(images), {}),
        prompt_function=lambda: (PROMPTS[int(rng.integers(len(PROMPTS)))], {}),
        sd_pipeline=DefaultDDPOStableDiffusionPipeline(str(folder), use_lora=False),
    )
    trainer.sd_pipeline.set_progress_bar_config(disable=True)
    return trainer


def redness(images: torch.Tensor) -> torch.Tensor:
    """R - (G + B) / 2 of pictures with channels from 0 to 1, after rounding to 256 levels."""
    pixels = (images.double() * 255.0).round().clamp(0.0, 255.0) / 255.0
    red, green, blue = pixels.mean(dim=(2, 3)).unbind(dim=1)
    return (red - (green + blue) / 2.0).float()


def serve(folder: Path, *, seed: int) -> None:
    """Trains one epoch per line "epoch", draws without training per line "final", and tells what came out."""
    trainer = make_trainer(folder, seed=seed)
    rewards: list[float] = []
    inner = trainer.reward_fn

    def recorded(images: torch.Tensor, prompts: Any, metadata: Any) -> Any:  # noqa: ANN401 - the reference's types
        scored, about = inner(images, prompts, metadata)
        rewards.extend(scored.tolist())
        return scored, about

    trainer.reward_fn = recorded
    _tell({"ready": True, "versions": _versions(), "threads": torch.get_num_threads()})
    epoch = global_step = 0
    for line in sys.stdin:
        began, began_cpu = perf_counter(), process_time()
        if line.strip() == "epoch":
            global_step = trainer.step(epoch, global_step)
            epoch += 1
        elif line.strip() == "final":
            with torch.no_grad():
                trainer.sd_pipeline.unet.eval()
                _, drawn = trainer._generate_samples(iterations=4, batch_size=16)  # noqa: SLF001
                trainer.compute_rewards(drawn, is_async=False)
        else:
            return
        took = {"seconds": perf_counter() - began, "cpu_seconds": process_time() - began_cpu}
        _tell({"rewards": list(rewards), **took})
        rewards.clear()


def replay(folder: Path, out: Path) -> None:
    """Draws trajectories and writes what the reference's step and loss make of them, with the weights moved."""
    trainer = make_trainer(folder, seed=0)
    pipeline = trainer.sd_pipeline
    prompts = [PROMPTS[place % len(PROMPTS)] for place in range(16)]
    embedded, empty = _embed(pipeline, prompts), _embed(pipeline, [""] * len(prompts))
    torch.manual_seed(1)
    pipeline.unet.eval()
    with torch.no_grad():
        drawn = pipeline(
            prompt_embeds=embedded,
            negative_prompt_embeds=empty,
            num_inference_steps=NUM_STEPS,
            guidance_scale=GUIDANCE,
            eta=1.0,
            output_type="latent",
        )
    latents, log_probs = torch.stack(drawn.latents, dim=1), torch.stack(drawn.log_probs, dim=1)
    advantages = torch.linspace(-2.0, 2.0, len(prompts))
    tensors = {"latents": latents, "log_probs": log_probs, "advantages": advantages}
    start = {name: weight.detach().clone() for name, weight in pipeline.unet.named_parameters()}
    for number, move in enumerate(MOVES):
        source = torch.Generator().manual_seed(number)
        with torch.no_grad():
            for name, weight in pipeline.unet.named_parameters():
                weight.copy_(start[name] + move * torch.randn(weight.shape, generator=source))
        tensors |= {f"{number}/weight/{n}": w.detach().clone() for n, w in pipeline.unet.named_parameters()}
        embeds = torch.cat([empty, embedded])
        pipeline.unet.zero_grad()
        _replay_steps(trainer, tensors, number, embeds=embeds)
        tensors |= {f"{number}/gradient/{n}": w.grad.clone() for n, w in pipeline.unet.named_parameters()}
        pipeline.unet.zero_grad()
        with _float64_schedule(pipeline):
            for step, timestep in enumerate(pipeline.scheduler.timesteps.tolist()):
                _loss(trainer, tensors, step=step, timestep=timestep, embeds=embeds)[0].backward()
        tensors |= {f"{number}/exact_gradient/{n}": w.grad.clone() for n, w in pipeline.unet.named_parameters()}
    save_file({name: value.contiguous() for name, value in tensors.items()}, out)
    normalised = _normalise()
    print(json.dumps({"prompts": prompts, "moves": MOVES, "normalised": normalised, "versions": _versions()}))


def _replay_steps(trainer: DDPOTrainer, tensors: dict[str, torch.Tensor], number: int, *, embeds: torch.Tensor) -> None:
    """Adds losses, log-probabilities and gradients of every step, with the weights as they are."""
    latents, scheduler = tensors["latents"], trainer.sd_pipeline.scheduler
    losses, replayed, exact = [], [], []
    for step, timestep in enumerate(scheduler.timesteps.tolist()):
        times = torch.full((len(latents),), timestep)
        now, then = latents[:, step], latents[:, step + 1]
        loss = _loss(trainer, tensors, step=step, timestep=timestep, embeds=embeds)
        loss[0].backward()
        losses.append(torch.stack([torch.as_tensor(part).detach() for part in loss]))
        with torch.no_grad():
            without, with_prompt = trainer.sd_pipeline.unet(
                torch.cat([now] * 2), torch.cat([times] * 2), embeds
            ).sample.chunk(2)
            noise = without + GUIDANCE * (with_prompt - without)
            done = trainer.sd_pipeline.scheduler_step(noise, times, now, eta=1.0, prev_sample=then)
            replayed.append(done.log_probs)
            exact.append(_step_in_float64(trainer.sd_pipeline, noise, times, now, then))
    tensors[f"{number}/losses"] = torch.stack(losses)  # (steps, 3): loss, approx_kl, clipfrac
    tensors[f"{number}/log_probs"] = torch.stack(replayed, dim=1)
    tensors[f"{number}/exact_log_probs"] = torch.stack(exact, dim=1)


def _loss(
    trainer: DDPOTrainer, tensors: dict[str, torch.Tensor], *, step: int, timestep: int, embeds: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """The reference's loss of one step, its approx_kl and its clipped share."""
    now, then = tensors["latents"][:, step], tensors["latents"][:, step + 1]
    old, times = tensors["log_probs"][:, step], torch.full((len(now),), timestep)
    return trainer.calculate_loss(now, times, then, old, tensors["advantages"], embeds)


@contextmanager
def _float64_schedule(pipeline: Any) -> Iterator[None]:  # noqa: ANN401 - the reference's types
    """Lets the reference's own step compute in float64: whatever meets the schedule's numbers does."""
    scheduler = pipeline.scheduler
    kept = scheduler.alphas_cumprod, scheduler.final_alpha_cumprod
    scheduler.alphas_cumprod, scheduler.final_alpha_cumprod = (each.double() for each in kept)
    try:
        yield
    finally:
        scheduler.alphas_cumprod, scheduler.final_alpha_cumprod = kept


def _step_in_float64(
    pipeline: Any,  # noqa: ANN401 - the reference's types
    noise: torch.Tensor,
    times: torch.Tensor,
    now: torch.Tensor,
    then: torch.Tensor,
) -> torch.Tensor:
    """The reference's own step on the same numbers, without its rounding to float32."""
    with _float64_schedule(pipeline):
        done = pipeline.scheduler_step(noise.double(), times, now.double(), eta=1.0, prev_sample=then.double())
    return done.log_probs


def _embed(pipeline: Any, prompts: list[str]) -> torch.Tensor:  # noqa: ANN401 - the reference's types
    tokens = pipeline.tokenizer(
        prompts,
        return_tensors="pt",
        padding="max_length",
        truncation=True,
        max_length=pipeline.tokenizer.model_max_length,
    )
    with torch.no_grad():
        return pipeline.text_encoder(tokens.input_ids)[0]


def _normalise() -> list[dict[str, Any]]:
    """Three epochs of float rewards through the reference's tracker, of the sizes used here."""
    from trl.trainer.utils import PerPromptStatTracker  # not among its public names

    tracker = PerPromptStatTracker(32, 16)
    rng = np.random.default_rng(0)
    epochs: deque[dict[str, Any]] = deque()
    for _ in range(3):
        prompts = [PROMPTS[place] for place in rng.integers(len(PROMPTS), size=64)]
        rewards = rng.normal(size=64)
        given = tracker.update(np.array(prompts), rewards)
        epochs.append({"prompts": prompts, "rewards": rewards.tolist(), "advantages": given.tolist()})
    return list(epochs)


def _tell(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def _versions() -> dict[str, str]:
    parts = (trl, torch, diffusers, transformers, accelerate, np)
    return {part.__name__: part.__version__ for part in parts}


if __name__ == "__main__":
    main()
