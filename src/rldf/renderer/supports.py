"""Paints the furniture that things stand on indoors, and tells where they stand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

import numpy as np
from jaxtyping import Float, UInt8

from rldf.errors import UnknownTermError, did_you_mean
from rldf.renderer.brush import Brush, Colour, mix

SUPPORTS: tuple[str, ...] = ("floor", "table", "shelf", "sofa")
"""What things stand on; the floor needs no painting."""

Canvas = UInt8[np.ndarray, "height width 3"] | Float[np.ndarray, "height width 3"]
"""A picture that is painted over in place, RGB, 0 to 255."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """Where things stand, as fractions of the picture.

    Attributes:
        left: left end.
        right: right end.
        bottom: height of the things' feet, 0 (top) to 1 (bottom).
        max_height: largest height of a thing that stands here.
    """

    left: float
    right: float
    bottom: float
    max_height: float


_SPINES: tuple[Colour, ...] = (
    *((206, 70, 62), (64, 116, 190), (240, 190, 70)),
    *((78, 150, 96), (238, 230, 214), (140, 90, 160)),
)
"""Colours of books."""

_SURFACES: Mapping[str, Surface] = MappingProxyType(
    {
        "floor": Surface(left=0.02, right=0.98, bottom=0.94, max_height=0.44),
        "table": Surface(left=0.08, right=0.92, bottom=0.76, max_height=0.40),
        "shelf": Surface(left=0.09, right=0.91, bottom=0.66, max_height=0.34),
        "sofa": Surface(left=0.15, right=0.85, bottom=0.84, max_height=0.40),
    }
)


def support_surface(support: str) -> Surface:
    """Gives where things stand on a support.

    Args:
        support: one of `SUPPORTS`.

    Returns:
        The surface that `paint_support` paints, the same in every picture.

    Raises:
        UnknownTermError: if there is no such support.

    Example:
        >>> support_surface("table").bottom < support_surface("floor").bottom
        True
    """
    if support not in _SURFACES:
        raise UnknownTermError(
            f"support '{support}' cannot be painted. There are: {', '.join(SUPPORTS)}. "
            f"Choose one of these.{did_you_mean(support, SUPPORTS)}"
        )
    return _SURFACES[support]


def paint_support(canvas: Canvas, support: str, *, rng: np.random.Generator) -> None:
    """Paints a piece of furniture over a picture, in place.

    Args:
        canvas: square picture of 0 to 255; what the furniture does not cover stays as it is, up to rounding.
        support: one of `SUPPORTS`, as `support_surface` checks; the floor paints nothing.
        rng: source of all chance.

    """
    surface = support_surface(support)
    if support == "floor":
        return
    brush = Brush(rng=rng, size_px=canvas.shape[0])
    shaded = canvas.astype(np.float32)
    _shade_floor(shaded)
    brush.lay(np.clip(shaded + 0.5, 0, 255).astype(np.uint8))
    _PAINTERS[support](brush, surface)
    canvas[...] = brush.picture()


def _shade_floor(canvas: Float[np.ndarray, "height width 3"]) -> None:
    """Darkens the floor that the furniture stands on, in place: a flat ellipse, soft at its rim."""
    size_px = canvas.shape[0]
    top = round(0.87 * size_px)
    across = (np.arange(size_px, dtype=np.float32) + 0.5) / size_px * 2 - 1
    down = ((np.arange(top, size_px, dtype=np.float32) + 0.5) / size_px - 0.955) / 0.075
    depth = np.clip(1.6 * (1 - across**2 - down[:, None] ** 2), 0, 1)
    canvas[top:] *= (1 - np.float32(0.4) * depth)[..., None]


def _table(brush: Brush, surface: Surface) -> None:
    """Paints a wooden table with a pale runner, seen from a little above."""
    wood, cloth = brush.shade((158, 98, 56), 10), brush.shade((226, 84, 78), 10)
    dark = mix(wood, (60, 30, 10), 0.35)
    back, front, pale = surface.bottom - 0.125, surface.bottom + 0.035, mix(cloth, (255, 248, 240), 0.84)
    for x in (0.22, 0.74):
        brush.rectangle((x, front, x + 0.04, 0.93), mix(dark, (40, 20, 10), 0.4))
    for x in (0.05, 0.885):
        brush.rectangle((x, front, x + 0.065, 0.99), dark)
    brush.polygon([(0.1, back), (0.9, back), (1.0, front), (0.0, front)], wood)
    brush.rectangle((0.0, front, 1.0, front + 0.045), dark)
    brush.polygon([(0.24, back), (0.76, back), (0.80, front), (0.20, front)], pale)
    brush.rectangle((0.20, front, 0.80, front + 0.075), mix(pale, cloth, 0.15))
    brush.rectangle((0.20, front + 0.05, 0.80, front + 0.066), cloth)


def _shelf(brush: Brush, surface: Surface) -> None:
    """Paints a low bookcase: things stand on top, rows of books below."""
    wood: Colour = brush.shade((204, 156, 100), 8)
    dark, deep = mix(wood, (70, 40, 20), 0.35), mix(wood, (50, 28, 14), 0.72)
    back, front = surface.bottom - 0.115, surface.bottom + 0.03
    brush.polygon([(0.1, back), (0.9, back), (0.97, front), (0.03, front)], mix(wood, (255, 240, 214), 0.35))
    brush.rectangle((0.05, front, 0.95, 0.99), deep)
    for bottom in (0.835, 0.962):
        x = 0.09
        while x < 0.9:
            width, top = brush.between(0.04, 0.06), bottom - brush.between(0.08, 0.1)
            colour = _SPINES[int(brush.rng.integers(len(_SPINES)))]
            brush.rectangle((x, top, min(0.91, x + width - 0.006), bottom), brush.shade(colour, 8))
            x += width
        brush.rectangle((0.05, bottom, 0.95, bottom + 0.025), dark)
    brush.rectangle((0.03, front, 0.97, front + 0.03), wood)
    for x in (0.05, 0.475, 0.91):
        brush.rectangle((x, front + 0.03, x + 0.04, 0.99), wood)


def _sofa(brush: Brush, surface: Surface) -> None:
    """Paints a broad sofa with two back cushions, round arms and a seat."""
    cloth = brush.shade((52, 128, 132), 12)
    dark, light = mix(cloth, (10, 40, 60), 0.35), mix(cloth, (226, 250, 240), 0.22)
    seat, front = surface.bottom - 0.12, surface.bottom + 0.03
    for x in (0.08, 0.86):
        brush.rectangle((x, 0.95, x + 0.05, 0.995), (86, 56, 40))
    brush.rounded((0.06, seat - 0.20, 0.94, 0.965), dark, radius=0.05)
    for left in (0.13, 0.505):
        brush.rounded((left, seat - 0.17, left + 0.365, seat + 0.04), cloth, radius=0.04)
    brush.rectangle((0.12, seat, 0.88, front), light)
    brush.rounded((0.12, front - 0.012, 0.88, front + 0.065), cloth, radius=0.025)
    brush.line([(0.5, seat), (0.5, front + 0.06)], dark, width=0.008)
    for left in (0.015, 0.87):
        brush.rounded((left, seat - 0.05, left + 0.115, 0.97), cloth, radius=0.05)
        brush.rounded((left + 0.015, seat - 0.037, left + 0.1, seat + 0.03), light, radius=0.03)


_PAINTERS: Mapping[str, Callable[[Brush, Surface], None]] = MappingProxyType(
    {"table": _table, "shelf": _shelf, "sofa": _sofa}
)
