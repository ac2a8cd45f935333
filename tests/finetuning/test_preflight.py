"""Pre-flight: sound policies pass, and what is not sound is named."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.finetuning.tiny import FORMS, PROMPTS, SAMPLING, TRAIN, guided, make_policy, redness

from rldf.finetuning.policy import DiffusionPolicy
from rldf.finetuning.preflight import Finding, check_policy
from rldf.finetuning.settings import PosteriorVariance, Precision, TrainSettings

LONG = replace(TRAIN, samples_per_epoch=4096, update_batch_size=4096)  # a picture's share in an update is small
REPLAY = "replay gives the log-probabilities of sampling"
STEPS = "steps equal those of diffusers"
GRADIENT = "the gradient is finite and reaches the trained weights"
GUIDANCE = "training uses the sampler's guidance"


def found(policy: DiffusionPolicy, train: TrainSettings = TRAIN) -> dict[str, Finding]:
    """Name to finding."""
    return {finding.name: finding for finding in check_policy(policy, train=train, prompts=PROMPTS, score=redness)}


@pytest.mark.parametrize("storage_dtype", FORMS)
def test_preflight__says_go_for_a_sound_policy(storage_dtype: Precision) -> None:
    sampling = replace(SAMPLING, storage_dtype=storage_dtype)
    findings = list(check_policy(make_policy(sampling), train=TRAIN, prompts=PROMPTS, score=redness))
    assert [finding.name for finding in findings if not finding.is_kept] == []
    assert len(findings) == 9


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_preflight__says_go_for_frozen_weights_in_half_precision(dtype: Precision) -> None:
    findings = check_policy(
        make_policy(replace(SAMPLING, batch_size=1), dtype=dtype), train=LONG, prompts=PROMPTS, score=redness
    )
    assert [finding.name for finding in findings if not finding.is_kept] == []


def test_preflight__refuses_a_gradient_that_vanishes_in_float16() -> None:
    policy = make_policy(dtype="float16")
    policy.precision = "float32"  # as if nothing scaled the loss
    gradient = found(policy, LONG)[GRADIENT]
    assert not gradient.is_kept
    assert "lost to rounding" in gradient.measured


def test_preflight__measures_the_base_of_full_training_where_one_is_kept() -> None:
    policy = make_policy(kind="full", has_base=True, dtype="bfloat16")
    begins = found(policy)["the policy begins as the base model"]
    assert (begins.is_kept, begins.measured) == (True, "divergence 0.0e+00")


def test_preflight__names_dropout_bad_rewards_and_equal_prompts() -> None:
    policy = make_policy()
    for module in policy.denoiser.unet.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
            module.train()
    prompts = [*PROMPTS, "a photo of zebra", "a photo of heron"]
    findings = check_policy(
        policy, train=TRAIN, prompts=prompts, score=lambda images, _, __: np.full(len(images), np.nan)
    )
    failed = {finding.name for finding in findings if not finding.is_kept}
    assert {
        "nothing is left to chance inside the denoiser",
        "prompts differ for the text encoder",
        "replay gives the log-probabilities of sampling",
        "rewards are finite numbers",
    } <= failed


@pytest.mark.parametrize("method", ["rwr", "rwr-sparse"])
def test_regression__has_no_replay_and_its_gradient_is_that_of_its_loss(method: str) -> None:
    train = replace(LONG, method=method, clip_range=1e-12)  # type: ignore[arg-type]  # a parameter of the test
    policy = make_policy()
    for module in policy.denoiser.unet.modules():  # the replay would differ
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
            module.train()
    named = found(policy, train)
    assert (named[REPLAY].is_kept, named[REPLAY].is_measured) == (True, False)
    assert named[REPLAY].measured == f"not measured: {method} replays nothing"
    assert "clip range" not in named[GUIDANCE].measured
    norms = [
        found(make_policy(), replace(train, update_batch_size=size))[GRADIENT].measured.split()[1]
        for size in (4096, 2048)
    ]
    assert float(norms[1]) == pytest.approx(2.0 * float(norms[0]), rel=0.01)  # the share of a picture, whatever T


def test_score_function__has_no_clip_range() -> None:
    train = replace(TRAIN, method="ddpo-sf", update_batch_size=4, clip_range=1e-12)
    named = found(make_policy(guided(5.0)), train)
    assert (named[REPLAY].is_kept, named[REPLAY].allowed) == (True, "1.0e-05, a tenth of the paper's clip range")
    assert "would differ by up to" in named[GUIDANCE].measured
    assert "clip range" not in named[GUIDANCE].measured
    assert "of the steps would leave the clip range" in found(make_policy(guided(5.0)))[GUIDANCE].measured


@pytest.mark.parametrize("variance", ["small", "large"])
def test_ddpm__is_compared_with_the_ddpm_of_diffusers(variance: PosteriorVariance) -> None:
    policy = make_policy(replace(SAMPLING, kind="ddpm", variance=variance))
    steps = found(policy)[STEPS]
    assert (steps.is_kept, steps.is_measured) == (True, True)
    assert steps.measured.endswith(", the last step left out")
    policy.sampler.steps = tuple(replace(step, std=1.1 * step.std) for step in policy.sampler.steps)
    assert not found(policy)[STEPS].is_kept


def test_steps_that_do_not_divide_the_noise_levels__are_compared_where_diffusers_takes_the_same() -> None:
    leading = make_policy()  # 3 steps of 1000 noise levels
    assert found(leading)[STEPS].measured.startswith("largest relative difference")
    leading.sampler.steps = tuple(replace(step, std=1.1 * step.std) for step in leading.sampler.steps)
    assert not found(leading)[STEPS].is_kept
    steps = found(make_policy(replace(SAMPLING, spacing="trailing")))[STEPS]
    assert not steps.is_measured
    assert steps.measured.startswith("not measured: 3 trailing steps do not divide 1000 noise levels")


def test_replay_that_is_no_number__is_named() -> None:
    policy = make_policy()
    findings = check_policy(policy, train=TRAIN, prompts=PROMPTS, score=redness)
    for finding in findings:
        if finding.name == STEPS:  # pictures are drawn by now
            with torch.no_grad():
                next(iter(policy.denoiser.trained.values())).fill_(float("nan"))
        if finding.name == REPLAY:
            assert (finding.is_kept, finding.measured) == (False, "largest difference nan at step 0")
            return
    pytest.fail("the replay was not looked at")
