"""One root seed per run; child seeds are derived from it by name."""

from hashlib import sha256

import numpy as np

MAX_SEED = 2**63 - 1


def child_seed(root: int, *names: str | int) -> int:
    """Derives an independent seed from a root seed and a path of names.

    Args:
        root: the run's seed, 0 or larger.
        names: what the seed is for, for example ("search", 3).

    Returns:
        An integer from 0 to 2**63 - 1; equal arguments give equal seeds.

    Raises:
        ValueError: if root is negative.

    Example:
        >>> child_seed(0, "search", 0) == child_seed(0, "search", 0)
        True
        >>> child_seed(0, "search", 0) == child_seed(0, "test", 0)
        False
    """
    if root < 0:
        raise ValueError(f"the seed is {root}; it must be 0 or larger. Give another --seed.")
    text = "/".join(["rldf", str(root), *map(str, names)])
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") & MAX_SEED


def child_rng(root: int, *names: str | int) -> np.random.Generator:
    """Makes a numpy random source of its own for one named purpose."""
    return np.random.default_rng(child_seed(root, *names))
