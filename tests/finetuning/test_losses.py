"""The estimators on a one-dimensional Gaussian policy, by finite differences."""

import numpy as np
import pytest
import torch

from rldf.finetuning.losses import importance_sampling_loss, regression_loss, score_function_loss
from rldf.finetuning.settings import TrainSettings

VALUES = torch.tensor([0.3, -1.2, 0.8], dtype=torch.float64)
ADVANTAGES = torch.tensor([1.0, -0.5, 2.0], dtype=torch.float64)
STD = 0.7


def log_probs(mean: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = torch.distributions.Normal(mean, STD).log_prob(VALUES)
    return found


def gradient_of(loss: str, mean: float) -> float:
    parameter = torch.tensor(mean, dtype=torch.float64, requires_grad=True)
    old = log_probs(torch.tensor(mean, dtype=torch.float64))
    if loss == "sf":
        score_function_loss(log_probs(parameter), old, ADVANTAGES).losses.sum().backward()
    else:
        importance_sampling_loss(log_probs(parameter), old, ADVANTAGES, clip_range=1e-4).losses.sum().backward()
    assert parameter.grad is not None
    return float(parameter.grad)


@pytest.mark.parametrize("loss", ["sf", "is"])
def test_gradient__is_that_of_the_weighted_log_density(loss: str) -> None:
    step = 1e-6

    def objective(mean: float) -> float:
        return float(-(ADVANTAGES * log_probs(torch.tensor(mean, dtype=torch.float64))).sum())

    by_differences = (objective(0.1 + step) - objective(0.1 - step)) / (2 * step)
    np.testing.assert_allclose(gradient_of(loss, 0.1), by_differences, rtol=1e-6)


def test_both_gradients__are_equal_before_the_first_update() -> None:
    np.testing.assert_allclose(gradient_of("sf", 0.1), gradient_of("is", 0.1), rtol=1e-12)


def test_clipping__stops_what_has_gone_far_enough() -> None:
    old = torch.zeros(2)
    new = torch.tensor([0.01, 0.01], requires_grad=True)
    loss = importance_sampling_loss(new, old, torch.tensor([1.0, -1.0]), clip_range=1e-4)
    loss.losses.sum().backward()
    assert new.grad is not None
    assert float(new.grad[0]) == 0.0  # a good action that is likely enough by now
    assert float(new.grad[1]) > 0.0  # a bad one must become less likely
    assert loss.is_clipped.tolist() == [1.0, 1.0]


def test_clip_range__can_be_stated_for_a_whole_transition() -> None:
    settings = TrainSettings(clip_range=1.6384, clip_unit="transition")
    np.testing.assert_allclose(settings.clip_per_dimension(16_384), 1e-4)
    assert TrainSettings(clip_range=1e-4).clip_per_dimension(16_384) == 1e-4


def test_regression_loss__weighs_each_error() -> None:
    noise = torch.zeros(2, 1, 2, 2)
    predicted = torch.tensor([1.0, 2.0]).view(2, 1, 1, 1).expand(2, 1, 2, 2)
    assert regression_loss(predicted, noise, torch.tensor([3.0, 0.5])).tolist() == [3.0, 2.0]
