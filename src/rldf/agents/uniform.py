"""UniformAgent: the random agent of Algorithm 1."""

from typing import final

from rldf.contracts import Agent, Transition
from rldf.errors import ConfigError
from rldf.seeding import child_rng


@final
class UniformAgent(Agent):
    """Chooses every action with the same probability and learns nothing.

    Source: the random selection of Algorithm 1, arXiv 2311.15648.
    """

    def __init__(self, *, num_actions: int, seed: int = 0) -> None:
        """Sets the agent up.

        Args:
            num_actions: number of moves, at least 1.
            seed: seed of the choices, 0 or larger.

        Raises:
            ConfigError: if num_actions is below 1.
        """
        if num_actions < 1:
            raise ConfigError(f"there are {num_actions} actions to choose from; an agent needs 1. Free an axis.")
        self._num_actions = num_actions
        self._rng = child_rng(seed, "uniform")

    def act(self, state: int) -> int:
        """Chooses an action, whatever the state."""
        del state
        return int(self._rng.integers(self._num_actions))

    def learn(self, transition: Transition) -> None:
        """Learns nothing."""
