"""From the input pictures to the target and the start of a search."""

from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np

from rldf.contracts import Perception
from rldf.errors import EncodingError
from rldf.records import Percept
from rldf.search.parts import InputPicture, SearchJob
from rldf.searchers.prior import by_probability
from rldf.seeding import child_rng
from rldf.space import Encoding, EncodingSpace

OUTSIDE_NOTE = (
    "OUTSIDE THE GRAMMAR: the input does not look like anything this grammar can say. What follows is the "
    "nearest it has, not a description of the picture."
)
MIN_PROBABILITY = 1e-12
MAX_LOOKED_AT = 20_000  # our choice: exclusions that forbid the 20,000 likeliest encodings forbid nearly everything


def read_inputs(perception: Perception, inputs: Sequence[InputPicture]) -> Percept:
    """Reads the input pictures as one concept.

    Args:
        perception: a scorer.
        inputs: at least one picture, of any sizes.

    Returns:
        Its percept; of several pictures the mean of their probabilities. It is unsure where it is unsure of at least
        half of the pictures.
    """
    percepts = [perception.perceive(picture.image[np.newaxis])[0] for picture in inputs]
    rows = tuple(
        np.mean([np.asarray(percept.probabilities[axis], dtype=np.float64) for percept in percepts], axis=0)
        for axis in range(len(perception.space.axes))
    )
    unsure = [
        axis.id
        for axis in perception.space.axes
        if 2 * sum(axis.id in percept.unsure_axes for percept in percepts) >= len(percepts)
    ]
    return Percept(
        encoding=Encoding(tuple(int(row.argmax()) for row in rows)) if len(percepts) > 1 else percepts[0].encoding,
        probabilities=rows,
        unsure_axes=tuple(unsure),
        objects=tuple(dict.fromkeys(name for percept in percepts for name in percept.objects)),
    )


def misread(percept: Percept, *, space: EncodingSpace, terms: Mapping[str, str]) -> Percept:
    """Replaces what was read on some axes, as if perception had been sure of it; for experiments."""
    if not terms:
        return percept
    read = space.encode({**space.terms(percept.encoding), **terms})
    rows = tuple(
        np.eye(len(axis))[index] if axis.id in terms else row
        for axis, index, row in zip(space.axes, read.indices, percept.probabilities, strict=True)
    )
    return Percept(
        encoding=read,
        probabilities=rows,
        unsure_axes=tuple(axis_id for axis_id in percept.unsure_axes if axis_id not in terms),
        objects=percept.objects,
    )


def start_of(job: SearchJob, *, space: EncodingSpace, percept: Percept) -> tuple[Encoding, tuple[str, ...]]:
    """Finds where the search begins.

    Args:
        job: says how: percept, random or given.
        space: the grid with its locks and exclusions.
        percept: what was read in the input.

    Returns:
        An allowed encoding, and notes on what had to be changed for it.

    Raises:
        EncodingError: if the given start is not allowed by the locks and exclusions.
    """
    if job.start == "random":
        digests = (picture.sha256 for picture in job.inputs)  # so that a folder of pictures has many starts
        return space.sample(child_rng(job.seed, "start", *digests)), ()
    if job.start == "given":
        start = space.encode({**space.terms(percept.encoding), **space.locked, **job.start_terms})
        if not space.allows(start):
            raise EncodingError(
                f"the start {space.terms(start)} is not allowed: a lock or an exclusion of the grammar forbids it. "
                "Give other terms with --start-at, or loosen the lock."
            )
        return start, ()
    start = most_probable(percept, space=space)
    changed = [
        axis.id
        for axis, new, read in zip(space.axes, start.indices, percept.encoding.indices, strict=True)
        if new != read and axis.id not in space.locked
    ]
    if not changed:
        return start, ()
    note = (
        f"What was read in the input is excluded by the grammar; the search starts at the likeliest encoding that "
        f"is allowed, which differs in {', '.join(changed)}."
    )
    return start, (note,)


def most_probable(percept: Percept, *, space: EncodingSpace) -> Encoding:
    """Finds the most probable encoding that locks and exclusions allow, best first.

    Args:
        percept: says how probable each term is.
        space: the grid.

    Returns:
        The encoding; axes are taken as independent.

    Raises:
        EncodingError: if none of the likeliest is allowed.
    """
    falling = by_probability(space, percept.probabilities, first=percept.encoding, min_probability=MIN_PROBABILITY)
    for encoding in islice(falling, MAX_LOOKED_AT):
        if space.allows(encoding):
            return encoding
    raise EncodingError(
        "no allowed encoding lies near what was read in the input; the exclusions and locks forbid nearly everything. "
        "Loosen one."
    )


def abstentions(percept: Percept, *, space: EncodingSpace) -> tuple[str, ...]:
    """Says, in one line, where perception abstained; nothing where it did not."""
    if not percept.unsure_axes:
        return ()
    if len(percept.unsure_axes) == len(space.axes):
        return (OUTSIDE_NOTE,)
    terms = space.terms(percept.encoding)
    guesses = ", ".join(f"{axis_id} (perhaps {terms[axis_id]})" for axis_id in percept.unsure_axes)
    note = (
        f"Perception abstains on {guesses}: the search starts there from the likeliest term, and these axes do not "
        "count for agreement."
    )
    return (note,)
