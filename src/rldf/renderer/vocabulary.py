"""What the embedded world can draw: its axes, their terms, and what a picture shows where nothing is said."""

from collections.abc import Mapping
from types import MappingProxyType

from rldf.errors import UnknownTermError, did_you_mean
from rldf.renderer.effects import TIMES, WEATHERS
from rldf.renderer.layout import COUNT_RANGES, DENSITY_RANGES
from rldf.renderer.people import ACTIONS, AGES, EMOTIONS, PROFESSIONS, SKIN_TONES
from rldf.renderer.recolouring import COLOURS
from rldf.renderer.scenes import CITIES, INDOOR_SCENES, SCENES
from rldf.renderer.styles import STYLES
from rldf.renderer.supports import SUPPORTS

OBJECTS: tuple[str, ...] = (
    *("broccoli", "corn", "carrot", "banana", "lemon", "apple", "tomato", "strawberry", "mushroom", "pizza", "cake"),
    *("football", "basketball", "chicken", "rabbit", "sheep", "cow", "pig", "horse", "giraffe", "elephant", "tiger"),
    *("dog", "cat", "monkey", "chair", "sofa", "bed", "guitar", "violin", "drum", "teapot", "bowl", "cup", "hammer"),
    *("saw", "bicycle", "motorcycle", "car", "taxi", "bus", "truck", "tractor", "train"),
)

CHARACTERS: tuple[str, ...] = ("none", "bruno")

DRAWABLE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "object": OBJECTS,
        "count": tuple(COUNT_RANGES),
        "second-object": OBJECTS,
        "second-count": tuple(COUNT_RANGES),
        "person": PROFESSIONS[1:],
        "density": tuple(DENSITY_RANGES),
        "action": ACTIONS,
        "scene": tuple(SCENES),
        "support": SUPPORTS,
        "weather": WEATHERS,
        "time": TIMES,
        "style": STYLES,
        "colour": COLOURS,
        "age": ("none", *AGES),
        "skin-tone": ("none", *SKIN_TONES),
        "gender": ("person", "woman", "man"),
        "emotion": ("none", *EMOTIONS[1:]),
        "city": CITIES,
        "character": CHARACTERS,
    }
)
"""The terms that can be drawn on each axis."""

UNSAID: Mapping[str, str] = MappingProxyType(
    {
        "density": "no",
        "action": "none",
        "support": "floor",
        "weather": "none",
        "time": "none",
        "style": "photo",
        "colour": "none",
        "age": "none",
        "skin-tone": "none",
        "gender": "person",
        "emotion": "none",
        "city": "none",
        "character": "none",
    }
)
"""What an axis stands at where the terms leave it out."""


def complete(terms: Mapping[str, str]) -> dict[str, str]:
    """Checks terms and adds what an axis stands at where it is left out.

    Args:
        terms: axis id to term; a scene and a count with an object or a person at least.

    Returns:
        The terms with every axis of `UNSAID`.

    Raises:
        UnknownTermError: if an axis is unknown or cannot draw its term, or one that is needed is missing.
    """
    for axis, term in terms.items():
        if axis not in DRAWABLE:
            raise UnknownTermError(
                f"axis '{axis}' is unknown. A picture has the axes: {', '.join(DRAWABLE)}. "
                f"Leave it out.{did_you_mean(axis, DRAWABLE)}"
            )
        if term not in DRAWABLE[axis]:
            raise UnknownTermError(
                f"axis '{axis}' cannot draw '{term}'. It has: {', '.join(DRAWABLE[axis])}. "
                f"Choose one of these.{did_you_mean(term, DRAWABLE[axis])}"
            )
    subject = "person" if "person" in terms else "object"
    needed = [subject, "count", "scene", *(["second-count"] if "second-object" in terms else [])]
    missing = [axis for axis in needed if axis not in terms]
    if missing:
        raise UnknownTermError(
            f"axis '{missing[0]}' is missing. A picture needs {', '.join(needed)}. Give one term for each."
        )
    if terms.get("support", "floor") != "floor" and terms["scene"] not in INDOOR_SCENES:
        raise UnknownTermError(
            f"axis 'support' cannot draw '{terms['support']}' in the scene '{terms['scene']}'. Furniture stands in: "
            f"{', '.join(INDOOR_SCENES)}. Choose one of these, or the floor."
        )
    return {**UNSAID, **terms}
