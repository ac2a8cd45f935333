"""The trainer: invariants of the first update, all estimators, several processes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.finetuning.tiny import NUM_STEPS, PROMPTS, SAMPLING, TRAIN, guided, make_policy, make_trainer

from rldf.finetuning.epochs import plan_epoch, trained_steps
from rldf.finetuning.failures import FinetuningError
from rldf.finetuning.policy_gradient import accumulate
from rldf.finetuning.processes import SingleProcess
from rldf.finetuning.rollout import Trajectories, roll_out
from rldf.finetuning.settings import Precision, TrainSettings
from rldf.finetuning.tallies import StepTally
from rldf.finetuning.trainer import Trainer

METHODS = [
    TRAIN,
    replace(TRAIN, method="ddpo-sf", update_batch_size=4),
    replace(TRAIN, method="rwr", num_passes=2),
    replace(TRAIN, method="rwr-sparse", num_passes=2),
]


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in trainer.policy.denoiser.trained.items()}


@pytest.mark.parametrize("train", METHODS, ids=lambda train: train.method)
def test_every_method__moves_the_weights_and_counts_queries(train: TrainSettings) -> None:
    trainer = make_trainer(train)
    before = weights_of(trainer)
    result = trainer.run_epoch()
    assert result.num_queries == trainer.num_queries == len(result.pictures) == 4
    assert all(np.isfinite(result.tally.losses))
    assert any((before[name] != weight).any() for name, weight in weights_of(trainer).items())


@pytest.mark.parametrize("storage_dtype", ["float32", "float16", "bfloat16"])
def test_first_update__has_ratio_1_and_the_second_has_not(
    storage_dtype: Precision,
) -> None:
    tally = make_trainer(policy=make_policy(replace(SAMPLING, storage_dtype=storage_dtype))).run_epoch().tally
    assert tally.first_deviation == 0.0
    assert (tally.approx_kl[0], tally.clip_fraction[0]) == (0.0, 0.0)
    assert tally.approx_kl[1] > 0.0
    assert tally.clip_fraction[1] > 0.0


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


def test_dropout__is_refused_before_the_first_update() -> None:
    policy = make_policy()
    trainer = make_trainer(policy=policy)
    before = weights_of(trainer)
    for module in policy.denoiser.unet.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
            module.train()
    with pytest.raises(FinetuningError, match=r"before the first update the log-probability of denoising step"):
        trainer.run_epoch()
    assert all((before[name] == weight).all() for name, weight in weights_of(trainer).items())


def test_training_without_guidance__is_an_ablation_that_runs() -> None:
    tally = make_trainer(policy=make_policy(replace(guided(5.0), has_guided_training=False))).run_epoch().tally
    assert tally.first_deviation > 1e-4


def test_gradient__does_not_depend_on_the_order_of_steps_nor_on_the_micro_batch() -> None:
    policy = make_policy()
    trainer = make_trainer(policy=policy)
    parts = [roll_out(policy, indices=[place], prompts=[PROMPTS[place]], seeds=[place])[0] for place in range(2)]
    both, _ = roll_out(policy, indices=range(2), prompts=PROMPTS, seeds=range(2))
    advantages = np.array([1.0, -2.0])
    settings = TrainSettings(samples_per_epoch=2, update_batch_size=2)

    def gradient(trajectories: list[Trajectories], steps: list[int]) -> torch.Tensor:
        trainer.updater.discard()
        for part in trajectories:
            accumulate(
                policy,
                trainer.updater,
                part,
                advantages=advantages[list(part.indices)],
                steps=steps,
                share=1.0 / 6.0,
                settings=settings,
                tally=StepTally.empty(3),
            )
        return torch.cat(
            [weight.grad.flatten() for weight in policy.denoiser.trained.values() if weight.grad is not None]
        )

    together = gradient([both], [0, 1, 2])
    torch.testing.assert_close(gradient([both], [2, 0, 1]), together, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(gradient(parts, [0, 1, 2]), together, rtol=1e-3, atol=1e-6)


def test_divergence_from_the_base__is_0_at_first_and_grows() -> None:
    divergence = make_trainer(replace(TRAIN, kl_weight=0.1)).run_epoch().tally.divergence
    assert divergence[0] == 0.0
    assert divergence[1] > 0.0


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


def test_steps__are_distinct_and_the_share_asked_for() -> None:
    for share, count in ((1.0, 10), (0.55, 5), (0.3, 3), (0.01, 1)):
        steps = trained_steps(10, share=share, rng=np.random.default_rng(0))
        assert len(steps) == len(set(steps)) == count


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


TWO_PROCESSES = """
import sys, json, torch
sys.path[:0] = {paths}
from tests.finetuning.tiny import NUM_STEPS, PROMPTS, redness
from tests.generators.tiny_pipelines import build_pipeline
from rldf.finetuning.policy import DiffusionPolicy
from rldf.finetuning.processes import AcceleratedProcesses, SingleProcess
from rldf.finetuning.settings import AdapterSettings, AdvantageSettings, SamplerSettings, TrainSettings
from rldf.finetuning.trainer import Trainer
from rldf.finetuning.networks import write_weights

torch.set_num_threads(1)
processes = AcceleratedProcesses(is_on_cpu=True) if {is_several} else SingleProcess()
sampling = SamplerSettings(num_steps=3, guidance_scale=2.0, batch_size=2)
policy = DiffusionPolicy(build_pipeline(), sampling=sampling, adapter=AdapterSettings(kind="full"))
train = TrainSettings(samples_per_epoch=4, update_batch_size=4, learning_rate=1e-3)
how = {{"train": train, "advantage": AdvantageSettings(), "processes": processes}}
trainer = Trainer(policy, prompts=PROMPTS, score=redness, **how)
finish, kept = trainer.updater.finish, {{}}

def keep_gradients():
    trainer.updater._processes.sum_gradients(policy.denoiser.trained.values())
    kept.update({{name: weight.grad.clone() for name, weight in policy.denoiser.trained.items()}})
    with torch.no_grad():
        for weight in policy.denoiser.trained.values():
            weight -= 0.1 * weight.grad  # one step of plain SGD
    return 0.0

trainer.updater.finish = keep_gradients
result = trainer.run_epoch()
weights = {{f"{{name}}/weight": weight for name, weight in policy.denoiser.trained.items()}}
write_weights({{**weights, **kept}}, "{out}/%d-of-%d.safetensors" % (processes.rank, processes.count))
"""


@pytest.mark.slow
def test_two_processes__have_the_gradients_of_one(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    paths = [str(Path(__file__).parents[2])]
    for is_several in (False, True):
        script = tmp_path / f"train-{is_several}.py"
        script.write_text(TWO_PROCESSES.format(paths=paths, is_several=is_several, out=tmp_path), encoding="utf-8")
        launcher = ["-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=29517"] if is_several else []
        subprocess.run([sys.executable, "-W", "ignore", *launcher, str(script)], check=True, capture_output=True)
    alone, first, second = (load_file(tmp_path / f"{name}.safetensors") for name in ("0-of-1", "0-of-2", "1-of-2"))
    for name, value in alone.items():
        torch.testing.assert_close(first[name], second[name], rtol=0, atol=0)
        scale = float(value.abs().max())
        atol = 1e-6 if name.endswith("/weight") else 1e-5 * max(scale, 1e-3)
        torch.testing.assert_close(first[name], value, rtol=0, atol=atol)
