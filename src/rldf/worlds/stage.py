"""One stage of a world's training: any model, any loss, drawn pictures in, checkpoints out; seeded and resumable."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from rldf.seeding import child_seed
from rldf.worlds.pictures import DrawnBatch, DrawnSplit, Mixture, drawn_batches


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """How a stage trains; every number is our choice.

    Attributes:
        num_pictures: drawn pictures seen in all; each is new.
        batch_size: pictures an update.
        learning_rate: of AdamW, after warm-up and before decay.
        weight_decay: of AdamW.
        warmup_updates: updates over which the rate rises from 0, also where it starts from trained weights.
        decay_share: the last share of the pictures, over which the rate falls to 0.
        ema_decay: of the weights' moving average, which is what ships.
        save_every: updates between checkpoints.
        num_workers: processes that draw ahead.
    """

    num_pictures: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.01
    warmup_updates: int = 100
    decay_share: float = 0.3
    ema_decay: float = 0.999
    save_every: int = 200
    num_workers: int = 1


Loss = Callable[[DrawnBatch, torch.Generator], torch.Tensor]
"""From a batch and a source of chance on the CPU to the loss."""


@final
class Stage:
    """Trains one model; a killed stage goes on from its last checkpoint to the same result.

    On a card it computes in bfloat16 where that is safe, and keeps the weights in float32.
    """

    def __init__(
        self,
        name: str,
        model: nn.Module,
        loss: Loss,
        *,
        settings: StageSettings,
        mixture: Mixture,
        seed: int,
        size_px: int,
        device: str,
    ) -> None:
        """Prepares a stage.

        Args:
            name: of its split of the pictures and of its checkpoint.
            model: changed in place, and moved to the device.
            loss: computes with the model.
            settings: see `StageSettings`.
            mixture: draws the pictures.
            seed: root seed of the world.
            size_px: side of the pictures.
            device: where it computes.
        """
        self.name = name
        self.model = model.to(torch.device(device)).train()
        self.settings = settings
        self._loss = loss
        self._mixture = mixture
        self._seed = seed
        self._size_px = size_px
        self._device = torch.device(device)
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

    def train(self) -> Iterator[float]:
        """Trains to the end.

        Yields:
            The loss, after every update.
        """
        pictures = DrawnSplit(
            self._mixture,
            seed=self._seed,
            split=self.name,
            start=self.pictures,
            stop=self.settings.num_pictures,
            size_px=self._size_px,
        )
        settings = self.settings
        for batch in drawn_batches(pictures, batch_size=settings.batch_size, num_workers=settings.num_workers):
            yield self._update(batch)

    def _update(self, batch: DrawnBatch) -> float:
        rng = torch.Generator().manual_seed(child_seed(self._seed, self.name, "update", self._updates))
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate()
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            loss = self._loss(batch, rng)
        loss.backward()
        nn.utils.clip_grad_norm_(self._trained, 1.0)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self._updates += 1
        self._follow()
        return float(loss.detach())

    def _learning_rate(self) -> float:
        settings = self.settings
        warm = min(1.0, (self._updates + 1) / settings.warmup_updates)
        left = 1 - self.pictures / settings.num_pictures
        return settings.learning_rate * warm * min(1.0, left / settings.decay_share)

    @torch.no_grad()
    def _follow(self) -> None:
        """Moves the average towards the weights, faster at the beginning."""
        decay = min(self.settings.ema_decay, (1 + self._updates) / (10 + self._updates))
        for name, value in self._weights().items():
            if value.is_floating_point():
                self._average[name].lerp_(value, 1 - decay)
            else:
                self._average[name].copy_(value)

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
