"""What every `Agent` keeps: inherit `AgentSuite` in a test and override one method."""

from abc import ABC, abstractmethod

from rldf.contracts import Agent, Transition

NUM_ACTIONS = 4
HUGE_STATE = 10**12


class AgentSuite(ABC):
    """Conformance tests of the `Agent` contract.

    Example:
        class TestMyAgent(AgentSuite):
            def make_agent(self, *, num_actions: int, seed: int) -> Agent:
                return MyAgent(num_actions=num_actions, seed=seed)
    """

    @abstractmethod
    def make_agent(self, *, num_actions: int, seed: int) -> Agent:
        """Makes a fresh agent."""

    def test_act__stays_within_the_actions(self) -> None:
        """Every action is one of those there are, in known and in unknown states."""
        agent = self.make_agent(num_actions=NUM_ACTIONS, seed=0)
        assert {agent.act(state % 5) for state in range(50)} <= set(range(NUM_ACTIONS))
        assert agent.act(HUGE_STATE) in range(NUM_ACTIONS)

    def test_act__single_action_is_chosen(self) -> None:
        """With one action there is no choice."""
        assert self.make_agent(num_actions=1, seed=0).act(3) == 0

    def test_equal_seeds__walk_alike(self) -> None:
        """Seed and transitions fix every action."""
        assert self._walk(seed=3) == self._walk(seed=3)

    def test_learn__accepts_the_end_of_an_episode(self) -> None:
        """A terminal transition is learned from, and the next episode may start anywhere."""
        agent = self.make_agent(num_actions=NUM_ACTIONS, seed=0)
        action = agent.act(0)
        agent.learn(Transition(state_tm1=0, action_tm1=action, reward_t=1.0, state_t=1, is_terminal=True))
        assert agent.act(7) in range(NUM_ACTIONS)

    def _walk(self, *, seed: int) -> list[int]:
        """Walks a ring of 10 states, rewarded at state 0."""
        agent = self.make_agent(num_actions=NUM_ACTIONS, seed=seed)
        state, actions = 5, []
        for _ in range(100):
            action = agent.act(state)
            entered = (state + action) % 10
            agent.learn(
                Transition(
                    state_tm1=state,
                    action_tm1=action,
                    reward_t=float(entered == 0),
                    state_t=entered,
                    is_terminal=entered == 0,
                )
            )
            state = 5 if entered == 0 else entered
            actions.append(action)
        return actions
