"""ShapedAgent: an agent that is also rewarded for coming nearer by a potential, without changing what is best."""

from collections.abc import Callable
from typing import final

from rldf.agents.settings import require_discount
from rldf.contracts import Agent, Transition
from rldf.errors import ConfigError

Potential = Callable[[int], float]
"""How promising a state looks beforehand, in the unit of the return."""


@final
class ShapedAgent(Agent):
    """Adds discount x potential of the state entered - potential of the state left to every reward.

    The optimal policy stays the same for any potential, if the discount is that of the agent inside and a terminal
    state has potential 0, as it has here.

    Source: potential-based shaping, Ng, Harada, Russell 1999, theorem 1.
    """

    def __init__(self, agent: Agent, *, potential: Potential, discount: float, scale: float = 1.0) -> None:
        """Wraps an agent.

        Args:
            agent: learns from the shaped rewards.
            potential: of a state's number; looked up once per transition and state.
            discount: that of the agent inside, 0 up to, but not including, 1.
            scale: what the potential is multiplied with, 0 or larger; 0 for no shaping.

        Raises:
            ConfigError: if the scale is negative.
        """
        require_discount(discount)
        if scale < 0:
            raise ConfigError(f"the scale of the shaping is {scale}; it must be 0 or larger. Try 1.")
        self._agent = agent
        self._potential = potential
        self._discount = discount
        self._scale = scale

    def act(self, state: int) -> int:
        """Chooses what the agent inside chooses."""
        return self._agent.act(state)

    def learn(self, transition: Transition) -> None:
        """Lets the agent inside learn from the shaped reward."""
        self._agent.learn(self.shape(transition))

    def shape(self, transition: Transition) -> Transition:
        """Adds the difference of the potentials to the reward of a transition."""
        ahead = 0.0 if transition.is_terminal else self._discount * self._potential(transition.state_t)
        gain = self._scale * (ahead - self._potential(transition.state_tm1))
        return Transition(
            state_tm1=transition.state_tm1,
            action_tm1=transition.action_tm1,
            reward_t=transition.reward_t + gain,
            state_t=transition.state_t,
            is_terminal=transition.is_terminal,
        )
