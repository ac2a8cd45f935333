"""Paints the backgrounds of the embedded world: far things above, calm ground below."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

Point = tuple[float, float]
"""Across and down, as fractions of the picture."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as fractions of the picture."""

_SUPERSAMPLING = 2  # smooth edges at a quarter of a millisecond a picture


class Brush:
    """Paints on one picture in fractions of its width and height.

    Attributes:
        rng: source of all chance.
        horizon: height of the horizon, 0 (top) to 1 (bottom).
    """

    def __init__(self, *, rng: np.random.Generator, size_px: int) -> None:
        self.rng = rng
        self.horizon = self.between(0.36, 0.44)
        self._size = size_px * _SUPERSAMPLING
        self._image = Image.new("RGB", (self._size, self._size))
        self._pen = ImageDraw.Draw(self._image)

    def picture(self) -> UInt8[np.ndarray, "height width 3"]:
        """Gives what was painted, RGB, 0 to 255."""
        return np.array(self._image.reduce(_SUPERSAMPLING))

    def between(self, low: float, high: float) -> float:
        """Draws a number between two bounds."""
        return low + (high - low) * self.rng.random()

    def shade(self, colour: Colour, spread: int = 10) -> Colour:
        """Varies a colour: its brightness by `spread`, each channel by half of that."""
        factors = self.rng.uniform(-0.5, 0.5, size=4).tolist()
        offset = 2 * spread * factors[3]
        values = [c + offset + spread * f for c, f in zip(colour, factors[:3], strict=True)]
        red, green, blue = (min(255, max(0, round(value))) for value in values)
        return red, green, blue

    def fade(self, heights: Point, colours: tuple[Colour, Colour]) -> None:
        """Fills the whole width between two heights, from one colour to another."""
        first, last = (round(height * self._size) for height in heights)
        share = np.linspace(0, 1, last - first)[:, None, None]
        column = (1 - share) * np.asarray(colours[0]) + share * np.asarray(colours[1])
        strip = Image.fromarray(column.astype(np.uint8)).resize((self._size, last - first))
        self._image.paste(strip, (0, first))

    def rectangle(self, box: Box, colour: Colour) -> None:
        """Fills a rectangle."""
        self._pen.rectangle(self._pixels(box), fill=colour)

    def ellipse(self, centre: Point, radii: Point, *, colour: Colour) -> None:
        """Fills an ellipse."""
        self._pen.ellipse(self._around(centre, radii), fill=colour)

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

    def _pixels(self, fractions: Box | Sequence[Point]) -> list[float]:
        """Turns fractions into pixels of the large picture, in one flat list."""
        return [float(pixel) for pixel in np.asarray(fractions).ravel() * self._size]

    def _around(self, centre: Point, radii: Point) -> list[float]:
        """Makes the box around an ellipse, in pixels of the large picture."""
        (x, y), (radius_x, radius_y) = centre, radii
        return self._pixels((x - radius_x, y - radius_y, x + radius_x, y + radius_y))


def paint_scene(scene: str, *, rng: np.random.Generator, size_px: int) -> UInt8[np.ndarray, "height width 3"]:
    """Paints the background of one scene.

    Args:
        scene: a key of `SCENES`.
        rng: source of all chance.
        size_px: width and height.

    Returns:
        RGB, 0 to 255.
    """
    brush = Brush(rng=rng, size_px=size_px)
    SCENES[scene](brush)
    return brush.picture()


def _sky(brush: Brush, *, num_clouds: int = 2) -> float:
    """Paints a blue sky with a few clouds down to the horizon, whose height it gives."""
    lower = brush.shade((206, 230, 250))
    brush.fade((0.0, brush.horizon), (brush.shade((104, 172, 236), 14), lower))
    for _ in range(num_clouds):
        x, y, size = brush.between(0.0, 1.0), brush.between(0.04, 0.15), brush.between(0.05, 0.09)
        white = brush.shade((240, 246, 252), 4)
        for step, scale in ((-1.0, 0.75), (0.0, 1.0), (1.0, 0.7)):
            brush.ellipse((x + step * size, y), (size * scale, size * 0.42 * scale), colour=white)
    return brush.horizon


