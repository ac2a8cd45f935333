"""Expected SARSA, double Q, Dyna-Q with prioritized sweeping, and potential-based shaping."""

from collections.abc import Callable
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldf.agents import (
    ConstantEpsilon,
    ConstantRate,
    DoubleQAgent,
    DynaQAgent,
    ExpectedSarsaAgent,
    QLearningAgent,
    RobbinsMonroRate,
    SarsaAgent,
    ShapedAgent,
    value_iteration,
)
from rldf.agents.learning import double_q_td_error
from rldf.contracts import Agent, Transition
from rldf.errors import ConfigError
from rldf.testing.agents import AgentSuite

DISCOUNT = 0.5


class TestExpectedSarsaKeepsTheContract(AgentSuite):
    def make_agent(self, *, num_actions: int, seed: int) -> Agent:
        return ExpectedSarsaAgent(num_actions=num_actions, seed=seed)


class TestDoubleQKeepsTheContract(AgentSuite):
    def make_agent(self, *, num_actions: int, seed: int) -> Agent:
        return DoubleQAgent(num_actions=num_actions, seed=seed)


class TestDynaQKeepsTheContract(AgentSuite):
    def make_agent(self, *, num_actions: int, seed: int) -> Agent:
        return DynaQAgent(num_actions=num_actions, seed=seed)


class TestShapedKeepsTheContract(AgentSuite):
    def make_agent(self, *, num_actions: int, seed: int) -> Agent:
        agent = QLearningAgent(num_actions=num_actions, discount=DISCOUNT, seed=seed)
        return ShapedAgent(agent, potential=lambda state: state % 7, discount=DISCOUNT)


def ring(num_states: int) -> tuple[np.ndarray, np.ndarray]:
    """Next states of a ring with two actions, and which state is terminal: the last."""
    next_states = np.array([[(state + 1) % num_states, (state - 1) % num_states] for state in range(num_states)])
    return next_states, np.arange(num_states) == num_states - 1


def walk(agent: Agent, *, rewards: np.ndarray, num_steps: int) -> None:
    next_states, is_terminal = ring(len(rewards))
    rng = np.random.default_rng(0)
    state = 0
    for _ in range(num_steps):
        action = agent.act(state)
        entered = int(next_states[state, action])
        agent.learn(
            Transition(
                state_tm1=state,
                action_tm1=action,
                reward_t=float(rewards[entered]),
                state_t=entered,
                is_terminal=bool(is_terminal[entered]),
            )
        )
        state = int(rng.integers(len(rewards) - 1)) if is_terminal[entered] else entered


def optimal(rewards: np.ndarray) -> np.ndarray:
    next_states, is_terminal = ring(len(rewards))
    return value_iteration(next_states=next_states, rewards=rewards, is_terminal=is_terminal, discount=DISCOUNT)


def test_double_q_td_error__by_hand() -> None:
    """Own table says action 1 is best (5 against 3), the other says it is worth 2: 1 + 0.5 x 2 - 4."""
    error = double_q_td_error(
        q_tm1=np.array([4.0, 0.0]),
        a_tm1=0,
        r_t=1.0,
        discount_t=0.5,
        q_t=np.array([3.0, 5.0]),
        other_q_t=np.array([9.0, 2.0]),
    )
    assert error == pytest.approx(-2.0)


def test_expected_sarsa__one_update_by_hand() -> None:
    agent = ExpectedSarsaAgent(
        num_actions=2, discount=0.5, learning_rate=ConstantRate(0.25), exploration=ConstantEpsilon(0.4)
    )
    before, after = agent.action_values(3), agent.action_values(4)
    agent.learn(Transition(state_tm1=3, action_tm1=1, reward_t=2.0, state_t=4, is_terminal=False))
    mean = 0.8 * after.max() + 0.2 * after.min()
    np.testing.assert_allclose(agent.action_values(3)[1], before[1] + 0.25 * (2.0 + 0.5 * mean - before[1]))


def test_expected_sarsa__converges_to_the_values_of_the_policy_it_follows() -> None:
    rewards = np.random.default_rng(3).uniform(0, 1, 6)
    next_states, is_terminal = ring(6)
    transitions = np.zeros((6, 6))
    for state, row in enumerate(next_states):
        for entered in row:
            transitions[state, entered] += 0.5
    transitions[is_terminal] = 0
    values = np.linalg.solve(np.eye(6) - DISCOUNT * transitions, transitions @ rewards)
    agent = ExpectedSarsaAgent(
        num_actions=2,
        discount=DISCOUNT,
        learning_rate=RobbinsMonroRate(0.7),
        exploration=ConstantEpsilon(1.0),
    )
    walk(agent, rewards=rewards, num_steps=3000)
    learned = np.array([agent.action_values(state) for state in range(5)])
    np.testing.assert_allclose(learned, (rewards + DISCOUNT * values)[next_states][:5], atol=0.03)


def test_double_q__converges_to_the_optimal_values() -> None:
    rewards = np.random.default_rng(4).uniform(0, 1, 6)
    agent = DoubleQAgent(
        num_actions=2, discount=DISCOUNT, learning_rate=RobbinsMonroRate(0.6), exploration=ConstantEpsilon(1.0)
    )
    walk(agent, rewards=rewards, num_steps=4000)
    learned = np.array([agent.action_values(state) for state in range(5)])
    np.testing.assert_allclose(learned, optimal(rewards)[:5], atol=0.03)


