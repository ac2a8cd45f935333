"""Places people in a back row and objects in front of them, as fractions of the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rldf.worlds.atlas import aspect_ratio, person_glyphs

COUNT_RANGES = {"one": (1, 1), "two": (2, 2), "three": (3, 3), "many": (5, 7)}
"""Least and most objects of each count term."""

DENSITY_RANGES = {"no": (0, 0), "one": (1, 1), "many": (4, 5)}
"""Least and most people of each density term."""

MARGIN = 0.02
"""No box comes closer to the border than this fraction of the picture."""

# All sizes below are our choice, tried by eye at 128 px; fractions of the picture.
_OBJECT_HEIGHT = {1: 0.42, 2: 0.36, 3: 0.30}
_OBJECT_MAX_WIDTH = {1: 0.58, 2: 0.41, 3: 0.285}
_OBJECT_BOTTOM = (0.915, 0.965)
_ROW_HEIGHTS = (0.195, 0.210)  # of `many` objects: back row, front row
_ROW_BOTTOMS = (0.755, 0.966)
_ROW_MAX_WIDTH = 0.225
_OBJECT_ANGLES_DEG = (-6, -3, 0, 0, 3, 6)
_PERSON_HEIGHTS = (0.320, 0.370)
_PERSON_FEET = (0.605, 0.640)
_PERSON_ANGLES_DEG = (-2, 0, 0, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One glyph with its box in the picture.

    Attributes:
        glyph: name in the atlas.
        role: what the glyph stands for.
        left: left border of the box, 0 to 1, as a fraction of the picture.
        top: upper border, 0 to 1.
        width: 0 to 1.
        height: 0 to 1.
        angle_deg: rotation, counterclockwise, before mirroring; the box holds it.
        is_mirrored: True where left and right are swapped.
        tint: factors of red, green and blue, about 1.
    """

    glyph: str
    role: Literal["object", "person"]
    left: float
    top: float
    width: float
    height: float
    angle_deg: int
    is_mirrored: bool
    tint: tuple[float, float, float]

    @property
    def right(self) -> float:
        """Right border of the box, 0 to 1."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Lower border of the box, where the glyph stands on the ground, 0 to 1."""
        return self.top + self.height


def place(*, object_term: str, count: str, density: str, rng: np.random.Generator) -> tuple[Placement, ...]:
    """Places the people and the objects of one picture.

    Args:
        object_term: a glyph of the atlas.
        count: a key of `COUNT_RANGES`.
        density: a key of `DENSITY_RANGES`.
        rng: source of all chance here.

    Returns:
        Placements from back to front: the order to draw them in.
    """
    people = _place_people(_draw_number(DENSITY_RANGES[density], rng), rng)
    objects = _place_objects(object_term, _draw_number(COUNT_RANGES[count], rng), rng)
    return (*_back_to_front(people), *_back_to_front(objects))


def _place_people(num_people: int, rng: np.random.Generator) -> list[Placement]:
    """Places people along the back row: one anywhere, several evenly."""
    glyphs = rng.choice(person_glyphs(), size=num_people, replace=False)
    centres = [rng.uniform(0.14, 0.86)] if num_people == 1 else _even_centres(num_people, jitter=0.16, rng=rng)
    feet = rng.uniform(*_PERSON_FEET, size=num_people).tolist()
    return [
        _stand(
            str(glyph),
            role="person",
            centre=centre,
            bottom=bottom,
            height=rng.uniform(*_PERSON_HEIGHTS) * _nearness(bottom, _PERSON_FEET),
            max_width=1.0,
            angle_deg=int(rng.choice(_PERSON_ANGLES_DEG)),
            rng=rng,
        )
        for glyph, centre, bottom in zip(glyphs, centres, feet, strict=True)
    ]


