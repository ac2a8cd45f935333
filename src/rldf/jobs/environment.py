"""The Gymnasium environment with the embedded parts, from one picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from rldf.arrays import Image
from rldf.contracts import Target
from rldf.envs import SemanticGridworld
from rldf.hub import Announce, say_nothing
from rldf.perception.reading import read_image
from rldf.presets.build import build_parts
from rldf.presets.config import SearchConfig
from rldf.presets.shelf import SHELF
from rldf.records import Prompt
from rldf.search import InputPicture, SearchParts
from rldf.search.wish import read_inputs
from rldf.seeding import child_seed
from rldf.space import Encoding


def make_environment(
    image: str | Path | None = None,
    *,
    model: str | None = None,
    seed: int | None = None,
    start: Encoding | None = None,
    continue_after_goal: bool = False,
    render_mode: str | None = None,
    config: SearchConfig | None = None,
    announce: Announce = say_nothing,
) -> SemanticGridworld:
    """Builds the environment whose target is what scorer A reads in a picture.

    Args:
        image: the picture; None for one that the model itself draws of an example sentence.
        model: "embedded", a hub id or a local folder; None for that of the config.
        seed: render seed, 0 or larger; None for that of the config.
        start: where every episode starts; None draws one.
        continue_after_goal: True lets an episode go on at the target.
        render_mode: "rgb_array" or None.
        config: further settings, such as grammar and reward; model and seed replace what it says where they are given.
        announce: is given one line before anything is downloaded.

    Returns:
        The environment.
    """
    used = SearchConfig() if config is None else config
    if model is not None:
        used = replace(used, model=replace(used.model, id=model, kind="auto"))
    if seed is not None:
        used = replace(used, seed=seed)
    parts = build_parts(used, shelf=SHELF, announce=announce)
    picture = _example(parts, seed=used.seed) if image is None else read_image(image).image
    target = read_inputs(parts.perception, [InputPicture(path=str(image), sha256="", image=picture)])
    wiring = parts.wire(Target(percept=target, references=(picture,)))
    return SemanticGridworld(
        feedback=wiring.feedback,
        space=parts.space,
        target=target.encoding,
        start=start,
        render_seed=used.seed,
        continue_after_goal=continue_after_goal,
        render_mode=render_mode,
    )


def _example(parts: SearchParts, *, seed: int) -> Image:
    """Draws a picture in the middle of the space, to have something to search."""
    middle = Encoding(tuple(len(axis) // 2 for axis in parts.space.axes))
    prompt = Prompt(text=parts.grammar.render(middle), negative=parts.negative_prompt)
    return np.asarray(parts.image_generator.generate([prompt], seeds=[child_seed(seed, "example")])[0])
