"""Things people hold, ride, or stand beside. Lengths are in hundredths of an adult's height."""

from collections.abc import Callable

from rldf.renderer.people_canvas import INK, Colour, Pen, shade
from rldf.renderer.people_looks import PersonLook
from rldf.renderer.people_poses import Skeleton, has_stick, is_holding

_WHITE: Colour = (252, 252, 252)
_STEEL: Colour = (168, 178, 192)
_WOOD: Colour = (170, 112, 58)
_RED: Colour = (222, 44, 42)
_YELLOW: Colour = (255, 212, 40)
_GREEN: Colour = (62, 170, 70)
_WATER: Colour = (70, 160, 230)
_FOAM: Colour = (216, 240, 255)
_PAPER: Colour = (255, 252, 236)


def draw_behind(pen: Pen, look: PersonLook, skeleton: Skeleton) -> None:
    """Paints what is behind a person: board, stove, bicycle, dust, and what is carried on the back."""
    spread = skeleton.body.spread
    scene = _SCENES_BEHIND.get(look.action)
    if scene is not None:
        aside = skeleton.body.aside if look.action in {"teaching", "cooking"} else 0.0
        scene(pen.at((aside, 0), scale=spread))
    back = pen.at(
        (skeleton.middle[0] + skeleton.lean / 2, (skeleton.middle[1] + skeleton.shoulders[0][1]) / 2), scale=spread
    )
    if look.profession == "student":
        back.ellipse((0, 3), (16.5, 15), (214, 70, 50))
    elif look.profession == "musician" and look.action != "none":
        _draw_guitar(back.at((0, -4), turn_deg=-52))


def draw_held(pen: Pen, look: PersonLook, skeleton: Skeleton) -> None:
    """Paints what hands and feet have to do with, in front of the body."""
    spread = skeleton.body.spread
    if is_holding(look):
        thing = _HELD[look.profession]
        thing(pen.at(skeleton.hands[1], scale=spread))
        if look.profession == "teacher" and not has_stick(look):
            _draw_closed_book(pen.at(skeleton.hands[0], scale=spread))
        return
    act = _ACTS.get(look.action)
    if act is not None:
        act(pen, skeleton)


def draw_stick(pen: Pen, skeleton: Skeleton) -> None:
    """Paints a walking stick from the hand on the left to the ground."""
    x, y = skeleton.hands[0]
    pen.line([(x - 2, y + 1), (x - 4, 0)], 3.2, _WOOD)
    pen.limb([(x - 5, y + 3), (x + 3, y + 3)], 3.2, _WOOD)


def draw_water(pen: Pen, skeleton: Skeleton) -> None:
    """Paints the water around a swimmer, over everything that is below its line."""
    pool = pen.at((0, 0), scale=skeleton.body.spread)
    pool.ellipse((0, 8.5), (49, 8.5), _WATER)
    for x, y, width in ((-30, 9, 9), (28, 6, 10), (-6, 3.5, 12), (36, 11, 6)):
        pool.line([(x - width, y), (x + width, y)], 1.6, _FOAM)
    for x, y, radius in ((-13, 13, 4), (-5, 11.5, 4.5), (5, 11.5, 4.5), (13, 13, 4), (38, 14, 4.5), (43, 12, 3.5)):
        pool.ellipse((x, y), (radius, 0.7 * radius), _FOAM)


def _draw_board(pen: Pen) -> None:
    for x in (38, 64):
        pen.line([(x, 0), (x, 36)], 3.5, shade(_WOOD, 0.3))
    pen.box((27, 32), (48, 46), _WOOD)
    pen.box((30, 35), (42, 40), (36, 104, 72))
    pen.line([(35, 66), (52, 66)], 3, _WHITE)
    pen.line([(35, 58), (66, 58)], 3, _WHITE)
    pen.line([(44, 41), (54, 53), (64, 41), (43.5, 41)], 2.6, _YELLOW)


def _draw_stove(pen: Pen) -> None:
    pen.box((21, 0), (29, 30), (206, 212, 222))
    pen.box((21, 27), (29, 4), (70, 74, 86))
    pen.box((25, 5), (21, 13), (70, 74, 86))
    pen.box((27, 7), (17, 9), (255, 160, 50))
    for x in (27, 35.5, 44):
        pen.ellipse((x, 22.5), (2, 2), _RED)


