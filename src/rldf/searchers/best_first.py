"""Best-first search on the grid, guided by a learned q; written as a script."""

import numpy as np

from rldf.contracts import Proposal
from rldf.errors import ConfigError
from rldf.searchers.scripted import Script
from rldf.searchers.term_model import TermModel
from rldf.seeding import child_rng
from rldf.space import Encoding, EncodingSpace

EXPLORATION = 0.5  # standard deviations of benefit of the doubt; our choice
PATH_COST = 0.02  # spreads of the rewards that one move of the path costs; our choice
MAX_FRONTIER = 4096  # states waiting; the least promising are dropped; our choice


def search_best_first(
    *,
    space: EncodingSpace,
    start: Encoding | None = None,
    seed: int = 0,
    exploration: float = EXPLORATION,
    path_cost: float = PATH_COST,
    batch_size: int = 2,
) -> Script:
    """Expands moves in falling order of a learned q, without drawing what it only considers; for `ScriptSearcher`.

    As in Q* search the frontier holds moves, not drawn states: a move is rendered when it is the most promising of
    all, and only then are its own moves added. q(s, a) is what a `TermModel` of the tries so far expects of the state
    entered, less the cost of the path there. It is learned while searching, and the frontier is sorted anew each time.

    Args:
        space: the grid; locks and exclusions are kept.
        start: the root; None draws it.
        seed: seed of every draw, 0 or larger.
        exploration: standard deviations added to q, 0 or larger.
        path_cost: spreads per move from the root, 0 or larger.
        batch_size: moves expanded at once, at least 1.

    Yields:
        Batches of proposals.

    Raises:
        ConfigError: if a setting is out of its range.

    Source: Q* search, Agostinelli et al. 2021; the linear q learned during the search is ours.
    """
    if exploration < 0 or path_cost < 0 or batch_size < 1:
        raise ConfigError(
            f"exploration {exploration}, path cost {path_cost} and batch size {batch_size} do not make a best-first "
            "search; the first two are 0 or larger, the last 1 or larger. Change these."
        )
    root = space.sample(child_rng(seed, "best-first")) if start is None else start
    model = TermModel(space)
    depths = {root: 0}
    frontier: dict[Encoding, int] = {root: 0}
    while frontier:
        points = np.array([encoding.indices for encoding in frontier])
        mean, std = model.predict(points)
        promise = mean + exploration * std - path_cost * np.fromiter(frontier.values(), float)
        order = np.argsort(-promise, kind="stable")
        waiting = list(frontier)
        chosen = [waiting[place] for place in order[: batch_size if model.num_tries else 1]]
        model.learn((yield [Proposal(encoding=encoding) for encoding in chosen]))
        kept = {waiting[place]: depths[waiting[place]] for place in order[len(chosen) : MAX_FRONTIER]}
        for encoding in chosen:
            for neighbour in space.neighbours(encoding):
                if neighbour not in depths:
                    depths[neighbour] = depths[encoding] + 1
                    kept[neighbour] = depths[neighbour]
        frontier = kept
