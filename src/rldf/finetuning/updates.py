"""One update of the weights: gradients summed over pictures, steps and processes, then clipped AdamW."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, final

import torch

from rldf.errors import ConfigError
from rldf.finetuning.failures import FinetuningError
from rldf.finetuning.networks import TrainableDenoiser
from rldf.finetuning.processes import Processes
from rldf.finetuning.settings import Precision, TrainSettings

FIRST_LOSS_SCALE = 65_536.0  # torch's own
MOMENTS = ("exp_avg", "exp_avg_sq")  # what AdamW keeps of each weight, beside the number of its updates


@final
class Updater:
    """Holds the optimiser, the loss scale of float16 and the moving average of the weights.

    Attributes:
        num_updates: updates done.
        num_skipped: updates left out since float16 gradients overflowed.
    """

    def __init__(
        self,
        denoiser: TrainableDenoiser,
        settings: TrainSettings,
        *,
        processes: Processes,
        device: torch.device,
        precision: Precision,
    ) -> None:
        """Makes the optimiser.

        Args:
            denoiser: what is trained.
            settings: how.
            processes: that train together.
            device: where it runs.
            precision: number format the denoiser computes in; float16 needs a loss scale.
        """
        self._denoiser = denoiser
        self._settings = settings
        self._processes = processes
        self._names = list(denoiser.trained)
        self._optimizer = torch.optim.AdamW(
            denoiser.trained.values(),
            lr=settings.learning_rate,
            betas=(settings.adam_beta1, settings.adam_beta2),
            eps=settings.adam_epsilon,
            weight_decay=settings.weight_decay,
            foreach=False,
        )
        self._scaler = torch.amp.GradScaler(device.type, init_scale=FIRST_LOSS_SCALE, enabled=precision == "float16")
        self._scaler.scale(torch.zeros(1, device=device))  # a process without pictures unscales like the others
        self.average: dict[str, torch.Tensor] | None = None
        if settings.ema_decay > 0:
            self.average = {name: weight.detach().clone() for name, weight in denoiser.trained.items()}
        self.num_updates = 0
        self.num_skipped = 0

    def backward(self, loss: torch.Tensor) -> None:
        """Adds the gradients of a part of the update's loss."""
        scaled: Any = self._scaler.scale(loss)
        scaled.backward()

    def finish(self) -> float:
        """Sums gradients over processes, clips them and moves the weights.

        Returns:
            Norm of the gradient before clipping; not finite where a float16 update is left out.

        A norm that is not finite and that no loss scale can help is a `FinetuningError`; no weight is moved then.
        """
        weights = list(self._denoiser.trained.values())
        self._processes.sum_gradients(weights)
        self._scaler.unscale_(self._optimizer)
        norm = float(torch.nn.utils.clip_grad_norm_(weights, self._settings.max_gradient_norm, foreach=False))
        if not self._scaler.is_enabled():
            self._require_finite("norm of the gradient", norm)
        scale_before = self._scaler.get_scale()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        is_skipped = self._scaler.is_enabled() and self._scaler.get_scale() < scale_before
        self.num_skipped += int(is_skipped)
        self._optimizer.zero_grad(set_to_none=True)
        self.num_updates += 1
        if self.average is not None and not is_skipped:
            self._move_average(self.average)
        return norm

    def require_finite_loss(self, loss: float) -> None:
        """Refuses an update whose loss is no finite number; a smaller loss scale would not help.

        Args:
            loss: of all processes.

        Such a loss is a `FinetuningError`; no weight is moved then.
        """
        self._require_finite("loss", loss)

    def discard(self) -> None:
        """Forgets gradients that were added."""
        self._optimizer.zero_grad(set_to_none=True)

    @property
    def best_weights(self) -> dict[str, torch.Tensor]:
        """The moving average where there is one, else the weights."""
        if self.average is not None:
            return self.average
        return {name: weight.detach() for name, weight in self._denoiser.trained.items()}

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """What is needed to go on: tensors, and what JSON can hold."""
        tensors: dict[str, torch.Tensor] = {}
        for name, weight in self._denoiser.trained.items():
            kept = self._optimizer.state.get(weight, {})
            tensors |= {f"{name}/{moment}": kept[moment] for moment in (*MOMENTS, "step") if moment in kept}
            if self.average is not None:
                tensors[f"{name}/average"] = self.average[name]
        numbers = {
            "num_updates": self.num_updates,
            "num_skipped": self.num_skipped,
            "loss_scale": dict(self._scaler.state_dict()),
        }
        return tensors, numbers

    def restore(self, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> None:
        """Takes up what `state` gave.

        Args:
            tensors: moments of the optimiser and the moving average.
            numbers: counters and the loss scale.

        Raises:
            ConfigError: if a moving average is asked for that the state lacks.
        """
        for name, weight in self._denoiser.trained.items():
            kept = {moment: tensors[f"{name}/{moment}"] for moment in MOMENTS if f"{name}/{moment}" in tensors}
            if kept:
                moved: dict[str, Any] = {moment: value.to(weight).clone() for moment, value in kept.items()}
                self._optimizer.state[weight] = {"step": tensors[f"{name}/step"].clone(), **moved}
            if self.average is not None:
                if f"{name}/average" not in tensors:
                    raise ConfigError(
                        f"train.ema_decay is {self._settings.ema_decay}, but the stored state has no moving average; "
                        "the settings of a run cannot change. Resume it with its own."
                    )
                self.average[name] = tensors[f"{name}/average"].to(weight).clone()
        self.num_updates = int(numbers["num_updates"])
        self.num_skipped = int(numbers["num_skipped"])
        if numbers["loss_scale"]:
            self._scaler.load_state_dict(dict(numbers["loss_scale"]))

    def _require_finite(self, name: str, value: float) -> None:
        if isfinite(value):
            return
        self.discard()
        raise FinetuningError(
            f"the {name} of update {self.num_updates + 1} is {value}; it must be a finite number. No weight was moved, "
            "and the last checkpoint is whole. Start again with a lower train.learning_rate; see what `rldf finetune "
            "check` says."
        )

    def _move_average(self, average: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, weight in self._denoiser.trained.items():
                average[name].lerp_(weight.detach(), 1.0 - self._settings.ema_decay)
