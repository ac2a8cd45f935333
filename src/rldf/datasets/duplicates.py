"""Marks that tell whether two pictures are the same, or nearly, without comparing pixels."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image as PillowImage

from rldf.arrays import Image

_HASH_SIDE = 16
_COLOUR_SIDE = 4
MARK_BYTES = _HASH_SIDE * _HASH_SIDE // 8 + _COLOUR_SIDE * _COLOUR_SIDE * 3
_HASH_BYTES = _HASH_SIDE * _HASH_SIDE // 8
MAX_BITS = 24  # our choice, of 256: measured, JPEG of quality 30 changes up to 21, another scene 63 and more
MAX_COLOUR = 10  # our choice: largest difference of a mean colour, of 255
_BLOCK_ROWS = 512
_BLOCK_COLUMNS = 4096

Marks = UInt8[np.ndarray, "_pictures 80"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """From when on two pictures count as nearly the same; both must hold.

    Attributes:
        max_bits: bits of 256 in which the signs of horizontal brightness steps may differ.
        max_colour: by how much a mean colour of a sixteenth of the picture may differ, 0 to 255.
    """

    max_bits: int = MAX_BITS
    max_colour: int = MAX_COLOUR


def mark(image: Image) -> UInt8[np.ndarray, " 80"]:
    """Computes the mark of a picture: 256 signs of brightness steps, and the mean colours of a 4 x 4 grid.

    The signs alone take flat pictures of two colours for the same; the colours alone, two scenes of one palette.

    Args:
        image: RGB, 0 to 255.

    Returns:
        80 bytes: 32 of signs, 48 of colours.

    Source: difference hashing, as described by N. Krawetz in 2013; the colours and both sizes are ours.
    """
    picture = PillowImage.fromarray(image)
    box = PillowImage.Resampling.BOX
    grey = np.asarray(picture.convert("L").resize((_HASH_SIDE + 1, _HASH_SIDE), box), dtype=np.int16)
    signs = np.packbits(grey[:, 1:] > grey[:, :-1])
    colours = np.asarray(picture.resize((_COLOUR_SIDE, _COLOUR_SIDE), box), dtype=np.uint8).reshape(-1)
    return np.concatenate([signs, colours])


def alike(marks: Marks, others: Marks, *, likeness: Likeness) -> Bool[np.ndarray, "_pictures _others"]:
    """Tells which pictures are nearly the same as which others.

    Args:
        marks: one row each.
        others: one row each.
        likeness: from when on.

    Returns:
        True where a pair is alike.
    """
    result = np.zeros((len(marks), len(others)), dtype=bool)
    for start in range(0, len(marks), _BLOCK_ROWS):
        for column in range(0, len(others), _BLOCK_COLUMNS):
            rows, columns = slice(start, start + _BLOCK_ROWS), slice(column, column + _BLOCK_COLUMNS)
            result[rows, columns] = _alike_block(marks[rows], others[columns], likeness=likeness)
    return result


def _alike_block(marks: Marks, others: Marks, *, likeness: Likeness) -> Bool[np.ndarray, "_pictures _others"]:
    first, second = (np.ascontiguousarray(rows[:, :_HASH_BYTES]).view(np.uint64) for rows in (marks, others))
    differing = np.zeros((len(marks), len(others)), dtype=np.int16)
    for word in range(first.shape[1]):
        differing += np.bitwise_count(first[:, None, word] ^ second[None, :, word])
    is_alike = differing <= likeness.max_bits
    rows, columns = np.nonzero(is_alike)
    colours, other_colours = marks[rows, _HASH_BYTES:].astype(np.int16), others[columns, _HASH_BYTES:].astype(np.int16)
    steps = np.abs(colours - other_colours).max(axis=1, initial=0)
    is_alike[rows, columns] = steps <= likeness.max_colour
    return is_alike


def has_alike(marks: Marks, others: Marks, *, likeness: Likeness) -> Bool[np.ndarray, " _pictures"]:
    """Tells which pictures are nearly the same as any of the others.

    Only others whose colours add up to nearly as much are compared, which leaves none out: memory is bounded by one
    block, and most pairs are never looked at.

    Args:
        marks: one row each.
        others: one row each.
        likeness: from when on.

    Returns:
        True where one of the others is alike.
    """
    sums, other_sums = (rows[:, _HASH_BYTES:].sum(axis=1, dtype=np.int64) for rows in (marks, others))
    order, other_order = np.argsort(sums, kind="stable"), np.argsort(other_sums, kind="stable")
    sorted_sums = other_sums[other_order]
    reach = likeness.max_colour * (MARK_BYTES - _HASH_BYTES)
    result = np.zeros(len(marks), dtype=bool)
    for start in range(0, len(marks), _BLOCK_ROWS):
        rows = order[start : start + _BLOCK_ROWS]
        first = int(np.searchsorted(sorted_sums, sums[rows[0]] - reach, side="left"))
        end = int(np.searchsorted(sorted_sums, sums[rows[-1]] + reach, side="right"))
        for column in range(first, end, _BLOCK_COLUMNS):
            columns = other_order[column : min(column + _BLOCK_COLUMNS, end)]
            result[rows] |= _alike_block(marks[rows], others[columns], likeness=likeness).any(axis=1)
    return result


def later_repeats(marks: Marks, *, likeness: Likeness) -> Bool[np.ndarray, " _pictures"]:
    """Tells which pictures repeat an earlier one that is kept itself.

    Args:
        marks: one row each, in plan order.
        likeness: from when on.

    Returns:
        True where a picture is nearly the same as an earlier one that is not itself such a repeat.
    """
    is_repeat = np.zeros(len(marks), dtype=bool)
    for start in range(0, len(marks), _BLOCK_ROWS):
        end = min(start + _BLOCK_ROWS, len(marks))
        block = marks[start:end]
        kept = np.flatnonzero(~is_repeat[:start])
        is_repeat[start:end] = alike(block, marks[kept], likeness=likeness).any(axis=1)
        within = np.triu(alike(block, block, likeness=likeness), k=1)
        for position in range(end - start):
            if not is_repeat[start + position]:
                is_repeat[start:end] |= within[position]
    return is_repeat
