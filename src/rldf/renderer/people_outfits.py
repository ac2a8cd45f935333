"""Clothes by profession. Drawn in a frame where shoulders are 24 wide, hips at 0 and shoulders at 30."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from rldf.renderer.people_canvas import INK, Colour, Pen, mix, shade
from rldf.renderer.people_looks import PersonLook

_WHITE: Colour = (250, 250, 250)
_BLACK: Colour = (36, 34, 42)
_NAVY: Colour = (34, 52, 120)
_RED: Colour = (220, 38, 40)
_YELLOW: Colour = (255, 222, 40)
_OLIVE: Colour = (104, 116, 62)
_PINK: Colour = (255, 120, 190)
_DENIM: Colour = (52, 98, 190)
_VIVID: tuple[Colour, ...] = (
    (236, 84, 70),
    (250, 176, 50),
    (72, 160, 220),
    (150, 100, 200),
    (240, 120, 170),
    (40, 170, 160),
)
_PLAIN: tuple[Colour, ...] = ((62, 76, 120), (110, 84, 62), (84, 88, 100), (70, 98, 140))
_SHOES: tuple[Colour, ...] = ((70, 46, 40), (44, 44, 56), (190, 56, 56), (240, 240, 240))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """Clothes without hat.

    Attributes:
        top: colour of the upper part.
        bottom: colour of skirt, shorts or trousers.
        shoes: colour of the shoes.
        sleeves: how much of an arm is covered: "long", "short" or "bare".
        lower: "trousers", "shorts", "skirt" or "tutu".
        accent: a second colour for details.
        detail: paints what makes the profession, over the torso.
    """

    top: Colour
    bottom: Colour
    shoes: Colour
    sleeves: str
    lower: str
    accent: Colour
    detail: Callable[[Pen, "Outfit"], None]


def choose_outfit(look: PersonLook, rng: np.random.Generator) -> Outfit:
    """Dresses a person.

    Args:
        look: the person.
        rng: chooses among everyday colours.

    Returns:
        The clothes.
    """
    vivid = _VIVID[rng.integers(len(_VIVID))]
    accent = _VIVID[rng.integers(len(_VIVID))]
    plain = _PLAIN[rng.integers(len(_PLAIN))]
    shoes = _SHOES[rng.integers(len(_SHOES))]
    is_woman = look.gender == "woman"
    if look.profession == "none":
        return Outfit(
            top=vivid,
            bottom=vivid if is_woman else plain,
            shoes=shoes,
            sleeves="short",
            lower="skirt" if is_woman else "shorts" if look.age == "child" else "trousers",
            accent=mix(accent, _WHITE, 0.6),
            detail=_everyday_of(look),
        )
    outfit = _UNIFORMS[look.profession]
    if look.profession in {"football player", "student", "musician"}:
        outfit = replace(outfit, top=vivid)
    if is_woman and outfit.lower == "trousers" and look.profession in _WITH_SKIRT:
        return replace(outfit, lower="skirt")
    if not is_woman and outfit.lower == "tutu":
        return replace(outfit, lower="trousers", bottom=(110, 60, 170))
    return outfit


def _everyday_of(look: PersonLook) -> Callable[[Pen, Outfit], None]:
    """Finds the pattern of everyday clothes, which differs with age."""
    if look.gender == "woman":
        return {"child": _paint_dots, "old": _paint_cardigan}.get(look.age, _paint_belt)
    return {"child": _paint_stripes, "middle-aged": _paint_tie, "old": _paint_cardigan}.get(look.age, _paint_chest)


def _paint_belt(pen: Pen, outfit: Outfit) -> None:
    pen.box((-11, 3), (22, 4), outfit.accent)
    pen.ellipse((0, 30), (6, 4), outfit.accent)


def _paint_dots(pen: Pen, outfit: Outfit) -> None:
    for x, y in ((-6, 20), (6, 20), (0, 12), (-8, 3), (8, 3), (-12, -6), (0, -6), (12, -6)):
        pen.ellipse((x, y), (2.4, 2.4), outfit.accent)


def _paint_stripes(pen: Pen, outfit: Outfit) -> None:
    for y in (4, 13, 22):
        pen.box((-12, y), (24, 4), outfit.accent)


def _paint_chest(pen: Pen, outfit: Outfit) -> None:
    pen.box((-12, 12), (24, 7), outfit.accent)


def _paint_tie(pen: Pen, outfit: Outfit) -> None:
    pen.polygon([(-6, 30), (6, 30), (0, 20)], _WHITE)
    pen.polygon([(-2.5, 28), (2.5, 28), (3.5, 10), (0, 5), (-3.5, 10)], shade(outfit.top, 0.6))


def _paint_cardigan(pen: Pen, outfit: Outfit) -> None:
    pen.polygon([(-5, 30), (5, 30), (2, 2), (-2, 2)], outfit.accent)
    for y in (8, 16, 24):
        pen.ellipse((4.5, y), (1.5, 1.5), shade(outfit.top, 0.5))


def _paint_dungarees(pen: Pen, outfit: Outfit) -> None:
    for x in (-10, 6):
        pen.box((x, 14), (4, 16), outfit.bottom)
    pen.box((-10, -1), (20, 19), outfit.bottom)
    pen.box((-5, 7), (10, 7), shade(outfit.bottom, 0.3))
    for side in (-8, 8):
        pen.ellipse((side, 17), (2, 2), _YELLOW)


def _paint_apron(pen: Pen, outfit: Outfit) -> None:
    pen.polygon([(-7, 26), (7, 26), (8, 14), (13, 10), (14, -12), (-14, -12), (-13, 10), (-8, 14)], outfit.accent)
    for side in (-1, 1):
        pen.line([(side * 6, 25), (side * 7, 31)], 2.5, outfit.accent)
    pen.box((-7, -4), (14, 9), shade(outfit.accent, 0.3))


def _paint_vest(pen: Pen, outfit: Outfit) -> None:
    pen.polygon([(-13, 31), (-5, 31), (-2, 18), (2, 18), (5, 31), (13, 31), (13, -2), (-13, -2)], outfit.accent)
    for x in (-10, 6.5):
        pen.box((x, -2), (3.5, 32), _YELLOW)
    pen.box((-13, 5), (26, 5), _YELLOW)


def _paint_fire_bands(pen: Pen, outfit: Outfit) -> None:
    pen.box((-14, 3), (28, 5), outfit.accent)
    pen.box((-13, 16), (26, 4), outfit.accent)
    pen.line([(0, 30), (0, -3)], 2, _BLACK)


def _paint_badge(pen: Pen, outfit: Outfit) -> None:
    pen.polygon([(-5, 30), (5, 30), (0, 23)], (150, 190, 240))
    pen.polygon([(-2, 27), (2, 27), (2.5, 12), (-2.5, 12)], _BLACK)
    pen.box((-13, 0), (26, 4.5), _BLACK)
    pen.box((-3, 0), (6, 4.5), outfit.accent)
    pen.polygon([(3.5, 21), (7, 23), (10.5, 21), (9.5, 15), (7, 12.5), (4.5, 15)], outfit.accent)


def _paint_camouflage(pen: Pen, outfit: Outfit) -> None:
    for x, y, colour in (
        (-7, 24, outfit.accent),
        (5, 18, (66, 56, 40)),
        (-4, 11, (66, 56, 40)),
        (8, 7, outfit.accent),
        (8, 27, (66, 56, 40)),
        (-9, 3, outfit.accent),
    ):
        pen.ellipse((x, y), (4.5, 3), colour)
    pen.box((-12.5, -1), (25, 4), (60, 52, 36))


def _paint_coat(pen: Pen, outfit: Outfit) -> None:
    pen.polygon([(-13, 30), (13, 30), (15, -13), (-15, -13)], outfit.top)
    pen.polygon([(-5, 31), (5, 31), (0, 15)], outfit.accent)
    pen.line([(0, 15), (0, -13)], 1.5, (170, 174, 184))
    pen.box((6, -5), (6, 6), (206, 210, 218))
    for side in (-1, 1):
        pen.line([(side * 6, 31), (side * 6, 18), (0, 12)], 2.4, _BLACK)
    pen.line([(0, 12), (0, 8)], 2.4, _BLACK)
    pen.ellipse((0, 5.5), (4, 4), _BLACK)
    pen.ellipse((0, 5.5), (2.4, 2.4), (190, 200, 214))


def _paint_red_cross(pen: Pen, outfit: Outfit) -> None:
    pen.polygon([(-8, 27), (8, 27), (9, 8), (13, 6), (14, -12), (-14, -12), (-13, 6), (-9, 8)], outfit.accent)
    pen.box((-2.2, 11), (4.4, 14), _RED)
    pen.box((-7, 15.8), (14, 4.4), _RED)


def _paint_double_breast(pen: Pen, outfit: Outfit) -> None:
    pen.polygon([(-13, 30), (13, 30), (14, -5), (-14, -5)], outfit.top)
    for y in (2, 9, 16):
        for side in (-1, 1):
            pen.ellipse((side * 4.5, y), (1.8, 1.8), INK)
    pen.polygon([(-9, 31), (9, 31), (4, 25), (0, 22), (-4, 25)], outfit.accent)
    pen.polygon([(0, 26), (-5, 18), (5, 18)], outfit.accent)


def _paint_black_vest(pen: Pen, outfit: Outfit) -> None:
    pen.polygon([(-12, 31), (-6, 31), (0, 14), (6, 31), (12, 31), (12.5, 0), (-12.5, 0)], _BLACK)
    pen.polygon([(0, 25), (-7, 29.5), (-7, 20.5)], outfit.accent)
    pen.polygon([(0, 25), (7, 29.5), (7, 20.5)], outfit.accent)
    pen.polygon([(-13, 2), (13, 2), (14, -12), (-14, -12)], _WHITE)


def _paint_jacket(pen: Pen, outfit: Outfit) -> None:
    pen.polygon([(-7, 31), (7, 31), (0, 8)], _WHITE)
    pen.polygon([(-2.5, 27), (2.5, 27), (3, 15), (0, 10), (-3, 15)], outfit.accent)
    for side in (-1, 1):
        pen.line([(side * 7, 31), (side * 1, 8)], 2.5, shade(outfit.top, 0.45))
    pen.line([(0, 8), (0, -3)], 1.5, shade(outfit.top, 0.45))


def _paint_straps(pen: Pen, outfit: Outfit) -> None:
    for side in (-1, 1):
        pen.line([(side * 8, 31), (side * 8, 8)], 4.5, outfit.accent)
    pen.box((-3.5, 12), (7, 8), _WHITE)


def _paint_leather(pen: Pen, outfit: Outfit) -> None:
    for side in (-1, 1):
        pen.polygon([(side * 13, 31), (side * 5, 31), (side * 3, -2), (side * 13, -2)], _BLACK)
    pen.polygon(
        [(0, 24), (1.3, 20), (5, 20), (2, 17), (3, 13), (0, 15.5), (-3, 13), (-2, 17), (-5, 20), (-1.3, 20)],
        outfit.accent,
    )


def _paint_sparkles(pen: Pen, outfit: Outfit) -> None:
    for x, y in ((-6, 24), (6, 24), (0, 17), (-7, 10), (7, 10), (0, 4)):
        pen.polygon([(x, y + 3.4), (x + 2.6, y), (x, y - 3.4), (x - 2.6, y)], outfit.accent)


def _paint_jersey(pen: Pen, outfit: Outfit) -> None:
    pen.box((-12.5, 16), (25, 4.5), outfit.accent)
    pen.box((-12.5, 9), (25, 4.5), _BLACK)
    pen.line([(0, 30), (0, 20)], 1.5, INK)


def _paint_number(pen: Pen, outfit: Outfit) -> None:
    pen.box((-6.5, 22), (13, 4), outfit.accent)
    pen.polygon([(2.5, 22), (6.5, 22), (0.5, 4), (-3.5, 4)], outfit.accent)
    pen.polygon([(-5, 31), (5, 31), (0, 27)], outfit.accent)


_UNIFORMS = {
    name: Outfit(top=top, bottom=bottom, shoes=shoes, sleeves=sleeves, lower=lower, accent=accent, detail=detail)
    for name, top, bottom, shoes, sleeves, lower, accent, detail in (
        ("farmer", (214, 60, 56), _DENIM, (110, 72, 40), "long", "trousers", _YELLOW, _paint_dungarees),
        ("gardener", (250, 232, 180), (120, 88, 60), (60, 110, 50), "short", "trousers", (52, 168, 62), _paint_apron),
        ("construction worker", (96, 110, 140), _NAVY, (120, 80, 40), "long", "trousers", (255, 120, 20), _paint_vest),
        ("firefighter", (206, 44, 36), (70, 62, 66), _BLACK, "long", "trousers", (255, 240, 60), _paint_fire_bands),
        ("police officer", _NAVY, (26, 36, 84), _BLACK, "long", "trousers", (255, 206, 50), _paint_badge),
        ("soldier", _OLIVE, _OLIVE, (50, 40, 32), "long", "trousers", (152, 158, 92), _paint_camouflage),
        ("doctor", _WHITE, (70, 84, 110), _BLACK, "long", "trousers", (96, 176, 236), _paint_coat),
        ("nurse", (110, 200, 226), (110, 200, 226), _WHITE, "short", "trousers", _WHITE, _paint_red_cross),
        ("chef", _WHITE, (92, 96, 108), _BLACK, "long", "trousers", _RED, _paint_double_breast),
        ("waiter", _WHITE, _BLACK, _BLACK, "long", "trousers", _RED, _paint_black_vest),
        ("teacher", (166, 110, 52), (96, 72, 58), (80, 50, 36), "long", "trousers", (40, 130, 90), _paint_jacket),
        ("student", _VIVID[3], _DENIM, _WHITE, "long", "trousers", (214, 70, 50), _paint_straps),
        ("musician", _VIVID[3], (60, 50, 90), _RED, "long", "trousers", _YELLOW, _paint_leather),
        ("dancer", _PINK, (255, 176, 220), _PINK, "bare", "tutu", (255, 244, 150), _paint_sparkles),
        ("cyclist", (255, 226, 30), _BLACK, _WHITE, "short", "shorts", (0, 160, 220), _paint_jersey),
        ("football player", _VIVID[0], _WHITE, _BLACK, "short", "shorts", _WHITE, _paint_number),
    )
}

_WITH_SKIRT = {"police officer", "doctor", "nurse", "chef", "waiter", "teacher", "student", "musician"}
