"""Rewards become advantages and weights: hand-made numbers."""

import json

import numpy as np
import pytest

from rldf.errors import ConfigError
from rldf.finetuning.advantages import (
    BatchNormaliser,
    GroupNormaliser,
    PromptNormaliser,
    as_rewards,
    regression_weights,
    require_finite_settings,
    sparse_weights,
)
from rldf.finetuning.failures import FinetuningError
from rldf.finetuning.settings import AdvantageSettings

PROMPTS = ["a", "a", "b", "b"]
REWARDS = np.array([0.0, 1.0, 10.0, 14.0])


def test_batch__has_mean_0_and_deviation_1() -> None:
    advantages = BatchNormaliser().normalise(REWARDS, PROMPTS)
    np.testing.assert_allclose(advantages, (REWARDS - 6.25) / REWARDS.std(), rtol=1e-5)


def test_group__compares_pictures_of_one_prompt() -> None:
    advantages = GroupNormaliser().normalise(REWARDS, PROMPTS)
    np.testing.assert_allclose(advantages, [-1.0, 1.0, -1.0, 1.0], rtol=1e-5)


def test_prompt__takes_the_epoch_until_it_has_enough() -> None:
    normaliser = PromptNormaliser(buffer_size=3, min_count=4)
    np.testing.assert_allclose(normaliser.normalise(REWARDS, PROMPTS), BatchNormaliser().normalise(REWARDS, PROMPTS))


def test_prompt__keeps_the_newest_rewards_and_counts_new_ones_first() -> None:
    normaliser = PromptNormaliser(buffer_size=3, min_count=2)
    normaliser.normalise(np.array([0.0, 1.0]), ["a", "a"])
    advantages = normaliser.normalise(np.array([2.0, 3.0]), ["a", "a"])
    kept = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(advantages, (np.array([2.0, 3.0]) - 2.0) / kept.std(), rtol=1e-5)


def test_state__survives_json() -> None:
    first, second = PromptNormaliser(buffer_size=3, min_count=2), PromptNormaliser(buffer_size=3, min_count=2)
    first.normalise(np.array([0.1, 1.0 / 3.0, 0.7]), ["a", "b", "a"])
    second.restore(json.loads(json.dumps(first.state())))
    later = np.array([0.3, 0.4])
    np.testing.assert_array_equal(second.normalise(later, ["a", "b"]), first.normalise(later, ["a", "b"]))


def test_a_reward_that_is_no_number__is_an_error() -> None:
    with pytest.raises(FinetuningError, match=r"picture 1 of 2 is nan; every reward must be a finite number"):
        as_rewards([0.0, float("nan")], count=2)


def test_too_few_rewards__are_an_error() -> None:
    with pytest.raises(FinetuningError, match=r"shape \(1,\) for 2 pictures"):
        as_rewards([0.0], count=2)


def test_regression_weights__are_a_softmax_that_sums_to_the_number_of_pictures() -> None:
    weights = regression_weights(REWARDS, PROMPTS, AdvantageSettings(inverse_temperature=0.2))
    np.testing.assert_allclose(weights[0] / weights[1], np.exp(-0.2), rtol=1e-9)
    np.testing.assert_allclose([weights[:2].sum(), weights[2:].sum()], [2.0, 2.0])


def test_regression_weights__of_the_whole_epoch_compare_all() -> None:
    settings = AdvantageSettings(inverse_temperature=0.2, weight_scope="batch")
    weights = regression_weights(REWARDS, PROMPTS, settings)
    np.testing.assert_allclose(weights[0] / weights[3], np.exp(-0.2 * 14.0), rtol=1e-9)


def test_sparse_weights__keep_the_earlier_of_equals() -> None:
    weights = sparse_weights(np.zeros(4), ["a"] * 4, AdvantageSettings(kept_share=0.25))
    assert weights.tolist() == [1.0, 0.0, 0.0, 0.0]


def test_group_of_one__is_refused() -> None:
    with pytest.raises(ConfigError, match=r"pictures_per_prompt is 1; a group needs at least 2"):
        require_finite_settings(AdvantageSettings(kind="group"), pictures_per_prompt=1, method="ddpo-is")
