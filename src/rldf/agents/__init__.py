"""Agents: they walk the grid one move at a time and know only integers.

- `QLearningAgent`, `SarsaAgent`, `UniformAgent`: the three of Algorithm 1.
- `ExpectedSarsaAgent`, `DoubleQAgent`, `DynaQAgent`: what came after them.
- `ShapedAgent`: rewards any of them for coming nearer by a potential.
- `ConstantRate`, `RobbinsMonroRate`: learning rates, each a `LearningRate`.
- `ConstantEpsilon`, `LinearEpsilon`, `ExponentialEpsilon`: exploration, each an `Exploration`.
- `value_iteration`: the exact action values of a small world.

The update rules themselves are in `rldf.agents.learning`.
"""

from rldf.agents.double_q import DoubleQAgent
from rldf.agents.dyna_q import DynaQAgent
from rldf.agents.expected_sarsa import ExpectedSarsaAgent
from rldf.agents.planning import value_iteration
from rldf.agents.q_learning import QLearningAgent
from rldf.agents.sarsa import SarsaAgent
from rldf.agents.schedules import (
    ConstantEpsilon,
    ConstantRate,
    Exploration,
    ExponentialEpsilon,
    LearningRate,
    LinearEpsilon,
    RobbinsMonroRate,
)
from rldf.agents.shaping import ShapedAgent
from rldf.agents.uniform import UniformAgent

__all__ = [
    "ConstantEpsilon",
    "ConstantRate",
    "DoubleQAgent",
    "DynaQAgent",
    "ExpectedSarsaAgent",
    "Exploration",
    "ExponentialEpsilon",
    "LearningRate",
    "LinearEpsilon",
    "QLearningAgent",
    "RobbinsMonroRate",
    "SarsaAgent",
    "ShapedAgent",
    "UniformAgent",
    "value_iteration",
]
