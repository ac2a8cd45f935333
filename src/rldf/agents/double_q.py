"""DoubleQAgent: Q-learning with two tables, so that luck is not taken for value."""

from typing import final

import numpy as np

from rldf.agents.action_values import INITIAL_VALUE_SCALE, SparseActionValues
from rldf.agents.learning import ActionValues, choose_epsilon_greedy, double_q_td_error, updated
from rldf.agents.schedules import ConstantEpsilon, ConstantRate, Exploration, LearningRate
from rldf.agents.settings import require_discount
from rldf.contracts import Agent, Transition
from rldf.seeding import child_rng, child_seed


@final
class DoubleQAgent(Agent):
    """One table says which action is best, the other what it is worth; which is updated is drawn each time.

    Source: van Hasselt 2010, algorithm 1; Sutton & Barto 2018, section 6.7. The defaults are those of
    `QLearningAgent`.
    """

    def __init__(
        self,
        *,
        num_actions: int,
        discount: float = 0.9,
        learning_rate: LearningRate = ConstantRate(0.1),  # noqa: B008 - frozen
        exploration: Exploration = ConstantEpsilon(0.1),  # noqa: B008 - frozen
        initial_value_scale: float = INITIAL_VALUE_SCALE,
        seed: int = 0,
    ) -> None:
        """Starts with random action values.

        Args:
            num_actions: number of moves, at least 1.
            discount: 0 up to, but not including, 1.
            learning_rate: step size by visits of a state and action in one table.
            exploration: epsilon by actions chosen.
            initial_value_scale: initial values are uniform from 0 to this.
            seed: seed of initial values and choices, 0 or larger.
        """
        require_discount(discount)
        self._tables = tuple(
            SparseActionValues(
                num_actions=num_actions,
                seed=child_seed(seed, "double-q", table),
                initial_value_scale=initial_value_scale,
            )
            for table in range(2)
        )
        self._discount = discount
        self._learning_rate = learning_rate
        self._exploration = exploration
        self._rng = child_rng(seed, "double-q")
        self._num_actions_chosen = 0

    def act(self, state: int) -> int:
        """Chooses an action epsilon-greedily by the sum of both tables; ties are broken at random."""
        epsilon = self._exploration.at(self._num_actions_chosen)
        self._num_actions_chosen += 1
        return choose_epsilon_greedy(self.action_values(state), epsilon=epsilon, rng=self._rng)

    def learn(self, transition: Transition) -> None:
        """Moves one action value of one table, drawn at random, towards what the other thinks of its best action."""
        state, action = transition.state_tm1, transition.action_tm1
        first = int(self._rng.integers(2))
        table, other = self._tables[first], self._tables[1 - first]
        q_tm1 = table.of(state)
        td_error = double_q_td_error(
            q_tm1=q_tm1,
            a_tm1=action,
            r_t=transition.reward_t,
            discount_t=0.0 if transition.is_terminal else self._discount,
            q_t=table.of(transition.state_t),
            other_q_t=other.of(transition.state_t),
        )
        learning_rate = self._learning_rate.at(table.count_visit(state, action))
        table.replace(state, updated(q_tm1, a_tm1=action, learning_rate=learning_rate, td_error=td_error))

    def action_values(self, state: int) -> ActionValues:
        """What the agent believes of each action in a state, the mean of both tables: (actions,)."""
        return np.asarray((self._tables[0].of(state) + self._tables[1].of(state)) / 2)
