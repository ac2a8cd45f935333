"""Memorisation: whether generated pictures lie nearer to training pictures than fresh drawn ones do."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from PIL import Image as PillowImage

from rldf.arrays import ImageBatch
from rldf.worlds.pictures import Mixture, draw_picture

COMPARED_PX = 32
"""Side at which pictures are compared: what matters is the composition, not the grain."""

_BLOCK = 500  # training pictures held at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Closest:
    """A generated picture and the training picture nearest to it.

    Attributes:
        trial: place of the generated picture.
        training: index of the training picture in its split.
        distance: root of the mean squared difference, 0 to 255.
    """

    trial: int
    training: int
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Memorisation:
    """Distances to the nearest training picture, generated against fresh drawn pictures of the same encodings.

    Attributes:
        num_training: training pictures looked at.
        median_generated: median distance of the generated pictures, 0 to 255.
        median_drawn: the same of fresh drawn pictures, which cannot have been memorised.
        bound: the distance below which one in a hundred of the fresh pictures lies.
        share_below: share of the generated pictures nearer than that; about 0.01 where nothing was memorised.
        closest: the generated pictures nearest to a training picture, the nearest first.
    """

    num_training: int
    median_generated: float
    median_drawn: float
    bound: float
    share_below: float
    closest: tuple[Closest, ...]


def measure_memorisation(
    *, generated: ImageBatch, drawn: ImageBatch, mixture: Mixture, num_training: int, seed: int = 0, size_px: int = 128
) -> Memorisation:
    """Finds the nearest training picture of every picture.

    Args:
        generated: pictures that are measured, 1 or more.
        drawn: fresh pictures that the renderer drew of the same encodings.
        mixture: of the training.
        num_training: the first so many pictures of the denoiser's training are looked at, 1 or more.
        seed: of the training.
        size_px: side of the training pictures.

    Returns:
        The comparison.
    """
    queries = shrink(np.concatenate([generated, drawn]))
    nearest = np.full(len(queries), np.inf, dtype=np.float32)
    places = np.zeros(len(queries), dtype=np.int64)
    for start in range(0, num_training, _BLOCK):
        block = range(start, min(start + _BLOCK, num_training))
        pictures = [draw_picture(mixture, seed=seed, split="denoiser", index=i, size_px=size_px).image for i in block]
        distances, found = nearest_pictures(queries, shrink(np.stack(pictures)))
        is_nearer = distances < nearest
        nearest = np.where(is_nearer, distances, nearest)
        places = np.where(is_nearer, found + start, places)
    ours, fresh = nearest[: len(generated)], nearest[len(generated) :]
    bound = float(np.quantile(fresh, 0.01))
    return Memorisation(
        num_training=num_training,
        median_generated=float(np.median(ours)),
        median_drawn=float(np.median(fresh)),
        bound=bound,
        share_below=float((ours < bound).mean()),
        closest=tuple(
            Closest(trial=int(trial), training=int(places[trial]), distance=float(ours[trial]))
            for trial in np.argsort(ours, kind="stable")[:6]
        ),
    )


def shrink(images: ImageBatch) -> Float[np.ndarray, "batch pixels"]:
    """Shrinks pictures to the side at which they are compared: one row each, 0 to 255."""
    side = (COMPARED_PX, COMPARED_PX)
    small = [np.asarray(PillowImage.fromarray(image).resize(side, PillowImage.Resampling.BOX)) for image in images]
    return np.stack(small).reshape(len(images), -1).astype(np.float32)


def nearest_pictures(
    queries: Float[np.ndarray, "queries pixels"], pictures: Float[np.ndarray, "pictures pixels"]
) -> tuple[Float[np.ndarray, " queries"], Int[np.ndarray, " queries"]]:
    """Finds the nearest picture of each query.

    Args:
        queries: one row each.
        pictures: one row each, 1 or more.

    Returns:
        Root of the mean squared difference to the nearest one, and its place.
    """
    lengths = np.square(pictures).sum(axis=1)
    squares = np.square(queries).sum(axis=1, keepdims=True) - 2 * queries @ pictures.T + lengths
    places = squares.argmin(axis=1)
    differences = queries - pictures[places]  # exact where the product above has rounded
    return np.sqrt(np.square(differences).mean(axis=1)), places