def _hills(brush: Brush, colour: Colour, *, height: float) -> None:
    """Paints low hills along the horizon."""
    for x in (brush.between(-0.1, 0.2), brush.between(0.4, 0.6), brush.between(0.8, 1.1)):
        radius_y, radius_x = height * brush.between(0.7, 1.2), brush.between(0.28, 0.42)
        brush.arch((x, brush.horizon + 0.01), (radius_x, radius_y), colour=brush.shade(colour, 7))


def _rays(brush: Brush, top: float, *, pitch: float, widths: Point, colour: Colour) -> None:
    """Paints stripes on the ground that meet far away; half widths are far, near."""
    vanishing, (far, near) = brush.between(0.3, 0.7), widths
    for offset in np.arange(-6 * pitch, 6.5 * pitch, pitch).tolist():
        x_far, x_near = vanishing + 0.42 * offset, vanishing + 0.95 * offset
        left = [(x_near - near, 1.0), (x_far - far, top)]
        brush.polygon([*left, (x_far + far, top), (x_near + near, 1.0)], colour)


def _round_tree(brush: Brush, x: float, *, size: float) -> None:
    """Paints a tree with a round crown, its foot just below the horizon."""
    foot = brush.horizon + brush.between(0.01, 0.03)
    brush.rectangle((x - 0.014, foot - 0.6 * size, x + 0.014, foot), brush.shade((104, 74, 46), 8))
    green, y = brush.shade((52, 128, 58), 14), foot - 0.95 * size
    light = (green[0] + 16, green[1] + 20, green[2] + 12)
    brush.ellipse((x, y), (0.48 * size, 0.52 * size), colour=green)
    brush.ellipse((x - 0.1 * size, y - 0.12 * size), (0.28 * size, 0.3 * size), colour=light)


def _farm(brush: Brush) -> None:
    """Paints a golden field with furrows, a red barn and a white fence."""
    horizon = _sky(brush)
    _hills(brush, (120, 168, 92), height=0.08)
    brush.fade((horizon, 1.0), (brush.shade((226, 196, 104), 12), brush.shade((190, 150, 64), 12)))
    vanishing, furrow = brush.between(0.3, 0.7), brush.shade((196, 158, 74), 6)
    for offset in np.arange(-1.6, 1.7, 0.4).tolist():
        foot = vanishing + 1.2 * offset
        corners = [(vanishing + 0.35 * offset, horizon), (foot - 0.022, 1.0), (foot + 0.022, 1.0)]
        brush.polygon(corners, furrow)
    x, width = brush.between(0.06, 0.64), brush.between(0.24, 0.30)
    eaves, ridge = horizon - 0.14, horizon - 0.25
    red, roof = brush.shade((176, 46, 42), 12), brush.shade((104, 40, 38), 8)
    brush.rectangle((x, eaves, x + width, horizon + 0.03), red)
    brush.polygon([(x - 0.03, eaves), (x + width / 2, ridge), (x + width + 0.03, eaves)], roof)
    door, middle = brush.shade((240, 234, 222), 4), x + width / 2
    brush.rectangle((middle - 0.045, horizon - 0.075, middle + 0.045, horizon + 0.03), door)
    for side in (-0.045, 0.045):
        bar = [(middle + side, horizon - 0.075), (middle - side, horizon + 0.03)]
        brush.line(bar, red, width=0.01)
    fence = brush.shade((246, 244, 236), 4)
    for post in np.arange(brush.between(0.0, 0.08), 1.0, 0.085).tolist():
        brush.rectangle((post, horizon + 0.015, post + 0.014, horizon + 0.075), fence)
    for rail in (0.03, 0.055):
        brush.rectangle((0.0, horizon + rail - 0.005, 1.0, horizon + rail + 0.003), fence)


