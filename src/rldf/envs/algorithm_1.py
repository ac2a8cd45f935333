"""Algorithm 1: an agent learns in the environment; its way is measured as in Table 3 of the paper."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rldf.contracts import Agent, Transition
from rldf.envs.semantic_gridworld import SemanticGridworld
from rldf.errors import ConfigError
from rldf.space import Encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class TrajectoryStatistics:
    """How near an agent came to the target; distances in moves, over all steps of all episodes.

    Attributes:
        final_distance: distance after the last step (D_T).
        max_distance: largest distance (D_max).
        min_distance: smallest distance (D_min).
        distance_std: standard deviation of the distance.
        distance_variance: its square.
        has_converged: True if the target was entered.
        num_fine_gains: steps whose picture shows the target's terms on the fine axes, as perceived.
        num_coarse_gains: the same for the coarse axes.
        num_steps: steps made.
        num_episodes: episodes begun.
        num_renders: distinct pictures drawn by the environment so far.
        steps_to_target: steps until the target was first entered; None if it never was.
    """

    final_distance: int
    max_distance: int
    min_distance: int
    distance_std: float
    distance_variance: float
    has_converged: bool
    num_fine_gains: int
    num_coarse_gains: int
    num_steps: int
    num_episodes: int
    num_renders: int
    steps_to_target: int | None


def run_algorithm_1(
    environment: SemanticGridworld,
    agent: Agent,
    *,
    num_steps: int,
    seed: int,
    max_episode_steps: int | None = None,
    fine_axes: Sequence[str] = ("object",),
    coarse_axes: Sequence[str] = ("scene",),
) -> TrajectoryStatistics:
    """Trains an agent for a number of steps, over as many episodes as they hold.

    Args:
        environment: where it walks; random starts are drawn from `seed`.
        agent: acts and learns.
        num_steps: environment steps, at least 1.
        seed: seed of the starts, 0 or larger.
        max_episode_steps: steps after which an episode is cut without being terminal; None never cuts.
        fine_axes: axes of entities; those the space lacks are left out.
        coarse_axes: axes of scenery; those the space lacks are left out.

    Returns:
        The statistics of Table 3.

    Raises:
        ConfigError: if num_steps is below 1.

    Source: Algorithm 1 and Table 3, arXiv 2311.15648. The paper does not define its gains; ours count the pictures
    that show what the target holds, and a kind with no axis in the space has none.
    """
    if num_steps < 1:
        raise ConfigError(f"num_steps is {num_steps}; training takes at least 1 step. Give a larger number.")
    fine = _positions(environment, fine_axes)
    coarse = _positions(environment, coarse_axes)
    target = environment.rules.target
    distances: list[int] = []
    gains = np.zeros(2, dtype=np.int64)
    num_episodes, episode_steps, is_over = 0, 0, True
    _, info = environment.reset(seed=seed)
    for _ in range(num_steps):
        if is_over:
            if num_episodes:
                _, info = environment.reset()
            num_episodes, episode_steps = num_episodes + 1, 0
        state_tm1 = info["state"]
        action_tm1 = agent.act(state_tm1)
        _, reward_t, is_terminal, is_truncated, info = environment.step(np.int64(action_tm1))
        agent.learn(
            Transition(
                state_tm1=state_tm1,
                action_tm1=action_tm1,
                reward_t=reward_t,
                state_t=info["state"],
                is_terminal=is_terminal,
            )
        )
        episode_steps += 1
        is_over = is_terminal or is_truncated or episode_steps == max_episode_steps
        distances.append(info["distance"])
        read = environment.record.outcome.percept.encoding
        gains += [_agrees(read, target, fine), _agrees(read, target, coarse)]
    return _summarise(distances, gains=gains, num_episodes=num_episodes, num_renders=environment.num_renders)


def _positions(environment: SemanticGridworld, axis_ids: Sequence[str]) -> list[int]:
    return [position for position, axis in enumerate(environment.rules.space.axes) if axis.id in axis_ids]


def _agrees(read: Encoding, target: Encoding, positions: Sequence[int]) -> bool:
    return bool(positions) and all(read.indices[position] == target.indices[position] for position in positions)


def _summarise(
    distances: Sequence[int], *, gains: np.ndarray, num_episodes: int, num_renders: int
) -> TrajectoryStatistics:
    deviation = float(np.std(distances))
    has_converged = 0 in distances
    return TrajectoryStatistics(
        final_distance=distances[-1],
        max_distance=max(distances),
        min_distance=min(distances),
        distance_std=deviation,
        distance_variance=deviation**2,
        has_converged=has_converged,
        num_fine_gains=int(gains[0]),
        num_coarse_gains=int(gains[1]),
        num_steps=len(distances),
        num_episodes=num_episodes,
        num_renders=num_renders,
        steps_to_target=distances.index(0) + 1 if has_converged else None,
    )