def _draw_bicycle(pen: Pen) -> None:
    for x in (-25, 28):
        pen.ellipse((x, 15), (15, 15), INK)
        pen.ellipse((x, 15), (12, 12), (226, 232, 240))
        pen.line([(x - 12, 15), (x + 12, 15)], 1, _STEEL)
        pen.line([(x, 3), (x, 27)], 1, _STEEL)
    pen.line([(-25, 15), (-7, 33), (2, 13), (-25, 15)], 3.4, _RED)
    pen.line([(-7, 33), (20, 36), (2, 13)], 3.4, _RED)
    pen.line([(28, 15), (20, 42)], 3.4, _RED)
    pen.line([(15, 44), (25, 43)], 3.4, INK)
    pen.ellipse((-7, 35), (7, 2.6), INK)


def _draw_dust(pen: Pen) -> None:
    for x, y, radius in ((-45, 5, 5), (-37, 4.5, 4), (-50, 9, 3)):
        pen.ellipse((x, y), (radius, radius), (240, 232, 214))
    for y, length in ((66, 20), (52, 15), (38, 20)):
        pen.line([(-50, y), (-50 + length, y)], 3.2, _WHITE)


def _draw_notes(pen: Pen) -> None:
    for x, y in ((-40, 82), (37, 80)):
        pen.ellipse((x, y), (3.6, 2.8), (120, 40, 160))
        pen.line([(x + 2.8, y), (x + 2.8, y + 12), (x + 8, y + 9)], 2.2, (120, 40, 160))


def _draw_guitar(pen: Pen) -> None:
    """Paints a guitar, body at the origin and neck upwards."""
    pen.box((-2, 8), (4, 34), (96, 56, 34))
    pen.box((-3.5, 39), (7, 8), INK)
    pen.ellipse((0, -5), (13, 11), (214, 112, 34))
    pen.ellipse((0, 7), (9.5, 8.5), (214, 112, 34))
    pen.ellipse((0, 2), (4.4, 4.4), INK)
    pen.line([(0, -10), (0, 40)], 1.2, (250, 240, 210))


def _draw_football(pen: Pen) -> None:
    pen.ellipse((0, 0), (10, 10), INK)
    pen.ellipse((0, 0), (9, 9), _WHITE)
    pen.polygon([(0, 4.4), (4.2, 1.3), (2.6, -3.6), (-2.6, -3.6), (-4.2, 1.3)], INK)
    for x, y in ((0, 8.2), (7.8, 2.4), (4.8, -6.6), (-4.8, -6.6), (-7.8, 2.4)):
        pen.ellipse((x, y), (1.9, 1.9), INK)


def _draw_can(pen: Pen) -> None:
    """Paints a watering can that hangs from its handle, spout to the right."""
    colour = (50, 120, 210)
    pen.bow((4, -4), (7, 7), 2.4, colour=shade(colour))
    pen.polygon([(12, -14), (23, -3), (25.5, -5.5), (12, -19)], shade(colour, 0.15))
    pen.ellipse((25, -4), (2.4, 4.2), shade(colour))
    pen.box((-5, -20), (18, 16), colour)
    pen.box((-5, -8), (18, 3), (150, 200, 250))


def _draw_pointer(pen: Pen) -> None:
    pen.line([(-3, -5), (19, 26)], 2.6, _WOOD)
    pen.ellipse((19, 26), (2.2, 2.2), _RED)


def _draw_clipboard(pen: Pen) -> None:
    pen.box((-7, -3), (18, 25), _WOOD)
    pen.box((-5, 0), (14, 19), _PAPER)
    pen.box((-2, 18), (8, 5), _STEEL)
    for y in (6, 10, 14):
        pen.line([(-3, y), (7, y)], 1.4, (120, 130, 160))


def _draw_closed_book(pen: Pen) -> None:
    pen.box((-7, -8), (15, 19), (40, 90, 200))
    pen.box((-4.5, -8), (2, 19), (24, 58, 140))
    pen.box((0, 2), (6, 5), _YELLOW)


