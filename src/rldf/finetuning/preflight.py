"""Pre-flight: the invariants of the method, measured on the user's own pipeline before time is spent on training."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler

from rldf.errors import RldfError
from rldf.finetuning.advantages import as_rewards
from rldf.finetuning.epochs import trained_steps
from rldf.finetuning.policy import DiffusionPolicy, require_distinct_prompts
from rldf.finetuning.policy_gradient import replay_limit
from rldf.finetuning.regression import regression_losses
from rldf.finetuning.rollout import Trajectories, roll_out
from rldf.finetuning.settings import TrainSettings
from rldf.finetuning.trainer import ScoreImages
from rldf.finetuning.updates import FIRST_LOSS_SCALE
from rldf.seeding import child_seed

LOST_SHARE = 0.01  # our choice: so many entries of a gradient may be too small for the number format
STEP_TOLERANCE = 1e-5  # float32 arithmetic of diffusers against ours, relative to the size of the latents


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One invariant, measured.

    Attributes:
        name: what is checked.
        is_kept: True where it holds, and where nothing speaks against it.
        measured: the number, or what was found.
        allowed: what it may be at most, or what is asked.
        advice: what to do where it does not hold.
        is_measured: False where it could not be measured; `measured` says why.
    """

    name: str
    is_kept: bool
    measured: str
    allowed: str
    advice: str = ""
    is_measured: bool = True


def check_policy(
    policy: DiffusionPolicy,
    *,
    train: TrainSettings,
    prompts: Sequence[str],
    score: ScoreImages,
    seed: int = 0,
) -> Iterator[Finding]:
    """Measures the invariants, the cheap ones first.

    Args:
        policy: freshly made.
        train: how it would be trained.
        prompts: it would be trained on.
        score: the reward.
        seed: root seed.

    Yields:
        One finding per invariant.
    """
    yield _noise_in_every_step(policy)
    yield _no_dropout(policy)
    yield _refused_or_kept("prompts differ for the text encoder", lambda: require_distinct_prompts(policy, prompts))
    count = policy.settings.batch_size
    drawn = [prompts[place % len(prompts)] for place in range(count)]
    seeds = [child_seed(seed, "finetune", "preflight", place) for place in range(count)]
    trajectories, images = roll_out(policy, indices=range(count), prompts=drawn, seeds=seeds)
    yield _like_diffusers(policy, trajectories)
    yield _replay(policy, trajectories, train=train)
    yield _same_guidance(policy, trajectories, train=train)
    yield _starts_at_base(policy, trajectories)
    yield _gradient(policy, trajectories, train=train)
    yield _refused_or_kept("rewards are finite numbers", lambda: as_rewards(score(images, drawn, seeds), count=count))


def _noise_in_every_step(policy: DiffusionPolicy) -> Finding:
    smallest = min(step.std for step in policy.sampler.steps)
    return Finding(
        name="every denoising step has noise",
        is_kept=smallest > 0,
        measured=f"smallest sigma {smallest:.4g}",
        allowed="above 0",
        advice="Give fewer steps, or sampler.spacing 'leading'.",
    )


def _no_dropout(policy: DiffusionPolicy) -> Finding:
    modules: list[torch.nn.Module] = list(policy.denoiser.unet.modules())
    random = [module for module in modules if module.training]
    return Finding(
        name="nothing is left to chance inside the denoiser",
        is_kept=not random,
        measured=f"{len(random)} parts in training mode",
        allowed="0",
        advice="Put the denoiser in evaluation mode.",
    )


