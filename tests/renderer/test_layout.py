"""Layout: counts stay legible, people stand behind, nothing is clipped."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rldf.renderer.layout import (
    COUNT_RANGES,
    MARGIN,
    WHOLE,
    Placement,
    place_character,
    place_crowd,
    place_objects,
    place_people,
)
from rldf.renderer.people import ACTIONS, AGES, PersonLook
from rldf.renderer.supports import SUPPORTS, support_surface
from rldf.renderer.vocabulary import OBJECTS

seeds = st.integers(0, 2**32)
counts = st.sampled_from(list(COUNT_RANGES))
spans = st.sampled_from([WHOLE, (MARGIN, 0.49), (0.51, 1 - MARGIN)])


def looks(number: int, *, action: str = "none", age: str = "young") -> list[PersonLook]:
    look = PersonLook(
        action=action, profession="none", age=age, skin_tone="light-skinned", gender="woman", emotion="happy"
    )
    return [look] * number


def overlap(one: Placement, other: Placement) -> float:
    """Shared area as a share of the smaller box."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    smaller = min(one.width * one.height, other.width * other.height)
    return max(0.0, width) * max(0.0, height) / smaller


def stays_inside(placements: list[Placement]) -> bool:
    return all(
        p.left >= MARGIN - 1e-9 and p.right <= 1 - MARGIN + 1e-9 and p.top >= -1e-9 and p.bottom <= 1 - MARGIN + 1e-9
        for p in placements
    )


@settings(deadline=None, max_examples=120)
@given(glyph=st.sampled_from(OBJECTS), count=counts, span=spans, support=st.sampled_from(SUPPORTS), seed=seeds)
def test_objects__are_as_many_as_said_and_lie_inside(
    glyph: str, count: str, span: tuple[float, float], support: str, seed: int
) -> None:
    surface = None if support == "floor" else support_surface(support)
    rng = np.random.default_rng(seed)
    placements = place_objects(glyph, count=count, colour="none", span=span, surface=surface, rng=rng)
    assert stays_inside(placements)
    assert all(span[0] - 1e-9 <= p.left and p.right <= span[1] + 1e-9 for p in placements)
    least, most = COUNT_RANGES[count]
    assert least <= len(placements) <= most
    assert {p.what for p in placements} == {glyph}
    assert [p.bottom for p in placements] == sorted(p.bottom for p in placements)


@settings(deadline=None, max_examples=80)
@given(glyph=st.sampled_from(OBJECTS), count=counts, seed=seeds)
def test_objects__hardly_overlap_on_the_ground(glyph: str, count: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    placements = place_objects(glyph, count=count, colour="none", span=WHOLE, surface=None, rng=rng)
    for one, other in itertools.combinations(placements, 2):
        assert overlap(one, other) <= 0.2  # of the boxes: the glyphs in them share less


@settings(deadline=None, max_examples=80)
@given(number=st.sampled_from([1, 2, 3, 5, 6]), action=st.sampled_from(ACTIONS), age=st.sampled_from(AGES), seed=seeds)
@example(number=1, action="cycling", age="young", seed=1)
def test_people__stand_behind_the_objects(number: int, action: str, age: str, seed: int) -> None:
    placements = place_people(looks(number, action=action, age=age), span=WHOLE, rng=np.random.default_rng(seed))
    assert len(placements) == number
    assert stays_inside(placements)
    assert all(0.59 <= p.bottom <= 0.63 for p in placements)


@settings(deadline=None, max_examples=60)
@given(number=st.integers(1, 8), action=st.sampled_from(ACTIONS), seed=seeds)
def test_crowd__fills_the_picture(number: int, action: str, seed: int) -> None:
    placements = place_crowd(looks(number, action=action), span=WHOLE, rng=np.random.default_rng(seed))
    assert len(placements) == number
    assert stays_inside(placements)


def test_nobody__takes_no_place() -> None:
    assert place_people([], span=WHOLE, rng=np.random.default_rng(0)) == []


@pytest.mark.parametrize("seed", range(6))
def test_character__leaves_a_span_for_people(seed: int) -> None:
    placement, rest = place_character("bruno", rng=np.random.default_rng(seed))
    assert rest[1] - rest[0] > 0.6
    assert placement.right <= rest[0] + 1e-9 or placement.left >= rest[1] - 1e-9


def test_objects__more_of_them_are_smaller() -> None:
    def mean_height(count: str) -> float:
        layouts = [
            place_objects(
                "apple", count=count, colour="none", span=WHOLE, surface=None, rng=np.random.default_rng(seed)
            )
            for seed in range(20)
        ]
        return float(np.mean([placement.height for layout in layouts for placement in layout]))

    heights = [mean_height(count) for count in COUNT_RANGES]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] > 1.8 * heights[-1]
