"""What people wear on their heads. Drawn in the frame of a head: 40 wide, brows at 7, everything above them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from rldf.renderer.people_canvas import INK, Colour, Pen, shade
from rldf.renderer.people_looks import PersonLook

_RED: Colour = (224, 36, 34)
_YELLOW: Colour = (255, 214, 30)
_WHITE: Colour = (250, 250, 252)
_NAVY: Colour = (30, 46, 116)
_OLIVE: Colour = (92, 104, 54)
_STRAW: Colour = (246, 208, 96)
_GREEN: Colour = (50, 150, 60)
_BLUE: Colour = (40, 110, 220)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Hat:
    """One kind of hat.

    Attributes:
        half_width: of what is drawn.
        top: of what is drawn, above the centre of the head.
        covers: True where the hair on top of the head is below it.
        draw: paints it.
    """

    half_width: float
    top: float
    covers: bool
    draw: Callable[[Pen], None]


def hat_of(look: PersonLook) -> Hat | None:
    """Finds what a person wears on the head, None where nothing."""
    hat = _HATS.get(look.profession)
    return _CAP if hat is None and look.action == "playing baseball" else hat


def head_room(look: PersonLook) -> tuple[float, float]:
    """Measures hair and hat together.

    Args:
        look: the person.

    Returns:
        Half the width, and the height above the centre of the head.
    """
    hat = hat_of(look)
    half, top = 24.5, 22.0
    if look.gender == "woman":
        half = 29.0 if look.age == "child" else 25.0
        top = 28.5 if look.age == "old" and (hat is None or not hat.covers) else 23.5
    elif look.age == "child":
        top = 24.5
    return (half, top) if hat is None else (max(half, hat.half_width), max(top, hat.top))


def _draw_straw_hat(pen: Pen) -> None:
    pen.ellipse((0, 12), (29, 4.5), shade(_STRAW, 0.2))
    pen.ellipse((0, 13), (29, 4), _STRAW)
    pen.dome((0, 13), (16, 15), _STRAW)
    pen.box((-16, 13), (32, 4.5), _RED)


def _draw_sun_hat(pen: Pen) -> None:
    pen.polygon([(-26, 8.5), (26, 8.5), (19, 17), (-19, 17)], shade(_GREEN, 0.12))
    pen.dome((0, 15), (19, 12), _GREEN)
    pen.box((-19.3, 14.5), (38.6, 3), (255, 240, 180))
    for x, y in ((8, 17), (14, 17), (11, 20.5), (11, 14)):
        pen.ellipse((x, y), (2.6, 2.6), (255, 110, 160))
    pen.ellipse((11, 17.2), (2.2, 2.2), _YELLOW)


def _draw_hard_hat(pen: Pen) -> None:
    pen.dome((0, 10), (22, 17), _YELLOW)
    pen.box((-4, 12), (8, 16), (255, 236, 120))
    pen.ellipse((0, 10.5), (25.5, 2.8), shade(_YELLOW, 0.22))


def _draw_fire_helmet(pen: Pen) -> None:
    pen.dome((0, 10), (21.5, 18), _RED)
    pen.polygon([(-2.5, 12), (2.5, 12), (2.5, 30), (-2.5, 30)], shade(_RED, 0.3))
    pen.ellipse((0, 10.8), (27.5, 3.2), shade(_RED, 0.3))
    pen.polygon([(-6, 25), (6, 25), (6, 17), (0, 12), (-6, 17)], _YELLOW)


def _draw_police_cap(pen: Pen) -> None:
    pen.polygon([(-20.5, 11), (20.5, 11), (20.5, 16), (27, 21), (18, 27), (-18, 27), (-27, 21), (-20.5, 16)], _NAVY)
    pen.box((-20.5, 10.5), (41, 4.5), (16, 20, 48))
    pen.ellipse((0, 9.8), (17, 2.6), (16, 20, 48))
    pen.polygon(
        [(0, 25.5), (2, 21.5), (6, 21), (3, 18), (4, 14), (0, 16), (-4, 14), (-3, 18), (-6, 21), (-2, 21.5)], _YELLOW
    )


def _draw_army_helmet(pen: Pen) -> None:
    pen.dome((0, 8.5), (24, 18), _OLIVE)
    pen.box((-24.5, 8.5), (49, 3), shade(_OLIVE, 0.4))
    for x, y, colour in (
        (-12, 16, (146, 150, 88)),
        (3, 21, (60, 52, 36)),
        (13, 15, (146, 150, 88)),
        (-3, 14, (60, 52, 36)),
    ):
        pen.ellipse((x, y), (4.6, 2.8), colour)


def _draw_head_mirror(pen: Pen) -> None:
    pen.polygon([(-21.5, 10), (21.5, 10), (20.3, 14), (-20.3, 14)], (74, 84, 110))
    pen.ellipse((0, 15), (6.5, 6.5), INK)
    pen.ellipse((0, 15), (5.5, 5.5), (200, 216, 236))
    pen.ellipse((0, 15), (2.2, 2.2), (110, 140, 180))


def _draw_nurse_cap(pen: Pen) -> None:
    pen.polygon([(-17, 10.5), (17, 10.5), (21, 26), (0, 30), (-21, 26)], (190, 200, 214))
    pen.polygon([(-16, 11.5), (16, 11.5), (19.6, 25.4), (0, 29), (-19.6, 25.4)], _WHITE)
    pen.box((-2, 13.5), (4, 13), _RED)
    pen.box((-6.5, 18), (13, 4), _RED)


def _draw_toque(pen: Pen) -> None:
    edge = (200, 204, 214)
    for x, y in ((-13, 28), (13, 28), (0, 31)):
        pen.ellipse((x, y), (11.5, 9.5), edge)
    for x, y in ((-13, 28), (13, 28), (0, 31)):
        pen.ellipse((x, y), (10.5, 8.5), _WHITE)
    pen.polygon([(-17, 11), (17, 11), (18, 27), (-18, 27)], _WHITE)
    for x in (-8, 0, 8):
        pen.line([(x, 17), (x, 27)], 1.3, edge)
    pen.line([(-17, 16), (17, 16)], 1.3, edge)


def _draw_mortarboard(pen: Pen) -> None:
    pen.polygon([(-18, 9), (18, 9), (17, 19), (-17, 19)], (44, 42, 66))
    pen.polygon([(-28, 20), (0, 27), (28, 20), (0, 13)], (60, 58, 90))
    pen.line([(0, 20), (22, 17.5), (22, 8)], 2.0, _YELLOW)
    pen.polygon([(20, 9), (24, 9), (25, 2), (19, 2)], _YELLOW)


def _draw_fedora(pen: Pen) -> None:
    pen.polygon([(-16, 12), (16, 12), (14, 28), (4, 26.5), (-4, 26.5), (-14, 28)], (96, 50, 140))
    pen.box((-16, 12.5), (32, 4.5), _YELLOW)
    pen.ellipse((0, 11.8), (25.5, 3.2), (80, 40, 120))


def _draw_tiara(pen: Pen) -> None:
    pen.polygon([(-15, 13), (-16, 23), (-8, 18), (0, 29), (8, 18), (16, 23), (15, 13)], _YELLOW)
    for x, y in ((-15, 22), (0, 26), (15, 22)):
        pen.ellipse((x, y), (2.2, 2.2), (255, 70, 160))
    pen.ellipse((0, 17), (2.6, 2.6), (80, 220, 250))


def _draw_bicycle_helmet(pen: Pen) -> None:
    pen.dome((0, 10), (22.5, 16.5), _BLUE)
    for x in (-11, 0, 11):
        pen.polygon(
            [(x - 2.5, 12), (x + 2.5, 12), (0.7 * x + 1.8, 23 - abs(x) / 4), (0.7 * x - 1.8, 23 - abs(x) / 4)], INK
        )
    pen.box((-22.5, 8.5), (45, 2.8), _WHITE)
    for side in (-1, 1):
        pen.line([(side * 20, 9), (side * 17, -12)], 1.6, INK)


def _draw_sweatband(pen: Pen) -> None:
    pen.polygon([(-21.5, 9), (21.5, 9), (20.4, 14), (-20.4, 14)], _WHITE)
    pen.line([(-21, 11.5), (21, 11.5)], 1.5, _RED)


def _draw_pencil(pen: Pen) -> None:
    tilted = pen.at((19.5, 6), turn_deg=-28)
    tilted.box((-2.2, -5), (4.4, 16), (255, 190, 30))
    tilted.box((-2.2, -9), (4.4, 4), (255, 120, 140))
    tilted.polygon([(-2.2, 11), (2.2, 11), (0, 16)], (250, 224, 180))
    tilted.polygon([(-1, 14), (1, 14), (0, 16)], INK)


def _draw_cap(pen: Pen) -> None:
    pen.dome((0, 9.5), (22, 15), _RED)
    pen.polygon([(-14, 9.5), (14, 9.5), (20, 13), (-20, 13)], shade(_RED, 0.15))
    pen.ellipse((0, 10.5), (18, 3), shade(_RED, 0.4))
    pen.ellipse((0, 18.5), (4.5, 4.2), _WHITE)


_CAP = Hat(half_width=24.5, top=25, covers=True, draw=_draw_cap)
_HATS = {
    "farmer": Hat(half_width=29.5, top=28.5, covers=True, draw=_draw_straw_hat),
    "gardener": Hat(half_width=26.5, top=27.5, covers=True, draw=_draw_sun_hat),
    "construction worker": Hat(half_width=26, top=28.5, covers=True, draw=_draw_hard_hat),
    "firefighter": Hat(half_width=28, top=30.5, covers=True, draw=_draw_fire_helmet),
    "police officer": Hat(half_width=27.5, top=27.5, covers=True, draw=_draw_police_cap),
    "soldier": Hat(half_width=25, top=27, covers=True, draw=_draw_army_helmet),
    "doctor": Hat(half_width=24.5, top=22, covers=False, draw=_draw_head_mirror),
    "nurse": Hat(half_width=24.5, top=30.5, covers=True, draw=_draw_nurse_cap),
    "chef": Hat(half_width=25, top=41, covers=True, draw=_draw_toque),
    "teacher": Hat(half_width=27.5, top=22, covers=False, draw=_draw_pencil),
    "student": Hat(half_width=28.5, top=27.5, covers=True, draw=_draw_mortarboard),
    "musician": Hat(half_width=26, top=28.5, covers=True, draw=_draw_fedora),
    "dancer": Hat(half_width=24.5, top=29.5, covers=True, draw=_draw_tiara),
    "cyclist": Hat(half_width=24.5, top=27, covers=True, draw=_draw_bicycle_helmet),
    "football player": Hat(half_width=24.5, top=22, covers=False, draw=_draw_sweatband),
}
