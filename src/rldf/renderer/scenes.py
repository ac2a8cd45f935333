"""Paints the backgrounds of the embedded world: far things above, calm ground below."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import UInt8

from rldf.errors import UnknownTermError, did_you_mean
from rldf.renderer.brush import Brush, Setting
from rldf.renderer.effects import TIMES, WEATHERS
from rldf.renderer.scenes_indoors import INDOORS
from rldf.renderer.scenes_outdoors import OUTDOORS
from rldf.renderer.skylines import CITIES

__all__ = ["CITIES", "CITY_SCENES", "INDOOR_SCENES", "SCENES", "paint_scene"]

SCENES: Mapping[str, Callable[[Brush], None]] = MappingProxyType({**OUTDOORS, **INDOORS})
"""What paints each scene, in an order of visual likeness."""

INDOOR_SCENES: tuple[str, ...] = tuple(INDOORS)
"""The scenes that show weather and time through a window only, and no city."""

CITY_SCENES: tuple[str, ...] = tuple(scene for scene in OUTDOORS if scene != "forest")
"""The scenes whose horizon shows the skyline of a city; firs hide it in the forest."""


def paint_scene(
    scene: str,
    *,
    weather: str = "none",
    time: str = "none",
    city: str = "none",
    rng: np.random.Generator,
    size_px: int,
) -> UInt8[np.ndarray, "height width 3"]:
    """Paints the background of one scene: sky, skyline, far things and ground.

    Args:
        scene: a key of `SCENES`.
        weather: one of `rldf.renderer.effects.WEATHERS`; outdoors it changes sky and ground, indoors the window.
        time: one of `rldf.renderer.effects.TIMES`; it changes the sky, not the light on the ground.
        city: one of `CITIES`; it shows in `CITY_SCENES` only.
        rng: source of all chance.
        size_px: width and height.

    Returns:
        RGB, 0 to 255.

    Raises:
        UnknownTermError: if a term cannot be painted.

    Example:
        >>> paint_scene("beach", time="sunset", rng=np.random.default_rng(0), size_px=64).shape
        (64, 64, 3)
    """
    for axis, term, allowed in (
        ("scene", scene, tuple(SCENES)),
        ("weather", weather, WEATHERS),
        ("time", time, TIMES),
        ("city", city, CITIES),
    ):
        if term not in allowed:
            raise UnknownTermError(
                f"axis '{axis}' cannot draw '{term}'. It has: {', '.join(allowed)}. "
                f"Choose one of these.{did_you_mean(term, allowed)}"
            )
    shown = city if scene in CITY_SCENES else "none"
    brush = Brush(rng=rng, size_px=size_px, setting=Setting(weather=weather, time=time, city=shown))
    SCENES[scene](brush)
    return brush.picture()
