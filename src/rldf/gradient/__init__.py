"""Noisy diffusion gradient: steps along an estimated gradient of the reward on the encoding.

- `ascend`: the loop; it yields what to try and is sent what came of it.
- `AscentSettings`, `PLAIN`, `GUARDED`, `SPSA`: how it steps; as in the paper, and with what helps.
"""

from rldf.gradient.ascent import GUARDED, GUARDED_SPSA, PLAIN, SPSA, AscentSettings, ascend

__all__ = ["GUARDED", "GUARDED_SPSA", "PLAIN", "SPSA", "AscentSettings", "ascend"]
