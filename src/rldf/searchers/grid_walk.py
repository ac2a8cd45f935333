"""GridWalk: turns an agent that walks by moves into a searcher."""

from collections.abc import Sequence
from typing import final

from rldf.contracts import Agent, Proposal, Searcher, Transition
from rldf.errors import ConfigError
from rldf.records.percept import StepRecord
from rldf.seeding import child_rng
from rldf.space import Encoding, EncodingSpace

DEFAULT_MAX_EPISODE_STEPS = 200  # our choice


@final
class GridWalk(Searcher):
    """Walks the grid one move at a time, as an agent says, always with the first search seed.

    In a search nothing tells the agent that it has arrived: an episode ends after `max_episode_steps` moves or where
    a record is terminal, never because the target is reached. The setting with a terminal target is
    `rldf.envs.SemanticGridworld`. A walk may come back to encodings it knows for as long as it likes, so a loop
    around it has to bound the tries as well as the renders.

    Source: Algorithm 1, arXiv 2311.15648: one render seed per run; here without its terminal state.
    """

    def __init__(
        self,
        *,
        agent: Agent,
        space: EncodingSpace,
        start: Encoding | None = None,
        max_episode_steps: int = DEFAULT_MAX_EPISODE_STEPS,
        seed: int = 0,
    ) -> None:
        """Sets the walk up.

        Args:
            agent: chooses the moves; its actions are the positions in `space.moves`.
            space: the grid.
            start: where every episode starts; None draws a new start for each.
            max_episode_steps: moves of an episode, at least 1.
            seed: seed of the random starts, 0 or larger.

        Raises:
            ConfigError: if max_episode_steps is below 1 or no axis is free.
        """
        if max_episode_steps < 1:
            raise ConfigError(f"max_episode_steps is {max_episode_steps}; an episode has at least 1. Give more.")
        if not space.moves:
            raise ConfigError(f"a walk in a grid with {len(space.moves)} moves goes nowhere; unlock at least one axis.")
        self._agent = agent
        self._space = space
        self._start = start
        self._max_episode_steps = max_episode_steps
        self._moves = space.moves
        self._rng = child_rng(seed, "grid-walk")
        self._position = self._first()
        self._state = space.index(self._position)
        self._num_steps = 0
        self._asked: tuple[int, Encoding] | None = None

    def ask(self, max_proposals: int) -> list[Proposal]:
        """Proposes the encoding one move ahead; one proposal however many are allowed."""
        if self._asked is None and max_proposals > 0:
            action = self._agent.act(self._state)
            self._asked = action, self._space.apply(self._position, self._moves[action])
        return [] if self._asked is None else [Proposal(encoding=self._asked[1])]

    def tell(self, records: Sequence[StepRecord]) -> None:
        """Lets the agent learn from the move it made.

        Args:
            records: the one record of the proposal asked last.
        """
        for record in records:
            assert self._asked is not None
            action, entered = self._asked
            self._asked = None
            state = self._space.index(entered)
            self._agent.learn(
                Transition(
                    state_tm1=self._state,
                    action_tm1=action,
                    reward_t=record.reward,
                    state_t=state,
                    is_terminal=record.is_terminal,
                )
            )
            self._num_steps += 1
            self._position, self._state = entered, state
            if record.is_terminal or self._num_steps >= self._max_episode_steps:
                self._position = self._first()
                self._state = self._space.index(self._position)
                self._num_steps = 0

    def _first(self) -> Encoding:
        """Where an episode starts."""
        return self._space.sample(self._rng) if self._start is None else self._start
