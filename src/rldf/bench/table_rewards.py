"""The rewards of every picture of a table for one target, as arrays: the paper's three, and agreement."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from rldf.bench.table import BenchTable, Readings
from rldf.rewards.semantic import OBJECT_AXES, OBJECT_GAIN, SCENE_AXES, SCENE_GAIN
from rldf.rewards.target_reading import require_axes
from rldf.space import Encoding

RewardKind = Literal["agreement", "clip", "multi-semantic", "partial-semantic"]
REWARD_KINDS: tuple[RewardKind, ...] = get_args(RewardKind)

PictureRewards = Float[np.ndarray, "states seeds"]
"""One reward per picture."""


def rewards_of(table: BenchTable, *, target: int, kind: RewardKind) -> PictureRewards:
    """Rewards every search picture for one target.

    Args:
        table: what was read in the pictures.
        target: position of the target; what scorer A reads in it is compared with.
        kind: "agreement" on every axis; "clip", the cosine of embeddings; "multi-semantic" and "partial-semantic",
            rewards 1 and 2 of the paper.

    Returns:
        One number per picture, in the bounds of that reward.

    Source: equations (2) to (6) of arXiv 2311.15648, as in `rldf.rewards`.
    """
    wish = table.percept(table.readings.target_a[target]).encoding
    match kind:
        case "agreement":
            return agreement(table, table.readings.a_search, wish)
        case "clip":
            return likeness(table, target=target)
        case "multi-semantic":
            return semantic_rewards(table, wish, object_gain=OBJECT_GAIN)
        case "partial-semantic":
            return semantic_rewards(table, wish, object_gain=0.0)


def agreement(
    table: BenchTable, readings: Readings, wish: Encoding, *, axis_ids: Sequence[str] | None = None
) -> Float[np.ndarray, "states _seeds"]:
    """Mean over the axes of the probability of an encoding's terms, in every picture.

    Args:
        table: tells where the terms stand.
        readings: of a scorer.
        wish: the terms to look for.
        axis_ids: axes that count, at least one; None for all.

    Returns:
        One number per picture, 0 to 1.
    """
    total = np.zeros(readings.shape[:2])
    num_counted = 0
    for axis, columns, index in zip(table.space.axes, table.columns, wish.indices, strict=True):
        if axis_ids is not None and axis.id not in axis_ids:
            continue
        part = readings[..., columns].astype(np.float64)
        total += part[..., index] / np.maximum(part.sum(axis=-1), 1.0)
        num_counted += 1
    return np.asarray(total / num_counted)


def likeness(table: BenchTable, *, target: int) -> PictureRewards:
    """Cosine of scorer A's embeddings of every search picture and of a target: reward 3 of the paper, -1 to 1."""
    vectors = np.asarray(table.readings.a_search_vectors, dtype=np.float64)
    wish = np.asarray(table.readings.target_vectors[target], dtype=np.float64)
    return np.asarray(np.clip(np.einsum("...w,w->...", vectors, wish, optimize=False), -1.0, 1.0))


def semantic_rewards(
    table: BenchTable,
    wish: Encoding,
    *,
    object_gain: float,
    scene_gain: float = SCENE_GAIN,
    scene_penalty: float | None = None,
) -> PictureRewards:
    """Rewards 1 and 2 of the paper, on the likeliest terms of every search picture.

    Args:
        table: what was read in the pictures.
        wish: the terms to look for.
        object_gain: C, for the right object; 0 leaves objects out.
        scene_gain: C_s, for the right scene.
        scene_penalty: taken off for a wrong scene; None for C_s, as in the paper.

    Returns:
        One number per picture.
    """
    require_axes(table.space, SCENE_AXES, reward="a semantic reward")
    read = read_terms(table, table.readings.a_search)
    penalty = scene_gain if scene_penalty is None else scene_penalty
    total = np.zeros(read.shape[:2])
    for place, axis in enumerate(table.space.axes):
        is_right = read[..., place] == wish.indices[place]
        if axis.id in SCENE_AXES:
            total += np.where(is_right, scene_gain, -penalty)
        elif axis.id == OBJECT_AXES[0]:
            total += object_gain * is_right
    return total


def scores_by_b(table: BenchTable, target: int) -> Float[np.ndarray, " states"]:
    """What scorer B says of the test pictures of every state: mean agreement with what it reads in a target, 0 to 1."""
    wish = table.percept(table.readings.target_b[target]).encoding
    return np.asarray(agreement(table, table.readings.b_test, wish).mean(axis=1))


def read_terms(table: BenchTable, readings: Readings) -> Int[np.ndarray, "states _seeds axes"]:
    """The likeliest term of every axis in every picture."""
    return np.stack([readings[..., columns].argmax(axis=-1) for columns in table.columns], axis=-1)