def _place_objects(glyph: str, num_objects: int, rng: np.random.Generator) -> list[Placement]:
    """Places objects in the foreground: up to three in one row, more in two rows."""
    if num_objects > 3:
        return _place_two_rows(glyph, num_objects, rng)
    jitter = {1: 0.20, 2: 0.08, 3: 0.06}[num_objects]
    centres = _even_centres(num_objects, jitter=jitter, rng=rng)
    bottoms = rng.uniform(*_OBJECT_BOTTOM, size=num_objects).tolist()
    return [
        _stand(
            glyph,
            role="object",
            centre=centre,
            bottom=bottom,
            height=_OBJECT_HEIGHT[num_objects] * rng.uniform(0.94, 1.04) * _nearness(bottom, _OBJECT_BOTTOM),
            max_width=_OBJECT_MAX_WIDTH[num_objects],
            angle_deg=int(rng.choice(_OBJECT_ANGLES_DEG)),
            rng=rng,
        )
        for centre, bottom in zip(centres, bottoms, strict=True)
    ]


def _place_two_rows(glyph: str, num_objects: int, rng: np.random.Generator) -> list[Placement]:
    """Places many small objects in a back and a front row, out of step with one another."""
    num_back = num_objects // 2 + (num_objects % 2) * int(rng.integers(2))
    numbers = (num_back, num_objects - num_back)
    is_even = numbers[0] == numbers[1]
    direction = float(rng.choice((-1.0, 1.0)))
    placements = []
    for row, number in enumerate(numbers):
        # Rows of 2 and 3, or 3 and 4, are out of step by themselves.
        shift = direction * (0.2 if row else -0.2) / number if is_even else 0.0
        placements += [
            _stand(
                glyph,
                role="object",
                centre=centre + shift,
                bottom=_ROW_BOTTOMS[row] + rng.uniform(-0.010, 0.010),
                height=_ROW_HEIGHTS[row] * rng.uniform(0.94, 1.04),
                max_width=_ROW_MAX_WIDTH,
                angle_deg=int(rng.choice(_OBJECT_ANGLES_DEG)),
                rng=rng,
            )
            for centre in _even_centres(number, jitter=0.06, rng=rng)
        ]
    return placements


def _stand(
    glyph: str,
    *,
    role: Literal["object", "person"],
    centre: float,
    bottom: float,
    height: float,
    max_width: float,
    angle_deg: int,
    rng: np.random.Generator,
) -> Placement:
    """Stands one glyph on the ground, narrow enough and inside the margin."""
    aspect = aspect_ratio(glyph, angle_deg)
    width = min(height * aspect, max_width)
    height = width / aspect
    left = min(max(centre - width / 2, MARGIN), 1 - MARGIN - width)
    bottom = min(bottom, 1 - MARGIN)
    brightness = rng.uniform(0.92, 1.05)
    red, green, blue = (brightness * rng.uniform(0.96, 1.04, size=3)).tolist()
    return Placement(
        glyph=glyph,
        role=role,
        left=left,
        top=bottom - height,
        width=width,
        height=height,
        angle_deg=angle_deg,
        is_mirrored=bool(rng.integers(2)),
        tint=(red, green, blue),
    )


def _even_centres(number: int, *, jitter: float, rng: np.random.Generator) -> list[float]:
    """Spreads centres over the width; `jitter` is a fraction of their distance."""
    if number == 0:
        return []
    pitch = (1 - 2 * MARGIN) / number
    offsets = rng.uniform(-jitter, jitter, size=number)
    centres = MARGIN + pitch * (np.arange(number) + 0.5 + offsets)
    return [float(centre) for centre in centres]


def _nearness(bottom: float, bounds: tuple[float, float]) -> float:
    """Tells how much larger a thing looks that stands nearer than the farthest bound."""
    return 1 + bottom - bounds[0]


def _draw_number(bounds: tuple[int, int], rng: np.random.Generator) -> int:
    """Draws a number from a range, both ends included."""
    return int(rng.integers(bounds[0], bounds[1] + 1))


def _back_to_front(placements: Sequence[Placement]) -> list[Placement]:
    """Sorts placements so that what stands nearer is drawn later."""
    return sorted(placements, key=lambda placement: placement.bottom)
