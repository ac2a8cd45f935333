"""From detections to number words."""

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldf.errors import PerceptionError
from rldf.perception.counting import number_probabilities, number_ranges, term_probabilities
from rldf.space import Axis

COUNT = Axis(id="count", terms=("one", "two", "three", "many"))


@pytest.mark.parametrize(
    ("terms", "ranges"),
    [
        (("one", "two", "three", "many"), {"one": (1, 1), "two": (2, 2), "three": (3, 3), "many": (4, None)}),
        (("no", "one", "many"), {"no": (0, 0), "one": (1, 1), "many": (2, None)}),
        (("one", "three", "five"), {"one": (1, 2), "three": (3, 4), "five": (5, 5)}),
        (("many", "one"), {"many": (2, None), "one": (1, 1)}),
    ],
)
def test_number_ranges__by_the_words(terms: tuple[str, ...], ranges: dict[str, tuple[int, int | None]]) -> None:
    assert number_ranges(Axis(id="count", terms=terms)) == ranges


def test_number_ranges__other_words_are_refused() -> None:
    with pytest.raises(PerceptionError, match=r"'dozens' on axis 'count' is no number word.*Give the ranges"):
        number_ranges(Axis(id="count", terms=("one", "dozens")))


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 1.0), max_size=5), st.floats(0.0, 1.0))
def test_number_probabilities__equal_the_sum_over_all_cases(scores: list[float], miss_rate: float) -> None:
    chances = [*scores, miss_rate]
    expected = np.zeros(len(chances) + 1)
    for case in product((0, 1), repeat=len(chances)):
        expected[sum(case)] += prod(p if there else 1.0 - p for p, there in zip(chances, case, strict=True))
    np.testing.assert_allclose(number_probabilities(scores, miss_rate=miss_rate), expected, atol=1e-12)


def test_term_probabilities__hand_computed() -> None:
    numbers = number_probabilities([0.5, 0.5], miss_rate=0.0)  # 1/4, 1/2, 1/4 for none, one, two
    row = term_probabilities(COUNT, numbers, ranges=number_ranges(COUNT))
    assert row is not None
    np.testing.assert_allclose(row, [2 / 3, 1 / 3, 0.0, 0.0])


def test_term_probabilities__five_certain_things_are_many() -> None:
    row = term_probabilities(COUNT, number_probabilities([1.0] * 5, miss_rate=0.1), ranges=number_ranges(COUNT))
    assert row is not None
    np.testing.assert_allclose(row, [0.0, 0.0, 0.0, 1.0])


def test_term_probabilities__nothing_seen_says_nothing_of_a_count() -> None:
    assert term_probabilities(COUNT, number_probabilities([], miss_rate=0.0), ranges=number_ranges(COUNT)) is None