def _draw_first_aid(pen: Pen) -> None:
    pen.bow((3, -7), (5, 7), 2.4, colour=shade(_RED))
    pen.box((-9, -23), (23, 16), _RED)
    pen.box((0.8, -21), (3.4, 12), _WHITE)
    pen.box((-3.5, -16.7), (12, 3.4), _WHITE)


def _draw_tray(pen: Pen) -> None:
    pen.ellipse((2, 4), (15, 3), shade(_STEEL, 0.3))
    pen.ellipse((2, 5), (15, 2.6), (222, 228, 236))
    pen.polygon([(-7, 6), (-1, 6), (1, 17), (-9, 17)], (246, 190, 50))
    pen.box((-9, 15), (10, 3.5), _WHITE)
    pen.dome((9, 6), (6, 8), (230, 80, 60))


def _draw_ladle(pen: Pen) -> None:
    pen.line([(0, -8), (0, 20)], 2.8, _STEEL)
    pen.ellipse((0, 24), (6, 7), (120, 130, 146))


def _draw_fork(pen: Pen) -> None:
    pen.line([(0, -43), (0, 22)], 3, _WOOD)
    pen.line([(-6.5, 34), (-6.5, 22), (6.5, 22), (6.5, 34)], 2.4, (100, 108, 122))
    pen.line([(0, 20), (0, 34)], 2.4, (100, 108, 122))


def _draw_hammer(pen: Pen) -> None:
    pen.line([(0, -7), (0, 17)], 3.4, _WOOD)
    pen.box((-8, 14), (16, 8), (96, 104, 118))


def _draw_axe(pen: Pen) -> None:
    pen.line([(0, -40), (0, 25)], 3.4, _WOOD)
    pen.polygon([(-1, 24), (8, 28), (11, 19), (8, 10), (-1, 15)], _STEEL)
    pen.polygon([(-1, 22), (-7, 19.5), (-1, 17)], _STEEL)


def _draw_baton(pen: Pen) -> None:
    pen.line([(0, -7), (2, 24)], 4.2, INK)
    pen.line([(-5, 2), (6, 1)], 3.4, INK)


def _draw_nothing(pen: Pen) -> None:
    """Leaves the hand empty."""
    del pen


def _play_football(pen: Pen, skeleton: Skeleton) -> None:
    _draw_football(pen.at((44 * skeleton.body.spread, 14 * skeleton.body.spread), scale=skeleton.body.spread))


def _play_baseball(pen: Pen, skeleton: Skeleton) -> None:
    bat = pen.at(skeleton.hands[1], scale=skeleton.body.spread, turn_deg=-20)
    bat.polygon([(-1.8, -9), (1.8, -9), (4.8, 32), (3.4, 43), (-3.4, 43), (-4.8, 32)], (222, 160, 84))
    bat.box((-3, -10), (6, 3.5), shade(_WOOD))
    spread = skeleton.body.spread
    ball_x = skeleton.head[0] - 20 * skeleton.body.head_scale - 15 * spread
    ball = pen.at((ball_x, 62 * spread), scale=spread)
    ball.ellipse((0, 0), (7.2, 7.2), INK)
    ball.ellipse((0, 0), (6.2, 6.2), _WHITE)
    for side in (-1, 1):
        ball.line([(side * 4.2, 4.4), (side * 2.4, 0), (side * 4.2, -4.4)], 1.3, _RED)


def _garden(pen: Pen, skeleton: Skeleton) -> None:
    spread = skeleton.body.spread
    bed = pen.at((skeleton.body.aside, 0), scale=spread)
    bed.dome((57, 0), (11.5, 6), (120, 78, 46))
    bed.line([(57, 4), (57, 17)], 2.6, _GREEN)
    for side in (-1, 1):
        bed.ellipse((57 + side * 4.5, 10), (4.5, 2.4), _GREEN)
    for x, y in ((52.5, 20), (61.5, 20), (57, 24.5), (57, 15.5)):
        bed.ellipse((x, y), (3.6, 3.6), (240, 70, 130))
    bed.ellipse((57, 20), (3, 3), _YELLOW)
    hand_x, hand_y = skeleton.hands[1]
    can = pen.at((hand_x, hand_y), scale=spread, turn_deg=-18)
    _draw_can(can)
    for x, y in ((28, -9), (32, -7), (31, -14)):
        can.ellipse((x, y), (1.5, 2.2), (90, 190, 255))


