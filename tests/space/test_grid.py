from collections import deque

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rldf.errors import EncodingError, UnknownTermError
from rldf.space import Axis, Encoding, EncodingSpace, Exclusion, Move


def make_axis(axis_id: str, num_terms: int) -> Axis:
    return Axis(id=axis_id, terms=tuple(f"{axis_id}{i}" for i in range(num_terms)))


BASE = EncodingSpace(
    axes=(make_axis("object", 10), make_axis("count", 4), make_axis("density", 3), make_axis("scene", 4))
)


def draw_space(data: st.DataObject) -> EncodingSpace:
    """Draws numbers only and builds in the test: shape checks use chance, which strategies must not."""
    sizes = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    axes = tuple(make_axis(f"a{i}", size) for i, size in enumerate(sizes))
    locked = {a.id: data.draw(st.sampled_from(a.terms)) for a in axes if data.draw(st.booleans())}
    return EncodingSpace(axes=axes, locked=locked)


def draw_encoding(data: st.DataObject, space: EncodingSpace) -> Encoding:
    return space.encoding(data.draw(st.integers(0, space.size - 1)))


def test_size__is_the_product_of_the_axes() -> None:
    assert BASE.size == 10 * 4 * 3 * 4 == 480
    assert BASE.shape == (10, 4, 3, 4)


def test_index__is_mixed_radix_with_the_last_axis_fastest() -> None:
    assert BASE.index(Encoding((0, 0, 0, 1))) == 1
    assert BASE.index(Encoding((0, 0, 1, 0))) == 4
    assert BASE.index(Encoding((0, 1, 0, 0))) == 12
    assert BASE.index(Encoding((9, 3, 2, 3))) == 479


def test_index__millions_of_states_cost_nothing() -> None:
    space = EncodingSpace(axes=tuple(make_axis(f"a{i}", 100) for i in range(10)))
    assert space.size == 100**10
    assert space.index(space.encoding(space.size - 1)) == space.size - 1


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_index_and_encoding__are_inverse(data: st.DataObject) -> None:
    space = draw_space(data)
    number = data.draw(st.integers(0, space.size - 1))
    assert space.index(space.encoding(number)) == number
    assert space.allows(space.encoding(number))


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_encode_and_terms__are_inverse(data: st.DataObject) -> None:
    space = draw_space(data)
    encoding = draw_encoding(data, space)
    assert space.encode(space.terms(encoding)) == encoding


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_distance__is_a_metric(data: st.DataObject) -> None:
    space = draw_space(data)
    a, b, c = (draw_encoding(data, space) for _ in range(3))
    assert (space.distance(a, b) == 0) == (a == b)
    assert space.distance(a, b) == space.distance(b, a)
    assert space.distance(a, c) <= space.distance(a, b) + space.distance(b, c)
    assert 0.0 <= space.normalised_distance(a, b) <= 1.0


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_neighbours__are_symmetric_and_one_move_away(data: st.DataObject) -> None:
    space = draw_space(data)
    encoding = draw_encoding(data, space)
    for neighbour in space.neighbours(encoding):
        assert space.distance(encoding, neighbour) == 1
        assert encoding in space.neighbours(neighbour)
        assert space.allows(neighbour)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_apply__opposite_moves_undo_each_other_inside_the_grid(data: st.DataObject) -> None:
    space = draw_space(data)
    assume(space.moves)
    encoding = draw_encoding(data, space)
    move = data.draw(st.sampled_from(space.moves))
    moved = space.apply(encoding, move)
    back = Move(axis_index=move.axis_index, direction=-move.direction)
    assert moved == encoding or space.apply(moved, back) == encoding


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.data())
def test_sample__is_allowed_and_set_by_the_seed(seed: int, data: st.DataObject) -> None:
    space = draw_space(data)
    sampled = space.sample(np.random.default_rng(seed))
    assert space.allows(sampled)
    assert sampled == space.sample(np.random.default_rng(seed))


def test_neighbours__shortest_walk_equals_the_distance() -> None:
    space = EncodingSpace(axes=(make_axis("a", 4), make_axis("b", 3), make_axis("c", 2)))
    start = Encoding((1, 0, 1))
    moves = {start: 0}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for there in space.neighbours(here):
            if there not in moves:
                moves[there] = moves[here] + 1
                waiting.append(there)
    assert moves == {encoding: space.distance(start, encoding) for encoding in space.all_encodings()}


def test_normalised_distance__is_one_between_far_corners_and_zero_in_a_grid_of_one_state() -> None:
    assert BASE.normalised_distance(Encoding((0, 0, 0, 0)), Encoding((9, 3, 2, 3))) == 1.0
    single = EncodingSpace(axes=(make_axis("a", 1),))
    assert single.normalised_distance(Encoding((0,)), Encoding((0,))) == 0.0


