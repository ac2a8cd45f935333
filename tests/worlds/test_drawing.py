"""Drawing: pictures follow their terms and seed; the layout keeps counts legible."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Float

from rldf.errors import ConfigError, UnknownTermError
from rldf.worlds.drawing import DRAWABLE, draw
from rldf.worlds.layout import COUNT_RANGES, DENSITY_RANGES, MARGIN, Placement, place
from rldf.worlds.scenes import SCENES, paint_scene

TERMS = {"object": "cow", "count": "two", "density": "one", "scene": "farm"}
BASE = {
    "object": ("carrot", "banana", "apple", "football", "sheep", "cow", "monkey", "bicycle", "car", "bus"),
    "count": ("one", "two", "three", "many"),
    "density": ("no", "one", "many"),
    "scene": ("farm", "park", "beach", "street"),
}

wishes = st.tuples(
    st.sampled_from(DRAWABLE["object"]),
    st.sampled_from(list(COUNT_RANGES)),
    st.sampled_from(list(DENSITY_RANGES)),
    st.integers(0, 2**32),
)


def place_wish(wish: tuple[str, str, str, int]) -> tuple[Placement, ...]:
    object_term, count, density, seed = wish
    return place(object_term=object_term, count=count, density=density, rng=np.random.default_rng(seed))


def overlap(one: Placement, other: Placement) -> float:
    """Shared area as a share of the smaller box."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    smaller = min(one.width * one.height, other.width * other.height)
    return max(0.0, width) * max(0.0, height) / smaller


def test_draw__same_terms_and_seed_give_the_same_picture() -> None:
    np.testing.assert_array_equal(draw(TERMS, seed=7), draw(dict(reversed(TERMS.items())), seed=7))


def test_draw__does_not_depend_on_what_was_drawn_before() -> None:
    first = draw(TERMS, seed=1)
    for seed in range(2, 6):
        draw(TERMS, seed=seed)
    np.testing.assert_array_equal(draw(TERMS, seed=1), first)


def test_draw__another_seed_gives_another_picture() -> None:
    assert len({draw(TERMS, seed=seed).tobytes() for seed in range(20)}) == 20


@pytest.mark.parametrize("size_px", [16, 64, 128, 200])
def test_draw__gives_uint8_rgb_of_the_size(size_px: int) -> None:
    picture = draw(TERMS, seed=0, size_px=size_px)
    assert picture.shape == (size_px, size_px, 3)
    assert picture.dtype == np.uint8


def test_draw__at_another_size_shows_the_same_picture() -> None:
    small, large = draw(TERMS, seed=3, size_px=64), draw(TERMS, seed=3, size_px=128)
    halved = large.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - small).mean() < 8


@pytest.mark.parametrize("axis", list(BASE))
def test_draw__each_base_term_changes_the_picture(axis: str) -> None:
    pictures = [draw({**TERMS, axis: term}, seed=5).astype(np.int64) for term in BASE[axis]]
    for one, other in itertools.combinations(pictures, 2):
        assert np.abs(one - other).mean() > 2


@pytest.mark.parametrize("axis", list(DRAWABLE))
def test_draw__draws_every_term(axis: str) -> None:
    assert set(BASE[axis]) <= set(DRAWABLE[axis])
    pictures = {draw({**TERMS, axis: term}, seed=2, size_px=64).tobytes() for term in DRAWABLE[axis]}
    assert len(pictures) == len(DRAWABLE[axis])


def test_drawable__is_the_wide_space() -> None:
    assert [len(terms) for terms in DRAWABLE.values()] == [30, 4, 3, 12]


def test_draw__unknown_term_names_the_allowed_ones() -> None:
    with pytest.raises(UnknownTermError, match=r"axis 'object' cannot draw 'cows'.*carrot.*Did you mean 'cow'\?"):
        draw({**TERMS, "object": "cows"}, seed=0)


def test_draw__missing_axis_is_named() -> None:
    with pytest.raises(UnknownTermError, match=r"axis 'scene' is missing.*object, count, density, scene"):
        draw({axis: term for axis, term in TERMS.items() if axis != "scene"}, seed=0)


