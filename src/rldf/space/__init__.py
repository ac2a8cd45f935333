"""The n-dimensional grid of encodings.

- `Axis`: one named, ordered dimension of meaning.
- `Encoding`, `Move`: a point of the grid, and one term up or down along one axis.
- `EncodingSpace`, `Exclusion`: the grid, and combinations it forbids.
"""

from rldf.space.axis import Axis, AxisKind
from rldf.space.encoding import Encoding, Move
from rldf.space.grid import EncodingSpace, Exclusion

__all__ = ["Axis", "AxisKind", "Encoding", "EncodingSpace", "Exclusion", "Move"]
