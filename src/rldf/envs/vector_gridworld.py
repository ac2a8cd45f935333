"""VectorSemanticGridworld: many walks at once, their pictures drawn in one batch and shared."""

from typing import Any, final

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from rldf.arrays import Image
from rldf.contracts import Feedback
from rldf.envs.grid_rules import GridRules
from rldf.envs.picture_memory import PictureMemory
from rldf.envs.semantic_gridworld import FRAMES_PER_SECOND, require_settings
from rldf.errors import ConfigError
from rldf.records.percept import StepRecord
from rldf.space import Encoding, EncodingSpace


@final
class VectorSemanticGridworld(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """As many `SemanticGridworld`s as wished, with one feedback call a step and one memory of pictures.

    Episodes reset by themselves on the step after their last ("next step" of Gymnasium): that step ignores the
    action, has reward 0 and gives the observation of the new start.
    """

    metadata = {  # noqa: RUF012 - Gymnasium's form
        "render_modes": ["rgb_array"],
        "render_fps": FRAMES_PER_SECOND,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        *,
        num_envs: int,
        feedback: Feedback,
        space: EncodingSpace,
        target: Encoding,
        start: Encoding | None = None,
        render_seed: int = 0,
        continue_after_goal: bool = False,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Sets the environments up; nothing is drawn yet.

        Args:
            num_envs: number of walks, at least 1.
            feedback: draws and rewards encodings.
            space: the grid.
            target: where an episode ends; never part of an observation.
            start: where every episode starts; None draws a start other than the target.
            render_seed: seed of every picture of the run, 0 or larger.
            continue_after_goal: True lets an episode go on at the target.
            max_episode_steps: steps after which an episode is cut; None never cuts it.
            render_mode: "rgb_array" or None.

        Raises:
            ConfigError: if num_envs or max_episode_steps is below 1, or the render mode is unknown.
        """
        if num_envs < 1:
            raise ConfigError(f"num_envs is {num_envs}; at least 1 walk is needed. Give a larger number.")
        require_settings(render_mode=render_mode, max_episode_steps=max_episode_steps)
        self.rules = GridRules(space=space, target=target, start=start, continue_after_goal=continue_after_goal)
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.single_observation_space = self.rules.observation_space
        self.single_action_space = self.rules.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._memory = PictureMemory(feedback=feedback, render_seed=render_seed)
        self._max_episode_steps = max_episode_steps
        self._records: list[StepRecord] = []
        self._num_steps = np.zeros(num_envs, dtype=np.int64)
        self._is_over = np.zeros(num_envs, dtype=np.bool_)

    @property
    def num_renders(self) -> int:
        """Number of distinct pictures drawn so far, over all walks."""
        return self._memory.num_renders

    @property
    def records(self) -> tuple[StepRecord, ...]:
        """What came of the encoding each walk is at.

        Raises:
            ConfigError: before the first reset.
        """
        if not self._records:
            raise ConfigError(f"{self.num_envs} walks have no encoding yet; call reset first.")
        return tuple(self._records)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode in every walk.

        Args:
            seed: seed of the random starts.
            options: `{"start": Encoding or axis id -> term}` overrides the start of these episodes.

        Returns:
            Observations, (walks, axes), and infos.
        """
        super().reset(seed=seed)
        self._num_steps[:] = 0
        self._is_over[:] = False
        return self._enter([self.rules.first(self.np_random, options) for _ in range(self.num_envs)])

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Makes one move in every walk; a walk whose episode is over starts a new one instead.

        Args:
            actions: positions of moves in `EncodingSpace.moves`, (walks,).

        Returns:
            Observations (walks, axes); rewards, terminated and truncated, each (walks,); infos.
        """
        is_reset = self._is_over.copy()
        encodings = [
            self.rules.first(self.np_random, None) if is_new else self.rules.after(record.outcome.encoding, int(action))
            for is_new, record, action in zip(is_reset, self.records, actions, strict=True)
        ]
        observations, infos = self._enter(encodings)
        self._num_steps = np.where(is_reset, 0, self._num_steps + 1)
        rewards = np.array([record.reward for record in self._records])
        rewards[is_reset] = 0.0
        terminated = np.array([self.rules.is_terminal(record) for record in self._records]) & ~is_reset
        truncated = np.zeros(self.num_envs, dtype=np.bool_)
        if self._max_episode_steps is not None:
            truncated = (self._num_steps >= self._max_episode_steps) & ~is_reset
        self._is_over = terminated | truncated
        return observations, rewards, terminated, truncated, infos

    def render(self) -> tuple[Image, ...] | None:
        """The picture each walk is at: RGB, 0 to 255; None without a render mode."""
        if self.render_mode is None:
            return None
        return tuple(record.outcome.image.copy() for record in self.records)

    def _enter(self, encodings: list[Encoding]) -> tuple[np.ndarray, dict[str, Any]]:
        self._records = self._memory.records_of(encodings)
        infos: dict[str, Any] = {}
        for position, record in enumerate(self._records):
            info = self.rules.info(record, num_renders=self.num_renders)
            infos = self._add_info(infos, info, position)
        return np.stack([self.rules.observe(encoding) for encoding in encodings]), infos
