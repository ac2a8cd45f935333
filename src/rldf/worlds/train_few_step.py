"""Distils the denoiser to a few steps: an adapter that takes in one step what the denoiser takes in several."""

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TypeVar, final

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from jaxtyping import Float
from torch import nn
from transformers import CLIPTextModel, PreTrainedTokenizerFast

from rldf.errors import MissingExtraError
from rldf.worlds.source import PictureBatch
from rldf.worlds.stage import Loss
from rldf.worlds.text import tokenize

ADAPTER = "few_step"  # its name inside the denoiser while it is trained
NUM_TRAIN_TIMESTEPS = 1000

Latents = Float[torch.Tensor, "batch channels rows columns"]
States = Float[torch.Tensor, "batch tokens width"]
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class FewStepSettings:
    """What the distillation depends on; every number is our choice.

    Attributes:
        rank: of the adapter's matrices; the file grows with it.
        steps: denoising steps of the student.
        teacher_steps_per_step: midpoint steps the teacher takes over one of the student's, two evaluations each.
        guidance_scale: of the teacher, at least 1; the student draws as if guided, at the price of no guidance.
    """

    rank: int = 12
    steps: int = 3
    teacher_steps_per_step: int = 1
    guidance_scale: float = 2.0


def build_few_step_scheduler() -> DDIMScheduler:
    """Builds the student's solver: DDIM without noise, from pure noise, on the denoiser's schedule."""
    return DDIMScheduler(
        num_train_timesteps=NUM_TRAIN_TIMESTEPS,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
    )


def require_peft() -> None:
    """Refuses to go on where peft is not installed.

    Raises:
        MissingExtraError: if it is not.
    """
    if find_spec("peft") is None:
        raise MissingExtraError(
            "the stage few-step needs the package 'peft', which is not installed; it holds the adapter. "
            "Install it with: pip install 'rldf[train]'; or train the other stages alone, each by --stage."
        )


def build_student(unet: UNet2DConditionModel, *, rank: int) -> UNet2DConditionModel:
    """Copies a denoiser and puts low-rank matrices on its convolutions and projections; only these are trained.

    Args:
        unet: the trained denoiser; stays as it is.
        rank: of the matrices; they change nothing at first.

    Returns:
        The student.
    """
    require_peft()
    from peft import LoraConfig

    student = _frozen(unet, torch.device("cpu"))
    targets = [name for name, part in student.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    student.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=targets), adapter_name=ADAPTER)
    return student


def few_step_loss(
    student: UNet2DConditionModel,
    *,
    teacher: UNet2DConditionModel,
    text_encoder: CLIPTextModel,
    tokenizer: PreTrainedTokenizerFast,
    settings: FewStepSettings,
    device: str,
) -> Loss:
    """Makes the loss: how far the student's steps land from where the teacher's would have.

    The student draws pictures of a batch's sentences from pure noise in its few steps. At each of the points it comes
    through, the teacher solves the same way to the next point with several smaller steps; the student's velocity is
    drawn towards the one that would have landed there. So it learns on the points it will meet.

    With a signal share of cos(angle) and a noise share of sin(angle), the velocity is the derivative of the noisy
    latents by the angle; a DDIM step is a rotation, and the midpoint rule of second order has no singular ends.

    Args:
        student: of `build_student`.
        teacher: the denoiser it was made of.
        text_encoder: of the denoiser.
        tokenizer: of the text encoder.
        settings: see `FewStepSettings`.
        device: where all compute.

    Returns:
        The loss of a batch; it uses its sentences, and not its pictures.

    Source: Salimans & Ho 2022, "Progressive distillation" (angles, velocity, one step for several); Meng et al. 2023,
    "On distillation of guided diffusion models"; Ross et al. 2011, "DAgger" (training on the learner's own states); Hu
    et al. 2022, "LoRA". All at once to `steps`: our choice.
    """
    place = torch.device(device)
    text_encoder = _frozen(text_encoder, place)
    angles = noise_angles().to(place)
    shape = (student.config.in_channels, student.config.sample_size, student.config.sample_size)

    @torch.no_grad()
    def encoded(sentences: Sequence[str]) -> States:
        states: torch.Tensor = text_encoder(tokenize(tokenizer, sentences).to(place)).last_hidden_state
        return states.float()

    guide = _Teacher(_frozen(teacher, place), angles=angles, no_sentence=encoded([""]), settings=settings)

    def loss(batch: PictureBatch, rng: torch.Generator) -> torch.Tensor:
        states = encoded(batch.sentences)
        points = [torch.randn((len(states), *shape), generator=rng, device=rng.device).to(place)]
        velocities: list[torch.Tensor] = []
        times = few_step_times(settings.steps).to(place).repeat_interleave(len(states)).view(-1, len(states))
        for start, end in pairwise(times):
            velocities.append(_velocity(student, points[-1], start, states))
            points.append(_rotated(points[-1], velocities[-1].detach(), _turn(angles, start, end)))
        starts, ends, before = times[:-1].flatten(), times[1:].flatten(), torch.cat(points[:-1])
        landing = guide.solve(before, starts, ends, states.repeat(settings.steps, 1, 1))
        angle = _turn(angles, starts, ends)
        wanted = (angle.cos() * before - landing) / angle.sin()
        return nn.functional.mse_loss(torch.cat(velocities), wanted)

    return loss


