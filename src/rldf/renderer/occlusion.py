"""Puts posts in front of a finished picture, so that what stands behind them is seen in part."""

import numpy as np
from jaxtyping import UInt8

# All below is our choice, made by looking at pictures of every count.
_POSTS = {"wood": (116, 82, 50), "stone": (128, 126, 120), "steel": (74, 82, 92), "paint": (196, 190, 178)}
_NUM_POSTS = (3, 4)
_WIDTHS = (0.09, 0.13)  # of the picture
_TOPS = (0.20, 0.42)  # of the picture: above that, the scene stays in sight
_GRAIN = 9.0  # deviation of a column's brightness, of 255


def occlude(
    picture: UInt8[np.ndarray, "height width 3"], *, rng: np.random.Generator
) -> UInt8[np.ndarray, "height width 3"]:
    """Draws three or four upright posts before everything; they hide about a third of the ground.

    Args:
        picture: RGB, 0 to 255.
        rng: places and paints the posts.

    Returns:
        A new picture, RGB, 0 to 255.
    """
    height, width = picture.shape[:2]
    covered = picture.copy()
    number = int(rng.integers(_NUM_POSTS[0], _NUM_POSTS[1] + 1))
    colour = np.array(_POSTS[str(rng.choice(list(_POSTS)))], dtype=np.float64)
    for post in range(number):
        wide = max(1, round(width * rng.uniform(*_WIDTHS)))
        centre = (post + 0.5 + rng.uniform(-0.25, 0.25)) / number * width
        left = int(np.clip(round(centre - wide / 2), 0, width - wide))
        top = round(height * rng.uniform(*_TOPS))
        rounding = 1.12 - 0.5 * np.linspace(-0.6, 1, wide) ** 2  # lit from the left
        grain = rng.normal(scale=_GRAIN, size=wide)
        columns = np.clip(colour * rounding[:, None] + grain[:, None], 0, 255)
        covered[top:, left : left + wide] = columns.astype(np.uint8)
    return covered
