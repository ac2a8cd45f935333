"""Measures the embedded world: how faithfully it draws what the grammar says, axis by axis."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from rldf.arrays import ImageBatch
from rldf.contracts import ImageGenerator, Perception
from rldf.grammar import Grammar
from rldf.records.percept import Prompt
from rldf.seeding import child_rng, child_seed
from rldf.space import Encoding
from rldf.worlds.drawing import draw

Z_95 = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """Share of pictures in which a judge reads the term that was asked for.

    Attributes:
        accuracy: 0 to 1.
        ci95: Wilson score interval.
    """

    accuracy: float
    ci95: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldCard:
    """What was measured.

    Attributes:
        num_encodings: encodings drawn with the seed, one picture each.
        seed: fixes encodings and pictures.
        fidelity: axis id to what the judge reads in generated pictures.
        judge_on_drawn: axis id to what the judge reads in the renderer's own pictures of the same encodings.
    """

    num_encodings: int
    seed: int
    fidelity: Mapping[str, Fidelity]
    judge_on_drawn: Mapping[str, Fidelity]


def measure_card(
    *,
    grammar: Grammar,
    image_generator: ImageGenerator,
    judge: Perception,
    num_encodings: int,
    seed: int,
    size_px: int = 128,
) -> WorldCard:
    """Draws random encodings with the generator and with the renderer, and lets the judge read both.

    Args:
        grammar: its terms must be drawable.
        image_generator: what is measured.
        judge: scorer B, which no search ever asks.
        num_encodings: 1 or more; 200 give intervals of about 8 points.
        seed: 0 or larger; equal seeds measure equal encodings and pictures.
        size_px: side of the drawn pictures.

    Returns:
        The card.
    """
    rng = child_rng(seed, "card", "encodings")
    encodings = [grammar.space.sample(rng) for _ in range(num_encodings)]
    seeds = [child_seed(seed, "card", "picture", index) for index in range(num_encodings)]
    generated = image_generator.generate([Prompt(text=grammar.render(e)) for e in encodings], seeds=seeds)
    drawn = np.stack(
        [
            draw(grammar.space.terms(encoding), seed=picture_seed, size_px=size_px)
            for encoding, picture_seed in zip(encodings, seeds, strict=True)
        ]
    )
    return WorldCard(
        num_encodings=num_encodings,
        seed=seed,
        fidelity=read_fidelity(generated, encodings, judge=judge),
        judge_on_drawn=read_fidelity(drawn, encodings, judge=judge),
    )


def read_fidelity(images: ImageBatch, encodings: list[Encoding], *, judge: Perception) -> dict[str, Fidelity]:
    """Compares what a judge reads in pictures with what was asked for.

    Args:
        images: one picture per encoding.
        encodings: what was asked for.
        judge: reads the pictures.

    Returns:
        Axis id to the share of pictures read as asked.
    """
    percepts = judge.perceive(images)
    agrees = np.array(
        [
            np.equal(percept.encoding.indices, encoding.indices)
            for percept, encoding in zip(percepts, encodings, strict=True)
        ]
    )
    return {
        axis.id: Fidelity(
            accuracy=float(agrees[:, k].mean()), ci95=wilson_interval(int(agrees[:, k].sum()), len(agrees))
        )
        for k, axis in enumerate(judge.space.axes)
    }


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Finds the 95 % score interval of a share.

    Args:
        successes: 0 to trials.
        trials: 1 or more.

    Returns:
        Lower and upper bound, 0 to 1.

    Example:
        >>> low, high = wilson_interval(90, 100)
        >>> round(low, 3), round(high, 3)
        (0.826, 0.945)

    Source: Wilson 1927, score interval without continuity correction.
    """
    share = successes / trials
    centre = (share + Z_95**2 / (2 * trials)) / (1 + Z_95**2 / trials)
    half = Z_95 / (1 + Z_95**2 / trials) * sqrt(share * (1 - share) / trials + Z_95**2 / (4 * trials**2))
    return max(0.0, centre - half), min(1.0, centre + half)
