"""Draws pictures of the embedded world from the terms of its axes."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, UInt8

from rldf.errors import ConfigError, UnknownTermError, did_you_mean
from rldf.seeding import child_rng
from rldf.worlds.atlas import scaled_glyph
from rldf.worlds.layout import COUNT_RANGES, DENSITY_RANGES, Placement, place
from rldf.worlds.scenes import SCENES, paint_scene

DRAWABLE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "object": (
            *("broccoli", "carrot", "banana", "lemon", "apple", "tomato", "strawberry"),
            *("football", "basketball", "chicken", "sheep", "cow", "pig", "horse", "elephant"),
            *("dog", "cat", "monkey", "chair", "sofa", "guitar", "teapot", "bicycle"),
            *("motorcycle", "car", "taxi", "bus", "truck", "tractor", "train"),
        ),
        "count": tuple(COUNT_RANGES),
        "density": tuple(DENSITY_RANGES),
        "scene": tuple(SCENES),
    }
)
"""The terms that can be drawn on each axis, in an order of visual likeness."""

MIN_SIZE_PX = 16
"""Smallest picture that can be drawn: people are five pixels high."""

_SHADOW_OPACITY = 0.42  # our choice: seen on asphalt, not harsh on sand


def draw(terms: Mapping[str, str], *, seed: int, size_px: int = 128) -> UInt8[np.ndarray, "height width 3"]:
    """Draws one picture of the terms.

    Args:
        terms: one term for each axis of `DRAWABLE`.
        seed: 0 or larger; equal terms and seed give equal pictures, other terms another one.
        size_px: width and height, 16 or larger.

    Returns:
        RGB, 0 to 255.

    Raises:
        UnknownTermError: if an axis is missing or unknown, or cannot draw its term.
        ConfigError: if the size is too small.

    Example:
        >>> terms = {"object": "cow", "count": "two", "density": "no", "scene": "farm"}
        >>> draw(terms, seed=0).shape
        (128, 128, 3)
    """
    problem = _find_problem(terms)
    if problem is not None:
        raise UnknownTermError(problem)
    if size_px < MIN_SIZE_PX:
        raise ConfigError(f"size_px is {size_px}; it must be {MIN_SIZE_PX} or larger. Give a larger size.")
    rng = child_rng(seed, "picture", *(terms[axis] for axis in DRAWABLE))
    background = paint_scene(terms["scene"], rng=rng, size_px=size_px)
    placements = place(object_term=terms["object"], count=terms["count"], density=terms["density"], rng=rng)
    canvas = background.astype(np.float32)
    for placement in placements:
        _paste_shadow(canvas, placement)
        _paste_glyph(canvas, placement)
    picture: UInt8[np.ndarray, "height width 3"] = np.clip(canvas + np.float32(0.5), 0, 255).astype(np.uint8)
    return picture


def _find_problem(terms: Mapping[str, str]) -> str | None:
    """Tells why `terms` does not name one drawable term for each axis, or None if it does."""
    for axis in [*DRAWABLE, *terms]:
        if axis not in DRAWABLE or axis not in terms:
            problem = "missing" if axis in DRAWABLE else "unknown"
            return (
                f"axis '{axis}' is {problem}. A picture has the axes: {', '.join(DRAWABLE)}. "
                f"Give one term for each.{did_you_mean(axis, DRAWABLE)}"
            )
    for axis, allowed in DRAWABLE.items():
        if terms[axis] not in allowed:
            return (
                f"axis '{axis}' cannot draw '{terms[axis]}'. It has: {', '.join(allowed)}. "
                f"Choose one of these.{did_you_mean(terms[axis], allowed)}"
            )
    return None


def _paste_glyph(canvas: Float[np.ndarray, "height width 3"], placement: Placement) -> None:
    """Blends a glyph into the canvas, in place."""
    size_px = canvas.shape[0]
    width_px = max(1, round(placement.width * size_px))
    height_px = max(1, round(placement.height * size_px))
    glyph = scaled_glyph(placement.glyph, angle_deg=placement.angle_deg, width_px=width_px, height_px=height_px)
    if placement.is_mirrored:
        glyph = glyph[:, ::-1]
    left = min(round(placement.left * size_px), size_px - width_px)
    top = min(round(placement.top * size_px), size_px - height_px)
    patch = canvas[top : top + height_px, left : left + width_px]
    patch *= 1 - glyph[..., 3:]
    # A light tint may pass white, where the glyph must stay white.
    patch += np.minimum(glyph[..., :3] * np.asarray(placement.tint, dtype=np.float32), 255 * glyph[..., 3:])


def _paste_shadow(canvas: Float[np.ndarray, "height width 3"], placement: Placement) -> None:
    """Darkens the ground under a glyph, in place; what lies past the border is dropped."""
    size_px = canvas.shape[0]
    width_px = max(3, round(1.05 * placement.width * size_px))
    height_px = max(3, round(min(0.26 * placement.width, 0.09) * size_px))
    left = round((placement.left + placement.width / 2) * size_px - width_px / 2)
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
