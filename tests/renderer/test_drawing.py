"""Drawing: pictures follow their terms and seed, and say what is to be seen in them."""

import itertools

import numpy as np
import pytest

from rldf.errors import ConfigError, UnknownTermError
from rldf.grammar import load_grammar
from rldf.renderer.drawing import draw, draw_with_truth
from rldf.renderer.vocabulary import DRAWABLE, UNSAID

TERMS = {"object": "cow", "count": "two", "density": "one", "scene": "farm"}
BASE = {
    "object": ("carrot", "banana", "apple", "football", "sheep", "cow", "monkey", "bicycle", "car", "bus"),
    "count": ("one", "two", "three", "many"),
    "density": ("no", "one", "many"),
    "scene": ("farm", "park", "beach", "street"),
}
NEEDED = {
    "second-object": {"second-count": "two"},
    "second-count": {"second-object": "dog"},
    "support": {"scene": "kitchen"},
    "person": {"density": "no"},
}


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
    assert np.abs(halved - small).mean() < 12  # another seed gives more than 20


@pytest.mark.parametrize("axis", list(BASE))
def test_draw__each_base_term_changes_the_picture(axis: str) -> None:
    pictures = [draw({**TERMS, axis: term}, seed=5).astype(np.int64) for term in BASE[axis]]
    for one, other in itertools.combinations(pictures, 2):
        assert np.abs(one - other).mean() > 2


@pytest.mark.parametrize("axis", list(DRAWABLE))
def test_draw__draws_every_term(axis: str) -> None:
    terms = TERMS | NEEDED.get(axis, {})
    pictures = {draw({**terms, axis: term}, seed=2, size_px=64).tobytes() for term in DRAWABLE[axis]}
    assert len(pictures) == len(DRAWABLE[axis])


@pytest.mark.parametrize("name", ["base", "wide", "control", "full", "two-objects", "people-classes", "indoors"])
def test_drawable__has_every_term_of_the_grammars_that_ship(name: str) -> None:
    for axis in load_grammar(name).space.axes:
        assert set(axis.terms) <= set(DRAWABLE[axis.id])


def test_draw__an_axis_left_out_is_drawn_as_unsaid() -> None:
    said = {axis: term for axis, term in UNSAID.items() if axis != "density"}
    np.testing.assert_array_equal(draw(TERMS, seed=4), draw(TERMS | said, seed=4))


def test_draw__unknown_term_names_the_allowed_ones() -> None:
    with pytest.raises(UnknownTermError, match=r"axis 'object' cannot draw 'cows'.*carrot.*Did you mean 'cow'\?"):
        draw({**TERMS, "object": "cows"}, seed=0)


def test_draw__missing_axis_is_named() -> None:
    with pytest.raises(UnknownTermError, match=r"axis 'scene' is missing.*object, count, scene"):
        draw({axis: term for axis, term in TERMS.items() if axis != "scene"}, seed=0)


def test_draw__unknown_axis_is_named() -> None:
    with pytest.raises(UnknownTermError, match=r"axis 'scenes' is unknown.*Did you mean 'scene'\?"):
        draw({**TERMS, "scenes": "farm"}, seed=0)


def test_draw__furniture_outdoors_is_refused() -> None:
    with pytest.raises(
        UnknownTermError, match=r"'support' cannot draw 'sofa' in the scene 'farm'.*kitchen.*or the floor"
    ):
        draw({**TERMS, "support": "sofa"}, seed=0)


def test_draw__too_small_a_size_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"size_px is 8; it must be 16 or larger\. Give a larger size"):
        draw(TERMS, seed=0, size_px=8)


def test_draw__negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="the seed is -1; it must be 0 or larger"):
        draw(TERMS, seed=-1)


def seen(terms: dict[str, str] | None = None, *, seed: int = 0) -> dict[str, str]:
    said = TERMS if terms is None else TERMS | terms
    return dict(draw_with_truth(said, seed=seed, size_px=32).seen)


def test_truth__of_a_lone_person_is_how_the_person_looks() -> None:
    told = seen()
    assert told["gender"] in {"woman", "man"}
    assert told["skin-tone"] != "none"
    assert told["density"] == "one"


def test_truth__of_nobody_is_none() -> None:
    told = seen({"density": "no", "action": "dancing", "age": "old", "gender": "woman"})
    assert (told["action"], told["age"], told["gender"]) == ("none", "none", "person")


def test_truth__of_people_who_differ_is_none() -> None:
    ages = {seen({"density": "many"}, seed=seed)["age"] for seed in range(12)}
    assert "none" in ages


def test_truth__of_people_asked_to_be_alike_is_the_term() -> None:
    for seed in range(8):
        assert seen({"density": "few", "gender": "woman", "age": "old"}, seed=seed)["gender"] == "woman"


@pytest.mark.parametrize(
    ("axis", "terms"),
    [
        ("colour", {"style": "sketch", "colour": "blue"}),
        ("colour", {"object": "tomato", "colour": "red"}),
        ("city", {"scene": "kitchen", "city": "paris"}),
        ("city", {"scene": "forest", "city": "paris"}),
        ("weather", {"scene": "bedroom", "weather": "rainy"}),
        ("skin-tone", {"style": "sketch", "skin-tone": "light-skinned"}),
    ],
)
def test_truth__leaves_out_what_cannot_be_told(axis: str, terms: dict[str, str]) -> None:
    assert axis not in seen(terms)


@pytest.mark.parametrize(
    ("axis", "terms"),
    [
        ("colour", {"colour": "blue"}),
        ("city", {"city": "tokyo"}),
        ("weather", {"weather": "rainy"}),
        ("time", {"time": "night", "scene": "kitchen"}),
        ("support", {"scene": "kitchen", "support": "table"}),
        ("character", {"character": "bruno"}),
        ("emotion", {"emotion": "happy"}),
    ],
)
def test_truth__names_what_can_be_told(axis: str, terms: dict[str, str]) -> None:
    assert seen(terms)[axis] == terms[axis]


def test_truth__of_a_crowd_of_small_faces_leaves_out_emotions() -> None:
    told = [
        seen({"density": "many", "emotion": "happy", "action": "cycling", "character": "bruno"}, seed=seed)
        for seed in range(8)
    ]
    assert any("emotion" not in truth for truth in told)


def test_draw__a_character_is_seen_beside_the_people() -> None:
    with_bruno = draw({**TERMS, "density": "no", "character": "bruno"}, seed=5).astype(np.int64)
    without = [draw({**TERMS, "density": "no"}, seed=seed).astype(np.int64) for seed in range(5)]
    brown = [
        int(((p[..., 0] > 100) & (p[..., 0] < 150) & (p[..., 1] < 90) & (p[..., 2] < 70))[40:84].sum())
        for p in (with_bruno, *without)
    ]
    assert brown[0] > 2 * max(brown[1:])
