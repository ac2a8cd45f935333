"""Image search as a Gymnasium environment.

- `SemanticGridworld`: one walk over the encoding space; every state is a picture.
- `VectorSemanticGridworld`: many walks, their pictures drawn together.
- `register_envs`: makes `rldf/ImageSearch-v0` known to Gymnasium.
- `run_algorithm_1`, `TrajectoryStatistics`: trains an agent in the environment and measures its way.
"""

from rldf.envs.algorithm_1 import TrajectoryStatistics, run_algorithm_1
from rldf.envs.registration import register_envs
from rldf.envs.semantic_gridworld import SemanticGridworld
from rldf.envs.vector_gridworld import VectorSemanticGridworld

__all__ = [
    "SemanticGridworld",
    "TrajectoryStatistics",
    "VectorSemanticGridworld",
    "register_envs",
    "run_algorithm_1",
]
