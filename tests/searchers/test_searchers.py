from collections.abc import Sequence

import numpy as np
import pytest

from rldf.agents import QLearningAgent, UniformAgent
from rldf.contracts import Agent, Proposal, Searcher, Transition
from rldf.errors import ConfigError, EncodingError
from rldf.searchers import FactoredSearcher, GridWalk, RandomSearcher
from rldf.searchers.additive_model import AdditiveModel, Shape, Tries
from rldf.searchers.term_evidence import TermEvidence
from rldf.space import Encoding, EncodingSpace
from rldf.testing.feedback import AnalyticFeedback
from rldf.testing.searchers import DECOY, SPACE, TARGET, SearcherSuite, proposals_of, rewarding
from rldf.testing.simulation import cosine_world, percept_world, search_world, simulated_space

BASE = simulated_space((10, 4, 3, 4))
ERROR_RATES = (0.05, 0.15, 0.15, 0.02)


class TestFactoredKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return FactoredSearcher(space=space, start=start, seed=seed)


class TestRandomKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        return RandomSearcher(space=space, start=start, seed=seed)


class TestGridWalkKeepsTheContract(SearcherSuite):
    def make_searcher(self, *, space: EncodingSpace, start: Encoding | None, seed: int) -> Searcher:
        agent = QLearningAgent(num_actions=len(space.moves), seed=seed)
        return GridWalk(agent=agent, space=space, start=start, seed=seed)


def test_decoy_suite__would_notice_a_searcher_that_hears_of_the_target() -> None:
    """The stream of rewards does matter: where it differs, proposals differ."""
    proposals = [
        proposals_of(FactoredSearcher(space=SPACE, start=Encoding((0, 0, 0))), rewarding(target))
        for target in (TARGET, DECOY)
    ]
    assert proposals[0] != proposals[1]


def test_factored__start_is_the_first_proposal() -> None:
    assert FactoredSearcher(space=SPACE, start=TARGET).ask(8) == [Proposal(encoding=TARGET, seed_index=0)]


def test_factored__batches_grow_and_differ() -> None:
    searcher, world = FactoredSearcher(space=BASE, seed=1), percept_world(BASE, error_rates=ERROR_RATES, seed=0)
    sizes = []
    for _ in range(8):
        proposals = searcher.ask(4)
        assert len({proposal.encoding for proposal in proposals}) == len(proposals)
        searcher.tell(world.feedback.try_encodings([p.encoding for p in proposals], seeds=[0] * len(proposals)))
        sizes.append(len(proposals))
    assert sizes == [1, 1, 1, 1, 2, 2, 3, 3]


def test_factored__proposals_depend_only_on_seed_and_records() -> None:
    """A search resumes by telling its records again, in one go."""
    world = percept_world(BASE, error_rates=ERROR_RATES, seed=0)
    through, resumed = (FactoredSearcher(space=BASE, start=world.target, seed=3) for _ in range(2))
    records = search_world(world, through, num_renders=24)
    resumed.tell(records)
    assert resumed.ask(8) == through.ask(8)
    assert resumed.ranking(5) == through.ranking(5)


def test_factored__tries_again_on_the_next_seeds_up_to_the_limit() -> None:
    """Every encoding gets the seeds 0, 1, ... in order, and no more of them than allowed; then the search ends."""
    space = simulated_space((2, 2))
    feedback = AnalyticFeedback(space=space, reward_of=lambda e: float(sum(e.indices)), noise=0.5)
    searcher = FactoredSearcher(space=space, max_seeds_per_encoding=3, min_tries=1000)
    proposals = proposals_of(searcher, feedback, num_batches=20)
    for encoding in space.all_encodings():
        assert [p.seed_index for p in proposals if p.encoding == encoding] == [0, 1, 2]
    assert searcher.ask(4) == []


def test_factored__ends_when_nothing_better_is_likely_but_not_before_its_minimum() -> None:
    space = simulated_space((4, 3))
    lengths = []
    for min_tries in (16, 32):
        feedback = AnalyticFeedback(space=space, reward_of=lambda e: -float(sum(e.indices)), noise=0.0)
        searcher = FactoredSearcher(space=space, min_tries=min_tries, max_seeds_per_encoding=8)
        lengths.append(len(proposals_of(searcher, feedback, num_batches=30)))
    assert 16 <= lengths[0] < 96
    assert 32 <= lengths[1] < 96


