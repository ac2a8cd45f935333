"""Pre-flight: the invariants of the method, measured on the user's own pipeline before time is spent on training."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler

from rldf.errors import RldfError
from rldf.finetuning.advantages import as_rewards
from rldf.finetuning.epochs import trained_steps
from rldf.finetuning.policy import DiffusionPolicy, require_distinct_prompts
from rldf.finetuning.policy_gradient import SAFE_SHARE
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
        is_kept: True where it holds.
        measured: the number, or what was found.
        allowed: what it may be at most, or what is asked.
        advice: what to do where it does not hold.
    """

    name: str
    is_kept: bool
    measured: str
    allowed: str
    advice: str = ""


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
    """Compares the mean of every DDIM step with diffusers' own step."""
    sampler = policy.sampler
    if policy.settings.kind != "ddim":
        return Finding(name="steps equal those of diffusers", is_kept=True, measured="not DDIM", allowed="-")
    reference: Any = DDIMScheduler(
        num_train_timesteps=len(sampler.alphas_cumprod),
        prediction_type=sampler.prediction_type,
        timestep_spacing=policy.settings.spacing,
        steps_offset=1,
        clip_sample=False,
        set_alpha_to_one=False,
    )
    reference.alphas_cumprod = torch.from_numpy(sampler.alphas_cumprod)
    reference.final_alpha_cumprod = reference.alphas_cumprod[0]
    reference.set_timesteps(len(sampler))
    noise = torch.randn(trajectories.clean.shape, generator=torch.Generator().manual_seed(0)).double()
    is_even = len(sampler.alphas_cumprod) % len(sampler) == 0
    worst = 0.0
    for number, step in enumerate(sampler.steps if is_even else ()):
        x_t = trajectories.latents[:, number].double().cpu()
        theirs = reference.step(noise, step.timestep, x_t, eta=policy.settings.eta, variance_noise=noise).prev_sample
        ours = sampler.mean(x_t, noise, step=number).double() + step.std * noise
        worst = max(worst, float((theirs - ours).abs().max() / theirs.abs().max()))
    return Finding(
        name="steps equal those of diffusers",
        is_kept=worst <= STEP_TOLERANCE,
        measured=f"largest relative difference {worst:.1e}" if is_even else "steps do not divide the noise levels",
        allowed=f"{STEP_TOLERANCE:.0e}",
        advice="Report this model: its noise schedule is not understood.",
    )


def _replay(policy: DiffusionPolicy, trajectories: Trajectories, *, train: TrainSettings) -> Finding:
    limit = SAFE_SHARE * train.clip_per_dimension(policy.num_dimensions)
    worst = _largest_deviation(policy, trajectories, is_guided=None)
    step = int(worst.argmax())
    return Finding(
        name="replay gives the log-probabilities of sampling",
        is_kept=bool(worst[step] <= limit),
        measured=f"largest difference {worst[step]:.1e}" + (f" at step {step}" if worst[step] > 0 else ", exact"),
        allowed=f"{limit:.1e}, a tenth of the clip range",
        advice="Use --dtype float32, or sampler.batch_size 1.",
    )


def _same_guidance(policy: DiffusionPolicy, trajectories: Trajectories, *, train: TrainSettings) -> Finding:
    """Measures what training without the sampler's guidance would do; it is refused only where it was not asked for."""
    limit = train.clip_per_dimension(policy.num_dimensions)
    if not policy.is_guided:
        return Finding(
            name="training uses the sampler's guidance",
            is_kept=True,
            measured="no guidance",
            allowed="the same in both",
        )
    apart = _largest_deviation(policy, trajectories, is_guided=False)
    share = float((apart > limit).mean())
    chosen = "the same in both" if policy.settings.has_guided_training else "an ablation without it"
    return Finding(
        name="training uses the sampler's guidance",
        is_kept=True,
        measured=f"{chosen}; without it {share:.0%} of the steps would leave the clip range",
        allowed="the same in both",
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
    """Backward passes at the last step, the worst conditioned one, with the weight of a picture in training and with 1.

    Small numbers vanish in float16: what only the small weight loses is told.

    Returns:
        What was found.
    """
    steps = trained_steps(len(policy.sampler), share=train.timestep_share, rng=np.random.default_rng(0))
    share = 1.0 / (train.update_batch_size * len(steps))
    reached = [gradient != 0 for gradient in _gradients(policy, trajectories, share=1.0)]
    scale = FIRST_LOSS_SCALE if policy.precision == "float16" else 1.0
    gradients = _gradients(policy, trajectories, share=share * scale)
    while scale > 1.0 and not all(bool(gradient.isfinite().all()) for gradient in gradients):
        scale /= 2.0  # as in training, where such an update is left out
        gradients = _gradients(policy, trajectories, share=share * scale)
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


def _gradients(policy: DiffusionPolicy, trajectories: Trajectories, *, share: float) -> list[torch.Tensor]:
    """Gradients of the weighted log-probabilities of the last step, one for each trained tensor."""
    step = len(policy.sampler) - 1
    mean = policy.mean(trajectories.latents[:, step], trajectories.prompts, step=step)
    log_probs = policy.sampler.log_prob(trajectories.latents[:, step + 1], mean, step=step)
    weights = list(policy.denoiser.trained.values())
    return list(torch.autograd.grad(log_probs.sum() * share, weights, materialize_grads=True))


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
