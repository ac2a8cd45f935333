"""Folders of class folders drawn by the world: real pictures, and the same classes shifted in one way each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

import numpy as np

from rldf.arrays import Image
from rldf.errors import ConfigError
from rldf.grammar import Grammar
from rldf.records.pictures import encode_png
from rldf.renderer.drawing import draw
from rldf.renderer.effects import TIMES, WEATHERS
from rldf.renderer.occlusion import occlude
from rldf.renderer.recolouring import COLOURS
from rldf.renderer.vocabulary import OBJECTS
from rldf.seeding import child_rng, child_seed

SetKind = Literal["real", "sketch", "rendition", "adversarial", "out-of-class"]
SHIFTS: Mapping[SetKind, str] = {
    "real": "drawn as photos, other pictures than those the clone was planned from",
    "sketch": "pencil sketches of the classes",
    "rendition": "watercolours, oil paintings and pixel art of the classes",
    "adversarial": "the classes in odd colours, in bad weather or at night, among people, behind posts",
    "out-of-class": "objects that are none of the classes",
}
"""The reference sets of the paper's Table 1, and what stands for each in the drawn world."""

_RENDITIONS = ("watercolour", "oil painting", "pixel art")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRequest:
    """What is drawn.

    Attributes:
        kind: which set.
        grammar: its encodings, with the object held, are drawn; a style it has is a photo but for the shifts.
        class_names: terms of its object axis.
        per_class: pictures of each class, at least 1.
        stream: sets of different streams share no picture; equal streams give equal pictures.
        seed: root seed, 0 or larger.
        size_px: width and height.
    """

    kind: SetKind
    grammar: Grammar
    class_names: tuple[str, ...]
    per_class: int
    stream: str
    seed: int = 0
    size_px: int = 128


def draw_set(folder: Path, request: SetRequest, *, on_pictures: Callable[[int], None] | None = None) -> int:
    """Draws a set as PNG files, one sub-folder per class; pictures that are there are not drawn again.

    Args:
        folder: receives the classes.
        request: what is drawn.
        on_pictures: is told how many are there.

    Returns:
        Pictures of the set.
    """
    number = 0
    for number, (class_name, index) in enumerate(_pictures_of(request), start=1):
        place = folder / class_name / f"{index:06d}.png"
        if not place.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f".{place.name}.{uuid4().hex}.part")
            part.write_bytes(encode_png(draw_one(request, class_name=class_name, index=index)))
            part.replace(place)
        if on_pictures is not None:
            on_pictures(number)
    return number


def draw_one(request: SetRequest, *, class_name: str, index: int) -> Image:
    """Draws one picture of a set.

    Args:
        request: the set.
        class_name: what is shown.
        index: number of the picture in its class, from 0.

    Returns:
        RGB, 0 to 255.
    """
    names = ("reference", request.stream, request.kind, class_name, index)
    rng = child_rng(request.seed, *names)
    space = request.grammar.space
    known = {"object": class_name} if class_name in space.axis("object").terms else {}
    held = known | ({"style": "photo"} if "style" in (axis.id for axis in space.axes) else {})
    terms = {**space.terms(space.lock(held).sample(rng)), "object": class_name, **_shift(request.kind, rng)}
    image = draw(terms, seed=child_seed(request.seed, *names, "picture"), size_px=request.size_px)
    return occlude(image, rng=rng) if request.kind == "adversarial" else image


def unseen_objects(class_names: Sequence[str]) -> tuple[str, ...]:
    """Names what can be drawn and is none of the classes.

    Args:
        class_names: the classes.

    Returns:
        The other objects, in the order of the world.

    Raises:
        ConfigError: if there is no other.
    """
    others = tuple(name for name in OBJECTS if name not in set(class_names))
    if not others:
        raise ConfigError(
            f"all {len(OBJECTS)} objects of the world are classes; the set out of class needs others. "
            "Use fewer classes."
        )
    return others


def _pictures_of(request: SetRequest) -> Iterator[tuple[str, int]]:
    """Class and number of each picture; out of class, as many in all, in turn over the other objects."""
    if request.kind != "out-of-class":
        yield from ((name, index) for name in request.class_names for index in range(request.per_class))
        return
    others = unseen_objects(request.class_names)
    for position in range(request.per_class * len(request.class_names)):
        yield others[position % len(others)], position // len(others)


def _shift(kind: SetKind, rng: np.random.Generator) -> dict[str, str]:
    """The terms that make the set what it is."""
    match kind:
        case "sketch":
            return {"style": "sketch"}
        case "rendition":
            return {"style": str(rng.choice(_RENDITIONS))}
        case "adversarial":
            return {
                "colour": str(rng.choice(COLOURS[1:])),
                "weather": str(rng.choice(WEATHERS[2:])),
                "time": str(rng.choice(TIMES[1:])),
                "density": "few",
            }
        case _:
            return {}