def _park(brush: Brush) -> None:
    """Paints a lawn with round trees, a hedge and a pale path."""
    horizon = _sky(brush)
    _hills(brush, (132, 178, 120), height=0.06)
    brush.fade((horizon, 1.0), (brush.shade((136, 200, 98), 10), brush.shade((84, 160, 66), 10)))
    brush.rectangle((0.0, horizon - 0.02, 1.0, horizon + 0.012), brush.shade((72, 140, 70), 8))
    start, end = brush.between(0.25, 0.75), brush.between(0.15, 0.85)
    path, bend = brush.shade((226, 210, 172), 8), (start + end) / 2 + brush.between(-0.08, 0.08)
    far = [(start - 0.02, horizon + 0.012), (start + 0.02, horizon + 0.012)]
    near = [(bend + 0.08, 0.7), (end + 0.17, 1.0), (end - 0.17, 1.0), (bend - 0.08, 0.7)]
    brush.polygon([*far, *near], path)
    for place in np.arange(brush.between(0.02, 0.14), 1.05, 0.26).tolist():
        _round_tree(brush, place + brush.between(-0.05, 0.05), size=brush.between(0.19, 0.27))


def _beach(brush: Brush) -> None:
    """Paints sea with surf, sand and a striped sunshade far back."""
    horizon = _sky(brush)
    shore = horizon + brush.between(0.085, 0.11)
    brush.fade((horizon, shore), (brush.shade((36, 124, 196), 10), brush.shade((94, 200, 214), 10)))
    for _ in range(4):
        x, y = brush.between(0.0, 0.9), brush.between(horizon + 0.015, shore - 0.015)
        brush.line([(x, y), (x + 0.12, y)], (150, 214, 232), width=0.006)
    brush.fade((shore, 1.0), (brush.shade((246, 226, 170), 8), brush.shade((228, 198, 132), 10)))
    tilt = brush.between(-0.012, 0.012)
    surf = [(x / 8, shore + tilt * (x / 4 - 1) + 0.008 * (x % 2)) for x in range(9)]
    brush.polygon([(0.0, shore - 0.03), *surf, (1.0, shore - 0.03)], brush.shade((112, 204, 216), 5))
    brush.line(surf, (252, 252, 250), width=0.018)
    x, top = brush.between(0.1, 0.9), horizon - 0.03
    brush.rectangle((x - 0.007, top, x + 0.007, shore + 0.06), (236, 232, 224))
    brush.arch((x, top + 0.02), (0.15, 0.12), colour=brush.shade((228, 66, 74), 10))
    brush.arch((x, top + 0.02), (0.085, 0.12), colour=(250, 244, 236))
    brush.arch((x, top + 0.02), (0.035, 0.12), colour=brush.shade((228, 66, 74), 10))


def _street(brush: Brush) -> None:
    """Paints a row of houses, a pavement and a road with a dashed line."""
    horizon = _sky(brush, num_clouds=1)
    x = brush.between(-0.1, 0.0)
    while x < 1:
        width, height = brush.between(0.15, 0.23), brush.between(0.20, 0.33)
        eaves, right = horizon - height, x + width - 0.006
        wall, window = brush.shade((164, 138, 126), 34), brush.shade((246, 226, 156), 8)
        brush.rectangle((x, eaves, right, horizon + 0.01), wall)
        brush.rectangle((x, eaves, right, eaves + 0.014), (92, 84, 84))
        for y in np.arange(eaves + 0.04, horizon - 0.03, 0.07).tolist():
            for pane in np.arange(x + 0.022, x + width - 0.05, 0.058).tolist():
                brush.rectangle((pane, y, pane + 0.03, y + 0.034), window)
        x += width
    kerb = brush.between(0.640, 0.665)
    brush.fade((horizon, kerb), (brush.shade((200, 198, 194), 7), brush.shade((180, 178, 176), 7)))
    brush.rectangle((0.0, kerb, 1.0, kerb + 0.018), brush.shade((222, 220, 214), 4))
    brush.fade((kerb + 0.018, 1.0), (brush.shade((106, 108, 116), 8), brush.shade((82, 84, 92), 8)))
    mark = brush.shade((240, 238, 226), 4)
    for left in np.arange(brush.between(-0.2, 0.0), 1.0, 0.24).tolist():
        brush.rectangle((left, 0.80, left + 0.13, 0.822), mark)


