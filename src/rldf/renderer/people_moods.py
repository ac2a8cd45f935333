"""Signs of feelings above heads, as comics draw them: a face of a few pixels alone would not be read."""

from collections.abc import Callable, Mapping
from math import cos, pi, sin

from rldf.renderer.people_canvas import Colour, Pen, Point

MOOD_ROOM = 25.0
"""Height of a sign with the gap below it, for a head of scale 1."""

_MIDDLE = 14.0  # of a sign, above the hair
_YELLOW: Colour = (255, 210, 0)
_VIOLET: Colour = (158, 66, 224)
_BLUE: Colour = (40, 104, 226)
_RED: Colour = (232, 24, 32)
_ORANGE: Colour = (255, 140, 20)
_WHITE: Colour = (255, 255, 255)


def draw_mood(pen: Pen, emotion: str, *, top: float) -> None:
    """Paints the sign of a feeling above a head; nothing where it shows none.

    Args:
        pen: of the head, (0, 0) at its centre.
        emotion: of the person.
        top: height of hair or hat above the head's centre.
    """
    if emotion in _SIGNS:
        _SIGNS[emotion](pen.at((0, top + _MIDDLE)))


def _draw_sun(pen: Pen) -> None:
    """Happy: a yellow sun."""
    pen.polygon(_star(points=9, inner=7.5, outer=11.5, stretch=1.35), _YELLOW)


def _draw_burst(pen: Pen) -> None:
    """Surprised: two white exclamation marks on violet."""
    pen.ellipse((0, 0), (16.5, 11), _VIOLET)
    for x in (-5.5, 5.5):
        pen.polygon([(x - 2.2, 8.5), (x + 2.2, 8.5), (x + 1.2, -2.5), (x - 1.2, -2.5)], _WHITE)
        pen.ellipse((x, -6.2), (2.1, 2.1), _WHITE)


def _draw_rain(pen: Pen) -> None:
    """Sad: a blue cloud with drops."""
    for centre, radii in (((-8, 2.5), (8, 5.5)), ((8, 2.5), (8, 5.5)), ((0, 4.5), (8.5, 6.5))):
        pen.ellipse(centre, radii, _BLUE)
    for x in (-9, 0, 9):
        pen.ellipse((x, -8), (2.2, 3.2), _BLUE)


def _draw_flames(pen: Pen) -> None:
    """Angry: red flames."""
    left = [(-13, -10), (-17, -3), (-14, 6), (-10, 0), (-7, 9), (-3, 3)]
    pen.polygon([*left, (0, 12), *((-x, y) for x, y in reversed(left))], _RED)
    pen.polygon([(-6, -10), (-7, -4), (0, 5), (7, -4), (6, -10)], _ORANGE)


def _star(*, points: int, inner: float, outer: float, stretch: float) -> list[Point]:
    """The corners of a star, wider than high by `stretch`."""
    corners = []
    for corner in range(2 * points):
        radius, angle = (outer if corner % 2 else inner), pi * corner / points
        corners.append((stretch * radius * sin(angle), radius * cos(angle)))
    return corners


_SIGNS: Mapping[str, Callable[[Pen], None]] = {
    "happy": _draw_sun,
    "surprised": _draw_burst,
    "sad": _draw_rain,
    "angry": _draw_flames,
}