def test_apply__stays_at_the_border() -> None:
    corner = Encoding((0, 0, 0, 0))
    assert BASE.apply(corner, Move(axis_index=0, direction=-1)) == corner
    assert BASE.apply(corner, Move(axis_index=0, direction=1)) == Encoding((1, 0, 0, 0))
    far = Encoding((9, 3, 2, 3))
    assert BASE.apply(far, Move(axis_index=3, direction=1)) == far


def test_lock__takes_an_axis_out_of_moves_size_samples_and_index() -> None:
    space = BASE.lock({"scene": "scene2"})
    assert space.size == 120
    assert {move.axis_index for move in space.moves} == {0, 1, 2}
    assert all(e.indices[3] == 2 for e in space.all_encodings())
    assert len({space.index(e) for e in space.all_encodings()}) == 120
    assert space.encode({"object": "object1", "count": "count1", "density": "density1"}) == Encoding((1, 1, 1, 2))
    start = Encoding((0, 0, 0, 2))
    assert space.apply(start, Move(axis_index=3, direction=1)) == start
    assert BASE.size == 480


def test_index__of_an_encoding_off_the_lock__is_refused() -> None:
    with pytest.raises(EncodingError, match=r"locked at \{'scene': 'scene2'\}.*loosen a lock"):
        BASE.lock({"scene": "scene2"}).index(Encoding((0, 0, 0, 0)))


def test_locked__does_not_follow_the_callers_mapping() -> None:
    locks = {"scene": "scene2"}
    space = EncodingSpace(axes=BASE.axes, locked=locks)
    locks["count"] = "count0"
    assert space.size == 120


def test_space__can_be_a_key() -> None:
    exclusion = Exclusion(terms={"object": ("object0",), "scene": ("scene0",)})
    space = EncodingSpace(axes=BASE.axes, locked={"count": "count1"}, exclusions=(exclusion,))
    same = EncodingSpace(axes=BASE.axes, locked={"count": "count1"}, exclusions=(exclusion,))
    assert {space: 1}[same] == 1
    assert space != BASE


def test_exclusions__are_never_entered_sampled_or_walked() -> None:
    exclusion = Exclusion(terms={"object": ("object1", "object2"), "scene": ("scene1",)})
    space = EncodingSpace(axes=BASE.axes, exclusions=(exclusion,))
    assert not space.allows(Encoding((1, 0, 0, 1)))
    assert space.allows(Encoding((1, 0, 0, 0)))
    assert space.allows(Encoding((0, 0, 0, 1)))
    edge = Encoding((0, 0, 0, 1))
    assert space.apply(edge, Move(axis_index=0, direction=1)) == edge
    assert len(list(space.all_encodings())) == 480 - 2 * 4 * 3
    rng = np.random.default_rng(0)
    assert all(space.allows(space.sample(rng)) for _ in range(300))
    assert space.encoding(space.index(Encoding((1, 0, 0, 1)))) == Encoding((1, 0, 0, 1))


def test_sample__is_uniform_over_what_is_allowed() -> None:
    exclusion = Exclusion(terms={"a": ("a0",), "b": ("b0",)})
    space = EncodingSpace(axes=(make_axis("a", 2), make_axis("b", 2)), exclusions=(exclusion,))
    rng = np.random.default_rng(1)
    drawn = [space.sample(rng).indices for _ in range(3000)]
    counts = np.array([drawn.count(point) for point in ((0, 1), (1, 0), (1, 1))])
    assert counts.sum() == 3000
    np.testing.assert_allclose(counts, 1000, atol=110)  # four standard deviations


def test_sample__with_nothing_left__is_refused() -> None:
    exclusion = Exclusion(terms={"a": ("a0",), "b": ("b0",)})
    space = EncodingSpace(axes=(make_axis("a", 1), make_axis("b", 1)), exclusions=(exclusion,))
    with pytest.raises(EncodingError, match=r"no allowed encoding was met in 1000 tries.*Loosen one"):
        space.sample(np.random.default_rng(0))


def test_encode__unknown_axis_term_or_missing_axis__is_refused_with_advice() -> None:
    with pytest.raises(UnknownTermError, match=r"no axis 'obect'.*Did you mean 'object'"):
        BASE.encode({"obect": "object1"})
    with pytest.raises(UnknownTermError, match=r"axis 'object' has no term 'object99'.*It has: object0"):
        BASE.encode({"object": "object99", "count": "count0", "density": "density0", "scene": "scene0"})
    with pytest.raises(EncodingError, match=r"says nothing of \['density', 'scene'\]; give one term"):
        BASE.encode({"object": "object1", "count": "count0"})