def _vegetable_garden(brush: Brush) -> None:
    """Paints dark soil with green rows and a trellis of poles in front of a hedge."""
    horizon = _sky(brush)
    brush.rectangle((0.0, horizon - 0.07, 1.0, horizon), brush.shade((92, 146, 84), 8))
    brush.fade((horizon, 1.0), (brush.shade((120, 86, 58), 8), brush.shade((92, 62, 40), 8)))
    _rays(brush, horizon, pitch=0.35, widths=(0.02, 0.06), colour=brush.shade((74, 146, 60), 10))
    pole = brush.shade((170, 126, 76), 8)
    for x in np.arange(brush.between(-0.05, 0.05), 1.05, 0.15).tolist():
        for foot in (x - 0.045, x + 0.045):
            brush.line([(foot, horizon + 0.03), (x, horizon - 0.17)], pole, width=0.012)
        brush.ellipse((x, horizon - 0.02), (0.04, 0.07), colour=brush.shade((58, 128, 54), 10))
    brush.line([(0.0, horizon - 0.15), (1.0, horizon - 0.15)], pole, width=0.012)


def _playground(brush: Brush) -> None:
    """Paints an orange rubber floor with a swing frame and a slide behind it."""
    horizon = _sky(brush)
    brush.rectangle((0.0, horizon - 0.06, 1.0, horizon), brush.shade((98, 160, 92), 8))
    brush.fade((horizon, 1.0), (brush.shade((232, 150, 104), 8), brush.shade((208, 118, 80), 8)))
    frame, grip = brush.shade((246, 206, 48), 8), brush.shade((120, 116, 116), 6)
    x, beam, foot = brush.between(0.10, 0.18), horizon - 0.22, horizon + 0.07
    for top in (x, x + 0.36):
        brush.line([(top - 0.06, foot), (top, beam), (top + 0.06, foot)], frame, width=0.024)
    brush.line([(x - 0.01, beam), (x + 0.37, beam)], frame, width=0.024)
    for seat in (x + 0.08, x + 0.21):
        for rope in (seat, seat + 0.075):
            brush.line([(rope, beam), (rope, horizon)], grip, width=0.008)
        brush.rectangle((seat - 0.01, horizon, seat + 0.085, horizon + 0.022), (52, 96, 200))
    x, top = brush.between(0.66, 0.72), horizon - 0.17
    for leg in (x, x + 0.08):
        brush.rectangle((leg, top, leg + 0.016, foot), frame)
    brush.rectangle((x - 0.02, top - 0.03, x + 0.11, top), brush.shade((60, 110, 206), 8))
    chute = [(x + 0.09, top), (x + 0.26, foot - 0.02), (x + 0.32, foot), (x + 0.22, foot)]
    brush.polygon([*chute, (x + 0.06, top)], brush.shade((216, 62, 70), 8))


def _forest(brush: Brush) -> None:
    """Paints rows of dark firs up to the top over a mossy floor."""
    horizon = brush.horizon
    brush.fade((0.0, horizon), (brush.shade((150, 190, 186), 8), brush.shade((96, 142, 118), 8)))
    brush.fade((horizon, 1.0), (brush.shade((82, 108, 58), 8), brush.shade((52, 76, 40), 8)))
    rows = (((76, 126, 100), 0.11, 0.30), ((48, 100, 70), 0.13, 0.36), ((28, 76, 48), 0.17, 0.38))
    for depth, (colour, distance, height) in enumerate(rows):
        foot = horizon + 0.012 * depth
        for x in np.arange(brush.between(-0.1, 0.0), 1.1, distance).tolist():
            size, green = height * brush.between(0.85, 1.15), brush.shade(colour, 8)
            brush.rectangle((x - 0.012, foot - 0.05, x + 0.012, foot + 0.02), (74, 54, 38))
            for tier, half_width in ((0.0, 0.085), (0.28, 0.068), (0.55, 0.048)):
                y, tip = foot - 0.02 - tier * size, foot - min(1.0, tier + 0.5) * size
                brush.polygon([(x - half_width, y), (x, tip), (x + half_width, y)], green)


