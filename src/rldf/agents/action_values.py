"""SparseActionValues: values of the states met, so that a space of any size costs only what is visited."""

from typing import final

from rldf.agents.learning import ActionValues
from rldf.errors import ConfigError
from rldf.seeding import child_rng

INITIAL_VALUE_SCALE = 0.01  # random initial values lie from 0 to this; our choice


@final
class SparseActionValues:
    """Action values and visit counts by state; initial values are random, but the same for every order of visits."""

    def __init__(self, *, num_actions: int, seed: int, initial_value_scale: float = INITIAL_VALUE_SCALE) -> None:
        """Starts with no state visited.

        Args:
            num_actions: at least 1.
            seed: seed of the initial values, 0 or larger.
            initial_value_scale: initial values are uniform from 0 to this, in the unit of the return.

        Raises:
            ConfigError: if num_actions is below 1.
        """
        if num_actions < 1:
            raise ConfigError(f"there are {num_actions} actions to choose from; an agent needs 1. Free an axis.")
        self.num_actions = num_actions
        self._seed = seed
        self._initial_value_scale = initial_value_scale
        self._values: dict[int, ActionValues] = {}
        self._num_visits: dict[tuple[int, int], int] = {}

    def of(self, state: int) -> ActionValues:
        """Values of the actions in a state."""
        if state not in self._values:
            rng = child_rng(self._seed, "initial-values", state)
            self._values[state] = rng.uniform(0.0, self._initial_value_scale, self.num_actions)
        return self._values[state]

    def replace(self, state: int, values: ActionValues) -> None:
        """Sets the values of the actions in a state."""
        self._values[state] = values

    def count_visit(self, state: int, action: int) -> int:
        """Counts one more update of a state and action, and tells how many that makes."""
        visits = self._num_visits.get((state, action), 0) + 1
        self._num_visits[state, action] = visits
        return visits

    def __len__(self) -> int:
        """Number of states met."""
        return len(self._values)
