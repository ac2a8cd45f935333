"""Compressibility: the conformance suite, and golden sizes."""

import numpy as np
import PIL
import pytest

from rldf.contracts import Reward, Target
from rldf.rewards.failures import RewardError
from rldf.rewards.jpeg import JpegReward, jpeg_kb
from rldf.testing.rewards import PictureRewardSuite, example_outcome, example_outcomes

GREY = np.full((512, 512, 3), 128, dtype=np.uint8)


class TestJpeg(PictureRewardSuite):
    def make_reward(self) -> Reward:
        return JpegReward(is_small_better=True)


@pytest.mark.golden
def test_constant_grey_of_512_px__takes_4721_bytes() -> None:
    assert jpeg_kb(GREY) == pytest.approx(4.721, rel=0.01), PIL.__version__


def test_noise_of_512_px__takes_about_308_kb() -> None:
    noise = np.random.default_rng(0).integers(0, 256, GREY.shape, dtype=np.uint8)
    assert jpeg_kb(noise) == pytest.approx(308.0, rel=0.02)


def test_incompressibility__is_compressibility_reversed() -> None:
    outcomes = example_outcomes()
    small = JpegReward(is_small_better=True).score(outcomes, target=Target())
    large = JpegReward(is_small_better=False).score(outcomes, target=Target())
    np.testing.assert_array_equal(small, -large)
    assert small.max() < 0.0


def test_file_beyond_the_bounds__is_an_error() -> None:
    outcome = example_outcome(example_outcomes()[0].encoding, image=GREY)
    with pytest.raises(RewardError, match=r"takes 5 kB as JPEG; at most 1 kB are scored"):
        JpegReward(is_small_better=True, max_kb=1.0).score([outcome], target=Target())
