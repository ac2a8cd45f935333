from collections.abc import Sequence
from typing import final

import numpy as np
import pytest

from rldf.agents import QLearningAgent
from rldf.bench import BenchTable, simulated_table
from rldf.bench.landscapes import climb_ends, look_at, rank_correlation
from rldf.bench.replay import TablePictures
from rldf.bench.sub_tables import shrunk, sub_table, window_shape
from rldf.bench.table_rewards import REWARD_KINDS, rewards_of, semantic_rewards
from rldf.bench.table_walk import TableGrid, WalkRules, walk
from rldf.contracts import Feedback, Target
from rldf.envs import SemanticGridworld, run_algorithm_1
from rldf.errors import ConfigError
from rldf.records import StepRecord
from rldf.rewards import AgreementReward, MultiSemanticReward, PartialSemanticReward
from rldf.space import Axis, Encoding, EncodingSpace
from rldf.testing.simulation import simulated_space


@pytest.fixture(scope="session")
def named_table() -> BenchTable:
    axes = {"object": 4, "count": 3, "scene": 3}
    space = EncodingSpace(
        axes=tuple(Axis(id=name, terms=tuple(f"{name} {n}" for n in range(size))) for name, size in axes.items())
    )
    return simulated_table(space, name="named", num_search_seeds=3, num_test_seeds=4, num_targets=12, seed=2)


def test_rewards__are_those_of_the_reward_classes(named_table: BenchTable) -> None:
    space, pictures = named_table.space, TablePictures(named_table)
    classes = {
        "agreement": AgreementReward(space),
        "multi-semantic": MultiSemanticReward(space),
        "partial-semantic": PartialSemanticReward(space),
    }
    target = Target(percept=named_table.percept(named_table.readings.target_a[3]))
    outcomes = [pictures.outcome(space.encoding(state), state=state, seed=1) for state in range(space.size)]
    for kind in REWARD_KINDS:
        if kind != "clip":
            expected = classes[kind].score(outcomes, target=target)
            np.testing.assert_allclose(rewards_of(named_table, target=3, kind=kind)[:, 1], expected, atol=1e-12)


def test_semantic_reward__needs_a_scene(small_table: BenchTable) -> None:
    with pytest.raises(ConfigError, match=r"reads the axes scene.*Name one of these"):
        semantic_rewards(small_table, Encoding((0, 0, 0)), object_gain=1.0)


@final
class Looking(Feedback):
    """Looks every encoding up, for an environment."""

    def __init__(self, table: BenchTable, *, target: int) -> None:
        self._table = table
        self._pictures = TablePictures(table)
        self._rewards = rewards_of(table, target=target, kind="multi-semantic")

    def try_encodings(self, encodings: Sequence[Encoding], *, seeds: Sequence[int]) -> list[StepRecord]:
        states = [self._table.space.index(encoding) for encoding in encodings]
        return [
            StepRecord(
                outcome=self._pictures.outcome(encoding, state=state, seed=seed),
                reward=float(self._rewards[state, seed]),
            )
            for encoding, state, seed in zip(encodings, states, seeds, strict=True)
        ]


def test_walk__is_that_of_the_environment(named_table: BenchTable) -> None:
    grid = TableGrid(named_table)
    goal = grid.wish(1)
    start = next(state for state in range(36) if grid.distances_to(goal)[state] == 5)
    environment = SemanticGridworld(
        feedback=Looking(named_table, target=1),
        space=named_table.space,
        target=named_table.space.encoding(goal),
        start=named_table.space.encoding(start),
        render_seed=2,
    )
    agents = [QLearningAgent(num_actions=grid.num_actions, seed=7) for _ in range(2)]
    expected = run_algorithm_1(environment, agents[0], num_steps=300, seed=0, max_episode_steps=40)
    way = walk(
        grid,
        agents[1],
        rewards=rewards_of(named_table, target=1, kind="multi-semantic"),
        goal=goal,
        rules=WalkRules(num_steps=300, max_episode_steps=40, start=start),
        rng=np.random.default_rng(0),
        render_seed=2,
    )
    assert way.has_converged
    assert expected.steps_to_target == way.steps_to_target
    assert expected.final_distance == way.distances[-1]
    assert expected.distance_std == pytest.approx(np.std(way.distances))
    assert (expected.num_fine_gains, expected.num_coarse_gains) == (way.has_fine.sum(), way.has_coarse.sum())
    assert (expected.num_episodes, expected.num_renders) == (way.num_episodes, way.num_renders)


