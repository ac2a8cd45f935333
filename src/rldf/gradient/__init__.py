"""Noisy diffusion gradient: steps along an estimated gradient of the reward on the encoding.

- `ascend`: the loop; it yields what to try and is sent what came of it.
- `ascend_relaxed`, `RelaxedSettings`: the white-box variant, along the gradient of the model itself.
- `AscentSettings`, `PLAIN`, `GUARDED`, `SPSA`: how it steps; as in the paper, and with what helps.
"""

from rldf.gradient.ascent import GUARDED, GUARDED_SPSA, PLAIN, SPSA, AscentSettings, ascend
from rldf.gradient.relaxed import RelaxedSettings, ascend_relaxed

__all__ = [
    "GUARDED",
    "GUARDED_SPSA",
    "PLAIN",
    "SPSA",
    "AscentSettings",
    "RelaxedSettings",
    "ascend",
    "ascend_relaxed",
]