def _mountain(brush: Brush) -> None:
    """Paints snow-capped peaks over a meadow of grey scree."""
    horizon = _sky(brush, num_clouds=1)
    rock, snow = brush.shade((122, 130, 154), 10), brush.shade((246, 249, 253), 3)
    shaded, start = (rock[0] - 26, rock[1] - 26, rock[2] - 22), brush.between(-0.06, 0.08)
    for index in (0, 2, 1):  # the middle peak stands in front
        x, height = start + 0.42 * index + brush.between(-0.05, 0.05), brush.between(0.22, 0.33)
        half, peak = 0.95 * height, horizon - height
        brush.polygon([(x - half, horizon), (x, peak), (x + half, horizon)], rock)
        brush.polygon([(x, peak), (x + half, horizon), (x + 0.15 * half, horizon)], shaded)
        zigzag = ((0.38, 0.38), (0.2, 0.30), (0.05, 0.42), (-0.14, 0.30), (-0.36, 0.36))
        cap = [(x + across * half, peak + down * height) for across, down in zigzag]
        brush.polygon([(x, peak), *cap], snow)
    brush.fade((horizon, 1.0), (brush.shade((158, 170, 140), 8), brush.shade((124, 128, 116), 8)))
    _hills(brush, (150, 164, 130), height=0.035)


def _train_platform(brush: Brush) -> None:
    """Paints a canopy on posts, rails before a wall, and a platform with a yellow line."""
    horizon = brush.horizon
    brush.fade((0.0, horizon), (brush.shade((176, 190, 204), 8), brush.shade((150, 164, 180), 8)))
    brush.rectangle((0.0, 0.05, 1.0, 0.12), brush.shade((70, 84, 104), 8))
    brush.rectangle((0.0, 0.12, 1.0, 0.135), (232, 232, 226))
    post, sign = brush.shade((82, 96, 116), 6), brush.between(0.2, 0.6)
    for x in np.arange(brush.between(0.02, 0.12), 1.0, 0.29).tolist():
        brush.rectangle((x, 0.13, x + 0.026, horizon), post)
    brush.rectangle((sign, 0.17, sign + 0.2, 0.23), brush.shade((34, 78, 150), 8))
    brush.rectangle((sign + 0.03, 0.193, sign + 0.17, 0.207), (240, 240, 240))
    edge = horizon + 0.10
    brush.rectangle((0.0, horizon, 1.0, edge), brush.shade((88, 80, 76), 6))
    for rail in (0.028, 0.068):
        brush.rectangle((0.0, horizon + rail, 1.0, horizon + rail + 0.012), (176, 178, 184))
    brush.fade((edge, 1.0), (brush.shade((190, 186, 180), 6), brush.shade((158, 154, 150), 6)))
    brush.rectangle((0.0, edge, 1.0, edge + 0.014), (226, 224, 218))
    brush.rectangle((0.0, edge + 0.035, 1.0, edge + 0.062), brush.shade((246, 206, 52), 6))


def _kitchen(brush: Brush) -> None:
    """Paints wall cupboards, tiles, a counter with a stove, and a floor of pale tiles."""
    floor = brush.horizon + 0.12
    brush.fade((0.0, floor), (brush.shade((248, 240, 220), 5), brush.shade((238, 226, 200), 5)))
    wood, handle = brush.shade((112, 160, 164), 14), (238, 236, 228)
    stove, panel = brush.between(0.15, 0.65), (wood[0] - 16, wood[1] - 16, wood[2] - 16)
    for y in np.arange(0.2, floor - 0.2, 0.045).tolist():
        brush.line([(0.0, y), (1.0, y)], (222, 210, 186), width=0.006)
    for x in np.arange(brush.between(-0.2, 0.0), 1.0, 0.2).tolist():
        for top, bottom in ((0.03, 0.17), (floor - 0.15, floor)):
            brush.rectangle((x, top, x + 0.2, bottom), wood)
            brush.rectangle((x + 0.02, top + 0.02, x + 0.18, bottom - 0.02), panel)
            brush.rectangle((x + 0.15, top + 0.06, x + 0.165, top + 0.09), handle)
    brush.rectangle((0.0, floor - 0.18, 1.0, floor - 0.145), brush.shade((92, 80, 76), 6))
    hood = [(stove + 0.06, 0.0), (stove + 0.14, 0.0), (stove + 0.22, 0.2), (stove - 0.02, 0.2)]
    brush.polygon(hood, brush.shade((186, 190, 196), 6))
    brush.rectangle((stove, floor - 0.18, stove + 0.2, floor), brush.shade((204, 206, 210), 5))
    brush.rectangle((stove + 0.03, floor - 0.11, stove + 0.17, floor - 0.03), (66, 66, 72))
    brush.fade((floor, 1.0), (brush.shade((234, 228, 216), 5), brush.shade((214, 204, 190), 5)))
    joint = brush.shade((196, 184, 168), 4)
    _rays(brush, floor, pitch=0.26, widths=(0.003, 0.006), colour=joint)
    for y in (0.89 * floor + 0.11, 0.7 * floor + 0.3, 0.4 * floor + 0.6):
        brush.line([(0.0, y), (1.0, y)], joint, width=0.008)


