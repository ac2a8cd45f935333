"""Pens that draw simple shapes in the coordinates of a body part, and the canvas below them."""

from collections.abc import Sequence
from math import cos, hypot, pi, sin
from typing import final

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw

Point = tuple[float, float]
Colour = tuple[int, int, int]

INK: Colour = (40, 30, 40)
"""Nearly black: outlines, pupils, mouths."""

_FINER = 3  # our choice: drawn at three times the size, then averaged
_OUTLINE_SUBPIXELS = 2  # our choice
_CIRCLE = tuple((cos(2 * pi * k / 16), sin(2 * pi * k / 16)) for k in range(16))
_UPPER_ARC = tuple((cos(pi * k / 10), sin(pi * k / 10)) for k in range(11))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Mixes two colours.

    Args:
        first: given back where the share is 0.
        second: given back where the share is 1.
        share: of the second colour, 0 to 1.

    Returns:
        Red, green, blue, 0 to 255.
    """
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def shade(colour: Colour, share: float = 0.35) -> Colour:
    """Darkens a colour."""
    return mix(colour, INK, share)


@final
class Pen:
    """Draws shapes in one frame of coordinates, x to the right, y up.

    Args:
        draw: the picture drawn on, by Pillow.
        origin: where (0, 0) lies, in pixels of that picture.
        x_axis: where one unit to the right leads, in those pixels.
        y_axis: where one unit up leads, in those pixels.
    """

    __slots__ = ("_draw", "_origin", "_unit", "_x_axis", "_y_axis")

    def __init__(self, draw: ImageDraw.ImageDraw, *, origin: Point, x_axis: Point, y_axis: Point) -> None:
        self._draw = draw
        self._origin = origin
        self._x_axis = x_axis
        self._y_axis = y_axis
        self._unit = abs(x_axis[0] * y_axis[1] - x_axis[1] * y_axis[0]) ** 0.5

    def at(self, origin: Point, *, scale: float = 1.0, turn_deg: float = 0.0) -> "Pen":
        """Gives a pen for a smaller, turned frame.

        Args:
            origin: where its (0, 0) lies in this frame.
            scale: length of its unit in units of this frame.
            turn_deg: counterclockwise.

        Returns:
            A pen on the same picture.
        """
        across = (scale * cos(turn_deg * pi / 180), scale * sin(turn_deg * pi / 180))
        return self.along(origin, x_axis=across, y_axis=(-across[1], across[0]))

    def along(self, origin: Point, *, x_axis: Point, y_axis: Point) -> "Pen":
        """Gives a pen for a frame with axes of its own.

        Args:
            origin: where its (0, 0) lies in this frame.
            x_axis: its unit to the right, in this frame.
            y_axis: its unit up, in this frame.

        Returns:
            A pen on the same picture.
        """
        return Pen(self._draw, origin=self._place(origin), x_axis=self._turn(x_axis), y_axis=self._turn(y_axis))

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fills a polygon."""
        self._draw.polygon(self._place_all(points), fill=(*colour, 255))

    def ellipse(self, centre: Point, radii: Point, colour: Colour) -> None:
        """Fills an ellipse along the axes of this frame."""
        (x, y), (across, up) = centre, radii
        if self._x_axis[1] or self._y_axis[0]:
            self.polygon([(x + across * a, y + up * b) for a, b in _CIRCLE], colour)
            return
        self._spot(self._place(centre), (across * abs(self._x_axis[0]), up * abs(self._y_axis[1])), colour)

    def dome(self, centre: Point, radii: Point, colour: Colour) -> None:
        """Fills the upper half of an ellipse; a negative second radius makes it the lower half."""
        (x, y), (across, up) = centre, radii
        self.polygon([(x + across * a, y + up * b) for a, b in _UPPER_ARC], colour)

    def box(self, corner: Point, size: Point, colour: Colour) -> None:
        """Fills a rectangle given by its lower left corner."""
        (x, y), (width, height) = corner, size
        self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draws straight strokes with flat ends, never thinner than one pixel of the result."""
        width_px = max(_FINER, round(width * self._unit))
        self._draw.line(self._place_all(points), fill=(*colour, 255), width=width_px)

    def limb(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draws straight strokes with round joints and ends."""
        self.line(points, width, colour)
        radius = width * self._unit / 2
        for point in points:
            self._spot(self._place(point), (radius, radius), colour)

    def bow(self, centre: Point, radii: Point, width: float, *, colour: Colour) -> None:
        """Strokes the upper half of an ellipse; a negative second radius makes it the lower half."""
        (x, y), (across, up) = centre, radii
        self.line([(x + across * a, y + up * b) for a, b in _UPPER_ARC], width, colour)

    def _spot(self, centre: Point, radii: Point, colour: Colour) -> None:
        """Fills an ellipse given in pixels."""
        (x, y), (across, down) = centre, radii
        self._draw.ellipse((x - across, y - down, x + across, y + down), fill=(*colour, 255))

    def _turn(self, arrow: Point) -> Point:
        """Turns a direction of this frame into pixels."""
        (x, y), across, up = arrow, self._x_axis, self._y_axis
        return across[0] * x + up[0] * y, across[1] * x + up[1] * y

    def _place_all(self, points: Sequence[Point]) -> list[Point]:
        """Finds points of this frame in pixels."""
        (left, top), (a, b), (c, d) = self._origin, self._x_axis, self._y_axis
        return [(left + a * x + c * y, top + b * x + d * y) for x, y in points]

    def _place(self, point: Point) -> Point:
        """Finds a point of this frame in pixels."""
        (x, y), across, up = point, self._x_axis, self._y_axis
        return self._origin[0] + across[0] * x + up[0] * y, self._origin[1] + across[1] * x + up[1] * y


