"""ExpectedSarsaAgent: SARSA with the mean over the next action in place of the action itself."""

from typing import final

from rldf.agents.action_values import INITIAL_VALUE_SCALE, SparseActionValues
from rldf.agents.learning import (
    ActionValues,
    choose_epsilon_greedy,
    epsilon_greedy_policy,
    expected_sarsa_td_error,
    updated,
)
from rldf.agents.schedules import ConstantEpsilon, ConstantRate, Exploration, LearningRate
from rldf.agents.settings import require_discount
from rldf.contracts import Agent, Transition
from rldf.seeding import child_rng


@final
class ExpectedSarsaAgent(Agent):
    """Learns the value of the policy it follows, without the noise of which action comes next.

    Source: van Seijen et al. 2009; Sutton & Barto 2018, section 6.6. The defaults are those of `QLearningAgent`.
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
            learning_rate: step size by visits of a state and action.
            exploration: epsilon by actions chosen.
            initial_value_scale: initial values are uniform from 0 to this.
            seed: seed of initial values and choices, 0 or larger.
        """
        require_discount(discount)
        self._values = SparseActionValues(num_actions=num_actions, seed=seed, initial_value_scale=initial_value_scale)
        self._discount = discount
        self._learning_rate = learning_rate
        self._exploration = exploration
        self._rng = child_rng(seed, "expected-sarsa")
        self._num_actions_chosen = 0

    def act(self, state: int) -> int:
        """Chooses an action epsilon-greedily; ties are broken at random."""
        epsilon = self._exploration.at(self._num_actions_chosen)
        self._num_actions_chosen += 1
        return choose_epsilon_greedy(self._values.of(state), epsilon=epsilon, rng=self._rng)

    def learn(self, transition: Transition) -> None:
        """Moves one action value towards reward plus discounted mean value of the next state."""
        state, action = transition.state_tm1, transition.action_tm1
        q_tm1, q_t = self._values.of(state), self._values.of(transition.state_t)
        epsilon = self._exploration.at(self._num_actions_chosen)
        td_error = expected_sarsa_td_error(
            q_tm1=q_tm1,
            a_tm1=action,
            r_t=transition.reward_t,
            discount_t=0.0 if transition.is_terminal else self._discount,
            q_t=q_t,
            policy_t=epsilon_greedy_policy(q_t, epsilon=epsilon),
        )
        learning_rate = self._learning_rate.at(self._values.count_visit(state, action))
        self._values.replace(state, updated(q_tm1, a_tm1=action, learning_rate=learning_rate, td_error=td_error))

    def action_values(self, state: int) -> ActionValues:
        """What the agent believes of each action in a state: (actions,), a copy."""
        return self._values.of(state).copy()
