"""Reads the emoji glyphs that ship with the package."""

import json
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float
from PIL import Image

_DATA = files("rldf.renderer") / "data"


@cache
def glyph_boxes() -> dict[str, tuple[int, int, int, int]]:
    """Reads where each glyph lies in the atlas.

    Returns:
        For each glyph name, left, top, right and bottom in pixels of the atlas.
    """
    index = json.loads((_DATA / "glyphs.json").read_text(encoding="utf-8"))
    return {name: tuple(entry["box"]) for name, entry in index["glyphs"].items()}


@cache
def rotated_glyph(name: str, angle_deg: int) -> Image.Image:
    """Reads one glyph at full size, rotated and cropped to what is visible.

    Args:
        name: a glyph of the atlas.
        angle_deg: counterclockwise, in degrees.

    Returns:
        The glyph with transparency, without an empty margin.
    """
    glyph = _sheet().crop(glyph_boxes()[name])
    if angle_deg == 0:
        return glyph
    turned = glyph.rotate(angle_deg, Image.Resampling.BICUBIC, expand=True)
    return turned.crop(turned.getchannel("A").point(lambda alpha: 255 * (alpha > 8)).getbbox())


def aspect_ratio(name: str, angle_deg: int = 0) -> float:
    """Tells width over height of a glyph at an angle."""
    glyph = rotated_glyph(name, angle_deg)
    return glyph.width / glyph.height


@lru_cache(maxsize=4096)  # our choice: all sizes of the base world, about 80 MiB at 128 px
def scaled_glyph(name: str, *, angle_deg: int, width_px: int, height_px: int) -> Float[np.ndarray, "height width 4"]:
    """Reads one glyph at the size it is drawn.

    Args:
        name: a glyph of the atlas.
        angle_deg: counterclockwise, in degrees.
        width_px: width after rotation.
        height_px: height after rotation.

    Returns:
        Red, green and blue times opacity, 0 to 255, then opacity, 0 to 1. Read-only, because
        it is shared by all pictures.
    """
    glyph = rotated_glyph(name, angle_deg).resize((width_px, height_px), Image.Resampling.LANCZOS)
    array = np.asarray(glyph, dtype=np.float32)
    opacity = array[..., 3:] / np.float32(255)
    scaled = np.concatenate([array[..., :3] * opacity, opacity], axis=2)
    scaled.flags.writeable = False
    return scaled


@cache
def _sheet() -> Image.Image:
    """Reads the whole atlas."""
    with (_DATA / "glyphs.png").open("rb") as file:
        return Image.open(file).convert("RGBA")
