"""Paints glyphs in another colour, with their light and shadow kept."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Float32

from rldf.errors import UnknownTermError, did_you_mean

COLOURS = ("none", "red", "yellow", "green", "blue", "purple", "white", "black")
"""Terms of the colour axis; with "none" a thing has its natural colours."""

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # red, green and blue as an eye weighs them
_OUTLINE = 18.0  # what is no brighter than this is an eye or an outline and stays as it is
_INK = 46.0  # what is brighter than this is painted in full
_STOPS = np.array([-2.0, -0.9, 0.0, 1.3], dtype=np.float32)  # brightness, in spreads from the glyph's middle
_MIN_SPREAD = 34.0  # a flat glyph must not get harsh light and shadow
_NATURAL_DISTANCE = 39.0  # chosen by looking at all glyphs in all colours: a red apple, no white elephant
_HUED_BRIGHTNESS = 0.3  # a darker red apple is a red apple, but a darker white sheep is no white sheep
_OPPONENTS = np.array(
    [_LUMA, [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], dtype=np.float32
)  # brightness, yellow to blue, green to red

# Our choice: deep shadow, shadow, body, light.
_RAMPS: Mapping[str, Float32[np.ndarray, "4 3"]] = MappingProxyType(
    {
        name: np.array(stops, dtype=np.float32)
        for name, stops in {
            "red": ((84, 6, 16), (160, 14, 24), (222, 32, 36), (255, 150, 138)),
            "yellow": ((128, 82, 0), (206, 150, 8), (250, 212, 30), (255, 246, 168)),
            "green": ((4, 58, 22), (16, 110, 42), (44, 168, 66), (166, 232, 160)),
            "blue": ((8, 22, 92), (18, 58, 168), (36, 104, 232), (158, 206, 255)),
            "purple": ((46, 8, 84), (92, 26, 146), (146, 56, 206), (222, 176, 250)),
            "white": ((112, 116, 126), (176, 180, 190), (238, 239, 242), (255, 255, 255)),
            "black": ((8, 8, 10), (20, 20, 24), (38, 38, 44), (112, 114, 124)),
        }.items()
    }
)


def recolour(glyph: Float[np.ndarray, "height width 4"], colour: str) -> Float[np.ndarray, "height width 4"]:
    """Paints a glyph in one colour; its shape, light and shadow stay, eyes and outlines stay dark.

    Args:
        glyph: red, green and blue times opacity, 0 to 255, then opacity, 0 to 1.
        colour: a term of `COLOURS`.

    Returns:
        The glyph in that colour, in the same form; with "none" the glyph itself.

    Raises:
        UnknownTermError: if there is no such colour.

    Example:
        >>> grey = np.full((2, 2, 4), 1.0, dtype=np.float32)
        >>> grey[..., :3] = 128
        >>> recolour(grey, "red")[0, 0].tolist()
        [222.0, 32.0, 36.0, 1.0]
    """
    if colour not in COLOURS:
        raise UnknownTermError(
            f"axis 'colour' cannot draw '{colour}'. It has: {', '.join(COLOURS)}. "
            f"Choose one of these.{did_you_mean(colour, COLOURS)}"
        )
    opacity = glyph[..., 3]
    if colour == "none" or not opacity.any():
        return glyph
    natural = _without_opacity(glyph)
    brightness = natural @ _LUMA
    middle, spread = _middle_and_spread(brightness, opacity)
    level = (brightness - middle) / spread
    ramp = _RAMPS[colour]
    painted = np.stack([np.interp(level, _STOPS, ramp[:, channel]) for channel in range(3)], axis=2)
    share = np.clip((brightness - _OUTLINE) / (_INK - _OUTLINE), 0, 1)[..., None]
    mixed = share * painted + (1 - share) * natural
    return np.concatenate([mixed * opacity[..., None], opacity[..., None]], axis=2).astype(np.float32)


def looks_natural(glyph: Float[np.ndarray, "height width 4"], colour: str) -> bool:
    """Tells whether a glyph in one colour hardly differs from the natural one, as a red apple does.

    Args:
        glyph: red, green and blue times opacity, 0 to 255, then opacity, 0 to 1.
        colour: a term of `COLOURS`.

    Returns:
        True where the mean distance of visible pixels, brightness counted less than hue, is small; always for
        "none".

    Raises:
        UnknownTermError: if there is no such colour.
    """  # noqa: DOC502  raised by recolour
    change = (recolour(glyph, colour) - glyph)[..., :3] @ _OPPONENTS.T
    if colour not in {"white", "black"}:
        change[..., 0] *= _HUED_BRIGHTNESS
    return bool(np.linalg.norm(change, axis=2).sum() <= _NATURAL_DISTANCE * glyph[..., 3].sum())


def _without_opacity(glyph: Float[np.ndarray, "height width 4"]) -> Float[np.ndarray, "height width 3"]:
    """Gives the colours of a glyph as if it were opaque, 0 to 255."""
    colours = glyph[..., :3] / np.maximum(glyph[..., 3:], np.float32(1e-3))
    opaque: Float[np.ndarray, "height width 3"] = np.clip(colours, 0, 255)
    return opaque


def _middle_and_spread(
    brightness: Float[np.ndarray, "height width"], opacity: Float[np.ndarray, "height width"]
) -> tuple[float, float]:
    """Measures how bright a glyph is, eyes and outlines aside.

    Returns:
        Mean and standard deviation of the brightness of visible pixels, 0 to 255.
    """
    weight = opacity * np.clip((brightness - _OUTLINE) / (_INK - _OUTLINE), 0.02, 1)
    weight = weight / weight.sum()
    middle = float((weight * brightness).sum())
    deviation = float((weight * (brightness - middle) ** 2).sum()) ** 0.5
    return middle, max(_MIN_SPREAD, deviation)
