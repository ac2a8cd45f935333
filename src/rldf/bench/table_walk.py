"""Algorithm 1 on a table: agents walk its grid and are rewarded from it, thousands of steps a second.

The same walk as `rldf.envs.run_algorithm_1` makes in `SemanticGridworld`, without a picture and without Gymnasium.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from rldf.bench.table import BenchTable
from rldf.bench.table_rewards import PictureRewards, read_terms
from rldf.contracts import Agent, Transition
from rldf.space import Encoding

FINE_AXES = ("object",)
COARSE_AXES = ("scene",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One way of an agent; arrays have one entry per step.

    Attributes:
        distances: moves to the target after each step.
        rewards: of each step.
        states: number of the state entered.
        has_fine, has_coarse: the picture shows the target's terms on the fine, the coarse axes, as perceived.
        num_renders: distinct pictures drawn, those where episodes start included.
        num_episodes: episodes begun.
    """

    distances: Int[np.ndarray, " steps"]
    rewards: Float[np.ndarray, " steps"]
    states: Int[np.ndarray, " steps"]
    has_fine: Bool[np.ndarray, " steps"]
    has_coarse: Bool[np.ndarray, " steps"]
    num_renders: int
    num_episodes: int

    @property
    def has_converged(self) -> bool:
        """True if the target was entered."""
        return bool((self.distances == 0).any())

    @property
    def steps_to_target(self) -> int | None:
        """Steps until the target was first entered; None if it never was."""
        return int(self.distances.argmin()) + 1 if self.has_converged else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkRules:
    """How a walk goes.

    Attributes:
        num_steps: in all, at least 1.
        max_episode_steps: after which an episode is cut; None never cuts.
        start: where every episode starts; None draws each start.
        goes_on_after_goal: True lets an episode go on at the target.
        changes_seeds: True to draw every step with another seed, against the paper's advice.
    """

    num_steps: int
    max_episode_steps: int | None = None
    start: int | None = None
    goes_on_after_goal: bool = False
    changes_seeds: bool = False


@final
class TableGrid:
    """The grid of a table as arrays of numbers: where each move leads, and what scorer A read."""

    def __init__(self, table: BenchTable) -> None:
        """Lists every move; for spaces that a table can hold.

        Args:
            table: what was read in the pictures.
        """
        space = table.space
        self.table = table
        self.points = np.array([space.encoding(state).indices for state in range(space.size)])
        self.read = read_terms(table, table.readings.a_search)
        self.num_actions = len(space.moves)
        self.after = np.array(
            [
                [space.index(space.apply(Encoding(tuple(int(i) for i in point)), move)) for move in space.moves]
                for point in self.points
            ]
        )

    def wish(self, target: int) -> int:
        """Number of the state that scorer A reads in a target: where Algorithm 1 ends."""
        return self.table.space.index(self.table.percept(self.table.readings.target_a[target]).encoding)

    def distances_to(self, state: int) -> Int[np.ndarray, " states"]:
        """Moves from every state to one."""
        return np.asarray(np.abs(self.points - self.points[state]).sum(axis=1))

    def shows(self, state: int, axis_ids: tuple[str, ...]) -> Bool[np.ndarray, "states seeds"]:
        """Which pictures show a state's terms on some axes, as perceived; none where no such axis is there."""
        places = [place for place, axis in enumerate(self.table.space.axes) if axis.id in axis_ids]
        if not places:
            return np.zeros(self.read.shape[:2], dtype=np.bool_)
        return np.asarray((self.read[..., places] == self.points[state][places]).all(axis=-1))


def walk(
    grid: TableGrid,
    agent: Agent,
    *,
    rewards: PictureRewards,
    goal: int,
    rules: WalkRules,
    rng: np.random.Generator,
    render_seed: int = 0,
    is_terminal: Bool[np.ndarray, "states seeds"] | None = None,
) -> Walk:
    """Trains an agent for a number of steps, over as many episodes as they hold.

    Args:
        grid: where it walks.
        agent: acts and learns.
        rewards: of every picture.
        goal: number of the target's state.
        rules: how it goes.
        rng: source of random starts and, where seeds change, of the seeds.
        render_seed: position of the search seed that draws every picture.
        is_terminal: pictures that end an episode; None for none.

    Returns:
        The way it went.

    Source: Algorithm 1 of arXiv 2311.15648.
    """
    distances, seeds = grid.distances_to(goal), rewards.shape[1]
    entered = np.zeros(rules.num_steps, dtype=np.int64)
    drawn = np.full(rules.num_steps, render_seed)
    pictures: set[tuple[int, int]] = set()
    state, episode_steps, num_episodes, is_over = 0, 0, 0, True
    for step in range(rules.num_steps):
        if is_over:
            state = _begin(rules, goal=goal, num_states=len(grid.points), rng=rng)
            pictures.add((state, render_seed))
            episode_steps, num_episodes = 0, num_episodes + 1
        seed = int(rng.integers(seeds)) if rules.changes_seeds else render_seed
        action = agent.act(state)
        after = int(grid.after[state, action])
        has_arrived = after == goal and not rules.goes_on_after_goal
        ends = has_arrived or (is_terminal is not None and bool(is_terminal[after, seed]))
        agent.learn(
            Transition(
                state_tm1=state,
                action_tm1=action,
                reward_t=float(rewards[after, seed]),
                state_t=after,
                is_terminal=ends,
            )
        )
        state, entered[step], drawn[step] = after, after, seed
        pictures.add((after, seed))
        episode_steps += 1
        is_over = ends or episode_steps == rules.max_episode_steps
    return Walk(
        distances=distances[entered],
        rewards=rewards[entered, drawn],
        states=entered,
        has_fine=grid.shows(goal, FINE_AXES)[entered, drawn],
        has_coarse=grid.shows(goal, COARSE_AXES)[entered, drawn],
        num_renders=len(pictures),
        num_episodes=num_episodes,
    )


def _begin(rules: WalkRules, *, goal: int, num_states: int, rng: np.random.Generator) -> int:
    """Where an episode starts: never at the target, unless it is told to."""
    if rules.start is not None:
        return rules.start
    state = int(rng.integers(num_states))
    while state == goal:
        state = int(rng.integers(num_states))
    return state
