"""Paints the indoor scenes: a wall with furniture and a window above, calm floor below."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from rldf.renderer.brush import Brush, Colour, mix
from rldf.renderer.skies import paint_window


def _kitchen(brush: Brush) -> None:
    """Paints wall cupboards beside a window, tiles, a counter with a stove, and a floor of pale tiles."""
    floor = brush.horizon + 0.12
    brush.fade((0.0, floor), (brush.shade((248, 240, 220), 5), brush.shade((238, 226, 200), 5)))
    wood, handle = brush.shade((112, 160, 164), 14), (238, 236, 228)
    panel = mix(wood, (40, 60, 70), 0.14)
    for y in np.arange(0.2, floor - 0.2, 0.045).tolist():
        brush.line([(0.0, y), (1.0, y)], (222, 210, 186), width=0.006)
    for x in np.arange(brush.between(-0.2, 0.0), 1.0, 0.2).tolist():
        for top, bottom in ((0.03, 0.17), (floor - 0.15, floor)):
            brush.rectangle((x, top, x + 0.2, bottom), wood)
            brush.rectangle((x + 0.02, top + 0.02, x + 0.18, bottom - 0.02), panel)
            brush.rectangle((x + 0.15, top + 0.06, x + 0.165, top + 0.09), handle)
    brush.rectangle((0.0, floor - 0.18, 1.0, floor - 0.145), brush.shade((92, 80, 76), 6))
    is_left = brush.rng.random() < 0.5
    stove, pane = brush.between(0.62, 0.72) if is_left else brush.between(0.08, 0.18), 0.12 if is_left else 0.52
    pane += brush.between(-0.04, 0.04)
    brush.rectangle((pane - 0.02, 0.0, pane + 0.38, 0.2), (248, 240, 220))
    paint_window(brush, (pane, 0.03, pane + 0.36, 0.28))
    hood = [(stove + 0.06, 0.0), (stove + 0.14, 0.0), (stove + 0.22, 0.2), (stove - 0.02, 0.2)]
    brush.polygon(hood, brush.shade((186, 190, 196), 6))
    brush.rectangle((stove, floor - 0.18, stove + 0.2, floor), brush.shade((204, 206, 210), 5))
    brush.rectangle((stove + 0.03, floor - 0.11, stove + 0.17, floor - 0.03), (66, 66, 72))
    brush.fade((floor, 1.0), (brush.shade((234, 228, 216), 5), brush.shade((214, 204, 190), 5)))
    joint = brush.shade((196, 184, 168), 4)
    brush.rays(floor, pitch=0.26, widths=(0.003, 0.006), colour=joint)
    for y in (0.89 * floor + 0.11, 0.7 * floor + 0.3, 0.4 * floor + 0.6):
        brush.line([(0.0, y), (1.0, y)], joint, width=0.008)


def _living_room(brush: Brush) -> None:
    """Paints a warm wall with a curtained window and a bookcase over wooden boards."""
    floor = brush.horizon + 0.10
    brush.fade((0.0, floor), (brush.shade((206, 176, 196), 10), brush.shade((190, 158, 180), 10)))
    x = brush.between(0.08, 0.2)
    paint_window(brush, (x, 0.07, x + 0.34, 0.36))
    curtain = brush.shade((164, 70, 92), 12)
    for left in (x - 0.06, x + 0.31):
        brush.rectangle((left, 0.05, left + 0.09, 0.42), curtain)
    brush.rectangle((x - 0.08, 0.04, x + 0.42, 0.06), (112, 72, 56))
    x, wood = brush.between(0.64, 0.72), brush.shade((118, 78, 54), 8)
    brush.rectangle((x, 0.10, x + 0.26, floor), wood)
    for shelf in np.arange(0.12, floor - 0.08, 0.105).tolist():
        brush.rectangle((x + 0.015, shelf, x + 0.245, shelf + 0.09), (84, 54, 40))
        for book in np.arange(x + 0.02, x + 0.22, 0.03).tolist():
            top, spine = shelf + brush.between(0.01, 0.035), brush.shade((168, 132, 112), 60)
            brush.rectangle((book, top, book + 0.026, shelf + 0.09), spine)
    brush.fade((floor, 1.0), (brush.shade((188, 134, 92), 8), brush.shade((156, 104, 68), 8)))
    brush.rectangle((0.0, floor - 0.02, 1.0, floor), (240, 232, 226))
    brush.rays(floor, pitch=0.2, widths=(0.003, 0.004), colour=brush.shade((158, 108, 72), 4))


def _bedroom(brush: Brush) -> None:
    """Paints a bed with two pillows, a lamp and a window on striped wallpaper over a lilac carpet."""
    floor = brush.horizon + 0.12
    wall = brush.shade((158, 204, 176), 6)
    brush.rectangle((0.0, 0.0, 1.0, floor), wall)
    stripe = mix(wall, (236, 246, 232), 0.5)
    for x in np.arange(brush.between(0.0, 0.06), 1.0, 0.1).tolist():
        brush.rectangle((x, 0.0, x + 0.04, floor), stripe)
    is_left = brush.rng.random() < 0.5
    bed, pane = (0.04, 0.62) if is_left else (0.42, 0.06)
    bed, pane = bed + brush.between(-0.02, 0.03), pane + brush.between(-0.02, 0.02)
    paint_window(brush, (pane, 0.06, pane + 0.32, 0.33))
    brush.rectangle((0.0, floor - 0.022, 1.0, floor), (246, 242, 234))
    brush.fade((floor, 1.0), (brush.shade((188, 160, 208), 7), brush.shade((160, 130, 184), 7)))
    rug = brush.shade((236, 208, 226), 6)
    brush.ellipse((brush.between(0.42, 0.58), 0.84), (0.38, 0.12), colour=rug)
    lamp = bed + 0.62 if is_left else bed - 0.08
    _bedside_lamp(brush, lamp, floor=floor)
    _bed(brush, bed, width=0.54, floor=floor)


def _bed(brush: Brush, x: float, *, width: float, floor: float) -> None:
    """Paints a bed seen from its foot: headboard, pillows, sheet and blanket."""
    wood, blanket = brush.shade((134, 84, 52), 8), brush.shade((64, 96, 190), 12)
    right, middle = x + width, x + width / 2
    brush.rounded((x - 0.02, floor - 0.30, right + 0.02, floor), wood, radius=0.05)
    brush.rounded((x + 0.015, floor - 0.265, right - 0.015, floor), mix(wood, (250, 210, 160), 0.3), radius=0.04)
    brush.rectangle((x, floor - 0.13, right, floor + 0.05), (250, 248, 244))
    for left in (x + 0.03, middle + 0.015):
        brush.rounded((left, floor - 0.20, left + width / 2 - 0.045, floor - 0.10), (255, 255, 255), radius=0.04)
        brush.line(
            [(left + 0.03, floor - 0.105), (left + width / 2 - 0.075, floor - 0.105)], (208, 214, 226), width=0.012
        )
    brush.polygon(
        [(x, floor - 0.075), (right, floor - 0.075), (right + 0.03, floor + 0.08), (x - 0.03, floor + 0.08)], blanket
    )
    brush.polygon(
        [(x, floor - 0.075), (right, floor - 0.075), (right + 0.006, floor - 0.045), (x - 0.006, floor - 0.045)],
        mix(blanket, (255, 255, 255), 0.6),
    )
    for foot in (x - 0.02, right - 0.01):
        brush.rectangle((foot, floor + 0.07, foot + 0.03, floor + 0.1), wood)


def _bedside_lamp(brush: Brush, x: float, *, floor: float) -> None:
    """Paints a lamp with a yellow shade on a small cabinet."""
    wood = brush.shade((134, 84, 52), 8)
    brush.rectangle((x - 0.065, floor - 0.12, x + 0.065, floor + 0.03), wood)
    brush.rectangle((x - 0.05, floor - 0.10, x + 0.05, floor - 0.05), mix(wood, (250, 210, 160), 0.3))
    brush.rectangle((x - 0.008, floor - 0.19, x + 0.008, floor - 0.12), (246, 240, 226))
    shade: Colour = (255, 218, 110)
    brush.polygon(
        [(x - 0.035, floor - 0.27), (x + 0.035, floor - 0.27), (x + 0.062, floor - 0.18), (x - 0.062, floor - 0.18)],
        shade,
    )


def _bathroom(brush: Brush) -> None:
    """Paints a bathtub, a basin under a round mirror and a small window on blue tiles over a chequered floor."""
    floor = brush.horizon + 0.12
    tile = brush.shade((120, 190, 224), 6)
    brush.rectangle((0.0, 0.0, 1.0, floor), tile)
    joint = mix(tile, (255, 255, 255), 0.55)
    for x in np.arange(brush.between(0.0, 0.09), 1.0, 0.09).tolist():
        brush.line([(x, 0.0), (x, floor)], joint, width=0.007)
    for y in np.arange(0.07, floor, 0.09).tolist():
        brush.line([(0.0, y), (1.0, y)], joint, width=0.007)
    brush.rectangle((0.0, floor - 0.022, 1.0, floor), (250, 252, 254))
    _chequer(brush, floor)
    is_left = brush.rng.random() < 0.5
    tub, basin = (0.03, 0.80) if is_left else (0.43, 0.19)
    tub, basin = tub + brush.between(-0.01, 0.03), basin + brush.between(-0.02, 0.02)
    pane = tub + 0.12
    paint_window(brush, (pane, 0.05, pane + 0.32, 0.28))
    _bathtub(brush, tub, width=0.53, floor=floor)
    silver = brush.shade((226, 240, 246), 4)
    brush.ellipse((basin, 0.165), (0.115, 0.135), colour=(206, 164, 84))
    brush.ellipse((basin, 0.165), (0.095, 0.115), colour=silver)
    brush.polygon(
        [(basin - 0.05, 0.2), (basin + 0.03, 0.09), (basin + 0.055, 0.11), (basin - 0.03, 0.225)], (250, 253, 255)
    )
    white, grey = (252, 252, 252), (204, 216, 226)
    brush.rectangle((basin - 0.03, floor - 0.16, basin + 0.03, floor + 0.03), grey)
    brush.rounded((basin - 0.125, floor - 0.19, basin + 0.125, floor - 0.1), white, radius=0.035)
    brush.rectangle((basin - 0.012, floor - 0.24, basin + 0.012, floor - 0.19), (150, 160, 172))


def _bathtub(brush: Brush, x: float, *, width: float, floor: float) -> None:
    """Paints a white bathtub on feet, with foam and a yellow duck."""
    right, white = x + width, (253, 253, 253)
    for bubble in range(5):
        centre = x + 0.1 + 0.085 * bubble, floor - 0.165
        brush.ellipse(centre, (0.055, 0.035), colour=(236, 246, 252))
    duck = x + brush.between(0.2, 0.34)
    yellow = (255, 208, 40)
    brush.ellipse((duck, floor - 0.195), (0.045, 0.028), colour=yellow)
    brush.ellipse((duck + 0.03, floor - 0.23), (0.024, 0.024), colour=yellow)
    brush.polygon(
        [(duck + 0.05, floor - 0.237), (duck + 0.078, floor - 0.226), (duck + 0.05, floor - 0.218)], (240, 120, 30)
    )
    for foot in (x + 0.08, right - 0.1):
        brush.rectangle((foot, floor + 0.03, foot + 0.035, floor + 0.07), (206, 164, 84))
    brush.rounded((x + 0.025, floor - 0.17, right - 0.025, floor + 0.05), white, radius=0.08)
    brush.rectangle((x + 0.06, floor - 0.01, right - 0.06, floor + 0.012), (214, 226, 236))
    brush.rounded((x, floor - 0.175, right, floor - 0.135), white, radius=0.02)
    brush.line([(x + 0.02, floor - 0.133), (right - 0.02, floor - 0.133)], (196, 210, 222), width=0.01)


def _chequer(brush: Brush, floor: float) -> None:
    """Paints a floor of white and blue tiles that widen towards the viewer."""
    white, blue = brush.shade((240, 246, 250), 4), brush.shade((168, 204, 228), 6)
    brush.rectangle((0.0, floor, 1.0, 1.0), white)
    vanishing = brush.between(0.4, 0.6)
    heights = [floor + (1.02 - floor) * share for share in (0.0, 0.12, 0.3, 0.58, 1.0)]
    for row in range(4):
        top, bottom = heights[row], heights[row + 1]
        wide, wider = 0.09 + 0.22 * (top - floor), 0.09 + 0.22 * (bottom - floor)
        for column in range(-6 + row % 2, 7, 2):
            left, right = vanishing + column * wide, vanishing + (column + 1) * wide
            near = [(vanishing + (column + 1) * wider, bottom), (vanishing + column * wider, bottom)]
            brush.polygon([(left, top), (right, top), *near], blue)


def _classroom(brush: Brush) -> None:
    """Paints a green board with chalk and a window on a yellow wall, over a blue-grey floor."""
    floor = brush.horizon + 0.09
    brush.fade((0.0, floor), (brush.shade((246, 228, 168), 6), brush.shade((238, 214, 146), 6)))
    is_left = brush.rng.random() < 0.5
    x, width = brush.between(0.05, 0.08), brush.between(0.52, 0.55)
    pane = x + width + 0.07
    if not is_left:
        x, pane = 1 - x - width, 1 - pane - 0.28
    paint_window(brush, (pane, 0.08, pane + 0.28, 0.36))
    brush.rectangle((x - 0.018, 0.082, x + width + 0.018, 0.378), brush.shade((158, 110, 66), 8))
    brush.rectangle((x, 0.10, x + width, 0.36), brush.shade((38, 98, 76), 8))
    for y in (0.14, 0.19, 0.24):
        end = x + 0.04 + brush.between(0.14, 0.26)
        brush.line([(x + 0.04, y), (end, y)], (214, 228, 218), width=0.012)
    triangle = [(x + width + across, y) for across, y in ((-0.2, 0.3), (-0.05, 0.3), (-0.05, 0.15))]
    brush.line([*triangle, triangle[0]], (236, 220, 150), width=0.010)
    brush.fade((floor, 1.0), (brush.shade((160, 178, 196), 6), brush.shade((126, 146, 168), 6)))
    brush.rectangle((0.0, floor - 0.022, 1.0, floor), (122, 98, 78))


INDOORS: Mapping[str, Callable[[Brush], None]] = MappingProxyType(
    {
        "kitchen": _kitchen,
        "living room": _living_room,
        "bedroom": _bedroom,
        "bathroom": _bathroom,
        "classroom": _classroom,
    }
)
"""What paints each indoor scene, in an order of visual likeness."""
