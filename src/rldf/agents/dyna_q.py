"""DynaQAgent: Q-learning that remembers what it met and goes over it again, the most surprising first."""

from heapq import heappop, heappush
from typing import final

from rldf.agents.action_values import INITIAL_VALUE_SCALE, SparseActionValues
from rldf.agents.learning import ActionValues, choose_epsilon_greedy
from rldf.agents.schedules import ConstantEpsilon, Exploration
from rldf.agents.settings import require_discount
from rldf.contracts import Agent, Transition
from rldf.errors import ConfigError
from rldf.seeding import child_rng

Step = tuple[int, int]
"""A state and an action."""


@final
class DynaQAgent(Agent):
    """Learns a model of the deterministic world it walks in, and plans on it by prioritized sweeping.

    Every transition is kept. A value whose error is above the threshold waits in a queue; after each real transition
    the largest errors are corrected in full, and what leads there is looked at next. The learning rate is 1, which is
    exact in a deterministic world: the grid, drawn with one fixed seed.

    Source: Sutton & Barto 2018, section 8.4, prioritized sweeping (Moore and Atkeson 1993). Number of updates and
    threshold are our choice.
    """

    def __init__(
        self,
        *,
        num_actions: int,
        discount: float = 0.9,
        exploration: Exploration = ConstantEpsilon(0.1),  # noqa: B008 - frozen
        num_planning_updates: int = 10,
        threshold: float = 1e-3,
        initial_value_scale: float = INITIAL_VALUE_SCALE,
        seed: int = 0,
    ) -> None:
        """Starts with random action values and an empty model.

        Args:
            num_actions: number of moves, at least 1.
            discount: 0 up to, but not including, 1.
            exploration: epsilon by actions chosen.
            num_planning_updates: updates after each transition, at least 1.
            threshold: smallest error worth an update, above 0, in the unit of the return.
            initial_value_scale: initial values are uniform from 0 to this.
            seed: seed of initial values and choices, 0 or larger.

        Raises:
            ConfigError: if a setting is out of its range.
        """
        require_discount(discount)
        if num_planning_updates < 1 or threshold <= 0:
            raise ConfigError(
                f"{num_planning_updates} planning updates with threshold {threshold} learn nothing; at least 1 update "
                "and a threshold above 0 are needed. Try 10 and 0.001."
            )
        self._values = SparseActionValues(num_actions=num_actions, seed=seed, initial_value_scale=initial_value_scale)
        self._discount = discount
        self._exploration = exploration
        self._num_planning_updates = num_planning_updates
        self._threshold = threshold
        self._rng = child_rng(seed, "dyna-q")
        self._num_actions_chosen = 0
        self._model: dict[Step, Transition] = {}
        self._leading_to: dict[int, dict[Step, None]] = {}
        self._queue: list[tuple[float, Step]] = []
        self._waiting: dict[Step, float] = {}

    def act(self, state: int) -> int:
        """Chooses an action epsilon-greedily; ties are broken at random."""
        epsilon = self._exploration.at(self._num_actions_chosen)
        self._num_actions_chosen += 1
        return choose_epsilon_greedy(self._values.of(state), epsilon=epsilon, rng=self._rng)

    def learn(self, transition: Transition) -> None:
        """Keeps the transition, then corrects the values with the largest errors."""
        step = transition.state_tm1, transition.action_tm1
        known = self._model.get(step)
        if known is not None and known.state_t != transition.state_t:
            del self._leading_to[known.state_t][step]
        self._model[step] = transition
        self._leading_to.setdefault(transition.state_t, {})[step] = None
        self._consider(step)
        for _ in range(self._num_planning_updates):
            chosen = self._take()
            if chosen is None:
                break
            self._values.of(chosen[0])[chosen[1]] += self._error(chosen)
            for leading in self._leading_to.get(chosen[0], ()):
                self._consider(leading)

    def action_values(self, state: int) -> ActionValues:
        """What the agent believes of each action in a state: (actions,), a copy."""
        return self._values.of(state).copy()

    def _error(self, step: Step) -> float:
        transition = self._model[step]
        ahead = 0.0 if transition.is_terminal else self._discount * float(self._values.of(transition.state_t).max())
        return transition.reward_t + ahead - float(self._values.of(step[0])[step[1]])

    def _consider(self, step: Step) -> None:
        """Puts a step into the queue, if its error is worth it and larger than what it waits with."""
        error = abs(self._error(step))
        if error > self._threshold and error > self._waiting.get(step, 0.0):
            self._waiting[step] = error
            heappush(self._queue, (-error, step))

    def _take(self) -> Step | None:
        """Takes the step with the largest error out of the queue; None where it is empty."""
        while self._queue:
            priority, step = heappop(self._queue)
            if self._waiting.get(step) == -priority:
                del self._waiting[step]
                return step
        return None