@final
class _Teacher:
    """The denoiser as it is followed: along its guided path, by the midpoint rule."""

    def __init__(
        self, unet: UNet2DConditionModel, *, angles: torch.Tensor, no_sentence: States, settings: FewStepSettings
    ) -> None:
        self._unet = unet
        self._angles = angles
        self._no_sentence = no_sentence
        self._settings = settings

    @torch.no_grad()
    def solve(self, latents: Latents, starts: torch.Tensor, ends: torch.Tensor, states: States) -> Latents:
        """Carries latents from their start times to their end times."""
        parts = self._settings.teacher_steps_per_step
        for part in range(parts):
            start, middle, end = (starts + (ends - starts) * (part + share) / parts for share in (0.0, 0.5, 1.0))
            velocity = self._guided(latents, start, states)
            between = _rotated(latents, velocity, _turn(self._angles, start, middle))
            velocity = self._guided(between, middle, states)
            latents = latents - 2 * (_turn(self._angles, start, end) / 2).sin() * velocity
        return latents

    def _guided(self, latents: Latents, times: torch.Tensor, states: States) -> Latents:
        """Predicts the velocity, moved away from that of no sentence."""
        velocity = _velocity(self._unet, latents, times, states)
        scale = self._settings.guidance_scale
        if scale == 1.0:
            return velocity
        unsaid = _velocity(self._unet, latents, times, self._no_sentence.expand_as(states))
        return unsaid + scale * (velocity - unsaid)


def write_adapter(
    weights: dict[str, torch.Tensor], folder: Path, *, settings: FewStepSettings, base_digest: str
) -> None:
    """Writes an adapter, float16, as diffusers' `load_lora_weights` reads it, its solver and its steps.

    Args:
        weights: of the student, by name.
        folder: made if missing; files in it are replaced.
        settings: tell its steps.
        base_digest: digest of the generator's folder that it was made for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    matrices = {name.replace(f".{ADAPTER}.", "."): w.half() for name, w in weights.items() if ".lora_" in name}
    StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=matrices)
    build_few_step_scheduler().save_pretrained(folder)
    about = {"steps": settings.steps, "guidance_scale": 1.0, "rank": settings.rank, "base_digest": base_digest}
    (folder / "adapter.json").write_text(json.dumps(about, indent=2) + "\n")


def few_step_times(steps: int) -> torch.Tensor:
    """Times the student comes through, from 999 to -1, where no noise is left: (steps + 1,), as its solver has them."""
    scheduler = build_few_step_scheduler()
    scheduler.set_timesteps(steps)
    return torch.cat([scheduler.timesteps.float(), torch.tensor([-1.0])])


def noise_angles() -> torch.Tensor:
    """Angles whose cosine is the share of signal and sine that of noise, at times -1 to 999: radians, from 0 up."""
    signal = build_few_step_scheduler().alphas_cumprod.double()
    return torch.cat([torch.zeros(1, dtype=torch.float64), torch.atan2((1 - signal).sqrt(), signal.sqrt())]).float()


def _velocity(unet: UNet2DConditionModel, latents: Latents, times: torch.Tensor, states: States) -> Latents:
    ordered = latents.contiguous(memory_format=torch.channels_last)
    predicted: torch.Tensor = unet(ordered, times, states).sample
    return predicted.float()


def _rotated(latents: Latents, velocity: Latents, turn: torch.Tensor) -> Latents:
    """Takes one DDIM step: keeps signal and noise as predicted and changes their shares."""
    return turn.cos() * latents - turn.sin() * velocity


def _turn(angles: torch.Tensor, starts: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    """Angles from start times to end times: (batch, 1, 1, 1)."""
    return (_angle(angles, starts) - _angle(angles, ends)).view(-1, 1, 1, 1)


def _angle(angles: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
    """Angles at times from -1 to 999, between whole times by straight lines."""
    place = times + 1
    below = place.floor().long().clamp(max=NUM_TRAIN_TIMESTEPS - 1)
    return torch.lerp(angles[below], angles[below + 1], place - below)


def _frozen(model: Network, device: torch.device) -> Network:
    """Copies a network to a device, never to be trained itself."""
    copy = deepcopy(model).eval().to(device)
    for value in copy.parameters():
        value.requires_grad = False
    copy.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs leave it out
    return copy