def _living_room(brush: Brush) -> None:
    """Paints a warm wall with a curtained window and a bookcase over wooden boards."""
    floor = brush.horizon + 0.10
    brush.fade((0.0, floor), (brush.shade((206, 176, 196), 10), brush.shade((190, 158, 180), 10)))
    x = brush.between(0.08, 0.2)
    brush.rectangle((x, 0.07, x + 0.32, 0.34), (246, 242, 234))
    brush.rectangle((x + 0.02, 0.09, x + 0.30, 0.32), brush.shade((170, 212, 240), 8))
    brush.rectangle((x + 0.15, 0.09, x + 0.17, 0.32), (246, 242, 234))
    curtain = brush.shade((164, 70, 92), 12)
    for left in (x - 0.05, x + 0.27):
        brush.rectangle((left, 0.05, left + 0.1, 0.40), curtain)
    x, wood = brush.between(0.60, 0.70), brush.shade((118, 78, 54), 8)
    brush.rectangle((x, 0.10, x + 0.26, floor), wood)
    for shelf in np.arange(0.12, floor - 0.08, 0.105).tolist():
        brush.rectangle((x + 0.015, shelf, x + 0.245, shelf + 0.09), (84, 54, 40))
        for book in np.arange(x + 0.02, x + 0.22, 0.024).tolist():
            top, spine = shelf + brush.between(0.01, 0.035), brush.shade((168, 132, 112), 60)
            brush.rectangle((book, top, book + 0.02, shelf + 0.09), spine)
    brush.fade((floor, 1.0), (brush.shade((188, 134, 92), 8), brush.shade((156, 104, 68), 8)))
    brush.rectangle((0.0, floor - 0.02, 1.0, floor), (240, 232, 226))
    _rays(brush, floor, pitch=0.2, widths=(0.003, 0.004), colour=brush.shade((158, 108, 72), 4))


def _classroom(brush: Brush) -> None:
    """Paints a green board with chalk on a yellow wall, over a blue-grey floor."""
    floor = brush.horizon + 0.09
    brush.fade((0.0, floor), (brush.shade((246, 228, 168), 6), brush.shade((238, 214, 146), 6)))
    x, width = brush.between(0.10, 0.26), brush.between(0.56, 0.64)
    brush.rectangle((x - 0.018, 0.082, x + width + 0.018, 0.378), brush.shade((158, 110, 66), 8))
    brush.rectangle((x, 0.10, x + width, 0.36), brush.shade((38, 98, 76), 8))
    for y in (0.14, 0.19, 0.24):
        end = x + 0.04 + brush.between(0.14, 0.26)
        brush.line([(x + 0.04, y), (end, y)], (214, 228, 218), width=0.012)
    triangle = [(x + width + across, y) for across, y in ((-0.2, 0.3), (-0.05, 0.3), (-0.05, 0.15))]
    brush.line([*triangle, triangle[0]], (236, 220, 150), width=0.010)
    brush.fade((floor, 1.0), (brush.shade((160, 178, 196), 6), brush.shade((126, 146, 168), 6)))
    brush.rectangle((0.0, floor - 0.022, 1.0, floor), (122, 98, 78))


SCENES: Mapping[str, Callable[[Brush], None]] = MappingProxyType(
    {
        "farm": _farm,
        "vegetable garden": _vegetable_garden,
        "park": _park,
        "playground": _playground,
        "forest": _forest,
        "beach": _beach,
        "mountain": _mountain,
        "street": _street,
        "train platform": _train_platform,
        "kitchen": _kitchen,
        "living room": _living_room,
        "classroom": _classroom,
    }
)
"""What paints each scene, in an order of visual likeness."""
