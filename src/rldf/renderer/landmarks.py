"""Paints the landmarks of cities: flat shapes on a spot of the horizon."""

from dataclasses import dataclass
from typing import final

import numpy as np

from rldf.renderer.brush import Brush, Colour, Point, mix

LIT: Colour = (255, 226, 120)
"""Light behind a window at night."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Inks:
    """The colours of a skyline.

    Attributes:
        far: houses in the back.
        near: houses in front.
        landmark: what the city is known by.
        window: panes, lit at night.
        opening: sky seen through an arch.
        is_night: whether windows are lit.
    """

    far: Colour
    near: Colour
    landmark: Colour
    window: Colour
    opening: Colour
    is_night: bool

    def accent(self, colour: Colour) -> Colour:
        """Gives a landmark's own colour, a little greyed by distance."""
        return mix(colour, self.landmark, 0.18)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a landmark stands: measures are multiples of its height.

    Attributes:
        brush: what paints.
        x: its middle.
        foot: where it meets the ground.
        height: as a fraction of the picture.
    """

    brush: Brush
    x: float
    foot: float
    height: float

    def at(self, across: float, up: float) -> Point:
        """Gives a point of the picture."""
        return self.x + across * self.height, self.foot - up * self.height

    def shape(self, colour: Colour, *points: Point) -> None:
        """Fills a polygon."""
        self.brush.polygon([self.at(*point) for point in points], colour)

    def tower(self, colour: Colour, *half: Point) -> None:
        """Fills a polygon that mirrors itself; `half` lists its right side from top to bottom."""
        self.shape(colour, *half, *((-across, up) for across, up in reversed(half)))

    def block(self, colour: Colour, *, middle: float, half_width: float, ups: Point) -> None:
        """Fills a rectangle between two heights."""
        (left, top), (right, bottom) = self.at(middle - half_width, ups[1]), self.at(middle + half_width, ups[0])
        self.brush.rectangle((left, top, right, bottom), colour)

    def disc(self, colour: Colour, centre: Point, radius: float) -> None:
        """Fills a circle."""
        size = radius * self.height
        self.brush.ellipse(self.at(*centre), (size, size), colour=colour)

    def stroke(self, colour: Colour, *points: Point, width: float) -> None:
        """Draws a line."""
        self.brush.line([self.at(*point) for point in points], colour, width=width * self.height)


def paint_iron_tower(spot: Spot, inks: Inks) -> None:
    """Paints a lattice tower on four curved legs."""
    ink = inks.landmark
    for side in (-1, 1):
        leg = ((0.33, 0.0), (0.21, 0.0), (0.11, 0.2), (0.0, 0.26), (0.0, 0.34), (0.13, 0.34), (0.2, 0.22))
        spot.shape(ink, *((side * across, up) for across, up in leg))
    for side in (-1, 1):
        waist = ((0.13, 0.3), (0.06, 0.3), (0.025, 0.52), (0.025, 0.6), (0.07, 0.55))
        spot.shape(ink, *((side * across, up) for across, up in waist))
    spot.block(ink, middle=0, half_width=0.18, ups=(0.27, 0.33))
    spot.block(ink, middle=0, half_width=0.1, ups=(0.52, 0.57))
    spot.tower(ink, (0.008, 1.02), (0.022, 0.9), (0.065, 0.55))


def paint_white_domes(spot: Spot, inks: Inks) -> None:
    """Paints a church of five white domes."""
    stone = inks.accent((236, 232, 226)) if not inks.is_night else (232, 214, 176)
    shade = mix(stone, inks.landmark, 0.45)
    brush, size = spot.brush, spot.height
    spot.block(stone, middle=0, half_width=0.46, ups=(0.0, 0.34))
    for across in (-0.34, 0.34):
        spot.block(stone, middle=across, half_width=0.1, ups=(0.3, 0.5))
        brush.arch(spot.at(across, 0.49), (0.12 * size, 0.2 * size), colour=shade)
    spot.block(stone, middle=0, half_width=0.2, ups=(0.3, 0.58))
    brush.arch(spot.at(0, 0.57), (0.23 * size, 0.36 * size), colour=shade)
    spot.block(stone, middle=0, half_width=0.04, ups=(0.9, 1.0))
    for across in (-0.26, 0.0, 0.26):
        spot.block(inks.landmark if not inks.is_night else (60, 48, 50), middle=across, half_width=0.06, ups=(0.0, 0.2))


def paint_triumphal_arch(spot: Spot, inks: Inks) -> None:
    """Paints a broad arch of pale stone."""
    stone = inks.accent((214, 202, 180)) if not inks.is_night else inks.landmark
    shade = mix(stone, (60, 60, 90), 0.35)
    for side in (-1, 1):
        leg = ((0.56, 0.0), (0.22, 0.0), (0.22, 0.4), (0.15, 0.53), (0.0, 0.6), (0.0, 1.0), (0.56, 1.0))
        spot.shape(stone, *((side * across, up) for across, up in leg))
    opening = ((0.0, 0.6), (0.15, 0.53), (0.22, 0.4), (0.22, 0.0))
    spot.tower(inks.opening, *opening)
    spot.block(shade, middle=0, half_width=0.62, ups=(0.72, 0.8))
    spot.block(shade, middle=0, half_width=0.6, ups=(0.95, 1.03))


def paint_clock_tower(spot: Spot, inks: Inks) -> None:
    """Paints a slim tower with a big clock under a spire, and a long palace beside it."""
    ink, stone = inks.landmark, inks.accent((150, 126, 96))
    for across in (0.2, 0.34, 0.48, 0.62):
        spot.block(stone, middle=across, half_width=0.08, ups=(0.0, 0.26))
        spot.shape(ink, (across - 0.03, 0.26), (across, 0.36), (across + 0.03, 0.26))
    spot.block(stone, middle=0, half_width=0.105, ups=(0.0, 0.56))
    for across in (-0.045, 0.045):
        spot.block(mix(stone, ink, 0.5), middle=across, half_width=0.018, ups=(0.04, 0.52))
    spot.block(stone, middle=0, half_width=0.145, ups=(0.54, 0.8))
    spot.tower(ink, (0.006, 1.04), (0.03, 0.96), (0.16, 0.79))
    spot.disc(ink, (0, 0.67), 0.122)
    spot.disc(LIT if inks.is_night else (255, 252, 240), (0, 0.67), 0.1)
    spot.stroke((30, 30, 40), (0.0, 0.75), (0.0, 0.67), (0.05, 0.64), width=0.025)


def paint_wheel(spot: Spot, inks: Inks) -> None:
    """Paints a giant wheel with spokes, cabins and slanting legs."""
    ink, size = inks.landmark, spot.height
    hub = (0.0, 0.55)
    for across in (-0.26, 0.26):
        spot.stroke(ink, (across, 0.0), hub, width=0.05)
    angles = np.arange(12) * np.pi / 6
    rim = [(0.42 * float(np.cos(a)), 0.55 + 0.42 * float(np.sin(a))) for a in angles]
    for across, up in rim[:6]:
        spot.stroke(inks.near if not inks.is_night else ink, (across, up), (-across, 1.1 - up), width=0.016)
    spot.brush.ring(spot.at(*hub), 0.44 * size, colour=ink, width=0.045 * size)
    cabin = LIT if inks.is_night else inks.accent((214, 76, 84))
    for place in rim:
        spot.disc(cabin, place, 0.052)
    spot.disc(ink, hub, 0.06)


def paint_bascule_bridge(spot: Spot, inks: Inks) -> None:
    """Paints a bridge with two gothic towers, walkways and blue hangers."""
    stone, steel = inks.accent((168, 148, 116)), inks.accent((64, 132, 190))
    for side in (-1, 1):
        spot.stroke(steel, (side * 0.42, 0.68), (side * 0.7, 0.34), (side * 0.98, 0.26), width=0.05)
        spot.block(stone, middle=side * 0.38, half_width=0.14, ups=(0.0, 0.78))
        spot.block(
            inks.landmark if not inks.is_night else (60, 48, 50), middle=side * 0.38, half_width=0.05, ups=(0.28, 0.5)
        )
        spot.shape(inks.landmark, (side * 0.22, 0.77), (side * 0.38, 1.04), (side * 0.54, 0.77))
    for up in (0.62, 0.72):
        spot.stroke(steel, (-0.3, up), (0.3, up), width=0.05)
    spot.block(steel, middle=0, half_width=0.98, ups=(0.18, 0.26))


def paint_stepped_spire(spot: Spot, inks: Inks) -> None:
    """Paints a stepped skyscraper with a long mast."""
    stone = inks.landmark
    steps = ((0.006, 1.04), (0.014, 0.86), (0.05, 0.84), (0.05, 0.78), (0.09, 0.76), (0.09, 0.66))
    spot.tower(stone, *steps, (0.13, 0.66), (0.13, 0.24), (0.18, 0.24), (0.18, 0.0))
    for across in (-0.06, 0.0, 0.06):
        for up in np.arange(0.08, 0.6, 0.1).tolist():
            spot.block(
                inks.window if not inks.is_night else (70, 56, 50),
                middle=across,
                half_width=0.016,
                ups=(up, up + 0.055),
            )


def paint_crown_spire(spot: Spot, inks: Inks) -> None:
    """Paints a skyscraper with a crown of arcs and a needle."""
    spot.block(inks.landmark, middle=0, half_width=0.12, ups=(0.0, 0.62))
    crown = inks.accent((214, 218, 228)) if not inks.is_night else LIT
    spot.tower(crown, (0.006, 1.0), (0.02, 0.84), (0.06, 0.76), (0.1, 0.68), (0.12, 0.6))
    for up in (0.6, 0.68):
        radius = 0.5 * (0.78 - up)
        spot.brush.arch(spot.at(0, up), (radius * spot.height, 0.1 * spot.height), colour=inks.landmark)


def paint_torch_bearer(spot: Spot, inks: Inks) -> None:
    """Paints a green statue with a rayed crown that lifts a torch, on a pedestal."""
    bronze = mix((108, 186, 162), inks.landmark, 0.08)
    dark = mix(bronze, (30, 70, 70), 0.4)
    spot.tower(inks.accent((206, 192, 168)), (0.14, 0.3), (0.2, 0.0))
    spot.tower(bronze, (0.07, 0.7), (0.13, 0.55), (0.16, 0.3))
    spot.stroke(dark, (0.0, 0.66), (0.05, 0.32), width=0.02)
    spot.stroke(bronze, (-0.06, 0.65), (-0.17, 0.78), (-0.17, 0.9), width=0.065)
    spot.disc((255, 206, 60), (-0.17, 0.98), 0.06)
    spot.block(dark, middle=0.13, half_width=0.045, ups=(0.5, 0.64))
    spot.disc(bronze, (0.0, 0.76), 0.07)
    for across in (-0.1, -0.05, 0.0, 0.05, 0.1):
        spot.stroke(bronze, (0.4 * across, 0.8), (1.25 * across, 0.92 - 4 * across * across), width=0.022)


def paint_red_tower(spot: Spot, inks: Inks) -> None:
    """Paints a lattice tower in bands of red and white."""
    red, white = mix((232, 62, 40), inks.landmark, 0.06), (250, 246, 240)
    for side in (-1, 1):
        spot.shape(red, (side * 0.26, 0.0), (side * 0.15, 0.0), (0.0, 0.26), (0.0, 0.32), (side * 0.125, 0.32))
    bands = ((0.145, 0.28), (0.092, 0.44), (0.066, 0.56), (0.046, 0.67), (0.034, 0.77), (0.02, 0.88), (0.01, 1.04))
    for index in range(len(bands) - 1):
        (low, below), (high, above) = bands[index], bands[index + 1]
        spot.tower(white if index % 2 else red, (high, above), (low, below))
    spot.block(white, middle=0, half_width=0.13, ups=(0.38, 0.45))
    spot.block(white, middle=0, half_width=0.07, ups=(0.66, 0.7))


def paint_pagoda(spot: Spot, inks: Inks) -> None:
    """Paints a tower of five curved roofs."""
    roof = inks.landmark if not inks.is_night else (112, 92, 96)
    wall = mix((200, 70, 52), inks.landmark, 0.12)
    for tier in range(5):
        low, half = 0.17 * tier, 0.36 - 0.045 * tier
        spot.block(wall, middle=0, half_width=0.55 * half, ups=(low, low + 0.1))
        eaves = ((0.4 * half, low + 0.19), (0.75 * half, low + 0.11), (half, low + 0.12), (half, low + 0.08))
        spot.tower(roof, *eaves)
    spot.block(roof, middle=0, half_width=0.018, ups=(0.85, 1.06))


def paint_volcano(spot: Spot, inks: Inks) -> None:
    """Paints a broad blue cone with a white top."""
    cone = mix(inks.far, (90, 110, 190), 0.35)
    spot.tower(cone, (0.16, 1.0), (0.42, 0.5), (1.0, 0.0))
    snow = (200, 206, 232) if inks.is_night else mix((252, 252, 255), inks.far, 0.12)
    fringe = ((0.378, 0.58), (0.2, 0.68), (0.07, 0.56), (-0.09, 0.69), (-0.22, 0.57), (-0.378, 0.58))
    spot.shape(snow, (-0.16, 1.0), (0.16, 1.0), *fringe)
