"""One update: what is no finite number moves no weight, and every process can take part."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import final

import numpy as np
import pytest
import torch
from tests.finetuning.tiny import SAMPLING, TRAIN, make_policy, make_trainer, redness, weights_of

from rldf.arrays import ImageBatch
from rldf.finetuning.failures import FinetuningError
from rldf.finetuning.processes import Item, Processes, SingleProcess
from rldf.finetuning.settings import Precision
from rldf.finetuning.tallies import StepTally
from rldf.finetuning.trainer import Trainer


def add_gradient(trainer: Trainer, factor: float) -> None:
    weight = next(iter(trainer.policy.denoiser.trained.values()))
    trainer.updater.backward(factor * weight.sum())


@final
class Twins(Processes):
    """Two processes that always hold the same pictures."""

    rank = 0
    count = 2

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        for parameter in parameters:
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else 2.0 * parameter.grad

    def sum_numbers(self, numbers: np.ndarray) -> np.ndarray:
        return 2.0 * numbers

    def gather(self, items: list[Item]) -> list[Item]:
        return items + items


def test_update__is_that_of_the_gradients_of_all_processes() -> None:
    norms = []
    for processes in (SingleProcess(), Twins()):
        trainer = make_trainer(processes=processes)
        add_gradient(trainer, 1.0)
        norms.append(trainer.updater.finish())
    assert norms[1] == pytest.approx(2.0 * norms[0])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
def test_gradient_that_is_no_finite_number__moves_nothing(dtype: Precision, factor: float) -> None:
    trainer = make_trainer(policy=make_policy(dtype=dtype))
    before = weights_of(trainer)
    add_gradient(trainer, factor)
    said = r"norm of the gradient of update 1 is (nan|inf); it must be a finite number.*lower train.learning_rate"
    with pytest.raises(FinetuningError, match=said):
        trainer.updater.finish()
    assert trainer.updater.num_updates == 0
    assert all(weight.grad is None for weight in trainer.policy.denoiser.trained.values())
    assert all((before[name] == weight).all() for name, weight in weights_of(trainer).items())
    add_gradient(trainer, 1.0)
    assert np.isfinite(trainer.updater.finish())


def test_float16_gradient_that_overflows__is_left_out_and_counted() -> None:
    trainer = make_trainer(policy=make_policy(dtype="float16"))
    before = weights_of(trainer)
    add_gradient(trainer, float("inf"))
    assert not np.isfinite(trainer.updater.finish())
    assert (trainer.updater.num_updates, trainer.updater.num_skipped) == (1, 1)
    assert all((before[name] == weight).all() for name, weight in weights_of(trainer).items())


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_loss_that_is_no_finite_number__is_refused_in_every_format(dtype: Precision) -> None:
    trainer = make_trainer(policy=make_policy(dtype=dtype))
    add_gradient(trainer, 1.0)
    trainer.updater.require_finite_loss(1e30)
    with pytest.raises(FinetuningError, match=r"the loss of update 1 is inf; .*the last checkpoint is whole"):
        trainer.updater.require_finite_loss(float("inf"))
    assert all(weight.grad is None for weight in trainer.policy.denoiser.trained.values())


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_process_without_pictures__takes_part_in_the_first_update(dtype: Precision) -> None:
    trainer = make_trainer(TRAIN, policy=make_policy(dtype=dtype))
    assert trainer.updater.finish() == 0.0


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_tally__lets_through_what_is_no_finite_number(wrong: float) -> None:
    tally, nothing = StepTally.empty(2), np.zeros(2)
    tally.add(0, losses=nothing, log_ratios=nothing, is_clipped=nothing)
    assert tally.joined(SingleProcess()).total == 2.0  # two ratios
    tally.add(1, losses=nothing, log_ratios=np.array([0.0, wrong]), is_clipped=nothing)
    tally.add(1, losses=nothing, log_ratios=nothing, is_clipped=nothing)
    joined = tally.joined(SingleProcess())
    assert joined.largest[0] == 0.0
    np.testing.assert_equal(joined.largest[1], wrong)
    assert not np.isfinite(joined.total)


@pytest.mark.parametrize(
    ("dtype", "guidance"),
    [("float32", "sampled"), ("bfloat16", "sampled"), ("float16", "sampled"), ("float32", "left out")],
)
def test_replay_that_is_no_number__is_refused_in_every_format(dtype: Precision, guidance: str) -> None:
    sampling = replace(SAMPLING, batch_size=4, has_guided_training=guidance == "sampled")
    policy = make_policy(sampling, dtype=dtype)

    def spoil(images: ImageBatch, prompts: Sequence[str], seeds: Sequence[int]) -> np.ndarray:
        with torch.no_grad():
            next(iter(policy.denoiser.trained.values())).fill_(float("nan"))
        return redness(images, prompts, seeds)

    trainer = make_trainer(replace(TRAIN, update_batch_size=4), policy=policy, score=spoil)
    with pytest.raises(FinetuningError, match=r"denoising step 0 differs by nan between sampling and training"):
        trainer.run_epoch()
    assert trainer.updater.num_updates == 0
