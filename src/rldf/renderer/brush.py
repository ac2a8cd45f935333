"""The brush that paints the embedded world's backgrounds, in fractions of the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

Point = tuple[float, float]
"""Across and down, as fractions of the picture."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as fractions of the picture."""

SNOW: Colour = (243, 247, 252)
"""What snowy ground fades to."""

_SUPERSAMPLING = 2  # smooth edges at a quarter of a millisecond a picture


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Mixes two colours.

    Args:
        first: given alone where `share` is 0.
        second: given alone where `share` is 1.
        share: of the second, 0 to 1.

    Returns:
        The mixture.
    """
    red, green, blue = (round((1 - share) * a + share * b) for a, b in zip(first, second, strict=True))
    return red, green, blue


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a scene is seen under; "none" is a clear day, far from any city.

    Attributes:
        weather: one of `rldf.renderer.effects.WEATHERS`.
        time: one of `rldf.renderer.effects.TIMES`.
        city: one of `rldf.renderer.skylines.CITIES`.
    """

    weather: str = "none"
    time: str = "none"
    city: str = "none"


@final
class Brush:
    """Paints on one picture in fractions of its width and height.

    Attributes:
        rng: source of all chance.
        setting: weather, time and city.
        horizon: height of the horizon, 0 (top) to 1 (bottom).
    """

    def __init__(self, *, rng: np.random.Generator, size_px: int, setting: Setting | None = None) -> None:
        self.rng = rng
        self.setting = Setting() if setting is None else setting
        self.horizon = self.between(0.36, 0.44)
        self._size = size_px * _SUPERSAMPLING
        self._image = Image.new("RGB", (self._size, self._size))
        self._pen = ImageDraw.Draw(self._image)

    def lay(self, picture: UInt8[np.ndarray, "height width 3"]) -> None:
        """Lays a finished picture of this brush's size under what is painted next."""
        size = (self._size, self._size)
        self._image.paste(Image.fromarray(picture).resize(size, Image.Resampling.NEAREST))

    def picture(self) -> UInt8[np.ndarray, "height width 3"]:
        """Gives what was painted, RGB, 0 to 255."""
        return np.array(self._image.reduce(_SUPERSAMPLING))

    def between(self, low: float, high: float) -> float:
        """Draws a number between two bounds."""
        return low + (high - low) * self.rng.random()

    def shade(self, colour: Colour, spread: int = 10) -> Colour:
        """Varies a colour: its brightness by `spread`, each channel by half of that."""
        *factors, brightness = self.rng.random(4).tolist()
        offset = spread * (2 * brightness - 1.5)
        values = [c + offset + spread * f for c, f in zip(colour, factors, strict=True)]
        red, green, blue = (min(255, max(0, round(value))) for value in values)
        return red, green, blue

    def snowed(self, colour: Colour, share: float = 0.5) -> Colour:
        """Whitens a colour by a share where it snows, and leaves it elsewhere."""
        return mix(colour, SNOW, share) if self.setting.weather == "snowy" else colour

    def lowered(self, share: float) -> float:
        """Gives the share of their height that far things keep: `share` where a skyline stands behind, else 1."""
        return 1.0 if self.setting.city == "none" else share

    def ground(self, top: float, colours: tuple[Colour, Colour], *, snow: float = 0.84) -> None:
        """Fills everything below a height, from the far to the near colour, under snow where it snows."""
        far, near = (self.snowed(colour, snow) for colour in colours)
        self.fade((top, 1.0), (far, near))

    def fade(self, heights: Point, colours: tuple[Colour, Colour], *, sides: Point = (0.0, 1.0)) -> None:
        """Fills what lies between two heights, from one colour to another."""
        first, last = (round(height * self._size) for height in heights)
        left, right = (round(side * self._size) for side in sides)
        share = np.arange(last - first)[:, None, None] / max(1, last - first - 1)
        far, near = np.array(colours)
        column = Image.fromarray((far + share * (near - far)).astype(np.uint8))
        strip = column.resize((right - left, last - first), Image.Resampling.NEAREST)
        self._image.paste(strip, (left, first))

    def rectangle(self, box: Box, colour: Colour) -> None:
        """Fills a rectangle."""
        self._pen.rectangle([side * self._size for side in box], fill=colour)

    def rounded(self, box: Box, colour: Colour, *, radius: float) -> None:
        """Fills a rectangle with round corners."""
        self._pen.rounded_rectangle([side * self._size for side in box], radius=radius * self._size, fill=colour)

    def ellipse(self, centre: Point, radii: Point, *, colour: Colour) -> None:
        """Fills an ellipse."""
        self._pen.ellipse(self._around(centre, radii), fill=colour)

    def ring(self, centre: Point, radius: float, *, colour: Colour, width: float) -> None:
        """Draws a circle's outline."""
        width_px = max(1, round(width * self._size))
        self._pen.ellipse(self._around(centre, (radius, radius)), outline=colour, width=width_px)

    def arch(self, centre: Point, radii: Point, *, colour: Colour) -> None:
        """Fills the upper half of an ellipse."""
        self._pen.pieslice(self._around(centre, radii), 180, 360, fill=colour)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fills a polygon."""
        self._pen.polygon(self._pixels(points), fill=colour)

    def line(self, points: Sequence[Point], colour: Colour, *, width: float) -> None:
        """Draws a line through points."""
        width_px = max(1, round(width * self._size))
        self._pen.line(self._pixels(points), fill=colour, width=width_px)

    def rays(self, top: float, *, pitch: float, widths: Point, colour: Colour) -> None:
        """Paints stripes on the ground that meet far away; half widths are far, near."""
        vanishing, (far, near) = self.between(0.3, 0.7), widths
        for offset in np.arange(-6 * pitch, 6.5 * pitch, pitch).tolist():
            x_far, x_near = vanishing + 0.42 * offset, vanishing + 0.95 * offset
            left = [(x_near - near, 1.0), (x_far - far, top)]
            self.polygon([*left, (x_far + far, top), (x_near + near, 1.0)], colour)

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        """Turns fractions into pixels of the large picture."""
        size = self._size
        return [(x * size, y * size) for x, y in points]

    def _around(self, centre: Point, radii: Point) -> Box:
        """Makes the box around an ellipse, in pixels of the large picture."""
        (x, y), (radius_x, radius_y), size = centre, radii, self._size
        return (x - radius_x) * size, (y - radius_y) * size, (x + radius_x) * size, (y + radius_y) * size
