"""Draws pictures of the embedded world from the terms of its axes, and tells what is to be seen in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rldf.arrays import Image
from rldf.errors import ConfigError
from rldf.renderer.atlas import scaled_glyph
from rldf.renderer.effects import apply_time, apply_weather
from rldf.renderer.layout import (
    COUNT_RANGES,
    DENSITY_RANGES,
    MARGIN,
    WHOLE,
    Placement,
    place_character,
    place_crowd,
    place_objects,
    place_people,
)
from rldf.renderer.pasting import paste
from rldf.renderer.people import AGES, EMOTIONS, GENDERS, SKIN_TONES, PersonLook, draw_person, figure_size
from rldf.renderer.recolouring import looks_natural, recolour
from rldf.renderer.scenes import CITY_SCENES, INDOOR_SCENES, paint_scene
from rldf.renderer.styles import apply_style
from rldf.renderer.supports import paint_support, support_surface
from rldf.renderer.vocabulary import OBJECTS, complete
from rldf.seeding import child_rng

MIN_SIZE_PX = 16
"""Smallest picture that can be drawn: people are five pixels high."""

_LOOKS: Mapping[str, tuple[str, ...]] = {"age": AGES, "skin-tone": SKIN_TONES, "gender": GENDERS, "emotion": EMOTIONS}
_UNCLEAR_IN_SKETCH = ("colour", "skin-tone", "time")
_SMALLEST_LEGIBLE = 0.30  # of the picture: a standing adult; smaller faces do not show age or emotion


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One drawn picture and its truth.

    Attributes:
        image: RGB, 0 to 255.
        seen: axis id to the term a viewer sees; "none" (of gender: "person") where nothing of the kind is there or
            people differ in it. An axis that cannot be told from this picture is missing.
    """

    image: Image
    seen: Mapping[str, str]


def draw(terms: Mapping[str, str], *, seed: int, size_px: int = 128) -> Image:
    """Draws one picture of the terms, without its truth; see `draw_with_truth`.

    Args:
        terms: axis id to term.
        seed: 0 or larger.
        size_px: width and height, 16 or larger.

    Returns:
        RGB, 0 to 255.

    Example:
        >>> terms = {"object": "cow", "count": "two", "density": "no", "scene": "farm"}
        >>> draw(terms, seed=0).shape
        (128, 128, 3)
    """
    return draw_with_truth(terms, seed=seed, size_px=size_px).image


def draw_with_truth(terms: Mapping[str, str], *, seed: int, size_px: int = 128) -> Drawing:
    """Draws one picture of the terms.

    Args:
        terms: axis id to term of `DRAWABLE`; a scene and a count with an object or a person at least. An axis that is
            left out stands as in `UNSAID`, so that leaving it out and saying so give the same picture.
        seed: 0 or larger; equal terms and seed give equal pictures, other terms another one.
        size_px: width and height, 16 or larger.

    Returns:
        The picture and what is to be seen in it.

    Raises:
        ConfigError: if the size is too small.
    """
    said = complete(terms)
    if size_px < MIN_SIZE_PX:
        raise ConfigError(f"size_px is {size_px}; it must be {MIN_SIZE_PX} or larger. Give a larger size.")
    rng = child_rng(seed, "picture", *(f"{axis}={said[axis]}" for axis in sorted(said)))
    looks = _draw_looks(said, rng)
    placements = _place(said, looks, rng)
    image = _paint(said, placements, rng=rng, size_px=size_px)
    return Drawing(image=image, seen=_seen(said, looks, are_small=_are_small(placements)))


def _are_small(placements: Sequence[Placement]) -> bool:
    """Tells whether somebody is too small for the face to be read."""
    scales = [p.height / figure_size(p.what)[1] for p in placements if isinstance(p.what, PersonLook)]
    return bool(scales) and min(scales) < _SMALLEST_LEGIBLE


def _draw_looks(said: Mapping[str, str], rng: np.random.Generator) -> list[PersonLook]:
    """Draws who the people are; what is not said of them differs from one to the next."""
    bounds = COUNT_RANGES[said["count"]] if "person" in said else DENSITY_RANGES[said["density"]]
    number = int(rng.integers(bounds[0], bounds[1] + 1))

    def look_of(axis: str) -> str:
        term = said[axis]
        if axis == "emotion" and term == "none":
            return EMOTIONS[0]
        return term if term in _LOOKS[axis] else str(rng.choice(_LOOKS[axis]))

    return [
        PersonLook(
            action=said["action"],
            profession=said.get("person", "none"),
            age=look_of("age"),
            skin_tone=look_of("skin-tone"),
            gender=look_of("gender"),
            emotion=look_of("emotion"),
        )
        for _ in range(number)
    ]


