"""Changes the light of a whole picture and lets it rain, snow or be foggy."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Float32
from PIL import Image, ImageDraw

from rldf.arrays import frozen
from rldf.errors import UnknownTermError, did_you_mean

WEATHERS = ("none", "sunny", "rainy", "snowy", "foggy")
"""Terms of the weather axis; with "none" the picture stays as it is."""

TIMES = ("none", "sunset", "night")
"""Terms of the time axis; with "none" it is day."""

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # red, green and blue as an eye weighs them
_SUPERSAMPLING = 4  # thin streaks and small flakes need smooth edges
_SLANT = 0.28  # how far a streak of rain moves across while it falls by one
_STREAK_CELLS = (6, 7)  # rows and columns, one streak in each: even, yet by chance
_FLAKE_CELLS = (9, 9)  # rows and columns, one flake in each

# All colours and strengths below are our choice, made by looking at pictures of every scene.
_NIGHT_GAIN = np.array([0.51, 0.56, 0.66], dtype=np.float32)
_NIGHT_OFFSET = np.array([-2, 5, 26], dtype=np.float32)
_LAMP_GAIN = np.array([0.98, 0.84, 0.56], dtype=np.float32)
_CORNER_GAIN = np.array([0.38, 0.33, 0.42], dtype=np.float32)
_SUNSET_GAIN = np.array([1.06, 0.85, 0.73], dtype=np.float32)
_SUNSET_SHADE = np.array([34, 0, 14], dtype=np.float32)
_SUNNY_SATURATION = 1.3
_SUNNY_GAIN = np.array([1.20, 1.14, 1.02], dtype=np.float32)
_SUNNY_OFFSET = np.array([-6, -8, -14], dtype=np.float32)
_RAIN_GAIN = np.array([0.74, 0.80, 0.89], dtype=np.float32)
_STREAK_COLOUR = np.array([226, 238, 252], dtype=np.float32)
_STREAK_OPACITY = 0.75
_SNOW_GAIN = np.array([0.90, 0.94, 1.0], dtype=np.float32)
_FOG_COLOUR = np.array([226, 230, 232], dtype=np.float32)


def apply_time(canvas: Float32[np.ndarray, "height width 3"], time: str, *, is_indoors: bool) -> None:
    """Gives a picture the light of a time of day, in place.

    Args:
        canvas: RGB, 0 to 255, as drawn by daylight.
        time: a term of `TIMES`.
        is_indoors: whether a lamp lights the room at night, and the sun comes through a window.

    Raises:
        UnknownTermError: if there is no such time.
    """
    match time:
        case "none":
            return
        case "sunset":
            brightness = canvas @ _LUMA[:, None] / np.float32(255)
            canvas *= _SUNSET_GAIN
            canvas += (1 - brightness) * _SUNSET_SHADE
            if is_indoors:
                canvas *= _window_light(*canvas.shape[:2])
            else:
                canvas += brightness * _evening_glow(*canvas.shape[:2])
        case "night" if is_indoors:
            canvas *= _lamp_light(*canvas.shape[:2])
        case "night":
            canvas *= _NIGHT_GAIN
            canvas += _NIGHT_OFFSET
        case _:
            raise UnknownTermError(_unknown("time", time, TIMES))
    np.clip(canvas, 0, 255, out=canvas)


def apply_weather(canvas: Float32[np.ndarray, "height width 3"], weather: str, *, rng: np.random.Generator) -> None:
    """Lets a picture of a place outdoors be sunny, rainy, snowy or foggy, in place.

    Args:
        canvas: RGB, 0 to 255, with the light of its time of day already applied.
        weather: a term of `WEATHERS`.
        rng: places the streaks and flakes.

    Raises:
        UnknownTermError: if there is no such weather.
    """
    match weather:
        case "none":
            return
        case "sunny":
            grey = canvas @ _LUMA[:, None]
            canvas -= grey
            canvas *= np.float32(_SUNNY_SATURATION)
            canvas += grey
            canvas *= _SUNNY_GAIN
            canvas += _SUNNY_OFFSET
        case "rainy":
            canvas *= _RAIN_GAIN
            _cover(canvas, _STREAK_COLOUR, _STREAK_OPACITY * _draw_streaks(*canvas.shape[:2], rng=rng))
        case "snowy":
            canvas *= _SNOW_GAIN
            _cover(canvas, np.float32(255), _draw_flakes(*canvas.shape[:2], rng=rng))
        case "foggy":
            # At night a white veil would glow: it is as bright as the picture allows.
            brightness = min(1.0, 0.25 + 1.6 * float((canvas @ _LUMA).mean()) / 255)
            _cover(canvas, _FOG_COLOUR * np.float32(brightness), _fog(*canvas.shape[:2]))
        case _:
            raise UnknownTermError(_unknown("weather", weather, WEATHERS))
    np.clip(canvas, 0, 255, out=canvas)


def _unknown(axis: str, term: str, allowed: tuple[str, ...]) -> str:
    """Says that an axis has no such term."""
    return (
        f"axis '{axis}' cannot draw '{term}'. It has: {', '.join(allowed)}. "
        f"Choose one of these.{did_you_mean(term, allowed)}"
    )


def _cover(
    canvas: Float32[np.ndarray, "height width 3"],
    colour: Float32[np.ndarray, "3"] | np.float32,
    opacity: Float32[np.ndarray, "height width 1"],
) -> None:
    """Blends one colour over a picture, in place."""
    canvas += (colour - canvas) * opacity


def _draw_streaks(height: int, width: int, *, rng: np.random.Generator) -> Float32[np.ndarray, "height width 1"]:
    """Draws slanted streaks of rain: opacity, 0 to 1."""
    mask = Image.new("L", (width * _SUPERSAMPLING, height * _SUPERSAMPLING))
    pen = ImageDraw.Draw(mask)
    thickness = max(_SUPERSAMPLING, round(0.011 * mask.height))
    for across, down, chance in _scatter(_STREAK_CELLS, rng=rng):
        left, top = across * mask.width, down * mask.height
        length = (0.07 + 0.05 * chance) * mask.height
        pen.line([(left, top), (left - _SLANT * length, top + length)], fill=255, width=thickness)
    return _as_opacity(mask)


def _draw_flakes(height: int, width: int, *, rng: np.random.Generator) -> Float32[np.ndarray, "height width 1"]:
    """Draws round flakes of snow: opacity, 0 to 1."""
    mask = Image.new("L", (width * _SUPERSAMPLING, height * _SUPERSAMPLING))
    pen = ImageDraw.Draw(mask)
    for across, down, chance in _scatter(_FLAKE_CELLS, rng=rng):
        centre = (across * mask.width, down * mask.height)
        pen.circle(centre, (0.009 + 0.012 * chance) * mask.height, fill=255)
    return _as_opacity(mask)


def _scatter(cells: tuple[int, int], *, rng: np.random.Generator) -> list[list[float]]:
    """Draws one point for each cell of a grid over the picture.

    Returns:
        For each point how far across and down, 0 to 1, and one more chance, 0 to 1.
    """
    rows, columns = cells
    points = rng.random((rows * columns, 3))
    points[:, 0] = (np.tile(np.arange(columns), rows) + 0.15 + 0.7 * points[:, 0]) / columns
    points[:, 1] = (np.repeat(np.arange(rows), columns) + 0.15 + 0.7 * points[:, 1]) / rows
    rows_of_points: list[list[float]] = points.tolist()
    return rows_of_points


def _as_opacity(mask: Image.Image) -> Float32[np.ndarray, "height width 1"]:
    """Shrinks a mask that was drawn larger: opacity, 0 to 1."""
    return np.asarray(mask.reduce(_SUPERSAMPLING), dtype=np.float32)[..., None] / np.float32(255)


@lru_cache(maxsize=8)
def _lamp_light(height: int, width: int) -> Float32[np.ndarray, "height width 3"]:
    """Makes the light of a lamp above the middle of a room: factors of brightness."""
    across, down = _grid(height, width)
    distance = np.sqrt((1.05 * (across - 0.5)) ** 2 + (0.62 * (down - 0.3)) ** 2)
    strength = _smooth((0.62 - distance) / 0.52)[..., None]
    return frozen(_CORNER_GAIN + (_LAMP_GAIN - _CORNER_GAIN) * strength)


@lru_cache(maxsize=8)
def _window_light(height: int, width: int) -> Float32[np.ndarray, "height width 1"]:
    """Makes a broad slanted beam of low sun: factors of brightness."""
    across, down = _grid(height, width)
    distance = np.abs(across + 0.7 * down - 0.85)
    return frozen((0.80 + 0.34 * _smooth((0.38 - distance) / 0.14))[..., None])


@lru_cache(maxsize=8)
def _evening_glow(height: int, width: int) -> Float32[np.ndarray, "height width 3"]:
    """Makes the colours of an evening sky, strongest around the horizon: what is added, -255 to 255."""
    _, down = _grid(height, width)
    heights = [0.0, 0.22, 0.42, 0.6, 1.0]
    channels = ([14, 64, 76, 14, 6], [-44, -26, 4, -2, -4], [12, -18, -68, -18, -12])
    glow = np.stack([np.interp(down, heights, values) for values in channels], axis=2)
    return frozen(np.repeat(glow, width, axis=1))


@lru_cache(maxsize=8)
def _fog(height: int, width: int) -> Float32[np.ndarray, "height width 1"]:
    """Makes a veil that is thick around the horizon and thin near the viewer: opacity, 0 to 1."""
    _, down = _grid(height, width)
    heights = [0.0, 0.2, 0.42, 0.6, 0.8, 1.0]
    veil = np.interp(down, heights, [0.66, 0.70, 0.66, 0.50, 0.32, 0.24])
    return frozen(np.repeat(veil, width, axis=1)[..., None])


def _grid(height: int, width: int) -> tuple[Float[np.ndarray, "1 width"], Float[np.ndarray, "height 1"]]:
    """Gives how far each pixel lies across and down, 0 to 1."""
    across = (np.arange(width, dtype=np.float32)[None, :] + 0.5) / width
    down = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
    return across, down


def _smooth(values: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
    """Bends a ramp from 0 to 1 so that it starts and ends gently."""
    ramp = np.clip(values, 0, 1)
    smooth: Float[np.ndarray, "height width"] = ramp * ramp * (3 - 2 * ramp)
    return smooth