@pytest.mark.parametrize("indices", [(0, 0, 0), (0, 0, 0, 4), (-1, 0, 0, 0), (0, 0, 0, 0, 0)])
def test_require__no_point_of_the_grid__is_refused(indices: tuple[int, ...]) -> None:
    for check in (BASE.require, BASE.allows, BASE.terms, BASE.index, BASE.neighbours):
        with pytest.raises(EncodingError, match=r"is no point of the grid of \(10, 4, 3, 4\).*EncodingSpace.encode"):
            check(Encoding(indices))


@pytest.mark.parametrize("number", [-1, 480])
def test_encoding__of_a_number_outside__is_refused(number: int) -> None:
    with pytest.raises(EncodingError, match=rf"state {number} does not exist; states go from 0 to 479"):
        BASE.encoding(number)


def test_space__without_axes_or_with_equal_ids__is_refused() -> None:
    with pytest.raises(EncodingError, match="no axes; it needs at least one"):
        EncodingSpace(axes=())
    with pytest.raises(EncodingError, match=r"\['a', 'a'\] repeat.*Rename one"):
        EncodingSpace(axes=(make_axis("a", 2), make_axis("a", 3)))


def test_space__locks_and_exclusions_of_unknown_terms__are_refused() -> None:
    with pytest.raises(UnknownTermError, match=r"no axis 'scen'.*Did you mean 'scene'"):
        BASE.lock({"scen": "scene0"})
    with pytest.raises(UnknownTermError, match="axis 'scene' has no term 'moon'"):
        BASE.lock({"scene": "moon"})
    with pytest.raises(UnknownTermError, match="axis 'scene' has no term 'moon'"):
        EncodingSpace(axes=BASE.axes, exclusions=(Exclusion(terms={"object": ("object0",), "scene": ("moon",)}),))


def test_exclusion__of_one_axis__is_refused() -> None:
    with pytest.raises(EncodingError, match=r"names 1 axes; it takes at least two.*leave it out"):
        Exclusion(terms={"object": ("object0",)})


@pytest.mark.parametrize(("axis_index", "direction"), [(0, 0), (0, 2), (-1, 1)])
def test_move__by_more_than_one_or_on_a_negative_axis__is_refused(axis_index: int, direction: int) -> None:
    with pytest.raises(EncodingError, match=rf"axis {axis_index} by {direction} does not exist.*EncodingSpace.moves"):
        Move(axis_index=axis_index, direction=direction)


def test_apply__move_of_another_space__is_refused() -> None:
    with pytest.raises(EncodingError, match=r"along axis 4; the space has axes 0 to 3.*EncodingSpace.moves"):
        BASE.apply(Encoding((0, 0, 0, 0)), Move(axis_index=4, direction=1))


def test_axis__empty_or_repeating__is_refused() -> None:
    with pytest.raises(EncodingError, match=r"axis 'a' has no terms.*Add a term"):
        Axis(id="a", terms=())
    with pytest.raises(EncodingError, match=r"axis 'a' names x more than once.*Remove the repetition"):
        Axis(id="a", terms=("x", "y", "x"))


def test_axis__index_of__suggests_the_closest_term() -> None:
    with pytest.raises(UnknownTermError, match=r"no term 'prak'. It has: park, farm. Did you mean 'park'"):
        Axis(id="scene", terms=("park", "farm")).index_of("prak")


WEATHER = Axis(id="weather", terms=("none", "rain", "rainy", "snowy", "sunny", "sunset"))


@pytest.mark.parametrize(("text", "term"), [("snow", "snowy"), ("snowy", "snowy"), ("rain", "rain"), ("none", "none")])
def test_axis__find__takes_a_term_or_the_only_one_that_begins_so(text: str, term: str) -> None:
    assert WEATHER.find(text) == term


@pytest.mark.parametrize("text", ["sun", "sn", "", "snowy!", "storm"])
def test_axis__find__refuses_what_means_none_or_several(text: str) -> None:
    with pytest.raises(UnknownTermError, match=r"axis 'weather' has no term"):
        WEATHER.find(text)


def test_space__locked_by_a_beginning__keeps_the_whole_term() -> None:
    locked = EncodingSpace(axes=(WEATHER, Axis(id="count", terms=("one", "two", "three")))).lock({"weather": "snow"})
    assert locked.locked == {"weather": "snowy"}
    assert locked.terms(locked.encode({"count": "thr"})) == {"weather": "snowy", "count": "three"}
