"""Blends figures and glyphs into a picture, with their light and their shadow on the ground."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from rldf.renderer.layout import Placement

_SHADOW_OPACITY = 0.42  # our choice: seen on asphalt, not harsh on sand
_LIGHT = 0.10  # our choice: how much brighter than its middle a thing is on its lit side
_SHADOW_SHIFT = 0.06  # of the width, away from the light


def paste(
    canvas: Float[np.ndarray, "side side 3"],
    placement: Placement,
    *,
    glyph: Float[np.ndarray, "height width 4"],
    light: float,
) -> None:
    """Blends a glyph and its shadow into the canvas, in place.

    Args:
        canvas: RGB, 0 to 255.
        placement: where it stands.
        glyph: red, green and blue times opacity, 0 to 255, then opacity, 0 to 1; at the size of its box.
        light: -1 where light comes from the left, 1 from the right.
    """
    size_px = canvas.shape[0]
    _paste_shadow(canvas, placement, light=light)
    if placement.is_mirrored:
        glyph = glyph[:, ::-1]
    height_px, width_px = min(glyph.shape[0], size_px), min(glyph.shape[1], size_px)
    glyph = glyph[:height_px, :width_px]
    left = min(max(0, round(placement.left * size_px)), size_px - width_px)
    top = min(max(0, round(placement.top * size_px)), size_px - height_px)
    patch = canvas[top : top + height_px, left : left + width_px]
    patch *= 1 - glyph[..., 3:]
    shading = 1 + _LIGHT * light * np.linspace(-1, 1, width_px, dtype=np.float32)[:, None]
    colours = glyph[..., :3] * np.asarray(placement.tint, dtype=np.float32) * shading
    # A light tint may pass white, where the glyph must stay white.
    patch += np.minimum(colours, 255 * glyph[..., 3:])


def _paste_shadow(canvas: Float[np.ndarray, "side side 3"], placement: Placement, *, light: float) -> None:
    """Darkens the ground under a glyph, in place; what lies past the border is dropped."""
    size_px = canvas.shape[0]
    width_px = max(3, round(1.05 * placement.width * size_px))
    height_px = max(3, round(min(0.26 * placement.width, 0.09) * size_px))
    middle = placement.left + placement.width * (0.5 - _SHADOW_SHIFT * light)
    left = round(middle * size_px - width_px / 2)
    top = round((placement.bottom - 0.008) * size_px - height_px / 2)
    cut_left, cut_top = max(0, -left), max(0, -top)
    patch = canvas[top + cut_top : top + height_px, left + cut_left : left + width_px]
    shadow = _shadow(width_px, height_px)[cut_top:, cut_left:]
    patch *= shadow[: patch.shape[0], : patch.shape[1]]


@lru_cache(maxsize=1024)
def _shadow(width_px: int, height_px: int) -> Float[np.ndarray, "height width 1"]:
    """Makes a soft elliptical shadow: factors of brightness, 0 to 1."""
    across = (np.arange(width_px, dtype=np.float32) + 0.5) / width_px * 2 - 1
    down = (np.arange(height_px, dtype=np.float32) + 0.5) / height_px * 2 - 1
    radius = np.sqrt(across**2 + down[:, None] ** 2)
    depth = np.clip((1 - radius) / 0.6, 0, 1)
    smooth = depth * depth * (3 - 2 * depth)
    shadow = (1 - _SHADOW_OPACITY * smooth)[..., None].astype(np.float32)
    shadow.flags.writeable = False
    return shadow
