"""Paints the sky of each weather and time, outdoors and through windows."""

from collections.abc import Mapping
from math import atan2, cos, pi, sin, sqrt
from types import MappingProxyType

from rldf.renderer.brush import Box, Brush, Colour, Point, mix

_SKIES: Mapping[tuple[str, str], tuple[Colour, Colour]] = MappingProxyType(
    {
        ("none", "none"): ((104, 172, 236), (206, 230, 250)),
        ("none", "sunny"): ((20, 104, 222), (112, 186, 250)),
        ("none", "rainy"): ((112, 120, 132), (160, 168, 176)),
        ("none", "snowy"): ((184, 198, 220), (228, 235, 244)),
        ("none", "foggy"): ((196, 198, 196), (224, 224, 220)),
        ("sunset", "none"): ((134, 84, 164), (255, 172, 92)),
        ("sunset", "sunny"): ((230, 84, 92), (255, 204, 84)),
        ("sunset", "rainy"): ((104, 84, 112), (214, 132, 96)),
        ("sunset", "snowy"): ((176, 144, 186), (252, 204, 176)),
        ("sunset", "foggy"): ((206, 172, 164), (244, 200, 160)),
        ("night", "none"): ((10, 16, 54), (50, 64, 130)),
        ("night", "sunny"): ((6, 22, 84), (46, 84, 168)),
        ("night", "rainy"): ((28, 32, 44), (66, 74, 94)),
        ("night", "snowy"): ((44, 54, 88), (112, 126, 164)),
        ("night", "foggy"): ((62, 68, 80), (112, 116, 126)),
    }
)
"""Colours above and at the horizon, by time and weather."""

_CLOUDS: Mapping[str, Colour] = MappingProxyType(
    {"none": (244, 248, 252), "sunset": (250, 150, 140), "night": (96, 106, 150)}
)
_STORM: Mapping[str, Colour] = MappingProxyType({"none": (84, 90, 102), "sunset": (92, 72, 100), "night": (48, 54, 70)})
_CLEAR = ("none", "sunny")


def _crescent() -> tuple[Point, ...]:
    """Makes the outline of a crescent in a circle of radius 1: a circle less one of radius 0.85."""
    shift, radius, tilt = 0.5, 0.85, 0.45
    outer = (1 + shift**2 - radius**2) / (2 * shift)
    start, turn = atan2(sqrt(1 - outer**2), outer), atan2(sqrt(1 - outer**2), outer - shift)
    share = [step / 14 for step in range(15)]
    rim = [(cos(a), sin(a)) for a in (start + (2 * pi - 2 * start) * s for s in share)]
    bite = [
        (shift + radius * cos(a), radius * sin(a)) for a in (2 * pi - turn - (2 * pi - 2 * turn) * s for s in share)
    ]
    return tuple((x * cos(tilt) - y * sin(tilt), x * sin(tilt) + y * cos(tilt)) for x, y in [*rim, *bite])


_CRESCENT = _crescent()
_PUFF = ((-1.0, 0.75), (0.0, 1.0), (1.0, 0.7))  # offsets and sizes of a cloud's three balls


def sky_colours(brush: Brush) -> tuple[Colour, Colour]:
    """Gives the colours of the sky above and at the horizon, without variation."""
    return _SKIES[brush.setting.time, brush.setting.weather]


def paint_sky(brush: Brush, *, sun_height: float = 0.1, sunset_height: float | None = None) -> float:
    """Paints the sky of the brush's weather and time (terms of `rldf.renderer.effects`) down to the horizon.

    Args:
        brush: what paints.
        sun_height: centre of the sun or moon, as a fraction from the top.
        sunset_height: centre of the setting sun; just above the horizon if None.

    Returns:
        The height of the horizon.
    """
    horizon, setting = brush.horizon, brush.setting
    above, below = sky_colours(brush)
    colours = brush.shade(above, 10), brush.shade(below, 8)
    brush.fade((0.0, horizon), colours)
    x = brush.between(0.14, 0.86)
    if setting.time == "sunset":
        _setting_sun(brush, (x, horizon - 0.05 if sunset_height is None else sunset_height), colours)
    elif setting.time == "night":
        _stars(brush)
    elif setting.weather == "sunny":
        paint_sun(brush, (x, sun_height), radius=0.085)
    _clouds(brush, colours)
    if setting.time == "night":
        _moon(brush, (x, sun_height))
    return horizon


def paint_sun(brush: Brush, centre: Point, *, radius: float) -> None:
    """Paints a big yellow sun with twelve rays."""
    (x, y), turn = centre, brush.between(0, pi / 6)
    for ray in range(12):
        angle = turn + ray * pi / 6
        side = [(x + radius * cos(angle + d), y + radius * sin(angle + d)) for d in (-0.17, 0.17)]
        brush.polygon([*side, (x + 1.75 * radius * cos(angle), y + 1.75 * radius * sin(angle))], (255, 222, 70))
    brush.ellipse(centre, (1.12 * radius, 1.12 * radius), colour=(255, 238, 150))
    brush.ellipse(centre, (radius, radius), colour=brush.shade((255, 210, 30), 6))


