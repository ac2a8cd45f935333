"""Searches that only try what was likely beforehand, in that order; and the search that tries everything."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush

import numpy as np
from jaxtyping import Float

from rldf.arrays import Probabilities
from rldf.contracts import Proposal
from rldf.searchers.scripted import Script
from rldf.space import Encoding, EncodingSpace

MIN_PROBABILITY = 1e-6
START_SHARE = 0.9  # probability of the start's own terms where nothing else is known; our choice
NEIGHBOUR_LENGTH = 1.0  # in moves: how fast the rest falls off around them; our choice


def rerank(*, space: EncodingSpace, prior: Sequence[Probabilities]) -> Script:
    """Tries encodings in falling order of a probability known beforehand; for `ScriptSearcher`.

    With the percept of the input as the prior this is the captioner with its whole budget spent on re-ranking; with
    scores of a text-image model, the ranking of CLIP-Interrogator with the same.

    Args:
        space: the grid; locks and exclusions are kept.
        prior: for each axis one probability per term; axes are taken as independent.

    Yields:
        Batches of one proposal, until every allowed encoding has been tried.
    """
    yield from try_in_order(likeliest(space, prior))


def try_in_order(encodings: Iterable[Encoding]) -> Script:
    """Tries encodings one by one as they come; for `ScriptSearcher`.

    Args:
        encodings: in the order of trying.

    Yields:
        Batches of one proposal.
    """
    for encoding in encodings:
        yield [Proposal(encoding=encoding)]


def most_alike(space: EncodingSpace, likeness: Float[np.ndarray, " states"]) -> Iterator[Encoding]:
    """Walks over the allowed encodings in falling order of a likeness known for each.

    With cosines of sentences and the input this is PEZ snapped to the grammar: its objective, the likeness of text and
    picture in the scorer's eyes, with every sentence of the grammar at hand, so that it is maximised exactly instead
    of by gradients and projections.

    Args:
        space: the grid, small enough to be listed; locks and exclusions are kept.
        likeness: by number of the state.

    Yields:
        Encodings, each once.

    Source: objective of Wen et al. 2023 (arXiv 2302.03668), section 3; the exact maximum is ours.
    """
    for state in np.argsort(-likeness, kind="stable"):
        encoding = space.encoding(int(state))
        if space.allows(encoding):
            yield encoding


def try_everything(*, space: EncodingSpace) -> Script:
    """Tries every allowed encoding in the order of their numbers: exhaustive search; for `ScriptSearcher`.

    Args:
        space: the grid; locks and exclusions are kept.

    Yields:
        Batches of one proposal.
    """
    for encoding in space.all_encodings():
        yield [Proposal(encoding=encoding)]


def likeliest(space: EncodingSpace, prior: Sequence[Probabilities]) -> Iterator[Encoding]:
    """Walks over the allowed encodings in falling order of probability, without listing them.

    Args:
        space: the grid; locks and exclusions are kept.
        prior: for each axis one probability per term.

    Yields:
        Encodings, each once.
    """
    yield from (encoding for encoding in by_probability(space, prior) if space.allows(encoding))


def by_probability(
    space: EncodingSpace,
    prior: Sequence[Probabilities],
    *,
    first: Encoding | None = None,
    min_probability: float = MIN_PROBABILITY,
) -> Iterator[Encoding]:
    """Walks over the encodings in falling order of probability, without listing them; best first.

    Args:
        space: the grid; locks are kept, exclusions are not.
        prior: for each axis one probability per term.
        first: its terms come before all others of their axes, however probable they are; None for no such terms.
        min_probability: smaller ones, 0 among them, count as this one, larger than 0.

    Yields:
        Encodings, each once.
    """
    orders = [
        [axis.index_of(space.locked[axis.id])]
        if axis.id in space.locked
        else _falling(row, first=None if first is None else first.indices[place])
        for place, (axis, row) in enumerate(zip(space.axes, prior, strict=True))
    ]
    costs = [
        [-float(np.log(max(float(row[term]), min_probability))) for term in order]
        for row, order in zip(prior, orders, strict=True)
    ]
    ranks = (0,) * len(orders)
    queue = [(sum(cost[0] for cost in costs), ranks)]
    met = {ranks}
    while queue:
        total, ranks = heappop(queue)
        yield Encoding(tuple(order[rank] for order, rank in zip(orders, ranks, strict=True)))
        for axis, rank in enumerate(ranks):
            worse = (*ranks[:axis], rank + 1, *ranks[axis + 1 :])
            if rank + 1 < len(orders[axis]) and worse not in met:
                met.add(worse)
                heappush(queue, (total + costs[axis][rank + 1] - costs[axis][rank], worse))


def prior_around(space: EncodingSpace, start: Encoding) -> tuple[Probabilities, ...]:
    """Makes a prior of a start alone: its own terms are likeliest, then their neighbours.

    Args:
        space: the grid.
        start: the encoding in the middle.

    Returns:
        For each axis one probability per term.
    """
    rows: list[Probabilities] = []
    for axis, index in zip(space.axes, start.indices, strict=True):
        near = np.exp(-np.abs(np.arange(len(axis)) - index) / NEIGHBOUR_LENGTH)
        near[index] = 0.0
        rest = near / near.sum() if len(axis) > 1 else near
        row = (1 - START_SHARE) * rest
        row[index] = START_SHARE if len(axis) > 1 else 1.0
        rows.append(row)
    return tuple(rows)


def _falling(row: Probabilities, *, first: int | None) -> list[int]:
    falling = [int(term) for term in np.argsort(-np.asarray(row, dtype=np.float64), kind="stable")]
    return falling if first is None else [first, *(term for term in falling if term != first)]
