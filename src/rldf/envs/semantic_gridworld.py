"""SemanticGridworld: image search as a Gymnasium environment."""

from typing import Any, SupportsInt, final

import gymnasium
import numpy as np

from rldf.arrays import Image
from rldf.contracts import Feedback
from rldf.envs.grid_rules import GridRules, Observation
from rldf.envs.picture_memory import PictureMemory
from rldf.errors import ConfigError
from rldf.records.percept import StepRecord
from rldf.space import Encoding, EncodingSpace

FRAMES_PER_SECOND = 4


@final
class SemanticGridworld(gymnasium.Env[Observation, np.int64]):
    """Walks the encoding space; every state is a picture drawn by the feedback.

    - state: an encoding; observation: its term indices, as `MultiDiscrete`. One-hot coded it has as many numbers as
      the axes have terms together, where one number per state would need millions in a large space; stable-baselines3
      codes it so by itself. Tabular agents find the state's number in `info["state"]`.
    - action: one term up or down along one axis, in the order of `EncodingSpace.moves`; at the border, and before an
      excluded encoding, nothing moves.
    - reward: the feedback's, for the picture at the state entered, always drawn with the same render seed.
    - an episode ends at the target (unless it goes on after the goal) and at a picture the feedback marks as terminal.

    The picture at the start is drawn as well and counts as a render. A start is not checked for being terminal.

    Source: Definition 1 of arXiv 2311.15648.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": FRAMES_PER_SECOND}  # noqa: RUF012 - Gymnasium's form

    def __init__(
        self,
        *,
        feedback: Feedback,
        space: EncodingSpace,
        target: Encoding,
        start: Encoding | None = None,
        render_seed: int = 0,
        continue_after_goal: bool = False,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Sets the environment up; nothing is drawn yet.

        Args:
            feedback: draws and rewards encodings.
            space: the grid.
            target: where an episode ends; never part of an observation.
            start: where every episode starts; None draws a start other than the target.
            render_seed: seed of every picture of the run, 0 or larger.
            continue_after_goal: True lets an episode go on at the target.
            max_episode_steps: steps after which an episode is cut; None leaves that to Gymnasium's `TimeLimit`.
            render_mode: "rgb_array" or None.
        """
        require_settings(render_mode=render_mode, max_episode_steps=max_episode_steps)
        self.rules = GridRules(space=space, target=target, start=start, continue_after_goal=continue_after_goal)
        self.observation_space = self.rules.observation_space
        self.action_space = self.rules.action_space
        self.render_mode = render_mode
        self._memory = PictureMemory(feedback=feedback, render_seed=render_seed)
        self._max_episode_steps = max_episode_steps
        self._num_steps = 0
        self._record: StepRecord | None = None

    @property
    def feedback(self) -> Feedback:
        """What draws and rewards the encodings."""
        return self._memory.feedback

    @property
    def num_renders(self) -> int:
        """Number of distinct pictures drawn so far."""
        return self._memory.num_renders

    @property
    def record(self) -> StepRecord:
        """What came of the encoding the environment is at.

        Raises:
            ConfigError: before the first reset.
        """
        if self._record is None:
            raise ConfigError(f"the environment is at {self._record}, not at an encoding yet; call reset first.")
        return self._record

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode.

        Args:
            seed: seed of the random starts.
            options: `{"start": Encoding or axis id -> term}` overrides the start of this episode.

        Returns:
            Observation and info.
        """
        super().reset(seed=seed)
        self._num_steps = 0
        return self._enter(self.rules.first(self.np_random, options))

    def step(self, action: SupportsInt) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Makes a move.

        Args:
            action: position of the move in `EncodingSpace.moves`.

        Returns:
            Observation, reward of the state entered, terminated, truncated, info.
        """
        observation, info = self._enter(self.rules.after(self.record.outcome.encoding, int(action)))
        self._num_steps += 1
        is_truncated = self._max_episode_steps is not None and self._num_steps >= self._max_episode_steps
        return observation, self.record.reward, self.rules.is_terminal(self.record), is_truncated, info

    def render(self) -> Image | None:
        """The picture at the current state: RGB, 0 to 255; None without a render mode."""
        return None if self.render_mode is None else self.record.outcome.image.copy()

    def _enter(self, encoding: Encoding) -> tuple[Observation, dict[str, Any]]:
        self._record = self._memory.records_of([encoding])[0]
        info = self.rules.info(self._record, num_renders=self.num_renders)
        return self.rules.observe(encoding), info


def require_settings(*, render_mode: str | None, max_episode_steps: int | None) -> None:
    """Refuses settings no environment of this package has.

    Args:
        render_mode: "rgb_array" or None.
        max_episode_steps: at least 1, or None.

    Raises:
        ConfigError: if either is not allowed.
    """
    if render_mode not in {None, "rgb_array"}:
        raise ConfigError(f"there is no render mode '{render_mode}'; use 'rgb_array', or None for no pictures.")
    if max_episode_steps is not None and max_episode_steps < 1:
        raise ConfigError(f"max_episode_steps is {max_episode_steps}; an episode has at least 1. Give a larger one.")
