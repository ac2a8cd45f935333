"""Places figures and glyphs in a picture, as fractions of it: people behind, objects in front or on furniture."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rldf.renderer.atlas import aspect_ratio
from rldf.renderer.people import PersonLook, figure_size
from rldf.renderer.supports import Surface

COUNT_RANGES = {"one": (1, 1), "two": (2, 2), "three": (3, 3), "four": (4, 4), "many": (6, 8)}
"""Least and most objects of each count term."""

DENSITY_RANGES = {"no": (0, 0), "one": (1, 1), "few": (2, 3), "many": (5, 6)}
"""Least and most people of each density term."""

MARGIN = 0.02
"""No box comes closer to the border than this fraction of the picture."""

Span = tuple[float, float]
"""Left and right, as fractions of the picture."""

WHOLE: Span = (MARGIN, 1 - MARGIN)

# All sizes below are our choice, tried by eye at 128 px; fractions of the picture.
_ONE_ROW_HEIGHTS = {1: 0.42, 2: 0.36, 3: 0.30, 4: 0.26}
_ONE_ROW_FILL = {1: 0.60, 2: 0.85, 3: 0.89, 4: 0.92}  # share of the pitch that a glyph may fill
_ONE_ROW_JITTER = {1: 0.20, 2: 0.08, 3: 0.06, 4: 0.04}  # of the pitch
_TWO_ROWS_HEIGHT = 0.20
_TWO_ROWS_FILL = 0.94
_TWO_ROWS_RISE = 0.21  # of the back row over the front row
_SURFACE_ROWS_HEIGHT = 0.165
_SURFACE_RISE = 0.145
_BOTTOMS = (0.915, 0.965)
_ANGLES_DEG = (-6, -3, 0, 0, 3, 6)
_PERSON_HEIGHTS = {1: (0.50, 0.54), 2: (0.43, 0.47), 3: (0.42, 0.45), 5: (0.35, 0.38), 6: (0.34, 0.37)}
_PERSON_FEET = (0.595, 0.625)
_PERSON_OVERLAP = 1.6  # of the pitch: arms and wheels may overlap, faces do not
_CROWD_HEIGHTS = {1: (0.74, 0.80), 2: (0.66, 0.72), 3: (0.56, 0.62), 4: (0.46, 0.50)}  # people as the subject
_CROWD_ROWS_HEIGHT = (0.40, 0.43)
_CHARACTER_HEIGHT = (0.27, 0.30)
_CHARACTER_SHARE = 0.26  # of the width is kept for the character


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One figure or glyph with its box in the picture.

    Attributes:
        what: a name in the atlas, or how a person looks.
        colour: what a glyph is dyed in; "none" leaves it.
        left: left border of the box, 0 to 1, as a fraction of the picture.
        top: upper border, 0 to 1.
        width: 0 to 1.
        height: 0 to 1.
        angle_deg: rotation, counterclockwise, before mirroring; the box holds it.
        is_mirrored: True where left and right are swapped.
        tint: factors of red, green and blue, about 1.
    """

    what: str | PersonLook
    colour: str = "none"
    left: float
    top: float
    width: float
    height: float
    angle_deg: int = 0
    is_mirrored: bool
    tint: tuple[float, float, float]

    @property
    def right(self) -> float:
        """Right border of the box, 0 to 1."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Lower border of the box, where the thing stands on the ground, 0 to 1."""
        return self.top + self.height