def test_double_q__is_less_taken_in_by_luck() -> None:
    """All actions are worth 0, rewards are noise: the largest of ten estimates is nearer to 0 with two tables."""
    rng = np.random.default_rng(0)
    single = QLearningAgent(num_actions=10, discount=0.9, learning_rate=RobbinsMonroRate(), seed=0)
    double = DoubleQAgent(num_actions=10, discount=0.9, learning_rate=RobbinsMonroRate(), seed=0)
    for _ in range(3000):
        action, reward = int(rng.integers(10)), float(rng.standard_normal())
        for agent in (single, double):
            agent.learn(Transition(state_tm1=0, action_tm1=action, reward_t=reward, state_t=0, is_terminal=False))
    assert abs(double.action_values(0).mean()) < single.action_values(0).mean()


def test_dyna_q__knows_the_optimal_values_after_seeing_each_step_once() -> None:
    """What takes Q-learning thousands of steps, sweeping does on what it remembers."""
    rewards = np.random.default_rng(5).uniform(0, 1, 8)
    next_states, is_terminal = ring(8)
    agent = DynaQAgent(num_actions=2, discount=DISCOUNT, num_planning_updates=50, threshold=1e-6)
    for state in range(7):
        for action in range(2):
            entered = int(next_states[state, action])
            agent.learn(
                Transition(
                    state_tm1=state,
                    action_tm1=action,
                    reward_t=float(rewards[entered]),
                    state_t=entered,
                    is_terminal=bool(is_terminal[entered]),
                )
            )
    learned = np.array([agent.action_values(state) for state in range(7)])
    np.testing.assert_allclose(learned, optimal(rewards)[:7], atol=1e-4)


def test_dyna_q__learns_anew_where_the_world_changed() -> None:
    agent = DynaQAgent(num_actions=1, discount=DISCOUNT)
    for entered, reward in ((1, 1.0), (2, 3.0)):
        agent.learn(Transition(state_tm1=0, action_tm1=0, reward_t=reward, state_t=entered, is_terminal=True))
    assert agent.action_values(0)[0] == pytest.approx(3.0)


def test_dyna_q__refuses_to_plan_nothing() -> None:
    with pytest.raises(ConfigError, match=r"0 planning updates.*Try 10"):
        DynaQAgent(num_actions=2, num_planning_updates=0)


@settings(max_examples=25, deadline=None)
@given(
    rewards=st.lists(st.floats(-1, 1), min_size=6, max_size=6),
    potential=st.lists(st.floats(-5, 5), min_size=6, max_size=6),
    scale=st.floats(0, 3),
)
def test_shaping__leaves_the_optimal_policy_unchanged(
    rewards: list[float], potential: list[float], scale: float
) -> None:
    """The values of the shaped world are those of the plain one less the potential: the same actions are best."""
    next_states, is_terminal = ring(6)
    plain = optimal(np.array(rewards))
    agent = ShapedAgent(
        QLearningAgent(num_actions=2), potential=lambda state: potential[state], discount=DISCOUNT, scale=scale
    )
    shaped = np.zeros((6, 2))
    for _ in range(60):
        values = np.where(is_terminal, 0.0, shaped.max(axis=1))
        for state in range(5):
            for action in range(2):
                entered = int(next_states[state, action])
                step = agent.shape(
                    Transition(
                        state_tm1=state,
                        action_tm1=action,
                        reward_t=rewards[entered],
                        state_t=entered,
                        is_terminal=bool(is_terminal[entered]),
                    )
                )
                shaped[state, action] = step.reward_t + DISCOUNT * values[entered]
    gaps = plain[:5] - plain[:5].max(axis=1, keepdims=True)
    np.testing.assert_allclose(shaped[:5] - shaped[:5].max(axis=1, keepdims=True), gaps, atol=1e-6)


def test_shaping__helps_where_rewards_are_rare() -> None:
    """A line of 30 states, rewarded at its end: with the distance as potential it is reached far sooner."""

    def steps_to_goal(agent: Agent) -> int:
        state = 0
        for step in range(20_000):
            action = agent.act(state)
            entered = min(29, state + 1) if action == 0 else max(0, state - 1)
            is_goal = entered == 29
            agent.learn(
                Transition(
                    state_tm1=state,
                    action_tm1=action,
                    reward_t=float(is_goal),
                    state_t=entered,
                    is_terminal=is_goal,
                )
            )
            if is_goal:
                return step
            state = entered
        return 20_000

    plain = [steps_to_goal(QLearningAgent(num_actions=2, seed=seed)) for seed in range(3)]
    shaped = [
        steps_to_goal(
            ShapedAgent(
                QLearningAgent(num_actions=2, discount=0.9, seed=seed), potential=lambda state: state, discount=0.9
            )
        )
        for seed in range(3)
    ]
    assert np.mean(shaped) < 0.6 * np.mean(plain)


def test_shaping__refuses_a_negative_scale() -> None:
    with pytest.raises(ConfigError, match=r"scale of the shaping is -1.*Try 1"):
        ShapedAgent(QLearningAgent(num_actions=2), potential=float, discount=0.9, scale=-1)


@pytest.mark.parametrize("agent_type", [ExpectedSarsaAgent, DoubleQAgent, DynaQAgent])
def test_discount__refuses_one(agent_type: Callable[..., Agent]) -> None:
    with pytest.raises(ConfigError, match=r"discount is 1\.0.*Try 0\.9"):
        agent_type(num_actions=2, discount=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("agent_type", [QLearningAgent, SarsaAgent, ExpectedSarsaAgent, DoubleQAgent, DynaQAgent])
def test_step__takes_at_most_200_microseconds(agent_type: Callable[..., Agent]) -> None:
    """Processor time of acting and learning on a ring of 480 states, as many as the base space has."""
    agent = agent_type(num_actions=2)
    walk(agent, rewards=np.random.default_rng(0).uniform(0, 1, 480), num_steps=1000)
    began = process_time()
    walk(agent, rewards=np.random.default_rng(0).uniform(0, 1, 480), num_steps=2000)
    assert (process_time() - began) / 2000 < 200e-6
