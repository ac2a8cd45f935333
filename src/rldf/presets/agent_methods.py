"""Agents as methods: what they learn by, and the walk that makes a searcher of each."""

from collections.abc import Callable
from dataclasses import dataclass

from rldf.agents import (
    ConstantRate,
    DoubleQAgent,
    DynaQAgent,
    ExpectedSarsaAgent,
    Exploration,
    LearningRate,
    LinearEpsilon,
    QLearningAgent,
    SarsaAgent,
    ShapedAgent,
    UniformAgent,
)
from rldf.contracts import Agent, Searcher
from rldf.presets.config import SearchSettings
from rldf.searchers import GridWalk
from rldf.searchers.request import SearcherRequest

USUAL = SearchSettings()
EXPLORING_SHARE = 0.5  # our choice: epsilon falls over the first half of the tries
SHAPING_SCALE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """What an agent learns by; each takes what it uses.

    Attributes:
        num_actions: moves of the grid.
        discount: 0 to 1.
        learning_rate: how far a value moves towards what was met.
        exploration: share of random moves.
        seed: of the agent.
    """

    num_actions: int
    discount: float
    learning_rate: LearningRate
    exploration: Exploration
    seed: int


MakeAgent = Callable[[Learning], Agent]


def learner(kind: type[QLearningAgent | SarsaAgent | ExpectedSarsaAgent | DoubleQAgent]) -> MakeAgent:
    """Makes agents of one kind, which learn by all there is."""
    return lambda by: kind(
        num_actions=by.num_actions,
        discount=by.discount,
        learning_rate=by.learning_rate,
        exploration=by.exploration,
        seed=by.seed,
    )


def dyna_q(by: Learning) -> Agent:
    """Makes a Dyna-Q agent, which has no learning rate."""
    return DynaQAgent(num_actions=by.num_actions, discount=by.discount, exploration=by.exploration, seed=by.seed)


def uniform(by: Learning) -> Agent:
    """Makes an agent that learns nothing."""
    return UniformAgent(num_actions=by.num_actions, seed=by.seed)


def falling_epsilon(*, first: float, last: float, num_tries: int) -> Exploration:
    """Exploration that falls over the first half of the tries."""
    return LinearEpsilon(first=first, last=last, num_actions=max(1, int(EXPLORING_SHARE * num_tries)))


def learning_of(request: SearcherRequest) -> Learning:
    """What an agent learns by at its defaults, or as tuned."""
    return Learning(
        num_actions=len(request.space.moves),
        discount=request.number("discount", USUAL.discount),
        learning_rate=ConstantRate(request.number("learning_rate", USUAL.learning_rate)),
        exploration=falling_epsilon(
            first=request.number("first_epsilon", USUAL.epsilon),
            last=request.number("last_epsilon", USUAL.final_epsilon),
            num_tries=request.horizon,
        ),
        seed=request.seed,
    )


def walking(make: MakeAgent) -> Callable[[SearcherRequest], Searcher]:
    """Lets an agent walk the grid."""
    return lambda request: _walk(request, make(learning_of(request)))


def walking_shaped(make: MakeAgent) -> Callable[[SearcherRequest], Searcher]:
    """Lets an agent walk the grid that is rewarded for nearing what was likely beforehand."""

    def walk(request: SearcherRequest) -> Searcher:
        by = learning_of(request)
        scale = request.number("shaping_scale", SHAPING_SCALE)
        agent = ShapedAgent(make(by), potential=_potential(request), discount=by.discount, scale=scale)
        return _walk(request, agent)

    return walk


def _walk(request: SearcherRequest, agent: Agent) -> Searcher:
    is_cold = request.prior is None
    return GridWalk(
        agent=agent,
        space=request.space,
        start=None if is_cold else request.start,  # Algorithm 1: each episode starts anywhere
        max_episode_steps=USUAL.max_episode_moves,
        seed=request.seed,
    )


def _potential(request: SearcherRequest) -> Callable[[int], float]:
    """How likely each state's terms are beforehand, mean over the axes, 0 to 1; none of it for a cold start."""
    prior = request.prior
    if prior is None:
        return lambda _: 0.0
    space = request.space
    kept: dict[int, float] = {}

    def potential(state: int) -> float:
        if state not in kept:
            indices = space.encoding(state).indices
            kept[state] = sum(float(row[index]) for row, index in zip(prior, indices, strict=True)) / len(indices)
        return kept[state]

    return potential
