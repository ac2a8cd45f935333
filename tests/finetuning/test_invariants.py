"""The invariants of shared/reference/ddpo.md, section 2, by their numbers, on a tiny pipeline.

Tests that take `storage_dtype` run with latents stored in float32, float16 and bfloat16. Elsewhere are I8, equal
weights in all processes (test_processes.py), the finite differences of I12 (test_losses.py), and what belongs to
rewards, in tests/rewards: I18 but for the pixels, I19, I20 and I22.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import pytest
import torch
from diffusers import DDIMScheduler
from tests.finetuning.tiny import (
    FORMS,
    PROMPTS,
    SAMPLING,
    TRAIN,
    drawn,
    gradient_of,
    make_policy,
    make_trainer,
    redness,
    replayed,
    weights_of,
)
from tests.generators.tiny_pipelines import build_pipeline

from rldf.arrays import ImageBatch
from rldf.errors import ConfigError
from rldf.finetuning.advantages import BatchNormaliser, as_rewards, build_normaliser, regression_weights, sparse_weights
from rldf.finetuning.checkpoints import read_checkpoint, write_checkpoint
from rldf.finetuning.epochs import trained_steps
from rldf.finetuning.failures import FinetuningError
from rldf.finetuning.losses import importance_sampling_loss
from rldf.finetuning.policy import DTYPES, DiffusionPolicy, require_distinct_prompts
from rldf.finetuning.rollout import Trajectories, roll_out
from rldf.finetuning.samplers import build_sampler
from rldf.finetuning.settings import (
    AdapterSettings,
    AdvantageSettings,
    NormaliserKind,
    Precision,
    SamplerSettings,
    Spacing,
)
from rldf.records import versions

SD: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
}
SHAPE = (2, 4, 8, 8)
SHORT = replace(TRAIN, samples_per_epoch=2)  # one update an epoch
LIMIT = 0.1 * TRAIN.clip_range  # a tenth of the clip range


@pytest.fixture(params=FORMS)
def storage_dtype(request: pytest.FixtureRequest) -> Precision:
    """Number format of stored latents."""
    form: Precision = request.param
    return form


def policy_of(storage_dtype: Precision, *, scale: float = 2.0) -> DiffusionPolicy:
    return make_policy(replace(SAMPLING, storage_dtype=storage_dtype, guidance_scale=scale))


def numbers(seed: int) -> torch.Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def stable_diffusion(**more: object) -> Any:  # noqa: ANN401 - diffusers is untyped
    """The noise levels of Stable Diffusion 1.4 in float64."""
    scheduler: Any = DDIMScheduler(**{**SD, "steps_offset": 1, **more})
    scheduler.alphas_cumprod = scheduler.alphas_cumprod.double()
    if not scheduler.config.set_alpha_to_one:
        scheduler.final_alpha_cumprod = scheduler.alphas_cumprod[0]
    return scheduler


def test_i01_replay_with_unchanged_weights__is_exact_to_the_bit(storage_dtype: Precision) -> None:
    policy = policy_of(storage_dtype)
    trajectories, _ = drawn(policy)
    assert trajectories.latents.dtype == DTYPES[storage_dtype]
    again = replayed(policy, trajectories)
    assert again.requires_grad
    torch.testing.assert_close(again.detach(), trajectories.log_probs, rtol=0, atol=0)


def test_i02_first_update__has_ratio_1_and_the_second_has_not(storage_dtype: Precision) -> None:
    tally = make_trainer(policy=policy_of(storage_dtype)).run_epoch().tally
    assert tally.first_deviation == 0.0
    assert (tally.approx_kl[0], tally.clip_fraction[0]) == (0.0, 0.0)
    assert tally.approx_kl[1] > 0.0
    assert tally.clip_fraction[1] > 0.0


def test_i03_log_probability__is_that_of_the_value_as_stored(storage_dtype: Precision) -> None:
    pipeline: Any = build_pipeline()
    pipeline.scheduler = stable_diffusion(prediction_type="sample")  # so that latents stay as small as trained ones
    sampling = replace(SAMPLING, storage_dtype=storage_dtype, num_steps=20, guidance_scale=1.0)
    policy = DiffusionPolicy(pipeline, sampling=sampling, adapter=AdapterSettings())
    trajectories, _ = drawn(policy, seeds=(3,))
    source = torch.Generator().manual_seed(3)
    torch.randn(policy.latent_shape, generator=source)  # the first latents
    of_stored, before_rounding = [], []
    for number, step in enumerate(policy.sampler.steps):
        with torch.no_grad():
            mean = policy.mean(trajectories.latents[:, number], trajectories.prompts, step=number).double()
        normal = torch.distributions.Normal(mean, step.std)
        of_stored.append(normal.log_prob(trajectories.latents[:, number + 1].double()).mean())
        before_rounding.append(
            normal.log_prob(mean + step.std * torch.randn(policy.latent_shape, generator=source)).mean()
        )
    measured = trajectories.log_probs[0].double()
    assert (torch.stack(of_stored) - measured).abs().max() < LIMIT
    peers = float((torch.stack(before_rounding) - measured).abs().max())  # what they replay differs by that much
    assert (peers > LIMIT) == (storage_dtype != "float32")


def test_i04_training__uses_the_guidance_of_sampling(storage_dtype: Precision) -> None:
    policy = policy_of(storage_dtype, scale=5.0)
    trajectories, _ = drawn(policy)
    assert (replayed(policy, trajectories, is_guided=False) - trajectories.log_probs).abs().max() > TRAIN.clip_range
    assert make_trainer(SHORT, policy=policy).run_epoch().tally.first_deviation == 0.0
    ablation = make_policy(replace(policy.settings, has_guided_training=False))
    deviation = make_trainer(SHORT, policy=ablation).run_epoch().tally.first_deviation
    assert deviation is not None
    assert deviation > TRAIN.clip_range


def test_i05_dropout__never_acts_and_is_refused_where_it_would(storage_dtype: Precision) -> None:
    trainer = make_trainer(SHORT, policy=policy_of(storage_dtype))
    modules: list[torch.nn.Module] = list(trainer.policy.denoiser.unet.modules())
    random = [module for module in modules if isinstance(module, torch.nn.Dropout)]
    for module in random:
        module.p = 0.1
    assert random
    assert trainer.run_epoch().tally.first_deviation == 0.0
    assert not any(module.training for module in modules)
    for module in random:
        module.train()
    before = weights_of(trainer)
    with pytest.raises(FinetuningError, match=r"before the first update the log-probability of denoising step"):
        trainer.run_epoch()
    assert all((before[name] == weight).all() for name, weight in weights_of(trainer).items())


@pytest.mark.parametrize("spacing", ["leading", "trailing"])
def test_i06_every_step__has_noise_whatever_the_models_own_solver_is_set_to(spacing: Spacing) -> None:
    for own in ({"steps_offset": 0}, {"timestep_spacing": "linspace"}, {"set_alpha_to_one": True}):
        for num_steps in (2, 10, 50, 300):
            sampler = build_sampler(stable_diffusion(**own), SamplerSettings(num_steps=num_steps, spacing=spacing))
            assert min(step.std for step in sampler.steps) > 0.0


def test_i06_step_without_noise__is_refused() -> None:
    with pytest.raises(ConfigError, match=r"eta is 0; such a step adds no noise"):
        SamplerSettings(eta=0.0)
    still = stable_diffusion()
    still.alphas_cumprod = torch.cat([still.alphas_cumprod[1:2], still.alphas_cumprod[1:]])
    with pytest.raises(ConfigError, match=r"step 49 of 'ddim' \(timestep 1\) has no noise"):
        build_sampler(still, SamplerSettings(num_steps=50))


def test_i07_whole_numbers__are_not_truncated() -> None:
    rewards = as_rewards(np.array([0, 1, 0, 1]), count=4)
    advantages = BatchNormaliser().normalise(rewards, ["a", "a", "b", "b"])
    np.testing.assert_allclose(advantages, [-1.0, 1.0, -1.0, 1.0], rtol=1e-5)


def test_i09_resumed_run__equals_the_undisturbed_one(storage_dtype: Precision, tmp_path: Path) -> None:
    whole, resumed = (make_trainer(replace(SHORT, ema_decay=0.9), policy=policy_of(storage_dtype)) for _ in range(2))
    whole.run_epoch()
    tensors, state = whole.state()
    folder = write_checkpoint(tmp_path, epoch=1, tensors=tensors, state=state, kept=1)
    expected = whole.run_epoch()
    torch.manual_seed(7)  # chance that belongs to nobody decides nothing
    resumed.restore(*read_checkpoint(folder))
    assert resumed.run_epoch().pictures == expected.pictures
    (first, ours), (second, theirs) = resumed.state(), whole.state()
    assert ours == theirs
    assert set(first) == set(second)
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=0, atol=0)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize(("spacing", "eta"), [("leading", 1.0), ("trailing", 1.0), ("leading", 0.3)])
def test_i10_step__equals_that_of_diffusers(prediction_type: str, spacing: Spacing, eta: float) -> None:
    how = {"prediction_type": prediction_type, "timestep_spacing": spacing}
    theirs, to_one = stable_diffusion(**how), stable_diffusion(**how, set_alpha_to_one=True)
    sampler = build_sampler(theirs, SamplerSettings(num_steps=50, spacing=spacing, eta=eta))
    latents, prediction, noise = numbers(0), numbers(1), numbers(2)
    apart = []
    for scheduler in (theirs, to_one):
        scheduler.set_timesteps(50)
    assert [step.timestep for step in sampler.steps] == theirs.timesteps.tolist()
    for number, step in enumerate(sampler.steps):
        wide = (prediction.double(), step.timestep, latents.double())
        expected, other = (
            scheduler.step(*wide, eta=eta, variance_noise=noise.double()).prev_sample for scheduler in (theirs, to_one)
        )
        mean = sampler.mean(latents, prediction, step=number)
        found = sampler.draw(mean, noise, step=number, dtype=torch.float32)
        torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=1e-6)
        apart.append(bool((other - expected).abs().max() > 1e-6))
    assert apart == [False] * 49 + [True]  # the one exception: the step to exactly 0, which has no noise


def test_i11_log_probability__is_the_mean_of_the_normal_log_density(storage_dtype: Precision) -> None:
    sampler = build_sampler(stable_diffusion(), SamplerSettings(num_steps=50))
    for number, step in enumerate(sampler.steps):
        mean = numbers(0)
        value = sampler.draw(mean, numbers(1), step=number, dtype=DTYPES[storage_dtype])
        expected = torch.distributions.Normal(mean.double(), step.std).log_prob(value.double()).flatten(1).mean(dim=1)
        found = sampler.log_prob(value, mean, step=number)
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-6)


def test_i12_gradients_of_both_estimators__are_equal_at_ratio_1(storage_dtype: Precision) -> None:
    trainer = make_trainer(policy=policy_of(storage_dtype))
    both, _ = drawn(trainer.policy)
    score_function = replace(TRAIN, method="ddpo-sf", update_batch_size=4)
    expected = gradient_of(trainer, [both], steps=[0, 1, 2])
    assert expected.abs().max() > 0.0
    found = gradient_of(trainer, [both], steps=[0, 1, 2], settings=score_function)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-8)


def test_i13_true_ratio__averages_1_and_the_reduced_one_less(storage_dtype: Precision) -> None:
    count, num_dimensions, shift = 100_000, 2, 0.3
    sampler = build_sampler(stable_diffusion(), SamplerSettings(num_steps=50))
    noise = torch.randn((count, 1, 1, num_dimensions), generator=torch.Generator().manual_seed(0))
    for step in (0, 25):  # so much noise that rounding does not show
        old = torch.zeros(noise.shape, dtype=torch.float64)
        new = old + shift * sampler.steps[step].std
        value = sampler.draw(old, noise, step=step, dtype=DTYPES[storage_dtype])
        before, now = (sampler.log_prob(value, mean, step=step) for mean in (old, new))
        loss = importance_sampling_loss(now, before, torch.ones(count), clip_range=TRAIN.clip_range)
        reduced = loss.log_ratios.double()
        error = 4.0 * shift / sqrt(count)
        assert abs(float((num_dimensions * reduced).exp().mean()) - 1.0) < 2.0 * error
        mean_reduced = float(reduced.exp().mean())
        assert mean_reduced < 1.0 - error  # Jensen: E[R^(1/D)] <= E[R]^(1/D) = 1
        assert abs(mean_reduced - exp(0.5 * shift**2 * (1.0 / num_dimensions - 1.0))) < error


def test_i14_gradient__does_not_depend_on_the_order_of_steps_nor_on_the_micro_batch(storage_dtype: Precision) -> None:
    trainer = make_trainer(policy=policy_of(storage_dtype))
    both, _ = roll_out(trainer.policy, indices=range(2), prompts=PROMPTS, seeds=range(2))
    alone = [
        Trajectories(
            indices=(place,),
            prompts=both.prompts[place : place + 1],
            latents=both.latents[place : place + 1],
            log_probs=both.log_probs[place : place + 1],
        )
        for place in range(2)
    ]
    together = gradient_of(trainer, [both], steps=[0, 1, 2])
    largest = float(together.abs().max())
    assert largest > 0.0
    found = gradient_of(trainer, [both], steps=[2, 0, 1])
    torch.testing.assert_close(found, together, rtol=0, atol=1e-5 * largest)
    found = gradient_of(trainer, alone, steps=[0, 1, 2])
    torch.testing.assert_close(found, together, rtol=0, atol=1e-4 * largest)


def test_i15_trained_steps__are_distinct_and_the_share_asked_for() -> None:
    for share, count in ((1.0, 10), (0.55, 5), (0.3, 3), (0.01, 1)):
        steps = trained_steps(range(3, 13), share=share, rng=np.random.default_rng(0))
        assert len(steps) == len(set(steps)) == count
        assert set(steps) <= set(range(3, 13))


def test_i16_fresh_lora__is_the_base_and_its_divergence_grows_from_0(storage_dtype: Precision) -> None:
    policy = policy_of(storage_dtype)
    trajectories, _ = drawn(policy)
    with policy.as_base():
        base = replayed(policy, trajectories)
    torch.testing.assert_close(base.detach(), trajectories.log_probs, rtol=0, atol=0)
    divergence = make_trainer(replace(TRAIN, kl_weight=0.1), policy=policy).run_epoch().tally.divergence
    assert divergence[0] == 0.0
    assert divergence[1] > 0.0


def test_i16_divergence__is_that_of_two_gaussians_of_one_variance(storage_dtype: Precision) -> None:
    sampler = build_sampler(stable_diffusion(), SamplerSettings(num_steps=10))
    stored, normal = numbers(0).to(DTYPES[storage_dtype]), torch.distributions.Normal
    for number, step in enumerate(sampler.steps):
        first, second = (sampler.mean(stored, numbers(seed), step=number) for seed in (1, 2))
        kl = torch.distributions.kl_divergence(normal(first, step.std), normal(second, step.std))
        found = sampler.divergence(first, second, step=number)
        assert (found > 0.0).all()
        torch.testing.assert_close(found.double(), kl.flatten(1).mean(dim=1), rtol=1e-6, atol=0)
        assert (sampler.divergence(first, first, step=number) == 0.0).all()


@pytest.mark.parametrize("kind", ["prompt", "group", "batch"])
def test_i17_constant_rewards__give_no_advantage(kind: NormaliserKind) -> None:
    normaliser = build_normaliser(AdvantageSettings(kind=kind, min_count=1))
    np.testing.assert_array_equal(normaliser.normalise(np.full(4, 0.3), ["a", "a", "b", "b"]), np.zeros(4))


def test_i17_one_reward_that_is_no_number__is_an_error_and_trains_nothing() -> None:
    trainer = make_trainer(score=lambda images, _, __: np.array([0.5] * (len(images) - 1) + [np.nan]))
    before = weights_of(trainer)
    with pytest.raises(FinetuningError, match=r"picture 1 of 2 is nan; every reward must be a finite number"):
        trainer.run_epoch()
    assert all((before[name] == weight).all() for name, weight in weights_of(trainer).items())


def test_i17_prompts_equal_for_the_text_encoder__are_refused() -> None:
    with pytest.raises(ConfigError, match=r"'a photo of zebra' and 'a photo of heron' are the same"):
        require_distinct_prompts(make_policy(), ["a photo of zebra", "a photo of heron"])  # words it does not have


def test_i18_pixels__are_rounded_to_the_nearest(storage_dtype: Precision) -> None:
    pipeline: Any = build_pipeline()
    policy = DiffusionPolicy(pipeline, sampling=SAMPLING, adapter=AdapterSettings())
    latents = torch.randn((2, *policy.latent_shape), generator=torch.Generator().manual_seed(0))
    latents = latents.to(DTYPES[storage_dtype])
    with torch.no_grad():
        decoded = [pipeline.vae.decode(latent.float()).sample for latent in latents.split(1)]
    pixels = 255.0 * (torch.cat(decoded) / 2.0 + 0.5).clamp(0.0, 1.0).permute(0, 2, 3, 1).numpy()
    images = policy.decode(latents)
    np.testing.assert_array_equal(images, np.rint(pixels).astype(np.uint8))
    assert (images != pixels.astype(np.uint8)).mean() > 0.1  # cut off, many would be darker by 1
    assert versions()["pillow"] == PIL.__version__


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0])
def test_i21_guidance_up_to_1__is_the_conditional_path(storage_dtype: Precision, scale: float) -> None:
    pipeline: Any = build_pipeline()
    sampling = replace(SAMPLING, guidance_scale=scale, storage_dtype=storage_dtype)
    policy = DiffusionPolicy(pipeline, sampling=sampling, adapter=AdapterSettings())
    trajectories, _ = drawn(policy)
    alone = replayed(policy, trajectories, is_guided=False)
    torch.testing.assert_close(alone.detach(), trajectories.log_probs, rtol=0, atol=0)
    words = pipeline.encode_prompt(PROMPTS[0], "cpu", 1, do_classifier_free_guidance=False)[0].expand(2, -1, -1)
    latents = trajectories.latents[:, 1]
    with torch.no_grad():
        plain = pipeline.unet(latents.float(), 500, encoder_hidden_states=words).sample
        ours = policy.predict(latents, trajectories.prompts, timestep=500)
    torch.testing.assert_close(ours, plain, rtol=1e-6, atol=1e-6)


def test_i21_guidance_above_1__goes_beyond_the_conditional_path(storage_dtype: Precision) -> None:
    latents = numbers(0).to(DTYPES[storage_dtype])
    with torch.no_grad():
        one, two, three = (
            policy_of(storage_dtype, scale=scale).predict(latents, PROMPTS, timestep=500) for scale in (1.0, 2.0, 3.0)
        )
    torch.testing.assert_close(three - two, two - one, rtol=1e-3, atol=1e-5)
    assert (two - one).abs().max() > 1e-4


def test_i23_reward_queries__are_the_pictures_scored() -> None:
    scored: list[int] = []

    def counting(images: ImageBatch, prompts: Sequence[str], seeds: Sequence[int]) -> np.ndarray:
        scored.append(len(images))
        return redness(images, prompts, seeds)

    trainer = make_trainer(SHORT, score=counting)
    results = [trainer.run_epoch() for _ in range(2)]
    assert sum(scored) == trainer.num_queries == results[-1].num_queries == 4
    assert [picture.query for result in results for picture in result.pictures] == list(range(4))


def test_i24_regression_weights__sum_to_the_number_of_each_prompts_pictures() -> None:
    prompts, rewards = ["a", "a", "b", "b", "b"], np.array([0.0, 1.0, 10.0, 14.0, 3.0])
    weights = regression_weights(rewards, prompts, AdvantageSettings(inverse_temperature=0.2))
    np.testing.assert_allclose([weights[:2].sum(), weights[2:].sum()], [2.0, 3.0])
    supervised = regression_weights(rewards, prompts, AdvantageSettings(inverse_temperature=0.0))
    np.testing.assert_allclose(supervised, np.ones(5))


def test_i24_sparse_weights__keep_the_best_tenth_of_each_prompt_rounded_up() -> None:
    prompts, rewards = ["a"] * 11 + ["b"] * 10, np.arange(21.0)
    weights = sparse_weights(rewards, prompts, AdvantageSettings(kept_share=0.1))
    assert np.flatnonzero(weights).tolist() == [9, 10, 20]