def test_walk__goes_on_after_the_goal_or_ends_at_terminal_pictures(named_table: BenchTable) -> None:
    grid = TableGrid(named_table)
    rewards = rewards_of(named_table, target=1, kind="agreement")

    def episodes(rules: WalkRules, *, is_terminal: np.ndarray | None) -> int:
        agent = QLearningAgent(num_actions=grid.num_actions, seed=1)
        rng = np.random.default_rng(3)
        goal = grid.wish(1)
        return walk(grid, agent, rewards=rewards, goal=goal, rules=rules, rng=rng, is_terminal=is_terminal).num_episodes

    assert episodes(WalkRules(num_steps=200, goes_on_after_goal=True), is_terminal=None) == 1
    assert episodes(WalkRules(num_steps=50), is_terminal=np.ones_like(rewards, dtype=np.bool_)) == 50


def test_walk__changing_seeds_are_charged_as_pictures_of_their_own(named_table: BenchTable) -> None:
    grid = TableGrid(named_table)
    rewards = rewards_of(named_table, target=0, kind="agreement")
    renders = []
    for changes in (False, True):
        agent = QLearningAgent(num_actions=grid.num_actions, seed=1)
        rules = WalkRules(num_steps=400, goes_on_after_goal=True, changes_seeds=changes)
        way = walk(
            grid, agent, rewards=rewards, goal=grid.wish(0), rules=rules, rng=np.random.default_rng(0), render_seed=1
        )
        renders.append(way.num_renders)
    assert renders[0] <= 36 < renders[1]


def test_landscape__of_a_hill_with_a_false_peak() -> None:
    table = simulated_table(simulated_space((7,)), num_search_seeds=1, num_test_seeds=2, num_targets=1)
    seen = look_at(TableGrid(table), np.array([0.0, 0.0, 0.0, 2.0, 1.0, 2.0, 3.0]), goal=6)
    assert seen.plateau_share == pytest.approx(2 / 7)  # the first two states have equal neighbours
    assert seen.false_peak_share == pytest.approx(2 / 7)  # climbs from the third and fourth end at the fourth
    assert seen.goal_share == pytest.approx(3 / 7)  # the last three; ties go up
    assert climb_ends(TableGrid(table), np.array([0.0, 1, 2, 3, 4, 5, 6])).tolist() == [6] * 7


def test_rank_correlation__is_spearmans() -> None:
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([10.0, 20, 25])) == pytest.approx(1.0)
    assert rank_correlation(np.array([1.0, 1, 1]), np.array([10.0, 20, 25])) == 0.0


def test_sub_table__keeps_the_pictures_of_its_states(named_table: BenchTable) -> None:
    small = sub_table(named_table, {"object": ("object 1", "object 3"), "scene": ("scene 0", "scene 2")})
    assert small.space.shape == (2, 3, 2)
    for state in range(small.space.size):
        terms = small.space.terms(small.space.encoding(state))
        whole = named_table.space.index(named_table.space.encode(terms))
        np.testing.assert_array_equal(
            small.readings.a_search_vectors[state], named_table.readings.a_search_vectors[whole]
        )
        np.testing.assert_array_equal(
            small.readings.b_test[state][:, :2], named_table.readings.b_test[whole][:, [1, 3]]
        )
    assert all(target.terms["object"] in {"object 1", "object 3"} for target in small.targets)
    assert len(small.targets) == len(small.readings.target_a)


def test_sub_table__without_a_target_is_refused(named_table: BenchTable) -> None:
    absent = list(named_table.space.axis("object").terms)
    used = {target.terms["object"] for target in named_table.targets[:1]}
    alone = shrunk(named_table, num_states=36, target=0)
    with pytest.raises(ConfigError, match=r"no target of the table.*Keep more terms"):
        sub_table(alone, {"object": [term for term in absent if term not in used]})


@pytest.mark.parametrize("num_states", [8, 18, 36, 1000])
def test_shrunk__holds_its_target_and_not_more_states(named_table: BenchTable, num_states: int) -> None:
    for target in range(len(named_table.targets)):
        small = shrunk(named_table, num_states=num_states, target=target)
        assert small.space.size <= num_states
        assert [each.seed for each in small.targets] == [named_table.targets[target].seed]
        assert small.target_state(0) is not None


def test_window_shape__never_leaves_fewer_than_two_terms() -> None:
    assert window_shape((10, 4, 3, 4), num_states=1) == (2, 2, 2, 2)
    assert window_shape((10, 4, 3, 4), num_states=480) == (10, 4, 3, 4)
