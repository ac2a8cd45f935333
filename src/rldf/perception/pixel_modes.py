"""Pixel forms of image files, each converted to 8-bit RGB.

- 8-bit RGB: as it is. Grey, palette, bilevel, YCbCr: converted exactly.
- Transparency (alpha channel, or a transparent colour): laid over white, because most such pictures are made
  for white pages.
- 16-bit grey: divided by 257, so 65535 becomes 255. 32-bit integers and floats have no fixed range: integers
  within 16 bits and floats within 0 to 1 are scaled as such, all others stretched from smallest to largest.
- CMYK: by the plain conversion, without colour profiles.
"""

import numpy as np
from PIL import Image as PillowImage

_ALPHA_MODES = {"RGBA", "LA", "PA", "La", "RGBa"}
_DEEP_MODES = {"I", "F"}
_MAX_8_BIT = 255
_MAX_16_BIT = 65535


def to_rgb(picture: PillowImage.Image, notes: list[str]) -> PillowImage.Image:
    """Converts a picture of any pixel form.

    Args:
        picture: a loaded Pillow picture.
        notes: gets one line for each conversion that changes what is seen.

    Returns:
        The same picture in mode RGB.
    """
    if picture.mode in _DEEP_MODES or picture.mode.startswith("I;"):
        return _from_deep_grey(picture, notes)
    if picture.mode in _ALPHA_MODES or "transparency" in picture.info:
        return _over_white(picture.convert("RGBA"), notes)
    if picture.mode == "CMYK":
        notes.append("converted from CMYK without a colour profile")
    return picture.convert("RGB")


def _over_white(picture: PillowImage.Image, notes: list[str]) -> PillowImage.Image:
    if np.asarray(picture.getchannel("A")).min() < _MAX_8_BIT:
        notes.append("transparent parts were laid over white")
    white = PillowImage.new("RGBA", picture.size, (255, 255, 255, 255))
    return PillowImage.alpha_composite(white, picture).convert("RGB")


def _from_deep_grey(picture: PillowImage.Image, notes: list[str]) -> PillowImage.Image:
    values = np.asarray(picture).astype(np.float64)
    values = np.where(np.isfinite(values), values, 0.0)
    low, high = float(values.min()), float(values.max())
    full = 1.0 if picture.mode == "F" else float(_MAX_16_BIT)
    if picture.mode.startswith("I;") or (low >= 0.0 and high <= full):
        scaled = values / full
        notes.append("reduced from 16 bits to 8" if full > 1.0 else "converted from fractions to 8 bits")
    else:
        scaled = (values - low) / max(high - low, 1e-12)
        notes.append(f"its values from {low:g} to {high:g} were stretched to 8 bits")
    grey = np.rint(np.clip(scaled, 0.0, 1.0) * _MAX_8_BIT).astype(np.uint8)
    return PillowImage.fromarray(grey).convert("RGB")
