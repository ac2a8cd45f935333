"""Little cartoon people: big heads, plain colours, one figure at a time.

`people_looks` says what can be chosen, `people_poses` where the joints are, `people_faces`,
`people_hats`, `people_moods`, `people_outfits` and `people_props` paint the parts, and `people_canvas` has the pens.
"""

import numpy as np
from jaxtyping import Float

from rldf.renderer.people_canvas import Canvas, Colour, Pen, Point, mix, shade
from rldf.renderer.people_faces import Head, choose_head, draw_back_hair, draw_face, draw_front_hair
from rldf.renderer.people_hats import hat_of, head_room
from rldf.renderer.people_looks import ACTIONS, AGES, EMOTIONS, GENDERS, PROFESSIONS, SKIN_TONES, PersonLook
from rldf.renderer.people_moods import MOOD_ROOM, draw_mood
from rldf.renderer.people_outfits import Outfit, choose_outfit
from rldf.renderer.people_poses import MARGIN, Box, Skeleton, has_stick, place_joints, pose_box
from rldf.renderer.people_props import draw_behind, draw_held, draw_stick, draw_water

__all__ = [
    "ACTIONS",
    "AGES",
    "EMOTIONS",
    "GENDERS",
    "PROFESSIONS",
    "SKIN_TONES",
    "PersonLook",
    "draw_person",
    "figure_size",
]

_ADULT_HEIGHT = 102.0  # a standing adult with margins, in the units of the poses


def figure_size(look: PersonLook) -> tuple[float, float]:
    """Tells how large a figure is beside others.

    Args:
        look: the person.

    Returns:
        Width and height of the figure's box, in heights of a standing adult.
    """
    box = _box_of(look)
    return box.width / _ADULT_HEIGHT, box.height / _ADULT_HEIGHT


def draw_person(look: PersonLook, *, height_px: int, rng: np.random.Generator) -> Float[np.ndarray, "height width 4"]:
    """Draws one person.

    Args:
        look: the person.
        height_px: height of the figure's box.
        rng: chooses hair, clothes, colours and small movements.

    Returns:
        The figure in its box, feet, wheels or water line at the bottom, as wide as
        `figure_size` says: red, green and blue times opacity, 0 to 255, then opacity, 0 to 1.
    """
    box = _box_of(look)
    canvas = Canvas(
        width_px=max(1, round(height_px * box.width / box.height)),
        height_px=height_px,
        left=box.left,
        bottom=-MARGIN,
        unit_px=height_px / box.height,
    )
    head, outfit, skeleton = choose_head(look, rng), choose_outfit(look, rng), place_joints(look, rng)
    _paint(canvas.pen, head, outfit=outfit, skeleton=skeleton)
    return canvas.finish()


def _box_of(look: PersonLook) -> Box:
    """Measures the box of a figure."""
    half_width, top = head_room(look)
    top += MOOD_ROOM if look.emotion != EMOTIONS[0] else 0.0
    return pose_box(look, hat_width=half_width, hat_height=top)


def _paint(pen: Pen, head: Head, *, outfit: Outfit, skeleton: Skeleton) -> None:
    """Paints a figure from back to front."""
    look = head.look
    head_pen = pen.at(skeleton.head, scale=skeleton.body.head_scale)
    draw_behind(pen, look, skeleton)
    draw_back_hair(head_pen, head)
    is_swimming = look.action == "swimming"
    if not is_swimming:
        for side in (0, 1):
            _paint_leg(pen, head, outfit=outfit, skeleton=skeleton, side=side)
    _paint_torso(pen, head, outfit=outfit, skeleton=skeleton)
    sleeves = "bare" if is_swimming and look.profession == "none" else outfit.sleeves
    for side in (0, 1):
        _paint_arm(pen, head, top=outfit.top, sleeves=sleeves, skeleton=skeleton, side=side)
    draw_face(head_pen, head)
    hat = hat_of(look)
    draw_front_hair(head_pen, head, has_hat=hat is not None and hat.covers)
    if hat is not None:
        hat.draw(head_pen)
    draw_mood(head_pen, look.emotion, top=head_room(look)[1])
    draw_held(pen, look, skeleton)
    if has_stick(look):
        draw_stick(pen, skeleton)
    for hand in skeleton.hands:
        _paint_hand(pen, hand, radius=0.55 * skeleton.body.limb, colour=head.skin)
    if is_swimming:
        draw_water(pen, skeleton)


