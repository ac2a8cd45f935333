"""Rewards on what perception reads: the paper's two semantic rewards, and agreement on every axis."""

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from jaxtyping import Float

from rldf.contracts import Reward, Target
from rldf.errors import ConfigError, did_you_mean
from rldf.records.percept import Outcome
from rldf.rewards.target_reading import objects_in, require_axes, require_percept, terms_on
from rldf.space import EncodingSpace

OBJECT_GAIN = 1.0  # C; the paper leaves its value open: our choice
SCENE_GAIN = 1.0  # C_s; the paper leaves its value open: our choice
OBJECT_AXES = ("object", "second-object")
SCENE_AXES = ("scene",)


@final
class MultiSemanticReward(Reward):
    """Rewards the right object and the right scene: reward 1 of the paper, dense.

    R = C [g in objects of the target] + C_s if the scene is among the target's scenes, else - C_s.

    g is the first object of the generated picture; the objects of the target are all that perception lists in it,
    else the terms on its object axes. Bounds: -C_s to C + C_s.

    Source: equations (2) to (4) of arXiv 2311.15648.
    """

    def __init__(
        self,
        space: EncodingSpace,
        *,
        object_gain: float = OBJECT_GAIN,
        scene_gain: float = SCENE_GAIN,
        object_axes: Sequence[str] = OBJECT_AXES,
        scene_axes: Sequence[str] = SCENE_AXES,
    ) -> None:
        """Sets the constants.

        Args:
            space: the space of the percepts.
            object_gain: C, above 0.
            scene_gain: C_s, above 0.
            object_axes: axes that name objects; those the space lacks are left out.
            scene_axes: axes that name scenes; those the space lacks are left out.
        """
        _require_positive(object_gain, name="object_gain")
        self._space = space
        self._object_gain = object_gain
        self._object_axes = require_axes(space, object_axes, reward="the multi-semantic reward")
        self._scene = PartialSemanticReward(space, scene_gain=scene_gain, scene_axes=scene_axes)
        self.bounds = (-scene_gain, object_gain + scene_gain)

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each outcome against the target's percept.

        Args:
            outcomes: tries.
            target: needs a percept.

        Returns:
            One of -C_s, C_s, C - C_s, C + C_s for each outcome.
        """
        wanted = objects_in(self._space, require_percept(target, reward="the multi-semantic reward"), self._object_axes)
        found = [objects_in(self._space, outcome.percept, self._object_axes)[:1] for outcome in outcomes]
        has_object = np.array([bool(set(objects) & set(wanted)) for objects in found], dtype=np.float64)
        return np.asarray(self._object_gain * has_object + self._scene.score(outcomes, target=target))


@final
class PartialSemanticReward(Reward):
    """Rewards the right scene alone: reward 2 of the paper, sparse.

    R = + C_s if the scene of the generated picture is among the target's scenes, else - C_s. Bounds: -C_s to C_s.

    Source: equation (5) of arXiv 2311.15648.
    """

    def __init__(
        self, space: EncodingSpace, *, scene_gain: float = SCENE_GAIN, scene_axes: Sequence[str] = SCENE_AXES
    ) -> None:
        """Sets the constant.

        Args:
            space: the space of the percepts.
            scene_gain: C_s, above 0.
            scene_axes: axes that name scenes; those the space lacks are left out.
        """
        _require_positive(scene_gain, name="scene_gain")
        self._space = space
        self._scene_gain = scene_gain
        self._scene_axes = require_axes(space, scene_axes, reward="the partial-semantic reward")
        self.bounds = (-scene_gain, scene_gain)

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each outcome against the target's percept.

        Args:
            outcomes: tries.
            target: needs a percept.

        Returns:
            -C_s or C_s for each outcome.
        """
        percept = require_percept(target, reward="the partial-semantic reward")
        wanted = set(terms_on(self._space, percept, self._scene_axes))
        found = [set(terms_on(self._space, outcome.percept, self._scene_axes)) for outcome in outcomes]
        return np.array([self._scene_gain if scenes & wanted else -self._scene_gain for scenes in found], np.float64)


@final
class AgreementReward(Reward):
    """Rewards agreement on every axis: the default.

    R = sum over axes of w_axis p(t_axis) / sum over axes of w_axis, where t is the term perception read in the
    target and p(t) the probability perception gives it in the generated picture. Axes on which perception was
    unsure of the target are left out. Bounds: 0 to 1; 1 where every axis certainly agrees.

    Source: ours. Unlike equations (2) to (5) of arXiv 2311.15648 it counts every axis, and moves with certainty.
    """

    def __init__(self, space: EncodingSpace, *, weights: Mapping[str, float] | None = None) -> None:
        """Sets the weights.

        Args:
            space: the space of the percepts.
            weights: axis id to weight, 0 or larger; axes not named weigh 1; None for equal weights.

        Raises:
            ConfigError: if an axis does not exist or a weight is negative.
        """
        given = {} if weights is None else dict(weights)
        ids = [axis.id for axis in space.axes]
        for axis_id, weight in given.items():
            if axis_id not in ids:
                raise ConfigError(
                    f"the agreement reward has a weight for axis '{axis_id}', which the space lacks. Its axes are: "
                    f"{', '.join(ids)}.{did_you_mean(axis_id, ids)} Name one of these."
                )
            if not 0.0 <= weight < np.inf:
                raise ConfigError(f"the weight of axis '{axis_id}' is {weight}; it must be 0 or larger. Change it.")
        self._ids = ids
        self._weights = np.array([given.get(axis_id, 1.0) for axis_id in ids])
        self.bounds = (0.0, 1.0)

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each outcome against the target's percept.

        Args:
            outcomes: tries.
            target: needs a percept that is sure of at least one weighted axis.

        Returns:
            Agreement from 0 to 1 for each outcome.

        Raises:
            ConfigError: if perception was unsure of every weighted axis of the target.
        """
        percept = require_percept(target, reward="the agreement reward")
        is_sure = np.array([axis_id not in percept.unsure_axes for axis_id in self._ids])
        weights = self._weights * is_sure
        if weights.sum() <= 0.0:
            raise ConfigError(
                f"perception is unsure of every axis of the target ({', '.join(self._ids)}); the agreement reward "
                "needs one that is sure. Choose the CLIP reward, another image, or a grammar that fits it."
            )
        rows = [outcome.percept.probability_of(percept.encoding) for outcome in outcomes]
        agreement = np.array([row @ weights / weights.sum() for row in rows], dtype=np.float64)  # row by row: exact
        return np.clip(agreement, *self.bounds)


def _require_positive(value: float, *, name: str) -> None:
    if not 0.0 < value < np.inf:
        raise ConfigError(f"{name} is {value}; it must be above 0 and finite. Change it.")
