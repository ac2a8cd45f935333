import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rldf.errors import GrammarError
from rldf.grammar import measure_locality, order_terms, path_length
from rldf.grammar.locality import average_ranks
from rldf.grammar.order import SeriationMethod

METHODS: tuple[SeriationMethod, ...] = ("auto", "spectral")


def arc(num_terms: int, spread: float = np.pi / 2) -> np.ndarray:
    angles = np.linspace(0.0, spread, num_terms)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def ranks(values: Sequence[float]) -> list[float]:
    return [1 + sum(v < value for v in values) + (sum(v == value for v in values) - 1) / 2 for value in values]


@pytest.mark.parametrize("num_terms", [3, 8, 12, 13, 40])
@pytest.mark.parametrize("method", METHODS)
def test_order_terms__shuffled_points_on_an_arc__are_put_back(num_terms: int, method: SeriationMethod) -> None:
    shuffled = np.random.default_rng(num_terms).permutation(num_terms)
    order = order_terms(arc(num_terms)[shuffled], method=method)
    found = shuffled[order].tolist()
    assert found in (list(range(num_terms)), list(range(num_terms))[::-1])
    assert order[0] < order[-1]


def test_order_terms__exact__is_the_shortest_of_all_paths() -> None:
    paths = np.array(list(itertools.permutations(range(7))))
    for seed in range(4):
        embeddings = np.random.default_rng(seed).normal(size=(7, 3))
        unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        shortest = (1 - unit @ unit.T)[paths[:, :-1], paths[:, 1:]].sum(axis=1).min()
        assert path_length(embeddings, order_terms(embeddings, method="exact")) == pytest.approx(shortest)


def test_order_terms__spectral__is_near_the_shortest_path_and_better_than_as_given() -> None:
    ratios = []
    for seed in range(8):
        embeddings = np.random.default_rng(seed).normal(size=(11, 4))
        exact = path_length(embeddings, order_terms(embeddings, method="exact"))
        spectral = path_length(embeddings, order_terms(embeddings, method="spectral"))
        assert exact <= spectral + 1e-9 < path_length(embeddings, np.arange(11))
        ratios.append(spectral / exact)
    assert np.mean(ratios) < 1.1


def test_order_terms__two_clusters__stay_together() -> None:
    rng = np.random.default_rng(0)
    centres = np.eye(8)[:2] * 5
    members = np.tile([0, 1], 10)
    order = order_terms(centres[members] + rng.normal(scale=0.3, size=(20, 8)))
    assert np.count_nonzero(np.diff(members[order])) == 1


def test_order_terms__length_of_vectors_plays_no_part() -> None:
    embeddings = np.random.default_rng(3).normal(size=(20, 6))
    scaled = embeddings * np.random.default_rng(4).uniform(0.1, 10.0, size=(20, 1))
    np.testing.assert_array_equal(order_terms(embeddings), order_terms(scaled))


@settings(max_examples=30, deadline=None)
@given(
    arrays(
        np.float64,
        st.tuples(st.sampled_from([1, 2, 3, 6, 13, 16]), st.integers(1, 4)),
        elements=st.integers(1, 4).map(float),
    )
)
def test_order_terms__ties_and_all__is_a_permutation_and_repeatable(embeddings: np.ndarray) -> None:
    order = order_terms(embeddings)
    assert sorted(order.tolist()) == list(range(len(embeddings)))
    np.testing.assert_array_equal(order, order_terms(embeddings.copy()))


def test_order_terms__bad_input__is_refused() -> None:
    with pytest.raises(
        GrammarError, match=r"exact order of 13 terms takes too long; at most 12. Use method 'spectral'"
    ):
        order_terms(arc(13), method="exact")
    for bad in (np.zeros((3, 2)), np.full((3, 2), np.nan)):
        with pytest.raises(GrammarError, match=r"the 3 embeddings hold a zero vector.*Check the model"):
            order_terms(bad)


def test_measure_locality__points_in_order__agree_fully() -> None:
    locality = measure_locality(arc(8, spread=np.pi / 3), positions=np.arange(8)[:, None])
    assert locality.rank_correlation > 0.99
    assert locality.neighbour_agreement == 1.0
    assert locality.chance_agreement == pytest.approx((6 * 2 + 2) / (8 * 7))


def test_measure_locality__shuffled_points__agree_little() -> None:
    shuffled = np.random.default_rng(0).permutation(40)
    locality = measure_locality(arc(40)[shuffled], positions=np.arange(40)[:, None])
    assert abs(locality.rank_correlation) < 0.2
    assert locality.neighbour_agreement < 0.3


def test_measure_locality__rank_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(1)
    embeddings, positions = rng.normal(size=(15, 5)), rng.integers(0, 4, size=(15, 3))
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    pairs = list(itertools.combinations(range(15), 2))
    unlike = [1 - unit[i] @ unit[j] for i, j in pairs]
    moves = [int(np.abs(positions[i] - positions[j]).sum()) for i, j in pairs]
    expected = np.corrcoef(ranks(moves), ranks(unlike))[0, 1]
    assert measure_locality(embeddings, positions=positions).rank_correlation == pytest.approx(expected)


@settings(deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_average_ranks__count_what_is_below_and_half_of_what_is_equal(values: list[int]) -> None:
    np.testing.assert_allclose(average_ranks(np.array(values, dtype=float)), ranks(values))


def test_measure_locality__all_points_alike__has_no_correlation() -> None:
    locality = measure_locality(np.ones((4, 2)), positions=np.arange(4)[:, None])
    assert locality.rank_correlation == 0.0


def test_measure_locality__too_few_points_or_positions__is_refused() -> None:
    for num_points, num_positions in ((2, 2), (0, 0)):
        with pytest.raises(GrammarError, match=rf"locality of {num_points} embeddings at {num_positions} positions"):
            measure_locality(np.ones((num_points, 2)), positions=np.zeros((num_positions, 1), dtype=int))
