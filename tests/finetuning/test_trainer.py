"""The trainer: all estimators, number formats, plans of several processes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.finetuning.tiny import NUM_STEPS, PROMPTS, TRAIN, guided, make_policy, make_trainer, weights_of

from rldf.finetuning.epochs import plan_epoch
from rldf.finetuning.policy_gradient import accumulate
from rldf.finetuning.processes import SingleProcess
from rldf.finetuning.rollout import roll_out
from rldf.finetuning.settings import Precision, TrainSettings
from rldf.finetuning.tallies import StepTally

METHODS = [
    TRAIN,
    replace(TRAIN, method="ddpo-sf", update_batch_size=4),
    replace(TRAIN, method="rwr", num_passes=2),
    replace(TRAIN, method="rwr-sparse", num_passes=2),
]


@pytest.mark.parametrize("train", METHODS, ids=lambda train: train.method)
def test_every_method__moves_the_weights_and_counts_queries(train: TrainSettings) -> None:
    trainer = make_trainer(train)
    before = weights_of(trainer)
    result = trainer.run_epoch()
    assert result.num_queries == trainer.num_queries == len(result.pictures) == 4
    assert all(np.isfinite(result.tally.losses))
    assert result.tally.first_deviation == (0.0 if train.is_ddpo else None)  # RWR replays nothing
    assert any((before[name] != weight).any() for name, weight in weights_of(trainer).items())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_frozen_weights_in_half_precision__imply_that_precision(dtype: Precision) -> None:
    trainer = make_trainer(policy=make_policy(dtype=dtype))
    assert trainer.policy.precision == dtype
    _, numbers = trainer.updater.state()
    assert (numbers["loss_scale"] != {}) == (dtype == "float16")


def test_small_gradients__survive_frozen_weights_in_float16() -> None:
    norms = []
    dtypes: tuple[Precision, ...] = ("float32", "float16")
    for dtype in dtypes:
        trainer = make_trainer(policy=make_policy(dtype=dtype))
        mean = trainer.policy.mean(torch.ones(1, *trainer.policy.latent_shape), PROMPTS[:1], step=NUM_STEPS - 1)
        trainer.updater.backward(1e-5 * mean.square().mean().float())
        norms.append(trainer.updater.finish())
    assert norms[0] > 0.0
    assert norms[1] == pytest.approx(norms[0], rel=0.1)


def test_divergence_from_the_base__without_guided_training_is_0_at_first_too() -> None:
    policy = make_policy(replace(guided(5.0), has_guided_training=False))
    settings = replace(TRAIN, kl_weight=0.1)
    updater = make_trainer(settings, policy=policy).updater
    part, _ = roll_out(policy, indices=[0], prompts=PROMPTS[:1], seeds=[0])
    tally = StepTally.empty(3)
    accumulate(policy, updater, part, advantages=np.ones(1), steps=[0, 1, 2], share=1.0, settings=settings, tally=tally)
    assert tally.divergence == 0.0


def test_moving_average__lags_behind_the_weights() -> None:
    trainer = make_trainer(replace(TRAIN, ema_decay=0.5, update_batch_size=4))
    before = weights_of(trainer)
    trainer.run_epoch()
    after, average = weights_of(trainer), trainer.updater.best_weights
    for name, weight in after.items():
        torch.testing.assert_close(average[name], (before[name] + weight) / 2.0)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_plan__gives_every_picture_to_one_process(count: int) -> None:
    settings = TrainSettings(samples_per_epoch=24, update_batch_size=12, pictures_per_prompt=2)
    plans = []
    for rank in range(count):
        processes = SingleProcess()
        processes.rank, processes.count = rank, count
        plans.append(plan_epoch(PROMPTS, settings, epoch=3, seed=0, micro_batch=5, processes=processes))
    assert len({(plan.prompts, plan.seeds, plan.batches) for plan in plans}) == 1
    for number, batch in enumerate(plans[0].batches):
        owned = [index for plan in plans for part in plan.own_batches[number] for index in part]
        assert sorted(owned) == sorted(batch)
    assert plans[0].prompts[0] == plans[0].prompts[1]
    assert len(set(plans[0].seeds)) == 24


def test_gradient_checkpointing__changes_no_weight() -> None:
    plain, saving = make_trainer(), make_trainer(replace(TRAIN, use_gradient_checkpointing=True))
    plain.run_epoch()
    saving.run_epoch()
    for name, weight in weights_of(plain).items():
        torch.testing.assert_close(weights_of(saving)[name], weight, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kept", [1, 2, NUM_STEPS])
def test_steps_with_little_noise__are_drawn_and_not_trained(kept: int) -> None:
    policy = make_policy()
    stds = [step.std for step in policy.sampler.steps]
    bound = sorted(stds)[-kept]
    tally = make_trainer(replace(TRAIN, min_std_share=bound / max(stds) - 1e-9), policy=policy).run_epoch().tally
    assert [ratio is None for ratio in tally.step_ratios] == [std < bound for std in stds]
    assert [apart is None for apart in tally.step_deviations] == [std < bound for std in stds]
