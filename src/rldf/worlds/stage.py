"""One stage of a world's training: any model, any loss, pictures in, checkpoints out; seeded and resumable."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.optim.swa_utils import get_ema_multi_avg_fn

from rldf.seeding import child_seed
from rldf.worlds.source import PictureBatch, PictureSource


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """How a stage trains; every number is our choice.

    Attributes:
        num_pictures: pictures seen in all; drawn ones are new each, photographs come again.
        batch_size: pictures an update.
        learning_rate: of AdamW, after warm-up and before decay.
        weight_decay: of AdamW.
        warmup_updates: updates over which the rate rises from 0, also where it starts from trained weights.
        decay_share: the last share of the pictures, over which the rate falls to 0.
        ema_decay: of the weights' moving average, which is what ships.
        save_every: updates between checkpoints.
        report_every: updates between reports of the loss; reading it makes a card wait.
        num_workers: processes that draw ahead.
        is_compiled: True to compile the model when it is first used; that takes a minute or more.
    """

    num_pictures: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.01
    warmup_updates: int = 100
    decay_share: float = 0.3
    ema_decay: float = 0.999
    save_every: int = 200
    report_every: int = 1
    num_workers: int = 1
    is_compiled: bool = False


Loss = Callable[[PictureBatch, torch.Generator], torch.Tensor]
"""From a batch and a source of chance, both on the stage's device, to the loss."""


@final
class Stage:
    """Trains one model; a killed stage goes on from its last checkpoint to the same result.

    On a card, and on a processor that multiplies matrices of bfloat16 in hardware (AMX), it computes in bfloat16 where
    that is safe, and keeps the weights in float32.
    """

    def __init__(
        self,
        name: str,
        model: nn.Module,
        loss: Loss,
        *,
        settings: StageSettings,
        source: PictureSource,
        seed: int,
        device: str,
    ) -> None:
        """Prepares a stage.

        Args:
            name: of its split of the pictures and of its checkpoint.
            model: changed in place, and moved to the device.
            loss: computes with the model.
            settings: see `StageSettings`.
            source: gives the pictures.
            seed: root seed of the world.
            device: where it computes.
        """
        self.name = name
        self.model = model.to(torch.device(device)).train()
        self.settings = settings
        self._loss = loss
        self._source = source
        self._seed = seed
        self._device = torch.device(device)
        self._is_half = self._device.type == "cuda" or (self._device.type == "cpu" and _has_amx())
        self._trained = [value for value in model.parameters() if value.requires_grad]
        frozen = {name for name, value in model.named_parameters() if not value.requires_grad}
        self._names = [name for name in model.state_dict() if name not in frozen]
        self._optimiser = torch.optim.AdamW(
            self._trained,
            lr=settings.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self._average = {name: value.detach().clone() for name, value in self._weights().items()}
        self._updates = 0
        if settings.is_compiled:
            _compile(self.model)

    @property
    def pictures(self) -> int:
        """Pictures seen so far."""
        return self._updates * self.settings.batch_size

    @property
    def is_finished(self) -> bool:
        """True where no whole batch is left."""
        return self.pictures + self.settings.batch_size > self.settings.num_pictures

    def averaged_weights(self) -> dict[str, torch.Tensor]:
        """The moving average of all weights, by name, on the CPU: what ships."""
        return {name: value.detach().cpu() for name, value in self._average.items()}

    def _weights(self) -> dict[str, torch.Tensor]:
        """What is trained, by name; a frozen part of the model is not kept."""
        weights = self.model.state_dict()
        return {name: weights[name] for name in self._names}

    def train(self) -> Iterator[torch.Tensor]:
        """Trains to the end.

        Yields:
            The loss on the stage's device, after every update.
        """
        settings = self.settings
        batches = self._source.batches(
            self.name,
            start=self.pictures,
            stop=settings.num_pictures,
            batch_size=settings.batch_size,
            num_workers=settings.num_workers,
        )
        for batch in batches:
            yield self._update(batch.to(self._device))

    def _update(self, batch: PictureBatch) -> torch.Tensor:
        rng = torch.Generator(self._device).manual_seed(child_seed(self._seed, self.name, "update", self._updates))
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate()
        # on a processor the backward pass of the fused attention is slower than its parts
        with sdpa_kernel(SDPBackend.MATH) if self._device.type == "cpu" else nullcontext():
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._is_half), self._dropping():
                loss = self._loss(batch, rng)
            loss.backward()
        nn.utils.clip_grad_norm_(self._trained, 1.0)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self._updates += 1
        self._follow()
        return loss.detach()

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        """Seeds what torch drops out, for as long as one loss is computed."""
        with torch.random.fork_rng(devices=[self._device] if self._device.type == "cuda" else []):
            torch.manual_seed(child_seed(self._seed, self.name, "dropout", self._updates))
            yield

    def _learning_rate(self) -> float:
        settings = self.settings
        warm = min(1.0, (self._updates + 1) / settings.warmup_updates)
        left = 1 - self.pictures / settings.num_pictures
        return settings.learning_rate * warm * min(1.0, left / settings.decay_share)

    def _follow(self) -> None:
        """Moves the average towards the weights, faster at the beginning."""
        decay = min(self.settings.ema_decay, (1 + self._updates) / (10 + self._updates))
        weights = self._weights()
        moving = [name for name, value in weights.items() if value.is_floating_point()]
        follow = get_ema_multi_avg_fn(decay)
        follow([self._average[name] for name in moving], [weights[name] for name in moving], self._updates)
        for name in weights.keys() - set(moving):
            self._average[name].copy_(weights[name])

    def save(self, folder: Path) -> None:
        """Writes weights, average and optimiser state as `NAME.safetensors`; whole or not at all."""
        tensors = {f"model.{name}": value for name, value in self._weights().items()}
        tensors |= {f"average.{name}": value for name, value in self._average.items()}
        for index, state in self._optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": value for name, value in state.items()}
        tensors["updates"] = torch.tensor(self._updates)
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"{self.name}.partial"
        separate = {name: value.clone(memory_format=torch.contiguous_format) for name, value in tensors.items()}
        save_file(separate, partial)  # copies, since tied weights share their memory
        partial.replace(folder / f"{self.name}.safetensors")

    def restore(self, folder: Path) -> None:
        """Goes on from a checkpoint written by `save`, if there is one."""
        path = folder / f"{self.name}.safetensors"
        if not path.exists():
            return
        tensors = load_file(path, device=str(self._device))
        self._updates = int(tensors.pop("updates"))
        self.model.load_state_dict({n[6:]: v for n, v in tensors.items() if n.startswith("model.")}, strict=False)
        self._average = {n[8:]: v for n, v in tensors.items() if n.startswith("average.")}
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("optimiser."):
                _, index, key = name.split(".", 2)
                parameter = self._trained[int(index)]
                # the fused optimiser pairs values by their place in memory, so their layout must be the weights' own
                laid_out = torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
                state.setdefault(int(index), {})[key] = laid_out.detach()
        if state:
            self._optimiser.load_state_dict(self._optimiser.state_dict() | {"state": state})


def _has_amx() -> bool:
    """True where the processor multiplies matrices of bfloat16 in hardware; elsewhere they are slower than float32."""
    asked = getattr(torch.cpu, "_is_amx_tile_supported", None)  # torch has no public name for it
    return asked is not None and bool(asked())


def _compile(model: nn.Module) -> None:
    """Compiles what costs most of a model, in place: the denoiser of one that also has a text encoder."""
    part = model["unet"] if isinstance(model, nn.ModuleDict) else model
    part.compile(dynamic=False)
