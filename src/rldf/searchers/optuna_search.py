"""Optuna's samplers as searchers, written as a script; needs the extra `rldf[bench]`."""

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from rldf.contracts import Proposal
from rldf.errors import MissingExtraError
from rldf.searchers.scripted import Script
from rldf.seeding import child_seed
from rldf.space import Encoding, EncodingSpace

if TYPE_CHECKING:
    import optuna

OptunaSampler = Literal["tpe", "gp"]

MAX_USELESS = 32  # proposals in a row that are forbidden or known, after which the search is finished; our choice
MAX_SEED = 2**32


def search_with_optuna(
    *, space: EncodingSpace, start: Encoding | None = None, seed: int = 0, sampler: OptunaSampler = "tpe"
) -> Script:
    """Lets a sampler of Optuna propose one encoding at a time; for `ScriptSearcher`.

    Ordinal axes are integers, categorical ones categories; locked axes take no part. An encoding that an exclusion
    forbids is told as failed. An encoding proposed again is told again with the reward it had. Where nothing else is
    proposed for a while, the search is finished.

    Args:
        space: the grid; locks and exclusions are kept.
        start: the first proposal; None leaves it to the sampler.
        seed: seed of the sampler, 0 or larger.
        sampler: "tpe" is the multivariate tree of Parzen estimators, "gp" a Gaussian process.

    Yields:
        Batches of one proposal.

    Raises:
        MissingExtraError: if Optuna is not installed.

    Source: Optuna, Akiba et al. 2019; TPE, Bergstra et al. 2011. Settings are Optuna's own, but multivariate.
    """
    if find_spec("optuna") is None:
        raise MissingExtraError(
            f"the searcher '{sampler}' needs the package 'optuna', which is not installed. "
            "Install it with: pip install 'rldf[bench]'."
        )
    import optuna

    study = _make_study(sampler, seed=child_seed(seed, "optuna", sampler) % MAX_SEED)
    distributions: dict[str, optuna.distributions.BaseDistribution] = {}
    for axis in space.axes:
        if axis.id in space.locked or len(axis) == 1:
            continue
        distributions[axis.id] = (
            optuna.distributions.IntDistribution(0, len(axis) - 1)
            if axis.kind == "ordinal"
            else optuna.distributions.CategoricalDistribution(range(len(axis)))
        )
    if start is not None:
        named = zip(space.axes, start.indices, strict=True)
        study.enqueue_trial({axis.id: index for axis, index in named if axis.id in distributions})
    known: dict[Encoding, float] = {}
    num_useless = 0
    while num_useless < MAX_USELESS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            trial = study.ask(distributions)
        encoding = _encoding(space, trial.params)
        num_useless += 1
        if not space.allows(encoding):
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            continue
        if encoding not in known:
            num_useless = 0
            records = yield [Proposal(encoding=encoding)]
            known[encoding] = records[0].reward
        study.tell(trial, known[encoding])


def _make_study(sampler: OptunaSampler, *, seed: int) -> "optuna.Study":
    """Makes a study in memory, without a line on the terminal."""
    import optuna

    loud = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            chosen: optuna.samplers.BaseSampler = (
                optuna.samplers.TPESampler(seed=seed, multivariate=True)
                if sampler == "tpe"
                else optuna.samplers.GPSampler(seed=seed)
            )
        return optuna.create_study(direction="maximize", sampler=chosen)
    finally:
        optuna.logging.set_verbosity(loud)


def _encoding(space: EncodingSpace, params: dict[str, int]) -> Encoding:
    return Encoding(
        tuple(
            axis.index_of(space.locked[axis.id]) if axis.id in space.locked else int(params.get(axis.id, 0))
            for axis in space.axes
        )
    )
