"""Names for image arrays: uint8, height x width x RGB, 0 to 255, at every boundary."""

import numpy as np
from jaxtyping import Float, Float32, UInt8

Image = UInt8[np.ndarray, "_height _width 3"]
"""One RGB picture, 0 to 255; pictures named together may differ in size."""

ImageBatch = UInt8[np.ndarray, "batch height width 3"]
"""Pictures of one size, RGB, 0 to 255."""

Probabilities = Float[np.ndarray, " _terms"]
"""One probability per term of an axis, 0 to 1, summing to 1; the underscore lets axes differ in length."""


def frozen(values: Float[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """Copies an array as 32-bit numbers that nobody can change, so that all pictures may share it."""
    shared = values.astype(np.float32)
    shared.flags.writeable = False
    return shared