def test_factored__finds_the_best_from_anywhere() -> None:
    """480 states, 32 renders, random starts; 200 worlds are in benchmarks/searcher_simulation.py."""
    regrets = []
    for seed in range(5):
        world = percept_world(BASE, error_rates=ERROR_RATES, seed=seed)
        searcher = FactoredSearcher(space=BASE, seed=seed)
        search_world(world, searcher, num_renders=32)
        regrets.append(world.regret(searcher.ranking(1)[0].encoding))
    assert np.mean(np.array(regrets) <= 0.05) >= 0.75


def test_factored__repairs_two_wrong_axes_under_a_noisy_smooth_reward() -> None:
    regrets = []
    for seed in range(3):
        world = cosine_world(BASE, seed=seed)
        searcher = FactoredSearcher(space=BASE, start=world.corrupted_target(num_axes=2, seed=seed), seed=seed)
        search_world(world, searcher, num_renders=40)
        regrets.append(world.regret(searcher.ranking(1)[0].encoding))
    assert np.mean(np.array(regrets) <= 0.05) >= 0.75


def test_factored__keeps_a_start_that_is_best() -> None:
    """Nearly always: a noisy reward may prefer something else, which the validation of a search run is there for."""
    losses = []
    for seed in range(6):
        world = cosine_world(BASE, seed=seed)
        searcher = FactoredSearcher(space=BASE, start=world.target, seed=seed)
        search_world(world, searcher, num_renders=32)
        losses.append(world.regret(searcher.ranking(1)[0].encoding) - world.regret(world.target))
    assert np.mean(np.array(losses) <= 0.05) >= 0.75


def test_factored__learns_from_percepts_which_words_draw_what() -> None:
    """Asking for term 2 draws term 3 and the other way round; the words that work are found, not the true ones."""
    space = simulated_space((6, 3))
    swapped = np.eye(6)[[0, 1, 3, 2, 4, 5]]
    feedback = AnalyticFeedback(
        space=space,
        reward_of_percept=lambda p: float(p.probability_of(Encoding((2, 1))).mean()),
        confusions=[swapped, np.eye(3)],
    )
    searcher = FactoredSearcher(space=space, start=Encoding((2, 1)))
    proposals_of(searcher, feedback, num_batches=12, batch_size=6)
    assert searcher.ranking(1)[0].encoding == Encoding((3, 1))


def test_ranking__empty_before_the_first_record_and_sorted_after() -> None:
    searcher = FactoredSearcher(space=SPACE)
    assert searcher.ranking(3) == []
    proposals_of(searcher, rewarding(TARGET), num_batches=6)
    ranked = searcher.ranking(5)
    cautious = [entry.mean - entry.std for entry in ranked]
    assert len(ranked) == 5
    assert cautious == sorted(cautious, reverse=True)


def test_factored__refuses_bad_settings() -> None:
    with pytest.raises(ConfigError, match=r"max_seeds_per_encoding is 0.*Give more"):
        FactoredSearcher(space=SPACE, max_seeds_per_encoding=0)
    with pytest.raises(EncodingError, match=r"start .*'cow'.* is not allowed.*loosen"):
        FactoredSearcher(space=SPACE.lock({"object": "car"}), start=TARGET)


def test_random__covers_a_small_space_without_repeating() -> None:
    searcher = RandomSearcher(space=SPACE, start=TARGET, seed=1)
    proposals = [*searcher.ask(20), *searcher.ask(20), *searcher.ask(20)]
    assert proposals[0].encoding == TARGET
    assert {p.encoding for p in proposals} == set(SPACE.all_encodings())
    assert len(proposals) == SPACE.size
    assert searcher.ask(1) == []


class ScriptedAgent(Agent):
    """Makes the moves it is given and keeps what it is told."""

    def __init__(self, actions: Sequence[int]) -> None:
        self._actions = iter(actions)
        self.transitions: list[Transition] = []

    def act(self, state: int) -> int:
        del state
        return next(self._actions)

    def learn(self, transition: Transition) -> None:
        self.transitions.append(transition)


