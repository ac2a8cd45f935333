"""Chooses pictures and recipe of a world that is to be trained."""

from dataclasses import dataclass, replace
from pathlib import Path

from rldf.grammar import load_grammar
from rldf.worlds.photo_recipe import TINY_PHOTO_RECIPE, photo_recipe
from rldf.worlds.photo_source import PhotoPictures
from rldf.worlds.photos import TRAINING, read_photos
from rldf.worlds.pictures import DrawnPictures
from rldf.worlds.recipe import TINY_RECIPE, WorldRecipe, recipe_for, world_mixture
from rldf.worlds.source import PictureSource

_SIZED = ("autoencoder", "scorer_a", "scorer_b", "denoiser")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldPlan:
    """What a world is trained on, and how.

    Attributes:
        source: its pictures.
        recipe: sizes and settings.
    """

    source: PictureSource
    recipe: WorldRecipe


def plan_world(
    space: str,
    *,
    data: Path | None = None,
    seed: int = 0,
    device: str = "cpu",
    is_tiny: bool = False,
    is_compiled: bool = False,
    pictures: int | None = None,
) -> WorldPlan:
    """Chooses pictures and recipe: drawings of a space, or photographs of an archive.

    Args:
        space: name of the grammar whose sentences are learned; "full" mixes all that can be drawn.
        data: the photographs of that grammar's objects; None for drawings.
        seed: root seed, 0 or larger.
        device: where it will be trained.
        is_tiny: True for a world of a minute.
        is_compiled: True to compile the denoiser when it is first used.
        pictures: how many each stage but few-step sees in all; None for the recipe's.

    Returns:
        The plan.
    """
    if data is None:
        recipe = TINY_RECIPE if is_tiny else recipe_for(device)
    else:
        recipe = TINY_PHOTO_RECIPE if is_tiny else photo_recipe(device)
    recipe = replace(recipe, seed=seed, denoiser=replace(recipe.denoiser, is_compiled=is_compiled))
    if pictures is not None:
        sized = {name: replace(getattr(recipe, name), num_pictures=pictures) for name in _SIZED}
        recipe = replace(recipe, **sized)
    if data is None:
        source: PictureSource = DrawnPictures(world_mixture(space), seed=seed, size_px=recipe.size_px)
    else:
        photos = read_photos(data, splits=(*TRAINING, "validation"))
        source = PhotoPictures(photos, grammar=load_grammar(space), seed=seed, device=device)
    return WorldPlan(source=source, recipe=recipe)
