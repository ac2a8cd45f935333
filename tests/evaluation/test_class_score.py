"""The inception-style score of a scorer's class probabilities."""

import numpy as np
import pytest

from rldf.evaluation.class_score import scorer_class_score


def test_score__is_the_number_of_classes_where_each_picture_is_of_one_and_all_occur_equally() -> None:
    assert scorer_class_score(np.tile(np.eye(4), (3, 1))) == pytest.approx(4.0)


@pytest.mark.parametrize("rows", [[[1.0, 0.0], [1.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]]])
def test_score__is_1_of_pictures_that_are_alike_or_unclear(rows: list[list[float]]) -> None:
    assert scorer_class_score(np.array(rows)) == pytest.approx(1.0)


def test_score__is_that_of_the_formula() -> None:
    rows = np.array([[0.9, 0.1], [0.2, 0.8]])
    mean = np.array([0.55, 0.45])
    divergence = (rows * np.log(rows / mean)).sum(axis=1).mean()
    assert scorer_class_score(rows) == pytest.approx(np.exp(divergence))