def test_grid_walk__hand_walked() -> None:
    """Moves: object up, scene up, object down at the border; the agent hears of integers alone."""
    agent = ScriptedAgent([0, 4, 1, 1])
    walk = GridWalk(agent=agent, space=SPACE, start=Encoding((0, 0, 0)))
    feedback = AnalyticFeedback(space=SPACE, reward_of=lambda e: float(SPACE.index(e)))
    proposals = proposals_of(walk, feedback, num_batches=4)
    assert [p.encoding.indices for p in proposals] == [(1, 0, 0), (1, 0, 1), (0, 0, 1), (0, 0, 1)]
    assert {p.seed_index for p in proposals} == {0}
    assert [(t.state_tm1, t.action_tm1, t.reward_t, t.state_t) for t in agent.transitions] == [
        (0, 0, 9.0, 9),
        (9, 4, 10.0, 10),
        (10, 1, 1.0, 1),
        (1, 1, 1.0, 1),
    ]


def test_grid_walk__episodes_end_at_terminal_records_and_after_their_steps() -> None:
    agent = ScriptedAgent([0] * 4)
    walk = GridWalk(agent=agent, space=SPACE, start=Encoding((0, 0, 0)), max_episode_steps=2)
    terminal = AnalyticFeedback(space=SPACE, reward_of=lambda _: 0.0, terminal_encodings=[Encoding((2, 0, 0))])
    proposals = proposals_of(walk, terminal, num_batches=4)
    assert [p.encoding.indices[0] for p in proposals] == [1, 2, 1, 2]
    assert [t.is_terminal for t in agent.transitions] == [False, True, False, True]
    cut = ScriptedAgent([0] * 3)
    walk = GridWalk(agent=cut, space=SPACE, start=Encoding((0, 0, 0)), max_episode_steps=1)
    proposals_of(walk, rewarding(TARGET), num_batches=3)
    assert [t.state_tm1 for t in cut.transitions] == [0, 0, 0]
    assert not any(t.is_terminal for t in cut.transitions)


def test_grid_walk__is_not_told_that_it_has_arrived() -> None:
    agent = ScriptedAgent([0, 0])
    walk = GridWalk(agent=agent, space=SPACE, start=Encoding((0, 2, 0)))
    proposals_of(walk, rewarding(TARGET), num_batches=2)
    assert SPACE.encoding(agent.transitions[0].state_t) == TARGET
    assert not agent.transitions[0].is_terminal
    assert agent.transitions[1].state_tm1 == agent.transitions[0].state_t


def test_grid_walk__asking_twice_before_telling_makes_no_second_move() -> None:
    walk = GridWalk(agent=UniformAgent(num_actions=6), space=SPACE)
    assert walk.ask(8) == walk.ask(8)


def test_grid_walk__refuses_bad_settings() -> None:
    agent = UniformAgent(num_actions=6)
    with pytest.raises(ConfigError, match=r"max_episode_steps is 0.*Give more"):
        GridWalk(agent=agent, space=SPACE, max_episode_steps=0)
    with pytest.raises(ConfigError, match=r"with 0 moves.*unlock at least one axis"):
        GridWalk(agent=agent, space=SPACE.lock({"object": "cow", "count": "one", "scene": "farm"}))


def test_imagine__equals_a_try_that_came_out_as_predicted() -> None:
    """The model with an imagined try is the one built with it, but for the scale of the reward and its median."""
    world = percept_world(BASE, error_rates=ERROR_RATES, seed=0)
    records = search_world(world, RandomSearcher(space=BASE, seed=0), num_renders=9)
    shares = TermEvidence(BASE, records).shares
    seen = tuple(np.array([r.outcome.percept.probabilities[place] for r in records]) for place in range(4))
    tries = Tries(
        points=np.array([r.outcome.encoding.indices for r in records]),
        seen=seen,
        rewards=np.array([r.reward for r in records]),
    )
    shape = Shape(axis_weights=(1.0, 2.0, 1.0, 0.5))
    model = AdditiveModel(shape=shape, shares=shares, tries=tries)
    point, probes = np.array([7, 1, 2, 3]), np.array([[7, 1, 2, 0], [1, 1, 1, 1], [7, 1, 2, 3]])
    means, stds = model.predict(probes)
    expected = model.predict(point[np.newaxis])[0]
    model.imagine(point)
    built = AdditiveModel(
        shape=shape,
        shares=shares,
        tries=Tries(
            points=np.vstack([tries.points, point]),
            seen=tuple(np.vstack([r, share[[i]]]) for r, share, i in zip(seen, shares, point, strict=True)),
            rewards=np.append(tries.rewards, expected),
        ),
    )
    imagined_means, imagined_stds = model.predict(probes)
    np.testing.assert_allclose(imagined_means, means, atol=1e-12)
    ratios = imagined_stds / built.predict(probes)[1]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-6)
    assert (imagined_stds < stds).all()
