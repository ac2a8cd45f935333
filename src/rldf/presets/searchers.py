"""Makes searchers by their names, as the table of methods says."""

from collections.abc import Sequence

from rldf.arrays import Probabilities
from rldf.contracts import Searcher
from rldf.errors import ConfigError, did_you_mean
from rldf.presets.methods import METHODS, SEARCHER_NAMES
from rldf.searchers.request import SearcherRequest
from rldf.space import Encoding, EncodingSpace


def make_searcher(request: SearcherRequest) -> Searcher | Encoding:
    """Makes a searcher by its name, at its defaults or as tuned.

    Args:
        request: name, space, start, what is known beforehand, seed and renders.

    Returns:
        The searcher, or the answer of a method that tries nothing.

    Raises:
        ConfigError: if there is no such method.
    """
    method = METHODS.get(request.name)
    if method is None:
        raise ConfigError(
            f"there is no searcher '{request.name}'. There are: {', '.join(SEARCHER_NAMES)}."
            f"{did_you_mean(request.name, SEARCHER_NAMES)} Name one of these."
        )
    return method.make(request)


def make_for_search(
    name: str,
    *,
    space: EncodingSpace,
    start: Encoding,
    seed: int,
    horizon: int,
    prior: Sequence[Probabilities] | None = None,
) -> Searcher:
    """Makes a searcher for a search run, which knows no more than where it begins and what was read in the input.

    Args:
        name: one of `SEARCHER_NAMES`.
        space: the grid.
        start: where it begins.
        seed: root seed of the run.
        horizon: renders it may use.
        prior: what scorer A read in the input, for each axis one probability per term; None for the start alone.

    Returns:
        The searcher.
    """
    made = make_searcher(
        SearcherRequest(
            name=name,
            space=space,
            start=start,
            prior=None if prior is None else tuple(prior),
            sentence_prior=None,
            sentence_likeness=None,
            seed=seed,
            horizon=horizon,
        )
    )
    assert isinstance(made, Searcher), "these all try something"
    return made
