"""Rows of features: an order that file names cannot change, blocks that bound memory, distances between blocks."""

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
from jaxtyping import Float, Int64

from rldf.errors import ConfigError

BLOCK_ROWS = 1024  # our choice: a block of distances between two such blocks takes 8 MB

Rows = Float[np.ndarray, "_rows _features"]


def require_comparable(real: Rows, generated: Rows, *, min_rows: int) -> None:
    """Refuses features that cannot be compared.

    Args:
        real: one row per picture.
        generated: one row per picture.
        min_rows: pictures a metric needs in each set.

    Raises:
        ConfigError: if the numbers of features differ, a set is too small, or a number is not finite.
    """
    if real.shape[1] != generated.shape[1]:
        raise ConfigError(
            f"the two sets have {real.shape[1]} and {generated.shape[1]} features; both must come from one extractor. "
            "Compute the features of both again."
        )
    for kind, rows in (("real", real), ("synthetic", generated)):
        if len(rows) < min_rows:
            raise ConfigError(
                f"there are {len(rows)} {kind} pictures; this metric needs at least {min_rows}. Give more pictures."
            )
        for block in blocks(rows):
            if not np.isfinite(block).all():
                raise ConfigError(
                    f"the features of the {kind} pictures hold numbers that are not finite; all must be. "
                    "Use another extractor or --dtype float32."
                )


def blocks(rows: Rows, *, size: int = BLOCK_ROWS) -> Iterator[Float[np.ndarray, "block features"]]:
    """Goes through rows in blocks of float64."""
    for start in range(0, len(rows), size):
        yield np.asarray(rows[start : start + size], dtype=np.float64)


def canonical_order(rows: Rows) -> Int64[np.ndarray, " rows"]:
    """Orders rows by a hash of their content: as good as chance, and the same however the files are named.

    Args:
        rows: one row per picture.

    Returns:
        Positions of the rows in that order.
    """
    keys = [blake2b(np.ascontiguousarray(row).tobytes(), digest_size=16).digest() for row in rows]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def draw_rows(rows: Rows, *, max_rows: int) -> Rows:
    """Takes at most so many rows; which ones depends on their content alone, and so does their order.

    Args:
        rows: one row per picture.
        max_rows: at least 1.

    Returns:
        The rows in canonical order, float64.
    """
    return np.asarray(rows[canonical_order(rows)[:max_rows]], dtype=np.float64)


def squared_distances(
    left: Float[np.ndarray, "left features"], right: Float[np.ndarray, "right features"]
) -> Float[np.ndarray, "left right"]:
    """Computes squared Euclidean distances between two blocks of rows.

    Equal blocks give equal bits, whether or not they are the same array: the right one is copied, because linear
    algebra libraries take another path for a product of a matrix with itself.

    Args:
        left: float64.
        right: float64.

    Returns:
        One distance per pair, 0 or larger.
    """
    norms = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None, :]
    return np.asarray(np.maximum(norms - 2.0 * (left @ right.copy().T), 0.0))


def neighbour_distances(rows: Float[np.ndarray, "rows features"], *, neighbour: int) -> Float[np.ndarray, " rows"]:
    """Squared distance of each row to its k-th nearest other row.

    Args:
        rows: float64.
        neighbour: k, from 1 to the number of rows less 1.

    Returns:
        One squared distance per row.
    """
    found = []
    for left in blocks(rows):
        nearest = np.full((len(left), 0), np.inf)
        for right in blocks(rows):
            together = np.concatenate([nearest, squared_distances(left, right)], axis=1)
            kept = min(neighbour + 1, together.shape[1])  # one more, since each row is its own nearest
            nearest = np.partition(together, kept - 1, axis=1)[:, :kept]
        found.append(np.sort(nearest, axis=1)[:, neighbour])
    return np.concatenate(found)