def place_objects(
    glyph: str, *, count: str, colour: str, span: Span, surface: Surface | None, rng: np.random.Generator
) -> list[Placement]:
    """Places the objects of one class: up to four in a row, more in two rows.

    Args:
        glyph: a name in the atlas.
        count: a key of `COUNT_RANGES`.
        colour: what they are dyed in.
        span: where they stand, from left to right.
        surface: furniture they stand on; None is the ground in front.
        rng: source of all chance here.

    Returns:
        Placements from back to front.
    """
    number = _draw_number(COUNT_RANGES[count], rng)
    if surface is not None:
        span = (max(span[0], surface.left), min(span[1], surface.right))
    rows = [number] if number <= max(_ONE_ROW_HEIGHTS) else _two_rows(number, rng)
    is_deep = len(rows) > 1
    width = span[1] - span[0]
    # A narrow span makes things smaller, but less than in proportion: they were not as wide as they might be.
    height = (_TWO_ROWS_HEIGHT if is_deep else _ONE_ROW_HEIGHTS[number]) * min(1.0, 0.5 + 0.5 * width)
    rise = _TWO_ROWS_RISE if surface is None else _SURFACE_RISE
    if surface is not None:
        height = min(height, _SURFACE_ROWS_HEIGHT if is_deep else surface.max_height)
    shifts = _out_of_step(rows, rng)
    placements = []
    for row, in_row in enumerate(rows):
        pitch = width / in_row
        jitter = 0.05 if is_deep else _ONE_ROW_JITTER[number]
        fill = _TWO_ROWS_FILL if is_deep else _ONE_ROW_FILL[number]
        for centre in _even_centres(in_row, span=span, jitter=jitter, rng=rng):
            bottom = rng.uniform(*_BOTTOMS) if surface is None else surface.bottom + rng.uniform(-0.006, 0.006)
            bottom -= rise * (len(rows) - 1 - row)
            placements.append(
                _stand(
                    glyph,
                    colour=colour,
                    centre=centre + shifts[row] * pitch,
                    bottom=bottom,
                    height=height * rng.uniform(0.94, 1.04) * (1.04 if row else 1.0),
                    max_width=pitch * fill,
                    span=span,
                    rng=rng,
                )
            )
    return _back_to_front(placements)


def place_people(looks: Sequence[PersonLook], *, span: Span, rng: np.random.Generator) -> list[Placement]:
    """Places people along the back row: one anywhere, several evenly.

    Args:
        looks: one for each of them.
        span: where they stand, from left to right.
        rng: source of all chance here.

    Returns:
        Placements from back to front.
    """
    if not looks:
        return []
    heights = _PERSON_HEIGHTS[len(looks)]
    jitter = 0.30 if len(looks) == 1 else 0.10
    return _row_of_people(looks, span=span, heights=heights, feet=_PERSON_FEET, jitter=jitter, rng=rng)


def place_crowd(looks: Sequence[PersonLook], *, span: Span, rng: np.random.Generator) -> list[Placement]:
    """Places people who are what the picture is about: in front, large; as `place_people` otherwise."""
    number = len(looks)
    if number <= max(_CROWD_HEIGHTS):
        heights = _CROWD_HEIGHTS[number]
        return _row_of_people(looks, span=span, heights=heights, feet=(0.90, 0.95), jitter=0.08, rng=rng)
    num_back = _two_rows(number, rng)[0]
    back = _row_of_people(
        looks[:num_back], span=span, heights=_CROWD_ROWS_HEIGHT, feet=(0.56, 0.58), jitter=0.06, rng=rng
    )
    front = _row_of_people(
        looks[num_back:], span=span, heights=_CROWD_ROWS_HEIGHT, feet=(0.95, 0.97), jitter=0.06, rng=rng
    )
    return [*back, *front]


def place_character(glyph: str, *, rng: np.random.Generator) -> tuple[Placement, Span]:
    """Places a character at the left or right end of the back row.

    Args:
        glyph: a name in the atlas.
        rng: source of all chance here.

    Returns:
        Its placement, and the span that is left for people.
    """
    is_left = bool(rng.integers(2))
    width = _CHARACTER_SHARE
    span = (MARGIN, MARGIN + width) if is_left else (1 - MARGIN - width, 1 - MARGIN)
    placement = _stand(
        glyph,
        colour="none",
        centre=(span[0] + span[1]) / 2 + rng.uniform(-0.02, 0.02),
        bottom=rng.uniform(*_PERSON_FEET),
        height=rng.uniform(*_CHARACTER_HEIGHT),
        max_width=width,
        span=span,
        rng=rng,
    )
    rest = (span[1], 1 - MARGIN) if is_left else (MARGIN, span[0])
    return replace(placement, angle_deg=0), rest


