"""What each of the two processes in test_processes.py does, and one process alone to compare with."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import torch
from tests.finetuning.tiny import SAMPLING, TRAIN, make_policy, make_trainer, weights_of

from rldf.finetuning.networks import write_weights
from rldf.finetuning.processes import AcceleratedProcesses, Processes
from rldf.finetuning.settings import AdapterKind, Precision, TrainSettings

LEARNING_RATE = 0.1  # of plain SGD


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One training.

    Attributes:
        name: of its file.
        kind: which weights move.
        storage_dtype: number format of stored latents.
        dtype: number format of frozen weights.
        train: how the weights move.
        is_plain: True for SGD in the place of AdamW, whose first steps are signs, so that weights can be compared.
    """

    name: str
    kind: AdapterKind = "lora"
    storage_dtype: Precision = "float32"
    dtype: Precision = "float32"
    train: TrainSettings
    is_plain: bool = False


ONE_UPDATE = replace(TRAIN, update_batch_size=4)
AVERAGED = replace(TRAIN, ema_decay=0.5)
CASES = (
    Case(name="lora", train=ONE_UPDATE, is_plain=True),
    Case(name="full", train=ONE_UPDATE, is_plain=True, kind="full"),
    Case(name="lora-float16", train=AVERAGED, storage_dtype="float16"),
    Case(name="full-bfloat16", train=AVERAGED, storage_dtype="bfloat16", kind="full"),
    # of every update one process has no picture, and the loss has a scale
    Case(name="idle", train=replace(AVERAGED, update_batch_size=1), dtype="float16"),
)


def train_case(case: Case, processes: Processes) -> dict[str, torch.Tensor]:
    """Trains two epochs through the real update.

    Args:
        case: what is trained.
        processes: that train together.

    Returns:
        The weights after every epoch, the moving average, and every update's gradient as it is clipped.
    """
    policy = make_policy(
        replace(SAMPLING, storage_dtype=case.storage_dtype, batch_size=2), kind=case.kind, dtype=case.dtype
    )
    trainer = make_trainer(case.train, policy=policy, processes=processes)
    names = list(policy.denoiser.trained)
    if case.is_plain:
        sgd = torch.optim.SGD(policy.denoiser.trained.values(), lr=LEARNING_RATE)
        trainer.updater._optimizer = sgd  # type: ignore[assignment]  # noqa: SLF001 - the rest of the update is the real one
    kept: dict[str, torch.Tensor] = {}
    clip, updates = torch.nn.utils.clip_grad_norm_, iter(range(1000))

    def clip_and_keep(weights: Iterable[torch.nn.Parameter], max_norm: float, *, foreach: bool) -> torch.Tensor:
        held, number = list(weights), next(updates)
        for name, weight in zip(names, held, strict=True):
            assert weight.grad is not None
            kept[f"gradient/{number}/{name}"] = weight.grad.clone()
        return clip(held, max_norm, foreach=foreach)

    with patch.object(torch.nn.utils, "clip_grad_norm_", clip_and_keep):
        for epoch in range(2):
            trainer.run_epoch()
            kept |= {f"weight/{epoch}/{name}": weight for name, weight in weights_of(trainer).items()}
    return kept | {f"average/{name}": weight for name, weight in trainer.updater.best_weights.items()}


def main(folder: Path, names: Sequence[str]) -> None:
    """Trains cases and writes what came of them.

    Args:
        folder: gets one file for each case and process.
        names: of the cases.
    """
    torch.set_num_threads(1)
    processes = AcceleratedProcesses(is_on_cpu=True)
    assert processes.count == 2
    for case in [case for case in CASES if case.name in names]:
        write_weights(train_case(case, processes), folder / f"{case.name}-{processes.rank}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
