"""Diversity of the pictures of one sentence, generated against drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rldf.arrays import ImageBatch
from rldf.contracts import ImageEmbedder, ImageGenerator
from rldf.evaluation.vendi import vendi_score
from rldf.grammar import Grammar
from rldf.records.percept import Prompt
from rldf.renderer.drawing import draw
from rldf.seeding import child_rng, child_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How unlike one another the pictures of one encoding are, averaged over encodings.

    Attributes:
        mean_distance: mean pairwise cosine distance, 0 to 2.
        vendi_score: the number of pictures that differ wholly that would be as diverse; 1 to the number of pictures.
    """

    mean_distance: float
    vendi_score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversity:
    """Spread of the generator's pictures against the renderer's, in the features of a judge.

    Attributes:
        num_encodings: encodings that were drawn.
        pictures_each: pictures of each, with seeds of their own.
        generated: of the generator's pictures.
        drawn: of the renderer's pictures of the same encodings.
        distance_ratio: mean distance generated to drawn; 1 is as diverse; None where all drawn pictures are alike.
        vendi_ratio: Vendi score generated to drawn.
    """

    num_encodings: int
    pictures_each: int
    generated: Spread
    drawn: Spread
    distance_ratio: float | None
    vendi_ratio: float


def measure_diversity(
    *,
    grammar: Grammar,
    image_generator: ImageGenerator,
    embedder: ImageEmbedder,
    num_encodings: int,
    pictures_each: int = 8,
    seed: int,
    size_px: int = 128,
) -> Diversity:
    """Draws the same encodings several times, with the generator and with the renderer.

    Args:
        grammar: its terms must be drawable.
        image_generator: what is measured.
        embedder: its features say how alike two pictures are.
        num_encodings: 1 or more.
        pictures_each: 2 or more.
        seed: 0 or larger.
        size_px: side of the drawn pictures.

    Returns:
        Both spreads and their ratios.
    """
    rng = child_rng(seed, "card", "diversity")
    encodings = [grammar.space.sample(rng) for _ in range(num_encodings)]
    generated, drawn = [], []
    for index, encoding in enumerate(encodings):
        seeds = [child_seed(seed, "card", "diversity", index, number) for number in range(pictures_each)]
        prompt, terms = Prompt(text=grammar.render(encoding)), grammar.space.terms(encoding)
        generated.append(image_generator.generate([prompt] * pictures_each, seeds=seeds))
        drawn.append(np.stack([draw(terms, seed=each, size_px=size_px) for each in seeds]))
    ours, theirs = measure_spread(generated, embedder=embedder), measure_spread(drawn, embedder=embedder)
    return Diversity(
        num_encodings=num_encodings,
        pictures_each=pictures_each,
        generated=ours,
        drawn=theirs,
        distance_ratio=ours.mean_distance / theirs.mean_distance if theirs.mean_distance > 0 else None,
        vendi_ratio=ours.vendi_score / theirs.vendi_score,
    )


def measure_spread(groups: Sequence[ImageBatch], *, embedder: ImageEmbedder) -> Spread:
    """Measures how unlike one another the pictures of each group are.

    Args:
        groups: pictures of one encoding each, 2 or more.
        embedder: gives their features.

    Returns:
        The means over the groups.
    """
    features = [embedder.embed_images(images).astype(np.float64) for images in groups]
    return Spread(
        mean_distance=float(np.mean([mean_distance(rows) for rows in features])),
        vendi_score=float(np.mean([vendi_score(rows) for rows in features])),
    )


def mean_distance(features: Float[np.ndarray, "pictures features"]) -> float:
    """Mean cosine distance between two of the pictures.

    Args:
        features: unit rows, 2 or more.

    Returns:
        0 to 2.

    Example:
        >>> mean_distance(np.eye(3))
        1.0
    """
    number = len(features)
    total = (features @ features.T).sum() - np.square(features).sum()
    return max(0.0, float(1 - total / (number * (number - 1))))
