from collections.abc import Callable

import numpy as np
import pytest

from rldf.agents import (
    ConstantEpsilon,
    ConstantRate,
    Exploration,
    QLearningAgent,
    RobbinsMonroRate,
    SarsaAgent,
    UniformAgent,
    value_iteration,
)
from rldf.contracts import Agent, Transition
from rldf.errors import ConfigError
from rldf.space import Axis, Encoding, EncodingSpace
from rldf.testing.agents import AgentSuite

DISCOUNT = 0.5


def line_space(*sizes: int) -> EncodingSpace:
    axes = [Axis(id=f"axis-{i}", terms=tuple(f"term-{j}" for j in range(size))) for i, size in enumerate(sizes)]
    return EncodingSpace(axes=tuple(axes))


def world_of(space: EncodingSpace, target: Encoding) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Next states, rewards (1 at the target), terminal states."""
    next_states = np.array(
        [[space.index(space.apply(space.encoding(state), move)) for move in space.moves] for state in range(space.size)]
    )
    is_target = np.arange(space.size) == space.index(target)
    return next_states, is_target.astype(float), is_target


def walk(agent: Agent, *, space: EncodingSpace, target: Encoding, rewards: np.ndarray, num_steps: int) -> None:
    """Walks from random starts to the target, over and over."""
    next_states, _, is_terminal = world_of(space, target)
    rng = np.random.default_rng(0)
    state = int(rng.integers(space.size))
    for _ in range(num_steps):
        while is_terminal[state]:
            state = int(rng.integers(space.size))
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
        state = entered


class TestQLearningKeepsTheContract(AgentSuite):
    def make_agent(self, *, num_actions: int, seed: int) -> Agent:
        return QLearningAgent(num_actions=num_actions, seed=seed)


class TestSarsaKeepsTheContract(AgentSuite):
    def make_agent(self, *, num_actions: int, seed: int) -> Agent:
        return SarsaAgent(num_actions=num_actions, seed=seed)


class TestUniformKeepsTheContract(AgentSuite):
    def make_agent(self, *, num_actions: int, seed: int) -> Agent:
        return UniformAgent(num_actions=num_actions, seed=seed)


@pytest.mark.golden
def test_value_iteration__equals_the_closed_form() -> None:
    """With reward 1 at a terminal target, Q*(s, a) is the discount to the power of the distance after the move."""
    space, target = line_space(4, 3), Encoding((2, 1))
    next_states, rewards, is_terminal = world_of(space, target)
    q = value_iteration(next_states=next_states, rewards=rewards, is_terminal=is_terminal, discount=DISCOUNT)
    expected = [
        [DISCOUNT ** space.distance(space.encoding(int(entered)), target) for entered in row] for row in next_states
    ]
    np.testing.assert_allclose(q, expected, atol=1e-9)


@pytest.mark.golden
def test_value_iteration__line_of_three_by_hand() -> None:
    """States 0, 1, 2; entering 2 ends with reward 1, entering 1 costs 0.1; up stands before down."""
    q = value_iteration(
        next_states=np.array([[1, 0], [2, 0], [2, 1]]),
        rewards=np.array([0.0, -0.1, 1.0]),
        is_terminal=np.array([False, False, True]),
        discount=0.5,
    )
    np.testing.assert_allclose(q[:2], [[0.4, 0.2], [1.0, 0.2]], atol=1e-9)


def test_q_learning__converges_to_the_optimal_values() -> None:
    space, target = line_space(3, 2), Encoding((2, 0))
    next_states, _, is_terminal = world_of(space, target)
    rewards = np.random.default_rng(1).uniform(0, 1, space.size)
    q = value_iteration(next_states=next_states, rewards=rewards, is_terminal=is_terminal, discount=DISCOUNT)
    agent = QLearningAgent(
        num_actions=len(space.moves),
        discount=DISCOUNT,
        learning_rate=RobbinsMonroRate(0.6),
        exploration=ConstantEpsilon(1.0),
    )
    walk(agent, space=space, target=target, rewards=rewards, num_steps=3_000)
    learned = np.array([agent.action_values(state) for state in range(space.size)])
    np.testing.assert_allclose(learned[~is_terminal], q[~is_terminal], atol=0.03)


def test_sarsa__converges_to_the_values_of_the_policy_it_follows() -> None:
    """Followed policy: uniform; its action values solve a linear system."""
    space, target = line_space(3, 2), Encoding((2, 0))
    next_states, _, is_terminal = world_of(space, target)
    rewards = np.random.default_rng(2).uniform(0, 1, space.size)
    transitions = np.zeros((space.size, space.size))
    for state, row in enumerate(next_states):
        for entered in row:
            transitions[state, entered] += 1 / len(row)
    transitions[is_terminal] = 0
    values = np.linalg.solve(np.eye(space.size) - DISCOUNT * transitions, transitions @ rewards)
    q = (rewards + DISCOUNT * values)[next_states]
    agent = SarsaAgent(
        num_actions=len(space.moves),
        discount=DISCOUNT,
        learning_rate=RobbinsMonroRate(0.8),
        exploration=ConstantEpsilon(1.0),
    )
    walk(agent, space=space, target=target, rewards=rewards, num_steps=3_000)
    learned = np.array([agent.action_values(state) for state in range(space.size)])
    np.testing.assert_allclose(learned[~is_terminal], q[~is_terminal], atol=0.08)


def test_q_learning__one_update_by_hand() -> None:
    agent = QLearningAgent(num_actions=2, discount=0.5, learning_rate=ConstantRate(0.25))
    before, after = agent.action_values(3), agent.action_values(4)
    agent.learn(Transition(state_tm1=3, action_tm1=1, reward_t=2.0, state_t=4, is_terminal=False))
    expected = before[1] + 0.25 * (2.0 + 0.5 * after.max() - before[1])
    np.testing.assert_allclose(agent.action_values(3), [before[0], expected])


def test_sarsa__makes_the_action_it_learned_with() -> None:
    agent = SarsaAgent(
        num_actions=5, discount=0.5, learning_rate=ConstantRate(0.5), exploration=ConstantEpsilon(1.0), seed=4
    )
    for state in range(20):
        before, after = agent.action_values(state), agent.action_values(state + 1)
        agent.learn(Transition(state_tm1=state, action_tm1=0, reward_t=1.0, state_t=state + 1, is_terminal=False))
        action = agent.act(state + 1)
        expected = before[0] + 0.5 * (1.0 + 0.5 * after[action] - before[0])
        assert agent.action_values(state)[0] == pytest.approx(expected)


def test_initial_values__are_random_and_the_same_for_any_order_of_visits() -> None:
    first, second = QLearningAgent(num_actions=3, seed=1), QLearningAgent(num_actions=3, seed=1)
    forward = [first.action_values(state) for state in range(4)]
    backward = [second.action_values(state) for state in reversed(range(4))][::-1]
    np.testing.assert_array_equal(forward, backward)
    assert np.unique(forward).size == 12
    assert not np.array_equal(QLearningAgent(num_actions=3, seed=2).action_values(0), forward[0])


def test_epsilon_zero__follows_the_learned_values_straight_to_the_target() -> None:
    space, target = line_space(5, 4), Encoding((4, 3))
    next_states, rewards, is_terminal = world_of(space, target)
    agent = QLearningAgent(
        num_actions=len(space.moves),
        discount=DISCOUNT,
        learning_rate=ConstantRate(1.0),
        exploration=_ExploreFirst(3_000),
        initial_value_scale=1e-6,
    )
    walk(agent, space=space, target=target, rewards=rewards, num_steps=3_000)
    state, num_moves = 0, 0
    while not is_terminal[state]:
        state, num_moves = int(next_states[state, agent.act(state)]), num_moves + 1
        assert num_moves <= 7
    assert num_moves == space.distance(Encoding((0, 0)), target)


class _ExploreFirst(Exploration):
    def __init__(self, num_actions: int) -> None:
        self._num_actions = num_actions

    def at(self, num_actions: int) -> float:
        return float(num_actions < self._num_actions)


@pytest.mark.parametrize("agent_type", [QLearningAgent, SarsaAgent])
def test_discount__refuses_one(agent_type: Callable[..., Agent]) -> None:
    with pytest.raises(ConfigError, match=r"discount is 1\.0.*Try 0\.9"):
        agent_type(num_actions=2, discount=1.0)


@pytest.mark.parametrize("agent_type", [QLearningAgent, SarsaAgent, UniformAgent])
def test_no_actions__refused(agent_type: Callable[..., Agent]) -> None:
    with pytest.raises(ConfigError, match=r"there are 0 actions.*Free an axis"):
        agent_type(num_actions=0)
