"""Heads: face, feeling, signs of age, and hair. Drawn in a frame where a head is 40 wide, its centre at (0, 0)."""

from dataclasses import dataclass
from typing import final

import numpy as np

from rldf.renderer.people_canvas import INK, Colour, Pen, mix, shade
from rldf.renderer.people_looks import PersonLook

SKINS: dict[str, Colour] = {
    "light-skinned": (255, 218, 190),
    "medium-skinned": (204, 146, 98),
    "dark-skinned": (116, 72, 48),
}

_WHITE: Colour = (255, 255, 255)
_GOLD: Colour = (240, 196, 70)
_FLUSH: Colour = (226, 46, 40)
_TEAR: Colour = (70, 170, 250)
_LIPS: Colour = (214, 36, 76)
_MOUTH: Colour = (110, 18, 34)
_HAIRS: tuple[Colour, ...] = ((38, 28, 30), (92, 54, 30), (150, 92, 44), (226, 178, 84), (176, 72, 34))
_WHITE_HAIRS: tuple[Colour, ...] = ((250, 250, 252), (236, 238, 242), (222, 224, 230))
_BOWS: tuple[Colour, ...] = ((240, 70, 120), (250, 200, 40), (70, 150, 240), (150, 90, 210))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The colours of one head.

    Attributes:
        look: whose head it is.
        skin: of the body.
        face: the skin, flushed in anger.
        hair: also brows and beard.
        bow: in a girl's hair.
        is_bald: an old man without a hat, sometimes.
        is_curly: hair of rounds, sometimes.
    """

    look: PersonLook
    skin: Colour
    face: Colour
    hair: Colour
    bow: Colour
    is_bald: bool
    is_curly: bool


def choose_head(look: PersonLook, rng: np.random.Generator) -> Head:
    """Draws colours and hairstyle of a head by lot.

    Args:
        look: the person.
        rng: where chance comes from.

    Returns:
        The head.
    """
    red, green, blue = (
        min(255, band + int(nudge)) for band, nudge in zip(SKINS[look.skin_tone], rng.integers(-5, 6, 3), strict=True)
    )
    skin = (red, green, blue)
    if look.age == "old":
        hair = _WHITE_HAIRS[rng.integers(len(_WHITE_HAIRS))]
    else:
        hair = _HAIRS[rng.integers(2 if look.skin_tone == "dark-skinned" else len(_HAIRS))]
    return Head(
        look=look,
        skin=skin,
        face=mix(skin, _FLUSH, 0.42) if look.emotion == "angry" else skin,
        hair=hair,
        bow=_BOWS[rng.integers(len(_BOWS))],
        is_bald=bool(rng.random() < 0.6),
        is_curly=bool(rng.random() < 0.35),
    )


def draw_back_hair(pen: Pen, head: Head) -> None:
    """Paints the hair behind neck and shoulders: that of women."""
    if head.look.gender != "woman":
        return
    age, edge = head.look.age, shade(head.hair, 0.25)
    if age == "child":
        for side in (-1, 1):
            pen.ellipse((side * 22, -10), (6.5, 11), head.hair)
            pen.ellipse((side * 20, 1), (4.5, 4.5), head.bow)
    elif age == "middle-aged":
        pen.ellipse((0, -3), (24.5, 20), edge)
    elif age == "old":
        pen.ellipse((0, 1), (23.5, 20), edge)
    else:
        pen.polygon([(-22, 4), (22, 4), (24.5, -24), (20, -33), (10, -30), (-10, -30), (-20, -33), (-24.5, -24)], edge)
        pen.ellipse((0, 1), (22.5, 20), edge)


def draw_face(pen: Pen, head: Head) -> None:
    """Paints ears, face, feeling and signs of age."""
    for side in (-1, 1):
        pen.ellipse((side * 19.5, -3), (4, 5), shade(head.face, 0.12))
    pen.ellipse((0, -0.5), (20, 18.5), head.face)
    _draw_cheeks(pen, head)
    if head.look.age == "old":
        _draw_wrinkles(pen, head)
    if head.look.gender == "man" and head.look.age == "old":
        pen.dome((0, -7.5), (18.5, -13), head.hair)
        pen.ellipse((0, -8), (11, 4.5), head.hair)
    has_moustache = head.look.gender == "man" and head.look.age == "middle-aged"
    _draw_mouth(pen.at((0, -1.5)) if has_moustache else pen, head)
    if has_moustache:
        pen.polygon(
            [(0, -4.6), (6, -4), (12.5, -10), (6, -9.4), (0, -8), (-6, -9.4), (-12.5, -10), (-6, -4)], _beard_of(head)
        )
    pen.ellipse((0, -3.2), (2, 1.6), shade(head.face, 0.28))
    _draw_eyes(pen, head)


def draw_front_hair(pen: Pen, head: Head, *, has_hat: bool) -> None:
    """Paints the hair over the forehead.

    Args:
        pen: in the frame of the head.
        head: whose hair it is.
        has_hat: leaves out what a hat would cover or be lifted by.
    """
    if head.look.gender == "man":
        _draw_mans_hair(pen, head, has_hat=has_hat)
    else:
        _draw_womans_hair(pen, head, has_hat=has_hat)


def _draw_mans_hair(pen: Pen, head: Head, *, has_hat: bool) -> None:
    """Paints short hair, or what is left of it."""
    age = head.look.age
    if age == "old" and head.is_bald:
        for side in (-1, 1):
            pen.ellipse((side * 19.5, 3), (3.6, 6), head.hair)
        return
    for side in (-1, 1):
        pen.box((side * 19 - 2, 0), (4, 10), head.hair)
    if head.is_curly and not has_hat:
        for x, y in ((-17, 10), (-11, 15.5), (-3.5, 17.5), (4.5, 17.5), (11.5, 15.5), (17, 10)):
            pen.ellipse((x, y), (5, 4.5), head.hair)
        return
    pen.dome((0, 7), (21, 14), head.hair)
    if age == "middle-aged":  # receding at the temples
        pen.polygon([(-15, 6.9), (-4, 6.9), (-9.5, 12)], head.face)
        pen.polygon([(15, 6.9), (4, 6.9), (9.5, 12)], head.face)
    elif age == "child" and not has_hat:
        pen.polygon([(-12, 16), (-9, 23), (-4, 19), (0, 24), (4, 19), (9, 22), (12, 16)], head.hair)
    elif not has_hat:
        pen.polygon([(-17, 16), (-2, 22), (16, 19), (21, 7), (10, 8.5), (-8, 12)], head.hair)


def _draw_womans_hair(pen: Pen, head: Head, *, has_hat: bool) -> None:
    """Paints a parting and strands beside the face, or a bun."""
    age = head.look.age
    low = {"child": 2, "middle-aged": -12, "old": -4}.get(age, -20)
    for side in (-1, 1):
        pen.polygon([(side * 22, 8), (side * 18, 10), (side * 17.5, 0), (side * 19, low), (side * 23, low)], head.hair)
    if age == "old" and not has_hat:
        pen.ellipse((0, 22), (8, 6), head.hair)
        pen.bow((0, 17), (6, 2), 1.2, colour=shade(head.hair, 0.3))
    pen.dome((0, 6), (22.2, 15), head.hair)
    pen.polygon(
        [(-13, 5.9), (6, 5.9), (4, 9), (-2, 11.5)] if age != "child" else [(-6, 5.9), (6, 5.9), (0, 8)], head.face
    )
    if head.is_curly and not has_hat and age != "old":
        for x, y in ((-18, 11), (-11, 17), (0, 19), (11, 17), (18, 11)):
            pen.ellipse((x, y), (5.5, 4.5), head.hair)
    if age == "young":
        pen.ellipse((16, 12), (4, 3), head.bow)


def _draw_cheeks(pen: Pen, head: Head) -> None:
    """Paints round cheeks on women and children."""
    look = head.look
    if look.gender == "woman" or look.age == "child" or look.emotion == "happy":
        colour = mix(head.face, (250, 84, 100), 0.45)
        for side in (-1, 1):
            pen.ellipse((side * 13.5, -7.5), (4, 2.8), colour)


def _beard_of(head: Head) -> Colour:
    """Finds the colour of a moustache: greying on dark skin, where it would not be seen otherwise."""
    return mix(head.hair, (200, 200, 206), 0.55) if head.look.skin_tone == "dark-skinned" else head.hair


def _draw_wrinkles(pen: Pen, head: Head) -> None:
    """Paints lines on the forehead, beside the eyes and around the mouth."""
    colour = shade(head.face, 0.38)
    for y in (10.5, 13.5):
        pen.line([(-7, y), (7, y)], 1.0, colour)
    for side in (-1, 1):
        pen.line([(side * 11, -5.8), (side * 5, -6.5)], 1.2, colour)
        pen.line([(side * 12.5, -8), (side * 10.5, -14)], 1.2, colour)
        pen.line([(side * 13, 1), (side * 17, 3)], 1.0, colour)


def _draw_mouth(pen: Pen, head: Head) -> None:
    """Paints the mouth of the feeling."""
    is_woman = head.look.gender == "woman"
    lips = _LIPS if is_woman else _MOUTH
    emotion = head.look.emotion
    if emotion == "happy":
        pen.dome((0, -7), (9.5, -9.5), lips)
        pen.dome((0, -8.2), (7.8, -7), _MOUTH)
        pen.polygon([(-7.6, -8.2), (7.6, -8.2), (6.6, -10.8), (-6.6, -10.8)], _WHITE)
    elif emotion == "sad":
        pen.bow((0, -15), (7, 5.5), 2.6, colour=lips)
    elif emotion == "angry":
        pen.polygon([(-9, -15.2), (-7, -8.2), (7, -8.2), (9, -15.2)], lips)
        pen.polygon([(-6.8, -13.7), (-5.6, -9.7), (5.6, -9.7), (6.8, -13.7)], _WHITE)
        pen.line([(0, -9), (0, -14)], 1.0, _MOUTH)
    elif emotion == "surprised":
        pen.ellipse((0, -11.5), (5.2, 6.2), lips)
        pen.ellipse((0, -11.5), (3.6, 4.6), _MOUTH)
    elif is_woman:
        pen.ellipse((0, -11), (4.6, 2.1), _LIPS)
    else:
        pen.line([(-5, -11), (5, -11)], 2.0, _MOUTH)


def _draw_eyes(pen: Pen, head: Head) -> None:
    """Paints eyes, brows, lashes, tears and glasses."""
    emotion = head.look.emotion
    for side in (-1, 1):
        eye = pen.along((side * 7.8, 0), x_axis=(side, 0), y_axis=(0, 1))  # x grows outwards
        if emotion == "happy":
            eye.bow((0, -2), (4.2, 4.5), 2.2, colour=INK)
        elif emotion == "surprised":
            eye.ellipse((0, 0.5), (5.4, 6), INK)
            eye.ellipse((0, 0.5), (4.6, 5.2), _WHITE)
            eye.ellipse((0, 0.5), (1.9, 2.1), INK)
        else:
            eye.ellipse((0, -0.5), (4.3, 4.6), _WHITE)
            eye.ellipse((-0.4, -1.2 if emotion == "sad" else -0.5), (2.9, 3.3), INK)
            eye.ellipse((-1.2, 0.8), (1, 1), _WHITE)
        if emotion == "angry":
            eye.polygon([(-5.5, -0.5), (-5.5, 6), (6, 6), (6, 3.6)], head.face)
        _draw_brow(eye, head)
        if head.look.gender == "woman":
            for tip in ((7.6, 4.6), (8.2, 1.6)):
                eye.line([(3.6, 1.8), tip], 1.5, INK)
        if emotion == "sad":
            eye.ellipse((1.2, -9.8), (2.7, 5.6), _TEAR)
        if head.look.age == "middle-aged":
            _draw_glass(eye, _GOLD if head.look.skin_tone == "dark-skinned" else INK)


def _draw_brow(eye: Pen, head: Head) -> None:
    """Paints one brow, where the feeling puts it."""
    inner, outer = {
        "neutral": (6.5, 6.5),
        "happy": (6.5, 6.5),
        "sad": (9.2, 4.8),
        "angry": (2.0, 8.2),
        "surprised": (9.6, 9.6),
    }[head.look.emotion]
    colour = head.hair if head.look.age == "old" else shade(head.hair, 0.5)
    width = {"angry": 3.2}.get(head.look.emotion, 2.4 if head.look.gender == "man" else 1.5)
    eye.line([(-5, inner), (0, (inner + outer) / 2 + 0.8), (5.5, outer)], width, colour)


def _draw_glass(eye: Pen, colour: Colour) -> None:
    """Paints one round of a pair of glasses."""
    for up in (6.6, -6.6):
        eye.bow((0, -0.3), (6.3, up), 1.3, colour=colour)
    eye.line([(-6.2, 0.5), (-8, 1)], 1.3, colour)
    eye.line([(6.2, 0.5), (11.5, 1.5)], 1.3, colour)
