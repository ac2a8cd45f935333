"""How well a picture compresses: the size of its JPEG file."""

from collections.abc import Sequence
from io import BytesIO
from typing import final

import numpy as np
import PIL.Image
from jaxtyping import Float

from rldf.arrays import Image
from rldf.contracts import Reward, Target
from rldf.records.percept import Outcome
from rldf.rewards.failures import RewardError

QUALITY = 95  # Source: section 5.1 of arXiv 2305.13301
BYTES_PER_KB = 1000  # Source: its authors' code
MAX_KB = 10_000.0  # our choice: above that of noise at 2,800 px


@final
class JpegReward(Reward):
    """Rewards small JPEG files, or large ones: minus or plus the size in kB (1000 bytes) at quality 95.

    Pixels are bytes already, so there is no rounding to choose; subsampling of colour is Pillow's default.

    Source: compressibility and incompressibility, section 5.1 of arXiv 2305.13301.
    """

    def __init__(self, *, is_small_better: bool, max_kb: float = MAX_KB) -> None:
        """Sets the direction.

        Args:
            is_small_better: True for compressibility, False for incompressibility.
            max_kb: largest file that is scored, in kB; the bounds follow from it.
        """
        self._sign = -1.0 if is_small_better else 1.0
        self._max_kb = max_kb
        self.bounds = (-max_kb, 0.0) if is_small_better else (0.0, max_kb)

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each picture by the size of its file; the target is not looked at.

        Args:
            outcomes: tries.
            target: may be empty.

        Returns:
            Sizes in kB, with the sign of the direction.

        Raises:
            RewardError: if a file is larger than the bounds allow.
        """
        del target
        sizes = np.array([jpeg_kb(outcome.image) for outcome in outcomes], dtype=np.float64)
        if len(sizes) and sizes.max() > self._max_kb:
            raise RewardError(
                f"a picture takes {sizes.max():.0f} kB as JPEG; at most {self._max_kb:.0f} kB are scored. "
                "Draw smaller pictures, or raise max_kb."
            )
        return self._sign * sizes


def jpeg_kb(image: Image) -> float:
    """Size of a picture as a JPEG file of quality 95.

    Args:
        image: RGB, 0 to 255.

    Returns:
        Kilobytes of 1000 bytes.
    """
    buffer = BytesIO()
    PIL.Image.fromarray(image).save(buffer, format="JPEG", quality=QUALITY)
    return len(buffer.getvalue()) / BYTES_PER_KB