def _place(said: Mapping[str, str], looks: Sequence[PersonLook], rng: np.random.Generator) -> list[Placement]:
    """Places everything, from back to front."""
    placements = []
    span = WHOLE
    if said["character"] != "none":
        character, span = place_character(said["character"], rng=rng)
        placements.append(character)
    if "person" in said:
        return [*placements, *place_crowd(looks, span=span, rng=rng)]
    object_span = WHOLE
    if len(looks) == 1 and said["count"] == "one" and "second-object" not in said:
        # One and one stand side by side, so that neither hides the other.
        middle = (span[0] + span[1]) / 2
        is_left = bool(rng.integers(2))
        object_span = (0.32, 1 - MARGIN) if is_left else (MARGIN, 0.68)
        span = (span[0], middle) if is_left else (middle, span[1])
    placements += place_people(looks, span=span, rng=rng)
    support = said["support"]
    surface = None if support == "floor" else support_surface(support)
    spans = [object_span] if "second-object" not in said else [(MARGIN, 0.49), (0.51, 1 - MARGIN)]
    kinds = [("object", "count"), ("second-object", "second-count")]
    for (kind, number), part in zip(kinds, spans, strict=False):
        placements += place_objects(
            said[kind], count=said[number], colour=said["colour"], span=part, surface=surface, rng=rng
        )
    return placements


def _paint(
    said: Mapping[str, str], placements: Sequence[Placement], *, rng: np.random.Generator, size_px: int
) -> Image:
    """Paints background, furniture, figures and glyphs, light and weather, and the style over it."""
    is_indoors = said["scene"] in INDOOR_SCENES
    time = "none" if said["style"] == "sketch" else said["time"]  # pencil has no light of its own
    background = paint_scene(
        said["scene"], weather=said["weather"], time=time, city=said["city"], rng=rng, size_px=size_px
    )
    canvas = background.astype(np.float32)
    light = float(rng.choice((-1.0, 1.0)))
    is_furnished = said["support"] == "floor"
    for placement in placements:
        if not is_furnished and placement.what in OBJECTS:
            paint_support(canvas, said["support"], rng=rng)  # over the people, under the objects
            is_furnished = True
        paste(canvas, placement, glyph=_figure(placement, size_px=size_px, rng=rng), light=light)
    apply_time(canvas, time, is_indoors=is_indoors)
    if not is_indoors:
        apply_weather(canvas, said["weather"], rng=rng)
    picture = np.clip(canvas + np.float32(0.5), 0, 255).astype(np.uint8)
    return apply_style(picture, said["style"], rng=rng)


def _figure(placement: Placement, *, size_px: int, rng: np.random.Generator) -> Float[np.ndarray, "height width 4"]:
    """Draws a person or reads a glyph, at the size of its box."""
    height_px = max(1, round(placement.height * size_px))
    if isinstance(placement.what, PersonLook):
        return draw_person(placement.what, height_px=height_px, rng=rng)
    width_px = max(1, round(placement.width * size_px))
    glyph = scaled_glyph(placement.what, angle_deg=placement.angle_deg, width_px=width_px, height_px=height_px)
    return glyph if placement.colour == "none" else recolour(glyph, placement.colour)


def _seen(said: Mapping[str, str], looks: Sequence[PersonLook], *, are_small: bool) -> dict[str, str]:
    """Tells what is to be seen on each axis that can be told."""
    seen = dict(said)
    attributes = {
        "age": {look.age for look in looks},
        "skin-tone": {look.skin_tone for look in looks},
        "gender": {look.gender for look in looks},
        "emotion": {look.emotion for look in looks} - {EMOTIONS[0]},
    }
    for axis, values in attributes.items():
        seen[axis] = next(iter(values)) if len(values) == 1 else ("person" if axis == "gender" else "none")
    if not looks:
        seen["action"] = "none"
    unclear = [axis for axis in ("age", "emotion") if are_small and seen[axis] != "none"]
    if "person" in said:
        unclear += ["density", "colour", "support"]
    elif said["colour"] != "none" and _is_natural(said["object"], said["colour"]):
        unclear.append("colour")
    if said["scene"] in INDOOR_SCENES:
        unclear += [axis for axis in ("weather", "city") if said[axis] != "none"]
    else:
        unclear.append("support")
        if said["scene"] not in CITY_SCENES and said["city"] != "none":
            unclear.append("city")
    if said["style"] == "sketch":
        unclear += _UNCLEAR_IN_SKETCH
    if said["style"] == "pixel art" and said["time"] == "night":
        unclear.append("emotion")
    return {axis: term for axis, term in seen.items() if axis not in unclear}


def _is_natural(object_term: str, colour: str) -> bool:
    """Tells whether an object of this colour looks as it always does."""
    return looks_natural(scaled_glyph(object_term, angle_deg=0, width_px=48, height_px=48), colour)
