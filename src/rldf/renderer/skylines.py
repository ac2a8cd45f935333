"""Paints the skylines of cities: flat landmarks that stand on the horizon."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from rldf.renderer.brush import Brush, Colour, Point, mix
from rldf.renderer.landmarks import (
    LIT,
    Inks,
    Spot,
    paint_bascule_bridge,
    paint_clock_tower,
    paint_crown_spire,
    paint_iron_tower,
    paint_pagoda,
    paint_red_tower,
    paint_stepped_spire,
    paint_torch_bearer,
    paint_triumphal_arch,
    paint_volcano,
    paint_wheel,
    paint_white_domes,
)
from rldf.renderer.skies import sky_colours

CITIES: tuple[str, ...] = ("none", "paris", "london", "new york", "tokyo")
"""The cities whose skyline can be painted; "none" paints none."""


def paint_skyline(brush: Brush, *, top: float = 0.07, foot: float | None = None) -> None:
    """Paints the skyline of the brush's city on the horizon; nothing where there is no city.

    Args:
        brush: what paints.
        top: where the tallest landmark ends, as a fraction from the top.
        foot: where the landmarks stand; just below the horizon if None.
    """
    city = brush.setting.city
    if city == "none":
        return
    inks = _inks(brush)
    foot = brush.horizon + 0.012 if foot is None else foot
    height, is_mirrored = foot - 0.012 - top, brush.rng.random() < 0.5
    paint_houses, landmarks = _CITIES[city]
    paint_houses(brush, inks, foot)
    for paint, place, share in landmarks:
        x = (1 - place if is_mirrored else place) + brush.between(-0.035, 0.035)
        paint(Spot(brush=brush, x=x, foot=foot, height=share * height), inks)


def _inks(brush: Brush) -> Inks:
    """Chooses the colours of a skyline: darker than the sky by day, lit by night."""
    time, weather = brush.setting.time, brush.setting.weather
    above, below = sky_colours(brush)
    haze = 0.45 if weather == "foggy" else 0.0
    if time == "night":
        far, near, landmark = mix(below, (16, 20, 44), 0.55), (18, 22, 48), (206, 180, 128)
        return Inks(
            far=far, near=near, landmark=mix(landmark, above, haze / 2), window=LIT, opening=below, is_night=True
        )
    ink = (92, 58, 104) if time == "sunset" else (72, 88, 122)
    landmark = mix(brush.shade(ink, 6), below, haze)
    far, near = mix(landmark, below, 0.52), mix(landmark, below, 0.26)
    return Inks(far=far, near=near, landmark=landmark, window=mix(landmark, below, 0.7), opening=below, is_night=False)


def _row(
    brush: Brush, colour: Colour, *, foot: float, widths: Point, heights: Point
) -> list[tuple[float, float, float]]:
    """Paints a row of blocks across the picture; gives left, top and right of each."""
    houses, x = [], brush.between(-0.06, 0.0)
    while x < 1:
        right, top = x + brush.between(*widths), foot - brush.between(*heights)
        brush.rectangle((x, top, right, foot), colour)
        houses.append((x, top, right))
        x = right
    return houses


def _windows(brush: Brush, inks: Inks, houses: list[tuple[float, float, float]], *, foot: float) -> None:
    """Paints panes on blocks: all by day, a random half, lit, by night."""
    for left, top, right in houses:
        for y in np.arange(top + 0.018, foot - 0.03, 0.034).tolist():
            for x in np.arange(left + 0.014, right - 0.018, 0.03).tolist():
                if not inks.is_night or brush.rng.random() < 0.6:
                    brush.rectangle((x, y, x + 0.012, y + 0.014), inks.window)


def _roofs(brush: Brush, inks: Inks, foot: float) -> None:
    """Paints low houses with slanted roofs and chimneys."""
    houses = _row(brush, inks.near, foot=foot, widths=(0.09, 0.13), heights=(0.05, 0.075))
    roof = mix(inks.near, inks.landmark, 0.6) if not inks.is_night else (34, 38, 66)
    for left, top, right in houses:
        brush.polygon([(left, top), (left + 0.018, top - 0.03), (right - 0.018, top - 0.03), (right, top)], roof)
        brush.rectangle((left + 0.03, top - 0.045, left + 0.042, top - 0.02), roof)
    _windows(brush, inks, houses, foot=foot)


def _terraces(brush: Brush, inks: Inks, foot: float) -> None:
    """Paints low houses with pointed gables."""
    houses = _row(brush, inks.near, foot=foot, widths=(0.07, 0.1), heights=(0.045, 0.07))
    for left, top, right in houses:
        brush.polygon([(left, top), ((left + right) / 2, top - 0.035), (right, top)], inks.near)
    _windows(brush, inks, houses, foot=foot)


def _skyscrapers(brush: Brush, inks: Inks, foot: float) -> None:
    """Paints two dense rows of skyscrapers."""
    tall = 0.72 * (brush.horizon - 0.05)
    _row(brush, inks.far, foot=foot, widths=(0.05, 0.09), heights=(0.55 * tall, tall))
    houses = _row(brush, inks.near, foot=foot, widths=(0.06, 0.1), heights=(0.3 * tall, 0.72 * tall))
    _windows(brush, inks, houses, foot=foot)


def _offices(brush: Brush, inks: Inks, foot: float) -> None:
    """Paints low office blocks."""
    houses = _row(brush, inks.near, foot=foot, widths=(0.07, 0.12), heights=(0.04, 0.09))
    _windows(brush, inks, houses, foot=foot)


_Houses = Callable[[Brush, Inks, float], None]
_Landmark = tuple[Callable[[Spot, Inks], None], float, float]

_CITIES: Mapping[str, tuple[_Houses, tuple[_Landmark, ...]]] = MappingProxyType(
    {
        "paris": (
            _roofs,
            ((paint_iron_tower, 0.19, 1.0), (paint_triumphal_arch, 0.51, 0.5), (paint_white_domes, 0.82, 0.74)),
        ),
        "london": (
            _terraces,
            ((paint_clock_tower, 0.19, 1.0), (paint_bascule_bridge, 0.52, 0.6), (paint_wheel, 0.83, 0.88)),
        ),
        "new york": (
            _skyscrapers,
            ((paint_stepped_spire, 0.19, 1.0), (paint_crown_spire, 0.5, 0.9), (paint_torch_bearer, 0.8, 0.94)),
        ),
        "tokyo": (
            _offices,
            ((paint_volcano, 0.5, 0.84), (paint_pagoda, 0.16, 0.82), (paint_red_tower, 0.83, 1.0)),
        ),
    }
)
"""The houses of each city, and its landmarks: what paints them, where, and their share of the full height."""
