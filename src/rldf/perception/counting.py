"""From detections to number words: how likely each number is, given the scores of what was detected."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from rldf.arrays import Probabilities
from rldf.errors import PerceptionError
from rldf.space import Axis

NumberRange = tuple[int, int | None]
"""Smallest and largest number a term stands for, both included; None for no largest."""

_EXACT = {
    word: number
    for number, word in enumerate("no one two three four five six seven eight nine ten".split())  # noqa: SIM905
}
_OPEN_ENDED = frozenset({"many", "several", "a crowd of"})
_FEW = (2, 3)  # as the embedded world draws "few"
_CROWD = (4, 8)  # our choice: what "many", "a herd" or "a group" stands for where a number is needed
_NAMED: dict[str, tuple[int, int]] = {
    **{word: (number, number) for word, number in _EXACT.items()},
    **{str(number): (number, number) for number in _EXACT.values()},
    **dict.fromkeys(("a", "an", "single"), (1, 1)),
    **dict.fromkeys(("pair", "couple", "both"), (2, 2)),
    "few": _FEW,
    **dict.fromkeys("many several group crowd herd flock bunch pack row rows lots dozens".split(), _CROWD),  # noqa: SIM905
}
_MAX_ROUNDING = 1e-300


def number_ranges(axis: Axis) -> dict[str, NumberRange]:
    """Works out which numbers the terms of a counting axis stand for.

    A number word stands for its number and for those up to the next word of the axis; "few" for 2 and 3; "many" and
    "several" for all numbers above the others. So 4 is "many" on the axis one, two, three, many, and 2 is "many" on
    the axis no, one, many.

    Args:
        axis: an axis such as count or density.

    Returns:
        Term to range.

    Raises:
        PerceptionError: if a term is no number word.

    Example:
        >>> number_ranges(Axis(id="density", terms=("no", "one", "many")))
        {'no': (0, 0), 'one': (1, 1), 'many': (2, None)}
    """
    known = {*_EXACT, *_OPEN_ENDED, "few"}
    unclear = [term for term in axis.terms if term not in known]
    if unclear:
        raise PerceptionError(
            f"{', '.join(map(repr, unclear))} on axis '{axis.id}' is no number word; known are "
            f"{', '.join([*_EXACT, 'few', *sorted(_OPEN_ENDED)])}. Give the ranges of this axis as `numbers`."
        )
    exact = sorted(_EXACT[term] for term in axis.terms if term in _EXACT)
    first_open = max([*exact, *(_FEW[1:] if "few" in axis.terms else ())], default=-1) + 1
    ranges: dict[str, NumberRange] = {}
    for term in axis.terms:
        if term in _OPEN_ENDED:
            ranges[term] = (first_open, None)
        elif term == "few":
            ranges[term] = _FEW
        else:
            larger = [number for number in exact if number > _EXACT[term]]
            ranges[term] = (_EXACT[term], larger[0] - 1 if larger else _EXACT[term])
    return ranges


def number_named(word: str) -> tuple[int, int] | None:
    """Tells which numbers a word of a text stands for.

    Args:
        word: one word, in lower case, such as "two", "7" or "herd".

    Returns:
        Smallest and largest number, both included; None for a word that names no number.

    Example:
        >>> number_named("two"), number_named("few"), number_named("brown")
        ((2, 2), (2, 3), None)
    """
    return _NAMED.get(word)


def number_probabilities(scores: Sequence[float], *, miss_rate: float) -> Float[np.ndarray, " numbers"]:
    """Computes how likely each number of things is.

    Each detection is there with the probability of its score, each on its own, and one more thing may have been
    missed: the number follows the Poisson-binomial distribution of scores and miss rate.

    Args:
        scores: scores of the detections, 0 to 1.
        miss_rate: probability that the detector missed one thing, 0 to 1.

    Returns:
        p(0), p(1), ..., p(number of scores + 1); summing to 1.

    Example:
        >>> number_probabilities([0.5], miss_rate=0.0).tolist()
        [0.5, 0.5, 0.0]
    """
    distribution = np.ones(1)
    for score in [*scores, miss_rate]:
        distribution = np.convolve(distribution, [1.0 - score, score])
    return distribution


def term_probabilities(
    axis: Axis, numbers: Float[np.ndarray, " numbers"], *, ranges: Mapping[str, NumberRange]
) -> Probabilities | None:
    """Sums the probabilities of the numbers each term stands for, and normalises over the terms.

    Args:
        axis: the counting axis.
        numbers: p(0), p(1), ....
        ranges: term to the numbers it stands for.

    Returns:
        One probability per term; None where no term stands for any likely number.
    """
    row = np.zeros(len(axis))
    for index, term in enumerate(axis.terms):
        smallest, largest = ranges[term]
        row[index] = numbers[smallest : None if largest is None else largest + 1].sum()
    return np.asarray(row / row.sum()) if row.sum() > _MAX_ROUNDING else None