def _paint_torso(pen: Pen, head: Head, *, outfit: Outfit, skeleton: Skeleton) -> None:
    """Paints the upper body, with skirt or belly."""
    body, look = skeleton.body, head.look
    length = (body.shoulder_y - body.hip_y) / 30
    frame = pen.along(skeleton.middle, x_axis=(body.shoulder_x / 12, 0), y_axis=(skeleton.lean / 30, length))
    waist = 11 * body.belly if look.gender == "man" else 10 * body.belly
    if look.action == "swimming" and look.profession == "none":
        frame.polygon([(-12, 29), (-8, 31), (8, 31), (12, 29), (11, 0), (-11, 0)], head.skin)
        if look.gender == "woman":
            frame.polygon(
                [(-8, 31), (-5, 31), (-2, 24), (2, 24), (5, 31), (8, 31), (11, 20), (11, 0), (-11, 0), (-11, 20)],
                outfit.top,
            )
        return
    if outfit.lower == "skirt":
        frame.polygon([(-waist, 8), (waist, 8), (18, -14), (-18, -14)], outfit.bottom)
    else:
        frame.polygon([(-waist, 6), (waist, 6), (waist - 1, -4), (1 - waist, -4)], outfit.bottom)
    frame.polygon(
        [(-13, 27), (-8, 32), (8, 32), (13, 27), (waist + 0.5, 10), (waist, 0), (-waist, 0), (-waist - 0.5, 10)],
        outfit.top,
    )
    outfit.detail(frame, outfit)
    if outfit.lower == "tutu":
        frame.ellipse((0, 1), (25, 6.5), mix(outfit.bottom, outfit.top, 0.5))
        frame.ellipse((0, 2.5), (24, 5), outfit.bottom)


def _paint_leg(pen: Pen, head: Head, *, outfit: Outfit, skeleton: Skeleton, side: int) -> None:
    """Paints one leg with its shoe."""
    hip, knee, (x, y) = skeleton.hips[side], skeleton.knees[side], skeleton.feet[side]
    width = skeleton.body.limb * 1.05
    ankle = (x, y + 0.45 * width)
    skin = head.skin
    calf = outfit.bottom if outfit.lower == "trousers" else skin
    thigh = skin if outfit.lower in {"skirt", "tutu"} else outfit.bottom
    pen.limb([hip, knee, ankle], width + 2, shade(calf, 0.45))
    pen.limb([knee, ankle], width, calf)
    pen.limb([hip, knee], width, thigh)
    if head.look.profession == "football player":
        pen.limb([((knee[0] + x) / 2, (knee[1] + ankle[1]) / 2), ankle], width, outfit.top)
    toe = {"none": 0.25 * (2 * side - 1)}.get(head.look.action, 0.4) * width
    pen.ellipse((x + toe, y + 0.42 * width), (0.85 * width, 0.44 * width), outfit.shoes)


def _paint_arm(pen: Pen, head: Head, *, top: Colour, sleeves: str, skeleton: Skeleton, side: int) -> None:
    """Paints one arm without its hand."""
    shoulder, elbow, hand = skeleton.shoulders[side], skeleton.elbows[side], skeleton.hands[side]
    width = skeleton.body.limb * 0.88
    upper = head.skin if sleeves == "bare" else top
    lower = top if sleeves == "long" else head.skin
    pen.limb([shoulder, elbow, hand], width + 2, shade(lower, 0.45))
    pen.limb([elbow, hand], width, lower)
    pen.limb([shoulder, elbow], width, upper)


def _paint_hand(pen: Pen, hand: Point, *, radius: float, colour: Colour) -> None:
    """Paints a hand over what it holds."""
    pen.ellipse(hand, (radius + 1, radius + 1), shade(colour, 0.45))
    pen.ellipse(hand, (radius, radius), colour)
