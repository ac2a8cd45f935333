"""Drawn people: every term can be told apart, nothing is cut off, and the same chance gives the same person."""

from dataclasses import asdict
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldf.errors import UnknownTermError
from rldf.renderer.people import (
    ACTIONS,
    AGES,
    EMOTIONS,
    GENDERS,
    PROFESSIONS,
    SKIN_TONES,
    PersonLook,
    draw_person,
    figure_size,
)

PLAIN = {
    "action": "none",
    "profession": "none",
    "age": "young",
    "skin_tone": "light-skinned",
    "gender": "man",
    "emotion": "neutral",
}
AXES = {
    "action": ACTIONS,
    "profession": PROFESSIONS,
    "age": AGES,
    "skin_tone": SKIN_TONES,
    "gender": GENDERS,
    "emotion": EMOTIONS,
}
GRASS = np.array([124, 184, 92], dtype=np.float32)
LOOKS = st.builds(PersonLook, **{name: st.sampled_from(terms) for name, terms in AXES.items()})


def look(**changes: str) -> PersonLook:
    return PersonLook(**(PLAIN | changes))


@cache
def on_grass(person: PersonLook, *, adult_px: int, seed: int) -> np.ndarray:
    """The person on a green picture twice as wide and 1.5 times as high as an adult, feet in the middle below."""
    height_px = round(adult_px * figure_size(person)[1])
    figure = draw_person(person, height_px=height_px, rng=np.random.default_rng(seed))
    picture = np.tile(GRASS, (adult_px * 3 // 2, 2 * adult_px, 1))
    left = (picture.shape[1] - figure.shape[1]) // 2
    part = picture[-figure.shape[0] :, left : left + figure.shape[1]]
    part[:] = part * (1 - figure[..., 3:]) + figure[..., :3]
    return picture


@pytest.mark.parametrize("name", list(AXES))
def test_two_terms_of_an_axis__look_different(name: str) -> None:
    pictures = {term: on_grass(look(**{name: term}), adult_px=60, seed=3) for term in AXES[name]}
    alike = [
        (first, second)
        for first, second in combinations(AXES[name], 2)
        if (np.abs(pictures[first] - pictures[second]).max(axis=-1) > 40).sum() < 30  # pixels, as many as a mouth has
    ]
    assert alike == []


@pytest.mark.parametrize("action", ["running", "swimming", "cycling", "eating"])
def test_two_terms__look_different_during_an_action_too(action: str) -> None:
    for name in ("profession", "age", "skin_tone", "gender", "emotion"):
        pictures = [on_grass(look(**{"action": action, name: term}), adult_px=60, seed=3) for term in AXES[name]]
        for one, other in combinations(pictures, 2):
            assert (np.abs(one - other).max(axis=-1) > 40).sum() >= 25


@settings(max_examples=25, deadline=None)
@given(person=LOOKS, height_px=st.integers(8, 120), seed=st.integers(0, 2**32))
def test_drawing__has_the_promised_size_and_values(person: PersonLook, height_px: int, seed: int) -> None:
    figure = draw_person(person, height_px=height_px, rng=np.random.default_rng(seed))
    width, height = figure_size(person)
    assert figure.shape == (height_px, max(1, round(height_px * width / height)), 4)
    assert figure.dtype == np.float32
    assert figure[..., 3].min() >= 0
    assert figure[..., 3].max() == 1
    assert figure[..., :3].min() >= 0
    assert np.all(figure[..., :3] <= 255 * figure[..., 3:] + 1)  # colours are weighed by opacity


@settings(max_examples=25, deadline=None)
@given(person=LOOKS, seed=st.integers(0, 2**32))
def test_figure__fills_its_box_and_stands_on_its_floor(person: PersonLook, seed: int) -> None:
    opacity = draw_person(person, height_px=100, rng=np.random.default_rng(seed))[..., 3]
    assert opacity[-4:].max() == 1
    assert opacity[:8].max() == 1
    corners = (opacity[0, 0], opacity[0, -1])
    assert max(corners) == 0
    assert np.count_nonzero(opacity[:, 0] > 0.5) <= 12  # an outline may touch the side, no limb may end there
    assert np.count_nonzero(opacity[:, -1] > 0.5) <= 12


def test_same_chance__gives_the_same_person() -> None:
    one, again = (draw_person(look(), height_px=60, rng=np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one, again)


def test_other_chance__gives_another_person() -> None:
    drawings = {draw_person(look(), height_px=60, rng=np.random.default_rng(seed)).tobytes() for seed in range(20)}
    assert len(drawings) == 20


def test_standing_adult__is_the_unit() -> None:
    width, height = figure_size(look())
    assert width == pytest.approx(0.5, abs=0.05)
    assert height == pytest.approx(1, abs=0.01)


def test_sizes__compare_as_in_life() -> None:
    adult = figure_size(look())
    child, cyclist, swimmer = (
        figure_size(look(**change)) for change in ({"age": "child"}, {"action": "cycling"}, {"action": "swimming"})
    )
    assert 0.65 < child[1] < 0.8
    assert cyclist[0] > 1.5 * adult[0]
    assert swimmer[1] < 0.75 * adult[1]
    assert figure_size(look(profession="chef"))[1] > adult[1]  # for the hat


def test_skin_tones__order_the_brightness_of_faces() -> None:
    means = []
    for tone in SKIN_TONES:
        figure = draw_person(look(skin_tone=tone), height_px=60, rng=np.random.default_rng(1))
        means.append(figure[15:22, figure.shape[1] // 2, :3].mean())
    assert means[0] > means[1] + 30 > means[2] + 60


def test_angry_face__is_redder_than_a_calm_one() -> None:
    def redness(emotion: str) -> float:
        figure = draw_person(look(emotion=emotion), height_px=60, rng=np.random.default_rng(1))
        middle = figure[5:24, 8:-8]
        return float((middle[..., 0] - middle[..., 2]).mean())

    assert redness("angry") > redness("neutral") + 15


@pytest.mark.parametrize("name", list(AXES))
def test_unknown_term__is_refused_with_the_terms_and_a_suggestion(name: str) -> None:
    misspelt = AXES[name][-1] + "x"
    with pytest.raises(
        UnknownTermError, match=f"{name} '{misspelt}'.*{AXES[name][0]}.*Did you mean '{AXES[name][-1]}'"
    ):
        PersonLook(**(PLAIN | {name: misspelt}))


def test_look__is_a_value() -> None:
    assert look() == look()
    assert asdict(look()) == PLAIN
    assert len({look(), look(), look(age="old")}) == 2


@pytest.mark.parametrize("emotion", EMOTIONS[1:])
def test_sign_of_a_feeling__stands_above_the_head(emotion: str) -> None:
    plain, feeling = (look(emotion=each) for each in (EMOTIONS[0], emotion))
    assert figure_size(feeling)[1] > figure_size(plain)[1]
    height_px = 200
    figure = draw_person(feeling, height_px=height_px, rng=np.random.default_rng(0))
    rows = round(height_px * (1 - figure_size(plain)[1] / figure_size(feeling)[1]))
    assert figure[:rows, :, 3].max() == 1.0


def test_signs_of_feelings__differ_in_colour() -> None:
    means = []
    for emotion in EMOTIONS[1:]:
        figure = draw_person(look(emotion=emotion), height_px=200, rng=np.random.default_rng(0))
        sign = figure[:30][figure[:30, :, 3] > 0.9]
        means.append(sign[:, :3].mean(axis=0))
    distances = [float(np.linalg.norm(a - b)) for k, a in enumerate(means) for b in means[:k]]
    assert min(distances) > 40  # of 0 to 255, in red, green and blue
