"""Redness: the conformance suite, and plain colours."""

import numpy as np
import pytest

from rldf.contracts import Reward, Target
from rldf.rewards.colour import RednessReward
from rldf.testing.rewards import PictureRewardSuite, example_outcome, example_outcomes


class TestRedness(PictureRewardSuite):
    def make_reward(self) -> Reward:
        return RednessReward()


@pytest.mark.parametrize(
    ("colour", "redness"), [((255, 0, 0), 1.0), ((0, 255, 255), -1.0), ((90, 90, 90), 0.0), ((0, 0, 255), -0.5)]
)
def test_redness__is_red_less_the_mean_of_green_and_blue(colour: tuple[int, int, int], redness: float) -> None:
    picture = np.full((4, 4, 3), colour, dtype=np.uint8)
    outcome = example_outcome(example_outcomes()[0].encoding, image=picture)
    assert RednessReward().score([outcome], target=Target())[0] == pytest.approx(redness)