def paint_window(brush: Brush, box: Box, *, frame: Colour = (248, 245, 238)) -> None:
    """Paints a window with a cross of bars, through which the sky shows.

    Args:
        brush: what paints.
        box: the whole window with its frame.
        frame: colour of frame and bars.
    """
    left, top, right, bottom = box
    above, below = sky_colours(brush)
    brush.fade((top, bottom), (brush.shade(above, 6), brush.shade(below, 6)), sides=(left, right))
    width, height = right - left, bottom - top
    x, y, radius = left + 0.27 * width, top + 0.3 * height, 0.13 * min(width, height)
    time, weather = brush.setting.time, brush.setting.weather
    if time == "night":
        _moon(brush, (x, y), radius=1.1 * radius)
        if weather in _CLEAR:
            for across, down in ((0.62, 0.2), (0.8, 0.36), (0.68, 0.66), (0.86, 0.78), (0.24, 0.76)):
                _star(brush, (left + across * width, top + down * height), 0.012)
    elif time == "sunset":
        brush.arch((left + 0.5 * width, bottom), (2.2 * radius, 2.6 * radius), colour=(255, 232, 130))
    elif weather == "sunny":
        paint_sun(brush, (x, y), radius=radius)
    if weather in {"rainy", "snowy"} or (time, weather) == ("none", "none"):
        colour = _STORM[time] if weather == "rainy" else _CLOUDS[time]
        for across, down in ((0.3, 0.24), (0.72, 0.4)):
            _cloud(brush, (left + across * width, top + down * height), 0.13 * width, colour=colour)
    edge, middle_x, middle_y = 0.018, (left + right) / 2, (top + bottom) / 2
    for bar in ((left, top, left + edge, bottom), (right - edge, top, right, bottom)):
        brush.rectangle(bar, frame)
    for bar in ((left, top, right, top + edge), (left - 0.012, bottom - edge, right + 0.012, bottom + 0.008)):
        brush.rectangle(bar, frame)
    brush.rectangle((middle_x - 0.007, top, middle_x + 0.007, bottom), frame)
    brush.rectangle((left, middle_y - 0.006, right, middle_y + 0.006), frame)


def _setting_sun(brush: Brush, centre: Point, colours: tuple[Colour, Colour]) -> None:
    """Paints a big low sun with a halo."""
    clear = brush.setting.weather in _CLEAR
    disc = (255, 240, 150) if clear else mix((255, 240, 190), colours[1], 0.4)
    for radius, share in ((0.21, 0.72), (0.165, 0.45), (0.125, 0.0)):
        brush.ellipse(centre, (radius, radius), colour=mix(disc, colours[1], share))


def _moon(brush: Brush, centre: Point, *, radius: float = 0.075) -> None:
    """Paints a crescent moon, open to the upper right."""
    pale = (252, 244, 196) if brush.setting.weather in _CLEAR else (206, 204, 190)
    points = [(centre[0] + radius * across, centre[1] - radius * up) for across, up in _CRESCENT]
    brush.polygon(points, pale)


def _stars(brush: Brush) -> None:
    """Scatters stars over a clear sky."""
    if brush.setting.weather not in _CLEAR:
        return
    for across, down, size in brush.rng.random((24, 3)).tolist():
        _star(brush, (across, 0.01 + down * (brush.horizon - 0.1)), 0.008 + 0.009 * size)


def _star(brush: Brush, centre: Point, radius: float) -> None:
    """Paints a star of four points."""
    (x, y), inner = centre, 0.36 * radius
    right = [(x, y - radius), (x + inner, y - inner), (x + radius, y), (x + inner, y + inner)]
    left = [(x, y + radius), (x - inner, y + inner), (x - radius, y), (x - inner, y - inner)]
    brush.polygon([*right, *left], (255, 250, 214))


def _cloud(brush: Brush, centre: Point, size: float, *, colour: Colour) -> None:
    """Paints a flat cloud of three balls."""
    for step, scale in _PUFF:
        brush.ellipse((centre[0] + step * size, centre[1]), (size * scale, size * 0.42 * scale), colour=colour)


def _clouds(brush: Brush, colours: tuple[Colour, Colour]) -> None:
    """Paints the clouds of the weather over sky of the given colours."""
    time, weather = brush.setting.time, brush.setting.weather
    if weather == "none":
        for _ in range(2):
            white = brush.shade(_CLOUDS[time], 4)
            _cloud(brush, (brush.between(0.0, 1.0), brush.between(0.04, 0.15)), brush.between(0.05, 0.09), colour=white)
    elif weather == "rainy":
        for row, share in ((0.12, 0.4), (0.03, 0.0)):
            for x in (0.08, 0.42, 0.74, 1.02):
                grey = mix(brush.shade(_STORM[time], 8), colours[0], share)
                place = x + brush.between(-0.1, 0.1), row + brush.between(-0.015, 0.02)
                _cloud(brush, place, brush.between(0.12, 0.17), colour=grey)
    elif weather == "snowy":
        for x in (0.12, 0.5, 0.88):
            pale = mix(brush.shade(_CLOUDS[time], 3), colours[0], 0.3)
            place = x + brush.between(-0.12, 0.12), brush.between(0.03, 0.14)
            _cloud(brush, place, brush.between(0.1, 0.14), colour=pale)
    elif weather == "foggy":
        bank = mix(colours[1], (246, 246, 242) if time == "none" else colours[0], 0.5)
        for y in (0.08, 0.19, 0.3):
            place = brush.between(0.2, 0.8), y + brush.between(-0.03, 0.03)
            brush.ellipse(place, (brush.between(0.35, 0.55), 0.025), colour=bank)
