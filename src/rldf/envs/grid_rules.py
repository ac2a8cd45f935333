"""GridRules: where an episode starts, where it ends, and what is told of a step; shared by both environments."""

from collections.abc import Mapping
from typing import Any, final

import numpy as np
from gymnasium import spaces

from rldf.errors import EncodingError
from rldf.records.percept import StepRecord
from rldf.space import Encoding, EncodingSpace

Observation = np.ndarray
"""Term index of each axis: (axes,), int64."""


@final
class GridRules:
    """The Markov decision process of Definition 1, without its pictures.

    Attributes:
        space: the grid.
        target: the encoding at which an episode ends; the environment's own knowledge, never observed.
        observation_space: one term index per axis, locked axes included.
        action_space: one action per move of the space.
    """

    def __init__(
        self, *, space: EncodingSpace, target: Encoding, start: Encoding | None, continue_after_goal: bool
    ) -> None:
        """Fixes the rules of one run.

        Args:
            space: the grid.
            target: an encoding the space allows.
            start: where every episode starts; None draws a start other than the target.
            continue_after_goal: True lets an episode go on at the target.

        Raises:
            EncodingError: if the space does not allow the target or start, no axis is free, or only the target is left.
        """
        _require_allowed(space, target, role="target")
        if start is not None:
            _require_allowed(space, start, role="start")
        if space.size < 2:
            raise EncodingError(
                f"the space has {space.size} state; an environment needs at least 2. Unlock an axis or add terms."
            )
        self.space = space
        self.target = target
        self.observation_space = spaces.MultiDiscrete([len(axis) for axis in space.axes])
        self.action_space = spaces.Discrete(len(space.moves))
        self._start = start
        self._continue_after_goal = continue_after_goal

    def first(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> Encoding:
        """Chooses where an episode starts.

        Args:
            rng: source of random starts.
            options: `{"start": Encoding or axis id -> term}` overrides the start of this episode.

        Returns:
            An allowed encoding; one that is not allowed is refused.
        """
        given = None if options is None else options.get("start")
        if given is not None:
            start = given if isinstance(given, Encoding) else self.space.encode(given)
            _require_allowed(self.space, start, role="start")
            return start
        if self._start is not None:
            return self._start
        start = self.space.sample(rng)
        while start == self.target:
            start = self.space.sample(rng)
        return start

    def after(self, encoding: Encoding, action: int) -> Encoding:
        """The encoding an action leads to; deterministic."""
        return self.space.apply(encoding, self.space.moves[action])

    def is_terminal(self, record: StepRecord) -> bool:
        """Tells whether an episode ends at a record: at the target, or at a picture marked as terminal."""
        is_goal = record.outcome.encoding == self.target and not self._continue_after_goal
        return is_goal or record.is_terminal

    def observe(self, encoding: Encoding) -> Observation:
        """What an agent sees of an encoding."""
        return np.array(encoding.indices, dtype=self.observation_space.dtype)

    def info(self, record: StepRecord, *, num_renders: int) -> dict[str, Any]:
        """What is told beside the observation, for people and measurements.

        Args:
            record: what came of the encoding the environment is at.
            num_renders: distinct pictures drawn so far.

        Returns:
            `terms`, `sentence`, `state`, `distance` (moves to the target), `is_target`, `num_renders`.
        """
        encoding = record.outcome.encoding
        return {
            "terms": self.space.terms(encoding),
            "sentence": record.outcome.prompt.text,
            "state": self.space.index(encoding),
            "distance": self.space.distance(encoding, self.target),
            "is_target": encoding == self.target,
            "num_renders": num_renders,
        }


def _require_allowed(space: EncodingSpace, encoding: Encoding, *, role: str) -> None:
    if not space.allows(encoding):
        raise EncodingError(
            f"the {role} {space.terms(encoding)} is not allowed: locks are {dict(space.locked)} and "
            f"{len(space.exclusions)} exclusions hold. Change the {role}, or loosen a lock or exclusion."
        )