def _cook(pen: Pen, skeleton: Skeleton) -> None:
    spread = skeleton.body.spread
    hob = pen.at((skeleton.body.aside, 0), scale=spread)
    hand_x, hand_y = skeleton.hands[1]
    hob.line([((hand_x - skeleton.body.aside) / spread, hand_y / spread), (28, 36)], 3, INK)
    hob.polygon([(26, 39), (49, 39), (46, 31), (29, 31)], (60, 62, 72))
    hob.ellipse((37.5, 39.5), (8, 3), _WHITE)
    hob.ellipse((37.5, 41), (4, 3), _YELLOW)
    for x, y, radius in ((34, 50, 4), (40, 54, 4.5), (36, 61, 5)):
        hob.ellipse((x, y), (radius, radius), (240, 244, 248))
    hand = pen.at(skeleton.hands[0], scale=spread, turn_deg=10)
    hand.line([(0, -6), (0, 12)], 2.6, _WOOD)
    hand.box((-5, 11), (10, 11), (100, 106, 120))


def _eat(pen: Pen, skeleton: Skeleton) -> None:
    (x, y), (other_x, _) = skeleton.hands
    plate = pen.at(((x + other_x) / 2, y), scale=skeleton.body.spread)
    plate.ellipse((0, -7), (19, 4.5), INK)
    plate.ellipse((0, -6.4), (18, 3.9), _WHITE)
    burger = plate.at((0, 1), scale=1.15)
    burger.box((-11.5, -5.5), (23, 3.5), (214, 140, 60))
    burger.ellipse((0, -4.5), (11.5, 3.2), (214, 140, 60))
    burger.box((-12.5, -3), (25, 4), (104, 52, 30))
    burger.box((-13, 0.5), (26, 2.6), (250, 210, 50))
    burger.box((-13, 2.6), (26, 2.6), (90, 190, 60))
    burger.dome((0, 4.5), (12, 7), (232, 160, 76))
    for spot in (-5, 0, 5):
        burger.ellipse((spot, 8.2), (1, 0.8), _PAPER)


def _read(pen: Pen, skeleton: Skeleton) -> None:
    (x, y), (other_x, _) = skeleton.hands
    book = pen.at(((x + other_x) / 2, y), scale=skeleton.body.spread)
    book.polygon([(-20, -8), (0, -11), (20, -8), (20, 12), (0, 9), (-20, 12)], (206, 40, 60))
    for side in (-1, 1):
        page = book.along((0, 0), x_axis=(side, 0), y_axis=(0, 1))
        page.polygon([(0.6, -8.5), (18, -5.5), (18, 13.5), (0.6, 10)], _PAPER)
        for line in (-2.5, 1.5, 5.5):
            page.line([(4, line), (15, line + 2)], 1.3, (130, 136, 150))


def _teach(pen: Pen, skeleton: Skeleton) -> None:
    _draw_pointer(pen.at(skeleton.hands[1], scale=skeleton.body.spread, turn_deg=-10))


_SCENES_BEHIND: dict[str, Callable[[Pen], None]] = {
    "teaching": _draw_board,
    "cooking": _draw_stove,
    "cycling": _draw_bicycle,
    "running": _draw_dust,
    "dancing": _draw_notes,
}

_ACTS: dict[str, Callable[[Pen, Skeleton], None]] = {
    "playing football": _play_football,
    "playing baseball": _play_baseball,
    "gardening": _garden,
    "cooking": _cook,
    "eating": _eat,
    "reading": _read,
    "teaching": _teach,
}

_HELD: dict[str, Callable[[Pen], None]] = {
    "farmer": _draw_fork,
    "gardener": _draw_can,
    "construction worker": _draw_hammer,
    "firefighter": _draw_axe,
    "police officer": _draw_baton,
    "soldier": _draw_nothing,
    "doctor": _draw_clipboard,
    "nurse": _draw_first_aid,
    "chef": _draw_ladle,
    "waiter": _draw_tray,
    "teacher": _draw_pointer,
    "student": _draw_closed_book,
    "musician": lambda pen: _draw_guitar(pen.at((-3, 3), turn_deg=-58)),
    "football player": lambda pen: _draw_football(pen.at((7, 3))),
}