def _like_diffusers(policy: DiffusionPolicy, trajectories: Trajectories) -> Finding:
    """Compares every step with diffusers' own; the last one of DDPM has no noise there, and is left out."""
    name, sampler = "steps equal those of diffusers", policy.sampler
    num_levels, is_ddim = len(sampler.alphas_cumprod), policy.settings.kind == "ddim"
    if is_ddim and policy.settings.spacing == "trailing" and num_levels % len(sampler):
        reason = f"{len(sampler)} trailing steps do not divide {num_levels} noise levels, so diffusers takes other ones"
        return _not_measured(name, reason)
    reference = _reference(policy)
    prediction = torch.randn(trajectories.clean.shape, generator=_chance(), dtype=torch.float64)
    worst = 0.0
    for number, step in enumerate(sampler.steps if is_ddim else sampler.steps[:-1]):
        x_t = trajectories.latents[:, number].double().cpu()
        noise = {"eta": policy.settings.eta, "variance_noise": prediction} if is_ddim else {"generator": _chance()}
        theirs = reference.step(prediction, step.timestep, x_t, **noise).prev_sample
        ours = sampler.mean(x_t, prediction, step=number).double() + step.std * prediction  # the noise is the same
        worst = max(worst, float((theirs - ours).abs().max() / theirs.abs().max()))
    return Finding(
        name=name,
        is_kept=worst <= STEP_TOLERANCE,
        measured=f"largest relative difference {worst:.1e}" + ("" if is_ddim else ", the last step left out"),
        allowed=f"{STEP_TOLERANCE:.0e}",
        advice="Report this model: its noise schedule is not understood.",
    )


def _chance() -> torch.Generator:
    """A random source that gives the same numbers every time."""
    return torch.Generator().manual_seed(0)


def _reference(policy: DiffusionPolicy) -> Any:  # noqa: ANN401 - diffusers is untyped
    """The scheduler of diffusers on the model's noise levels, in float64."""
    sampler, settings = policy.sampler, policy.settings
    how = {
        "num_train_timesteps": len(sampler.alphas_cumprod),
        "prediction_type": sampler.prediction_type,
        "timestep_spacing": settings.spacing,
        "steps_offset": 1,
        "clip_sample": False,
    }
    reference: Any
    if settings.kind == "ddim":
        reference = DDIMScheduler(**how, set_alpha_to_one=False)
        reference.final_alpha_cumprod = torch.tensor(sampler.alphas_cumprod[0])
    else:
        reference = DDPMScheduler(**how, variance_type=f"fixed_{settings.variance}")
    reference.alphas_cumprod = torch.from_numpy(sampler.alphas_cumprod)
    reference.set_timesteps(len(sampler))
    return reference


def _replay(policy: DiffusionPolicy, trajectories: Trajectories, *, train: TrainSettings) -> Finding:
    name = "replay gives the log-probabilities of sampling"
    if not train.is_ddpo:
        return _not_measured(name, f"{train.method} replays nothing")
    limit, told = replay_limit(train, num_dimensions=policy.num_dimensions)
    worst = _largest_deviation(policy, trajectories, is_guided=None)
    trained = policy.sampler.noisy_steps(train.min_std_share)
    step = trained[int(worst[trained].argmax())]
    return Finding(
        name=name,
        is_kept=bool(worst[step] <= limit),
        measured=f"largest difference {worst[step]:.1e}" + (", exact" if worst[step] == 0 else f" at step {step}"),
        allowed=told,
        advice="Use --dtype float32, or sampler.batch_size 1.",
    )


def _same_guidance(policy: DiffusionPolicy, trajectories: Trajectories, *, train: TrainSettings) -> Finding:
    """Measures what training without the sampler's guidance would do; it is refused only where it was not asked for."""
    measured = "no guidance"
    if policy.is_guided:
        apart = _largest_deviation(policy, trajectories, is_guided=False)
        measured = "the same in both" if policy.settings.has_guided_training else "an ablation without it"
        measured += f"; without it log-probabilities would differ by up to {apart.max():.1e}"
        if train.method == "ddpo-is":
            share = float((apart > train.clip_per_dimension(policy.num_dimensions)).mean())
            measured += f", and {share:.0%} of the steps would leave the clip range"
    return Finding(
        name="training uses the sampler's guidance", is_kept=True, measured=measured, allowed="the same in both"
    )


def _starts_at_base(policy: DiffusionPolicy, trajectories: Trajectories) -> Finding:
    name = "the policy begins as the base model"
    if not policy.denoiser.has_base:
        return Finding(name=name, is_kept=True, measured="all weights are the base's", allowed="divergence 0")
    latents, prompts = trajectories.latents[:, 0], trajectories.prompts
    with torch.no_grad():
        mean = policy.mean(latents, prompts, step=0)
        with policy.as_base():
            base = policy.mean(latents, prompts, step=0)
    divergence = float(policy.sampler.divergence(mean, base, step=0).max())
    return Finding(
        name=name,
        is_kept=divergence == 0.0,
        measured=f"divergence {divergence:.1e}",
        allowed="divergence 0",
        advice="Report this model: nothing is trained yet, so nothing may differ.",
    )