def _row_of_people(
    looks: Sequence[PersonLook], *, span: Span, heights: Span, feet: Span, jitter: float, rng: np.random.Generator
) -> list[Placement]:
    """Stands people side by side; `heights` are those of a standing adult."""
    pitch = (span[1] - span[0]) / len(looks)
    placements = []
    for look, centre in zip(looks, _even_centres(len(looks), span=span, jitter=jitter, rng=rng), strict=True):
        across, up = figure_size(look)
        scale = min(rng.uniform(*heights), min(pitch * _PERSON_OVERLAP, span[1] - span[0]) / across)
        bottom = rng.uniform(*feet)
        scale = min(scale, bottom / up)  # a tall cyclist would lose the top of the head
        width, height = across * scale, up * scale
        placements.append(
            Placement(
                what=look,
                left=min(max(centre - width / 2, span[0]), span[1] - width),
                top=bottom - height,
                width=width,
                height=height,
                is_mirrored=bool(rng.integers(2)),
                tint=_draw_tint(rng),
            )
        )
    return _back_to_front(placements)


def _stand(
    glyph: str,
    *,
    colour: str,
    centre: float,
    bottom: float,
    height: float,
    max_width: float,
    span: Span,
    rng: np.random.Generator,
) -> Placement:
    """Stands one glyph on the ground, narrow enough and inside the span."""
    angle_deg = int(rng.choice(_ANGLES_DEG))
    aspect = aspect_ratio(glyph, angle_deg)
    width = min(height * aspect, max_width)
    height = width / aspect
    bottom = min(bottom, 1 - MARGIN)
    return Placement(
        what=glyph,
        colour=colour,
        left=min(max(centre - width / 2, span[0]), span[1] - width),
        top=bottom - height,
        width=width,
        height=height,
        angle_deg=angle_deg,
        is_mirrored=bool(rng.integers(2)),
        tint=_draw_tint(rng),
    )


def _draw_tint(rng: np.random.Generator) -> tuple[float, float, float]:
    brightness = rng.uniform(0.92, 1.05)
    red, green, blue = (brightness * rng.uniform(0.96, 1.04, size=3)).tolist()
    return red, green, blue


def _two_rows(number: int, rng: np.random.Generator) -> list[int]:
    """Splits a number into a back and a front row that differ by at most one."""
    num_back = number // 2 + (number % 2) * int(rng.integers(2))
    return [num_back, number - num_back]


def _out_of_step(rows: Sequence[int], rng: np.random.Generator) -> list[float]:
    """Shifts two equal rows against one another, in pitches; unequal rows are out of step by themselves."""
    if len(rows) == 1 or rows[0] != rows[1]:
        return [0.0] * len(rows)
    direction = float(rng.choice((-1.0, 1.0)))
    return [-0.15 * direction, 0.15 * direction]


def _even_centres(number: int, *, span: Span, jitter: float, rng: np.random.Generator) -> list[float]:
    """Spreads centres over a span; `jitter` is a fraction of their distance."""
    pitch = (span[1] - span[0]) / number
    offsets = rng.uniform(-jitter, jitter, size=number)
    centres = span[0] + pitch * (np.arange(number) + 0.5 + offsets)
    return [float(centre) for centre in centres]


def _draw_number(bounds: tuple[int, int], rng: np.random.Generator) -> int:
    """Draws a number from a range, both ends included."""
    return int(rng.integers(bounds[0], bounds[1] + 1))


def _back_to_front(placements: Sequence[Placement]) -> list[Placement]:
    """Sorts placements so that what stands nearer is drawn later."""
    return sorted(placements, key=lambda placement: placement.bottom)
