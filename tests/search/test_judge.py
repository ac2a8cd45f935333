"""The score of scorer B, by hand."""

import numpy as np
import pytest

from rldf.records import Percept
from rldf.search.judge import judge
from rldf.space import Encoding


def percept(first: float, second: float) -> Percept:
    rows = (np.array([first, 1 - first]), np.array([1 - second, second]))
    return Percept(encoding=Encoding(tuple(int(row.argmax()) for row in rows)), probabilities=rows)


INPUT = percept(0.9, 0.6)  # reads terms 0 and 1


def test_judge__averages_over_pictures_and_axes() -> None:
    judgement = judge([percept(0.2, 1.0), percept(0.6, 0.6)], input_reading=INPUT, seed=0)
    assert judgement.score == pytest.approx((0.2 + 1.0 + 0.6 + 0.6) / 4)
    assert judgement.axes == pytest.approx((0.4, 0.8))
    assert judgement.ci95 == pytest.approx((0.6, 0.6))


def test_interval__covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng, covered = np.random.default_rng(0), 0
    for seed in range(100):
        pictures = [percept(*rng.beta(4, 2, size=2)) for _ in range(16)]
        low, high = judge(pictures, input_reading=INPUT, seed=seed).ci95
        covered += low <= 4 / 6 <= high
    assert 85 <= covered <= 99


def test_interval__is_the_same_for_the_same_seed() -> None:
    pictures = [percept(*row) for row in np.random.default_rng(1).random((16, 2))]
    assert judge(pictures, input_reading=INPUT, seed=4) == judge(pictures, input_reading=INPUT, seed=4)
    assert judge(pictures, input_reading=INPUT, seed=4).ci95 != judge(pictures, input_reading=INPUT, seed=5).ci95
