"""Paints the outdoor scenes: sky, skyline and far things above, calm ground below."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from rldf.renderer.brush import SNOW, Brush, Colour, mix
from rldf.renderer.harbour import paint_harbour
from rldf.renderer.skies import paint_sky, sky_colours
from rldf.renderer.skylines import paint_skyline


def _hills(brush: Brush, colour: Colour, *, height: float) -> None:
    """Paints low hills along the horizon."""
    for x in (brush.between(-0.1, 0.2), brush.between(0.4, 0.6), brush.between(0.8, 1.1)):
        radius_y, radius_x = height * brush.between(0.7, 1.2), brush.between(0.28, 0.42)
        green = brush.snowed(brush.shade(colour, 7), 0.6)
        brush.arch((x, brush.horizon + 0.01), (radius_x, radius_y), colour=green)


def _round_tree(brush: Brush, x: float, *, size: float) -> None:
    """Paints a tree with a round crown, its foot just below the horizon."""
    foot = brush.horizon + brush.between(0.01, 0.03)
    brush.rectangle((x - 0.014, foot - 0.6 * size, x + 0.014, foot), brush.shade((104, 74, 46), 8))
    green, y = brush.snowed(brush.shade((52, 128, 58), 14), 0.2), foot - 0.95 * size
    light = brush.snowed((min(255, green[0] + 16), min(255, green[1] + 20), min(255, green[2] + 12)), 0.8)
    brush.ellipse((x, y), (0.48 * size, 0.52 * size), colour=green)
    place = (-0.1, -0.12) if brush.setting.weather != "snowy" else (0.0, -0.3)
    radii = (0.28, 0.3) if brush.setting.weather != "snowy" else (0.4, 0.24)
    brush.ellipse((x + place[0] * size, y + place[1] * size), (radii[0] * size, radii[1] * size), colour=light)


def _farm(brush: Brush) -> None:
    """Paints a golden field with furrows, a red barn and a white fence."""
    horizon = paint_sky(brush)
    paint_skyline(brush)
    _hills(brush, (120, 168, 92), height=0.08 * brush.lowered(0.3))
    brush.ground(horizon, (brush.shade((226, 196, 104), 12), brush.shade((190, 150, 64), 12)))
    vanishing, furrow = brush.between(0.3, 0.7), brush.snowed(brush.shade((196, 158, 74), 6), 0.6)
    for offset in np.arange(-1.6, 1.7, 0.4).tolist():
        foot = vanishing + 1.2 * offset
        corners = [(vanishing + 0.35 * offset, horizon), (foot - 0.022, 1.0), (foot + 0.022, 1.0)]
        brush.polygon(corners, furrow)
    _barn(brush, brush.between(0.06, 0.64), scale=brush.lowered(0.62))
    fence = brush.shade((246, 244, 236), 4)
    for post in np.arange(brush.between(0.0, 0.08), 1.0, 0.085).tolist():
        brush.rectangle((post, horizon + 0.015, post + 0.014, horizon + 0.075), fence)
    for rail in (0.03, 0.055):
        brush.rectangle((0.0, horizon + rail - 0.005, 1.0, horizon + rail + 0.003), fence)


def _barn(brush: Brush, x: float, *, scale: float) -> None:
    """Paints a red barn with a crossed white door."""
    width, base = scale * brush.between(0.24, 0.30), brush.horizon + 0.03
    eaves, ridge, top = base - 0.17 * scale, base - 0.28 * scale, base - 0.105 * scale
    red, roof = brush.shade((176, 46, 42), 12), brush.snowed(brush.shade((104, 40, 38), 8), 0.8)
    brush.rectangle((x, eaves, x + width, base), red)
    brush.polygon([(x - 0.03, eaves), (x + width / 2, ridge), (x + width + 0.03, eaves)], roof)
    middle, half = x + width / 2, 0.045 * scale
    brush.rectangle((middle - half, top, middle + half, base), brush.shade((240, 234, 222), 4))
    for side in (-half, half):
        brush.line([(middle + side, top), (middle - side, base)], red, width=0.01)


def _vegetable_garden(brush: Brush) -> None:
    """Paints dark soil with green rows and a trellis of poles in front of a hedge."""
    horizon = paint_sky(brush)
    paint_skyline(brush)
    brush.rectangle(
        (0.0, horizon - 0.07 * brush.lowered(0.5), 1.0, horizon), brush.snowed(brush.shade((92, 146, 84), 8), 0.3)
    )
    brush.ground(horizon, (brush.shade((120, 86, 58), 8), brush.shade((92, 62, 40), 8)), snow=0.8)
    row = brush.snowed(brush.shade((74, 146, 60), 10), 0.25)
    brush.rays(horizon, pitch=0.35, widths=(0.02, 0.06), colour=row)
    pole, height = brush.shade((170, 126, 76), 8), 0.17 * brush.lowered(0.5)
    for x in np.arange(brush.between(-0.05, 0.05), 1.05, 0.15).tolist():
        for foot in (x - 0.045, x + 0.045):
            brush.line([(foot, horizon + 0.03), (x, horizon - height)], pole, width=0.012)
        leaves = brush.snowed(brush.shade((58, 128, 54), 10), 0.2)
        brush.ellipse((x, horizon - 0.02), (0.04, 0.07 * brush.lowered(0.7)), colour=leaves)
    brush.line([(0.0, horizon - height + 0.02), (1.0, horizon - height + 0.02)], pole, width=0.012)


def _park(brush: Brush) -> None:
    """Paints a lawn with round trees, a hedge and a pale path."""
    horizon = paint_sky(brush)
    paint_skyline(brush)
    _hills(brush, (132, 178, 120), height=0.06 * brush.lowered(0.4))
    brush.ground(horizon, (brush.shade((136, 200, 98), 10), brush.shade((84, 160, 66), 10)))
    brush.rectangle((0.0, horizon - 0.02, 1.0, horizon + 0.012), brush.snowed(brush.shade((72, 140, 70), 8), 0.4))
    start, end = brush.between(0.25, 0.75), brush.between(0.15, 0.85)
    path, bend = brush.snowed(brush.shade((226, 210, 172), 8), 0.2), (start + end) / 2 + brush.between(-0.08, 0.08)
    far = [(start - 0.02, horizon + 0.012), (start + 0.02, horizon + 0.012)]
    near = [(bend + 0.08, 0.7), (end + 0.17, 1.0), (end - 0.17, 1.0), (bend - 0.08, 0.7)]
    brush.polygon([*far, *near], path)
    scale = brush.lowered(0.62)
    for place in np.arange(brush.between(0.02, 0.14), 1.05, 0.26 / scale).tolist():
        size = scale * brush.between(0.16, 0.23)
        _round_tree(brush, place + brush.between(-0.05, 0.05), size=size)


def _playground(brush: Brush) -> None:
    """Paints an orange rubber floor with a turquoise disc, a swing frame and a slide behind."""
    horizon = paint_sky(brush)
    paint_skyline(brush)
    brush.rectangle(
        (0.0, horizon - 0.06 * brush.lowered(0.4), 1.0, horizon), brush.snowed(brush.shade((98, 160, 92), 8), 0.3)
    )
    brush.ground(horizon, (brush.shade((236, 146, 112), 8), brush.shade((212, 112, 86), 8)), snow=0.76)
    disc = brush.snowed(brush.shade((72, 186, 190), 8), 0.55)
    brush.ellipse((brush.between(0.35, 0.65), brush.between(0.78, 0.84)), (0.36, 0.13), colour=disc)
    frame, grip = brush.shade((246, 206, 48), 8), brush.shade((120, 116, 116), 6)
    scale = brush.lowered(0.72)
    x, beam, foot = brush.between(0.10, 0.18), horizon - 0.22 * scale, horizon + 0.07
    for top in (x, x + 0.36):
        brush.line([(top - 0.06, foot), (top, beam), (top + 0.06, foot)], frame, width=0.024)
    brush.line([(x - 0.01, beam), (x + 0.37, beam)], frame, width=0.024)
    for seat in (x + 0.08, x + 0.21):
        for rope in (seat, seat + 0.075):
            brush.line([(rope, beam), (rope, horizon)], grip, width=0.008)
        brush.rectangle((seat - 0.01, horizon, seat + 0.085, horizon + 0.022), (52, 96, 200))
    x, top = brush.between(0.66, 0.72), horizon - 0.17 * scale
    for leg in (x, x + 0.08):
        brush.rectangle((leg, top, leg + 0.016, foot), frame)
    brush.rectangle((x - 0.02, top - 0.03, x + 0.11, top), brush.shade((60, 110, 206), 8))
    chute = [(x + 0.09, top), (x + 0.26, foot - 0.02), (x + 0.32, foot), (x + 0.22, foot)]
    brush.polygon([*chute, (x + 0.06, top)], brush.shade((216, 62, 70), 8))


def _forest(brush: Brush) -> None:
    """Paints rows of dark firs up to the top over a mossy floor."""
    horizon = paint_sky(brush, sunset_height=0.15)
    below = sky_colours(brush)[1]
    brush.ground(horizon, (brush.shade((82, 108, 58), 8), brush.shade((52, 76, 40), 8)), snow=0.82)
    far = mix((76, 126, 100), below, 0.35), 0.11, 0.22
    rows = (far, ((48, 100, 70), 0.15, 0.29), ((28, 76, 48), 0.21, 0.33))
    for depth, (colour, distance, height) in enumerate(rows):
        foot = horizon + 0.012 * depth
        for x in np.arange(brush.between(-0.1, 0.0), 1.1, distance).tolist():
            size, green = height * brush.between(0.8, 1.1), brush.shade(colour, 8)
            brush.rectangle((x - 0.012, foot - 0.05, x + 0.012, foot + 0.02), (74, 54, 38))
            for tier, half_width in ((0.0, 0.085), (0.28, 0.068), (0.55, 0.048)):
                y, tip = foot - 0.02 - tier * size, foot - min(1.0, tier + 0.5) * size
                brush.polygon([(x - half_width, y), (x, tip), (x + half_width, y)], green)
                if brush.setting.weather == "snowy":
                    half, low = 0.5 * half_width, (y + tip) / 2
                    brush.polygon([(x - half, low), (x, tip), (x + half, low)], mix(green, SNOW, 0.75))


def _mountain(brush: Brush) -> None:
    """Paints snow-capped peaks over a meadow of grey scree."""
    horizon = paint_sky(brush)
    haze, below = 1 - brush.lowered(0.6), sky_colours(brush)[1]
    rock, snow = mix(brush.shade((122, 130, 154), 10), below, haze), brush.shade((246, 249, 253), 3)
    rock = brush.snowed(rock, 0.3)
    shaded, start = mix(rock, (60, 66, 90), 0.35 - 0.5 * haze), brush.between(-0.06, 0.08)
    for index in (0, 2, 1):  # the middle peak stands in front
        x, height = start + 0.42 * index + brush.between(-0.05, 0.05), brush.between(0.22, 0.33)
        half, peak = 0.95 * height, horizon - height
        brush.polygon([(x - half, horizon), (x, peak), (x + half, horizon)], rock)
        brush.polygon([(x, peak), (x + half, horizon), (x + 0.15 * half, horizon)], shaded)
        zigzag = ((0.38, 0.38), (0.2, 0.30), (0.05, 0.42), (-0.14, 0.30), (-0.36, 0.36))
        cap = [(x + across * half, peak + down * height) for across, down in zigzag]
        brush.polygon([(x, peak), *cap], snow)
    paint_skyline(brush)
    brush.ground(horizon, (brush.shade((158, 170, 140), 8), brush.shade((124, 128, 116), 8)))
    _hills(brush, (150, 164, 130), height=0.035)
    for x in (brush.between(0.02, 0.3), brush.between(0.36, 0.62), brush.between(0.7, 0.98)):
        size, foot = brush.between(0.05, 0.085), horizon + brush.between(0.06, 0.1)
        stone = brush.shade((122, 122, 132), 10)
        brush.arch((x, foot), (size, 0.8 * size), colour=stone)
        brush.arch(
            (x - 0.25 * size, foot),
            (0.6 * size, 0.62 * size),
            colour=brush.snowed(mix(stone, (220, 222, 226), 0.35), 0.45),
        )


def _desert(brush: Brush) -> None:
    """Paints orange dunes with shaded flanks under tall cacti."""
    horizon = paint_sky(brush)
    paint_skyline(brush)
    sand, dark = brush.shade((246, 168, 66), 8), brush.shade((222, 126, 40), 8)
    for x in (brush.between(-0.05, 0.2), brush.between(0.65, 1.0)):
        height = brush.between(0.09, 0.13) * brush.lowered(0.35)
        dune = brush.snowed(dark, 0.55)
        brush.polygon([(x - 0.4, horizon + 0.01), (x, horizon - height), (x + 0.4, horizon + 0.01)], dune)
        lit = [(x - 0.4, horizon + 0.01), (x, horizon - height), (x + 0.06, horizon + 0.01)]
        brush.polygon(lit, brush.snowed(sand, 0.75))
    brush.ground(horizon, (sand, mix(dark, sand, 0.25)), snow=0.8)
    ripple = brush.snowed(mix(dark, sand, 0.2), 0.5)
    for x, y in ((brush.between(0.1, 0.4), 0.74), (brush.between(0.6, 0.9), 0.9)):
        brush.arch((x, y), (0.34, 0.05), colour=ripple)
        brush.ellipse(
            (x + 0.04, y + 0.012), (0.36, 0.05), colour=brush.snowed(mix(sand, dark, (y - horizon) / 0.75), 0.8)
        )
    first = brush.between(0.06, 0.16)
    for x, size in ((first, 0.3), (first + brush.between(0.3, 0.42), 0.2), (brush.between(0.82, 0.94), 0.27)):
        _cactus(brush, x, size=size * brush.lowered(0.7))


def _cactus(brush: Brush, x: float, *, size: float) -> None:
    """Paints a cactus with two raised arms."""
    green, foot = brush.shade((44, 138, 74), 10), brush.horizon + brush.between(0.02, 0.05)
    half = 0.1 * size
    for side, low, high in ((-1, 0.4, 0.72), (1, 0.3, 0.62)):
        elbow, y = x + side * 3.2 * half, foot - low * size
        left, right = min(x, elbow - half * 0.7), max(x, elbow + half * 0.7)
        brush.rounded((left, y - 0.7 * half, right, y + 0.7 * half), green, radius=0.7 * half)
        brush.rounded((elbow - 0.7 * half, foot - high * size, elbow + 0.7 * half, y), green, radius=0.7 * half)
    brush.rounded((x - half, foot - size, x + half, foot + 0.01), green, radius=half)
    brush.line([(x, foot - 0.9 * size), (x, foot - 0.05)], mix(green, (210, 240, 190), 0.4), width=0.3 * half)


def _beach(brush: Brush) -> None:
    """Paints sea with surf, sand and a striped sunshade far back."""
    horizon = paint_sky(brush)
    paint_skyline(brush)
    shore = horizon + brush.between(0.085, 0.11)
    brush.fade((horizon, shore), (brush.shade((36, 124, 196), 10), brush.shade((94, 200, 214), 10)))
    for _ in range(4):
        x, y = brush.between(0.0, 0.9), brush.between(horizon + 0.015, shore - 0.015)
        brush.line([(x, y), (x + 0.12, y)], (150, 214, 232), width=0.006)
    brush.ground(shore, (brush.shade((246, 226, 170), 8), brush.shade((228, 198, 132), 10)))
    tilt = brush.between(-0.012, 0.012)
    surf = [(x / 8, shore + tilt * (x / 4 - 1) + 0.008 * (x % 2)) for x in range(9)]
    brush.polygon([(0.0, shore - 0.03), *surf, (1.0, shore - 0.03)], brush.shade((112, 204, 216), 5))
    brush.line(surf, (252, 252, 250), width=0.018)
    x, top = brush.between(0.1, 0.9), horizon - 0.03 * brush.lowered(0.0)
    brush.rectangle((x - 0.007, top, x + 0.007, shore + 0.06), (236, 232, 224))
    red, high = brush.shade((228, 66, 74), 10), 0.12 * brush.lowered(0.75)
    for half, colour in ((0.15, red), (0.085, (250, 244, 236)), (0.035, red)):
        brush.arch((x, top + 0.02), (half, high), colour=colour)


def _street(brush: Brush) -> None:
    """Paints a row of houses, a pavement and a road with a dashed line."""
    horizon = paint_sky(brush)
    paint_skyline(brush, foot=horizon - 0.045)
    _houses(brush, scale=brush.lowered(0.42))
    kerb = brush.between(0.640, 0.665)
    pavement = brush.shade((200, 198, 194), 7), brush.shade((180, 178, 176), 7)
    brush.fade((horizon, kerb), (brush.snowed(pavement[0], 0.8), brush.snowed(pavement[1], 0.8)))
    brush.rectangle((0.0, kerb, 1.0, kerb + 0.018), brush.shade((222, 220, 214), 4))
    brush.ground(kerb + 0.018, (brush.shade((106, 108, 116), 8), brush.shade((82, 84, 92), 8)), snow=0.62)
    mark = brush.shade((240, 238, 226), 4)
    for left in np.arange(brush.between(-0.2, 0.0), 1.0, 0.24).tolist():
        brush.rectangle((left, 0.80, left + 0.13, 0.822), mark)


def _houses(brush: Brush, *, scale: float) -> None:
    """Paints a row of houses with lit windows along the horizon."""
    horizon, x = brush.horizon, brush.between(-0.1, 0.0)
    roof = brush.snowed((92, 84, 84), 0.9)
    while x < 1:
        width, height = brush.between(0.15, 0.23), scale * brush.between(0.18, 0.29)
        eaves, right = horizon - height, x + width - 0.006
        wall, window = brush.shade((164, 138, 126), 34), brush.shade((246, 226, 156), 8)
        brush.rectangle((x, eaves, right, horizon + 0.01), wall)
        brush.rectangle((x, eaves, right, eaves + 0.014), roof)
        for y in np.arange(eaves + 0.04, horizon - 0.03, 0.07).tolist():
            for pane in np.arange(x + 0.022, x + width - 0.05, 0.058).tolist():
                brush.rectangle((pane, y, pane + 0.03, y + 0.034), window)
        x += width


def _train_platform(brush: Brush) -> None:
    """Paints a canopy on posts, rails before a wall, and a platform with a yellow line."""
    horizon = paint_sky(brush, sun_height=0.2, sunset_height=0.26)
    paint_skyline(brush, top=0.1)
    wall = horizon - 0.07 * brush.lowered(0.4)
    brush.rectangle((0.0, wall, 1.0, horizon), brush.shade((150, 84, 66), 8))
    brush.rectangle((0.0, wall - 0.012, 1.0, wall), brush.snowed((196, 180, 164), 0.9))
    brush.rectangle((0.0, 0.0, 1.0, 0.065), brush.shade((70, 84, 104), 8))
    brush.rectangle((0.0, 0.065, 1.0, 0.08), (232, 232, 226))
    post, sign = brush.shade((82, 96, 116), 6), brush.between(0.2, 0.6)
    for x in np.arange(brush.between(0.02, 0.12), 1.0, 0.29).tolist():
        brush.rectangle((x, 0.075, x + 0.026, horizon), post)
    brush.rectangle((sign, 0.10, sign + 0.2, 0.155), brush.shade((34, 78, 150), 8))
    brush.rectangle((sign + 0.03, 0.12, sign + 0.17, 0.135), (240, 240, 240))
    edge = horizon + 0.10
    brush.rectangle((0.0, horizon, 1.0, edge), brush.snowed(brush.shade((88, 80, 76), 6), 0.4))
    for rail in (0.028, 0.068):
        brush.rectangle((0.0, horizon + rail, 1.0, horizon + rail + 0.012), (176, 178, 184))
    brush.ground(edge, (brush.shade((190, 186, 180), 6), brush.shade((158, 154, 150), 6)))
    brush.rectangle((0.0, edge, 1.0, edge + 0.014), (226, 224, 218))
    brush.rectangle((0.0, edge + 0.035, 1.0, edge + 0.062), brush.shade((246, 206, 52), 6))


OUTDOORS: Mapping[str, Callable[[Brush], None]] = MappingProxyType(
    {
        "farm": _farm,
        "vegetable garden": _vegetable_garden,
        "park": _park,
        "playground": _playground,
        "forest": _forest,
        "mountain": _mountain,
        "desert": _desert,
        "beach": _beach,
        "harbour": paint_harbour,
        "street": _street,
        "train platform": _train_platform,
    }
)
"""What paints each outdoor scene, in an order of visual likeness."""
