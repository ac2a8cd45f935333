import numpy as np
import pytest

from rldf.contracts import Agent, Transition
from rldf.envs import SemanticGridworld, run_algorithm_1
from rldf.errors import ConfigError
from rldf.space import Axis, Encoding, EncodingSpace
from rldf.testing.feedback import AnalyticFeedback

SPACE = EncodingSpace(
    axes=(Axis(id="object", terms=("carrot", "cow", "car")), Axis(id="scene", terms=("farm", "park")))
)
TARGET = Encoding((2, 1))


class ScriptedAgent(Agent):
    """Makes the moves it is given and keeps what it is told."""

    def __init__(self, actions: list[int]) -> None:
        self._actions = iter(actions)
        self.transitions: list[Transition] = []

    def act(self, state: int) -> int:
        del state
        return next(self._actions)

    def learn(self, transition: Transition) -> None:
        self.transitions.append(transition)


def make_environment(*, continue_after_goal: bool = False) -> SemanticGridworld:
    feedback = AnalyticFeedback(space=SPACE, reward_of=lambda encoding: float(SPACE.index(encoding)))
    return SemanticGridworld(
        feedback=feedback, space=SPACE, target=TARGET, start=Encoding((0, 0)), continue_after_goal=continue_after_goal
    )


def test_run_algorithm_1__statistics_by_hand() -> None:
    """Way: (1, 0), (2, 0), (2, 1) is the target; a new episode: (0, 0) at the border, (0, 1)."""
    agent = ScriptedAgent([0, 0, 2, 1, 2])
    statistics = run_algorithm_1(make_environment(), agent, num_steps=5, seed=0)
    distances = [2, 1, 0, 3, 2]
    assert (statistics.final_distance, statistics.max_distance, statistics.min_distance) == (2, 3, 0)
    assert statistics.distance_std == pytest.approx(np.std(distances))
    assert statistics.distance_variance == pytest.approx(np.var(distances))
    assert (statistics.has_converged, statistics.steps_to_target) == (True, 3)
    assert (statistics.num_fine_gains, statistics.num_coarse_gains) == (2, 2)
    assert (statistics.num_steps, statistics.num_episodes, statistics.num_renders) == (5, 2, 5)
    assert [t.is_terminal for t in agent.transitions] == [False, False, True, False, False]
    assert [t.state_tm1 for t in agent.transitions] == [0, 2, 4, 0, 0]
    assert [t.reward_t for t in agent.transitions] == [2.0, 4.0, 5.0, 0.0, 1.0]


def test_run_algorithm_1__cut_episodes_are_not_terminal() -> None:
    agent = ScriptedAgent([1, 1, 1, 1])
    statistics = run_algorithm_1(make_environment(), agent, num_steps=4, seed=0, max_episode_steps=2)
    assert (statistics.num_episodes, statistics.has_converged, statistics.steps_to_target) == (2, False, None)
    assert not any(transition.is_terminal for transition in agent.transitions)


def test_run_algorithm_1__goes_on_at_the_goal_where_the_environment_does() -> None:
    agent = ScriptedAgent([0, 0, 2, 3])
    statistics = run_algorithm_1(make_environment(continue_after_goal=True), agent, num_steps=4, seed=0)
    assert (statistics.num_episodes, statistics.final_distance, statistics.has_converged) == (1, 1, True)


def test_run_algorithm_1__refuses_no_steps() -> None:
    with pytest.raises(ConfigError, match=r"num_steps is 0.*larger number"):
        run_algorithm_1(make_environment(), ScriptedAgent([]), num_steps=0, seed=0)
