"""Rewards made of rewards."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldf.contracts import Reward
from rldf.errors import ConfigError
from rldf.rewards.compose import WeightedSum, draw_reward
from rldf.rewards.semantic import AgreementReward, MultiSemanticReward, PartialSemanticReward
from rldf.testing.rewards import SPACE, RewardSuite, example_outcomes, example_targets

PARTIAL, MULTI, AGREEMENT = PartialSemanticReward(SPACE), MultiSemanticReward(SPACE), AgreementReward(SPACE)
OUTCOMES, TARGET = example_outcomes()[:4], example_targets()[2]


class TestWeightedSum(RewardSuite):
    def make_reward(self) -> Reward:
        return WeightedSum({"partial": (0.5, PARTIAL), "agreement": (2.0, AGREEMENT)})


@settings(deadline=None)
@given(st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=3))
def test_weighted_sum__adds_up_within_bounds_that_follow(weights: list[float]) -> None:
    parts = dict(zip(("multi", "partial", "agreement"), (MULTI, PARTIAL, AGREEMENT), strict=True))
    reward = WeightedSum({name: (weight, part) for weight, (name, part) in zip(weights, parts.items(), strict=True)})
    outcomes, target = OUTCOMES, TARGET
    scores = reward.score(outcomes, target=target)
    expected = sum(w * part.score(outcomes, target=target) for w, part in zip(weights, parts.values(), strict=True))
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    assert reward.bounds[0] <= scores.min()
    assert scores.max() <= reward.bounds[1]


def test_weighted_sum__bounds_by_hand() -> None:
    reward = WeightedSum({"multi": (2.0, MULTI), "agreement": (-1.0, AGREEMENT)})
    assert reward.bounds == (-3.0, 4.0)
    assert reward.weights == {"multi": 2.0, "agreement": -1.0}
    assert list(reward.score_parts(example_outcomes()[:1], target=example_targets()[0])["multi"]) == [2.0]


def test_weighted_sum__bad_parts_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"a weighted sum has 0 parts; it needs at least one reward"):
        WeightedSum({})
    with pytest.raises(ConfigError, match=r"the weight of reward 'multi' is nan; it must be finite"):
        WeightedSum({"multi": (float("nan"), MULTI)})


def test_draw_reward__each_equally_often_and_the_same_for_a_seed() -> None:
    rewards: dict[str, Reward] = {"multi": MULTI, "partial": PARTIAL, "agreement": AGREEMENT}
    draws = [draw_reward(rewards, np.random.default_rng(seed)) for seed in range(300)]
    assert all(rewards[name] is reward for name, reward in draws)
    counts = [sum(name == drawn for drawn, _ in draws) for name in rewards]
    assert min(counts) > 70
    assert draw_reward(rewards, np.random.default_rng(5)) == draws[5]


def test_draw_reward__nothing_to_draw_from_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"drawn from 0 rewards; at least one is needed"):
        draw_reward({}, np.random.default_rng(0))