def _gradient(policy: DiffusionPolicy, trajectories: Trajectories, *, train: TrainSettings) -> Finding:
    """Backward passes with the weight that a picture has in training, and with 1.

    DDPO's are at the last step that is trained, the worst conditioned one; RWR's are those of its denoising loss. Small
    numbers vanish in float16: what only the small weight loses is told.

    Returns:
        What was found.
    """
    noisy = policy.sampler.noisy_steps(train.min_std_share)
    steps = trained_steps(noisy, share=train.timestep_share, rng=np.random.default_rng(0))
    share = 1.0 / (train.update_batch_size * (len(steps) if train.is_ddpo else 1))
    reached = [gradient != 0 for gradient in _gradients(policy, trajectories, train=train, share=1.0)]
    scale = FIRST_LOSS_SCALE if policy.precision == "float16" else 1.0
    gradients = _gradients(policy, trajectories, train=train, share=share * scale)
    while scale > 1.0 and not all(bool(gradient.isfinite().all()) for gradient in gradients):
        scale /= 2.0  # as in training, where such an update is left out
        gradients = _gradients(policy, trajectories, train=train, share=share * scale)
    count = sum(gradient.numel() for gradient in gradients)
    norm = sum(float(gradient.norm()) ** 2 for gradient in gradients) ** 0.5 / scale
    lost = sum(int((held & (gradient == 0)).sum()) for held, gradient in zip(reached, gradients, strict=True)) / count
    return Finding(
        name="the gradient is finite and reaches the trained weights",
        is_kept=bool(np.isfinite(norm)) and norm > 0 and lost <= LOST_SHARE,
        measured=f"norm {norm:.3g} over {count} weights, {lost:.1%} of them lost to rounding",
        allowed=f"finite, above 0, at most {LOST_SHARE:.0%} lost",
        advice="Use train.precision float32 or bfloat16 with --dtype of the same name, or other adapter.targets.",
    )


def _gradients(
    policy: DiffusionPolicy, trajectories: Trajectories, *, train: TrainSettings, share: float
) -> list[torch.Tensor]:
    """Gradients of the method's weighted terms, one for each trained tensor."""
    if train.is_ddpo:
        step, is_guided = policy.sampler.noisy_steps(train.min_std_share)[-1], policy.settings.has_guided_training
        mean = policy.mean(trajectories.latents[:, step], trajectories.prompts, step=step, is_guided=is_guided)
        terms = policy.sampler.log_prob(trajectories.latents[:, step + 1], mean, step=step)
    else:
        count = len(trajectories.prompts)
        terms = regression_losses(
            policy,
            clean=trajectories.clean,
            prompts=trajectories.prompts,
            weights=np.ones(count),
            seeds=range(count),
            settings=replace(train, kl_weight=0.0),  # at first there is no divergence
        )
    weights = list(policy.denoiser.trained.values())
    return list(torch.autograd.grad(terms.sum() * share, weights, materialize_grads=True))


def _not_measured(name: str, reason: str) -> Finding:
    return Finding(name=name, is_kept=True, measured=f"not measured: {reason}", allowed="-", is_measured=False)


def _refused_or_kept(name: str, check: Callable[[], object]) -> Finding:
    try:
        check()
    except RldfError as error:
        return Finding(name=name, is_kept=False, measured=str(error), allowed="yes", advice="See the left.")
    return Finding(name=name, is_kept=True, measured="yes", allowed="yes")


def _largest_deviation(policy: DiffusionPolicy, trajectories: Trajectories, *, is_guided: bool | None) -> np.ndarray:
    """Largest absolute difference of log-probabilities, of sampling and of replay with gradients, per step."""
    rows = []
    for step in range(len(policy.sampler)):
        mean = policy.mean(trajectories.latents[:, step], trajectories.prompts, step=step, is_guided=is_guided)
        again = policy.sampler.log_prob(trajectories.latents[:, step + 1], mean, step=step).detach()
        rows.append(float((again - trajectories.log_probs[:, step]).abs().max()))
    return np.array(rows)