@final
class Canvas:
    """A transparent picture, drawn larger than it will be.

    Args:
        width_px: of the finished picture.
        height_px: of the finished picture.
        left: the coordinate of the left border, in units.
        bottom: the coordinate of the lower border, in units.
        unit_px: length of one unit in pixels of the finished picture.
    """

    __slots__ = ("_image", "pen")

    def __init__(self, *, width_px: int, height_px: int, left: float, bottom: float, unit_px: float) -> None:
        unit = _FINER * unit_px
        # Four plain bands: with RGBA, Pillow would weigh colours by opacity when it averages.
        self._image = Image.new("CMYK", (_FINER * width_px, _FINER * height_px), (0, 0, 0, 0))
        origin = (-left * unit, _FINER * height_px + bottom * unit)
        self.pen = Pen(ImageDraw.Draw(self._image), origin=origin, x_axis=(unit, 0.0), y_axis=(0.0, -unit))

    def finish(self) -> Float[np.ndarray, "height width 4"]:
        """Draws a dark line around all that was painted and shrinks the picture.

        Returns:
            Red, green and blue times opacity, 0 to 255, then opacity, 0 to 1.
        """
        fine = np.array(self._image).view(np.uint32)[..., 0]  # one number per pixel, 0 where nothing is
        painted = fine > 0
        grown = painted.copy()
        for _ in range(_OUTLINE_SUBPIXELS):
            grown[1:] |= grown[:-1]
            grown[:-1] |= grown[1:]
            grown[:, 1:] |= grown[:, :-1]
            grown[:, :-1] |= grown[:, 1:]
        fine[grown & ~painted] = np.array((*INK, 255), dtype=np.uint8).view(np.uint32)[0]
        small = np.array(Image.frombytes("CMYK", self._image.size, fine.tobytes()).reduce(_FINER), dtype=np.float32)
        small[..., 3] /= np.float32(255)
        return small


def joint(start: Point, end: Point, bend: float) -> Point:
    """Finds an elbow or a knee.

    Args:
        start: shoulder or hip.
        end: hand or foot.
        bend: how far the joint lies to the left of the way from start to end, in units.

    Returns:
        Where the joint lies.
    """
    across, up = end[0] - start[0], end[1] - start[1]
    length = max(hypot(across, up), 1e-6)
    return (start[0] + end[0]) / 2 - bend * up / length, (start[1] + end[1]) / 2 + bend * across / length
