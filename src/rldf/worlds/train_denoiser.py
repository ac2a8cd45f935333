"""Trains the denoiser and its text encoder on drawn pictures; seeded, resumable, on any device."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch
from diffusers import DPMSolverMultistepScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import CLIPTextModel, PreTrainedTokenizerFast

from rldf.grammar import Grammar
from rldf.seeding import child_seed
from rldf.worlds.codec import PatchCodec
from rldf.worlds.pictures import DrawnSplit, Emphasis, drawn_batches
from rldf.worlds.text import tokenize

SPLIT = "denoiser"
LONE_PERSON = Emphasis(terms={"density": "one"}, share=0.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiserTraining:
    """Settings of the denoiser's training; every number is our choice.

    Attributes:
        num_pictures: drawn pictures seen in all; each is new.
        batch_size: pictures an update.
        learning_rate: of AdamW, after warm-up and before decay.
        warmup_updates: updates over which the rate rises from 0, also after a restart.
        decay_share: the last share of the pictures, over which the rate falls to 0.
        ema_decay: of the weights' moving average, which is what ships.
        drop_text: share of pictures trained without their sentence, for guidance.
        save_every: updates between checkpoints.
        seed: root seed of the world.
        num_workers: processes that draw ahead.
        size_px: side of the drawn pictures.
        emphasis: terms drawn more often; a lone person is small, anywhere, and learned last.
    """

    num_pictures: int = 60_000
    batch_size: int = 24
    learning_rate: float = 6e-4
    warmup_updates: int = 100
    decay_share: float = 0.3
    ema_decay: float = 0.999
    drop_text: float = 0.1
    save_every: int = 200
    seed: int = 0
    num_workers: int = 1
    size_px: int = 128
    emphasis: Emphasis | None = LONE_PERSON


def build_unet(*, text_width: int, channels: tuple[int, ...], latent_channels: int, latent_side: int) -> nn.Module:
    """Builds an untrained denoiser; the sentence enters by attention and, pooled, with the time step."""
    levels = len(channels)
    down = ["DownBlock2D"] * levels
    up = ["UpBlock2D"] * levels
    down[1], up[levels - 2] = "CrossAttnDownBlock2D", "CrossAttnUpBlock2D"
    unet: nn.Module = UNet2DConditionModel(
        sample_size=latent_side,
        in_channels=latent_channels,
        out_channels=latent_channels,
        block_out_channels=channels,
        down_block_types=tuple(down),
        up_block_types=tuple(up),
        layers_per_block=1,
        cross_attention_dim=text_width,
        attention_head_dim=4,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )
    return unet


def build_scheduler() -> DPMSolverMultistepScheduler:
    """Builds the noise schedule and solver: cosine schedule, v-prediction, DPM-Solver++ of second order."""
    return DPMSolverMultistepScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        algorithm_type="dpmsolver++",
        solver_order=2,
        timestep_spacing="linspace",
        steps_offset=1,  # diffusers asks for it; linspace spacing does not use it
    )


@final
class DenoiserTrainer:
    """Holds the denoiser, its text encoder, their averages and the optimiser."""

    def __init__(
        self,
        unet: nn.Module,
        text_encoder: CLIPTextModel,
        tokenizer: PreTrainedTokenizerFast,
        codec: PatchCodec,
        *,
        settings: DenoiserTraining,
        device: str,
    ) -> None:
        self.model = nn.ModuleDict({"unet": unet, "text_encoder": text_encoder})
        self.model.to(torch.device(device))
        unet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs leave it out
        self._tokenizer = tokenizer
        self._codec = codec
        self._settings = settings
        self._device = device
        self._alphas = build_scheduler().alphas_cumprod.to(device)
        self._optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True
        )
        self._average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self._updates = 0
        self._updates_since_start = 0

    @property
    def pictures(self) -> int:
        """Pictures seen so far."""
        return self._updates * self._settings.batch_size

    def averaged_weights(self) -> dict[str, torch.Tensor]:
        """The moving average of all weights, by name: what ships."""
        return self._average

    def train(self, grammar: Grammar) -> Iterator[tuple[int, float]]:
        """Trains to the end.

        Args:
            grammar: draws encodings and spells their sentences.

        Yields:
            Pictures seen and loss, after every update.
        """
        settings = self._settings
        pictures = DrawnSplit(
            grammar,
            seed=settings.seed,
            split=SPLIT,
            start=self.pictures,
            stop=settings.num_pictures,
            size_px=settings.size_px,
            emphasis=settings.emphasis,
        )
        for batch in drawn_batches(pictures, batch_size=settings.batch_size, num_workers=settings.num_workers):
            latents = self._codec.encode(batch.images)
            loss = self._update(latents.to(self._device), batch.sentences)
            yield self.pictures, loss

    def _update(self, latents: torch.Tensor, sentences: Sequence[str]) -> float:
        settings = self._settings
        rng = torch.Generator().manual_seed(child_seed(settings.seed, SPLIT, "update", self._updates))
        batch = len(latents)
        kept = torch.rand(batch, generator=rng) >= settings.drop_text
        spelled = [s if keep else "" for s, keep in zip(sentences, kept.tolist(), strict=True)]
        tokens = tokenize(self._tokenizer, spelled).to(self._device)
        share = (torch.arange(batch) + torch.rand(batch, generator=rng)) / batch  # one time step per stratum
        timesteps = (share * len(self._alphas)).long().clamp(max=len(self._alphas) - 1).to(self._device)
        noise = torch.randn(latents.shape, generator=rng).to(self._device)
        alpha = self._alphas[timesteps].view(-1, 1, 1, 1)
        noisy = alpha.sqrt() * latents + (1 - alpha).sqrt() * noise
        velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * latents
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate()
        states = self.model["text_encoder"](tokens).last_hidden_state
        predicted = self.model["unet"](noisy.contiguous(memory_format=torch.channels_last), timesteps, states).sample
        loss = nn.functional.mse_loss(predicted, velocity)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self._updates += 1
        self._updates_since_start += 1
        self._follow()
        return float(loss.detach())

    def _learning_rate(self) -> float:
        settings = self._settings
        warm = min(1.0, (self._updates_since_start + 1) / settings.warmup_updates)
        left = 1 - self.pictures / settings.num_pictures
        return settings.learning_rate * warm * min(1.0, left / settings.decay_share)

    @torch.no_grad()
    def _follow(self) -> None:
        """Moves the average towards the weights, faster at the beginning."""
        decay = min(self._settings.ema_decay, (1 + self._updates) / (10 + self._updates))
        for name, value in self.model.state_dict().items():
            if value.is_floating_point():
                self._average[name].lerp_(value, 1 - decay)

    def save(self, folder: Path) -> None:
        """Writes weights, average and optimiser state; whole or not at all."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self._average.items()}
        for index, state in self._optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": value for name, value in state.items()}
        tensors["updates"] = torch.tensor(self._updates)
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / "denoiser.partial"
        save_file({name: value.contiguous() for name, value in tensors.items()}, partial)
        partial.replace(folder / "denoiser.safetensors")

    def restore(self, folder: Path) -> "DenoiserTrainer":
        """Goes on from a checkpoint written by `save`; without optimiser state the rate warms up again."""
        tensors = load_file(folder / "denoiser.safetensors", device=self._device)
        self._updates = int(tensors.pop("updates"))
        self.model.load_state_dict({n[6:]: v for n, v in tensors.items() if n.startswith("model.")})
        self._average = {n[8:]: v for n, v in tensors.items() if n.startswith("average.")}
        parameters = list(self.model.parameters())
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("optimiser."):
                _, index, key = name.split(".", 2)
                parameter = parameters[int(index)]
                # the fused optimiser pairs values by their place in memory, so their layout must be the weights' own
                laid_out = torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
                state.setdefault(int(index), {})[key] = laid_out.detach()
        if state:
            self._optimiser.load_state_dict(self._optimiser.state_dict() | {"state": state})
            self._updates_since_start = self._updates
        return self