def test_draw__unknown_axis_is_named() -> None:
    with pytest.raises(UnknownTermError, match=r"axis 'scenes' is unknown.*Did you mean 'scene'\?"):
        draw({**TERMS, "scenes": "farm"}, seed=0)


def test_draw__too_small_a_size_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"size_px is 8; it must be 16 or larger\. Give a larger size"):
        draw(TERMS, seed=0, size_px=8)


def test_draw__negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="the seed is -1; it must be 0 or larger"):
        draw(TERMS, seed=-1)


@settings(deadline=None, max_examples=80)
@given(wish=wishes)
def test_place__clips_nothing_at_the_border(wish: tuple[str, str, str, int]) -> None:
    placements = place_wish(wish)
    for placement in placements:
        assert placement.left >= MARGIN - 1e-9
        assert placement.right <= 1 - MARGIN + 1e-9
        assert placement.top >= MARGIN
        assert placement.bottom <= 1 - MARGIN + 1e-9


@settings(deadline=None, max_examples=80)
@given(wish=wishes)
def test_place__objects_hardly_overlap(wish: tuple[str, str, str, int]) -> None:
    placements = place_wish(wish)
    objects = [placement for placement in placements if placement.role == "object"]
    for one, other in itertools.combinations(objects, 2):
        assert overlap(one, other) <= 0.15  # of the boxes: the glyphs in them share less


@settings(deadline=None, max_examples=80)
@given(wish=wishes)
def test_place__people_stand_behind_and_show_head_and_body(wish: tuple[str, str, str, int]) -> None:
    placements = place_wish(wish)
    roles = [placement.role for placement in placements]
    assert roles == sorted(roles, reverse=True)  # people are drawn first
    people = [placement for placement in placements if placement.role == "person"]
    objects = [placement for placement in placements if placement.role == "object"]
    for person, thing in itertools.product(people, objects):
        assert 0.60 <= person.bottom <= 0.64 < thing.bottom
        assert thing.top >= person.top + 0.5 * person.height


@settings(deadline=None, max_examples=80)
@given(wish=wishes)
def test_place__places_as_many_as_the_terms_say(wish: tuple[str, str, str, int]) -> None:
    object_term, count, density, _ = wish
    placements = place_wish(wish)
    roles = [placement.role for placement in placements]
    least, most = COUNT_RANGES[count]
    assert least <= roles.count("object") <= most
    least, most = DENSITY_RANGES[density]
    assert least <= roles.count("person") <= most
    assert {placement.glyph for placement in placements if placement.role == "object"} == {object_term}


def test_place__more_objects_are_smaller() -> None:
    def mean_height(count: str) -> float:
        layouts = [place_wish(("apple", count, "no", seed)) for seed in range(20)]
        return float(np.mean([placement.height for layout in layouts for placement in layout]))

    heights = [mean_height(count) for count in ("one", "two", "three", "many")]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] > 1.8 * heights[3]


def test_place__several_people_differ() -> None:
    for seed in range(20):
        placements = place_wish(("cow", "one", "many", seed))
        glyphs = [placement.glyph for placement in placements if placement.role == "person"]
        assert len(glyphs) == len(set(glyphs))


@pytest.mark.parametrize("scene", list(SCENES))
def test_paint_scene__leaves_the_foreground_calm(scene: str) -> None:
    picture = paint_scene(scene, rng=np.random.default_rng(0), size_px=128).astype(np.float64)
    foreground = picture[84:]
    across = np.abs(np.diff(foreground, axis=1)).mean()
    assert across < 4  # a plain glyph row gives more than 10


def test_paint_scene__scenes_differ_more_than_their_seeds() -> None:
    def thumbnail(scene: str, seed: int) -> Float[np.ndarray, "8 8 3"]:
        picture = paint_scene(scene, rng=np.random.default_rng(seed), size_px=128)
        return np.asarray(picture.reshape(8, 16, 8, 16, 3).mean(axis=(1, 3)))

    means = {scene: np.mean([thumbnail(scene, seed) for seed in range(8)], axis=0) for scene in SCENES}
    for scene in SCENES:
        picture = thumbnail(scene, 99)
        distances = {other: float(np.abs(picture - mean).mean()) for other, mean in means.items()}
        assert min(distances, key=lambda other: distances[other]) == scene
