"""CMA-ES with margin on the term indices, written as a script; needs the extra `rldf[bench]`."""

from importlib.util import find_spec
from typing import final

import numpy as np

from rldf.contracts import Proposal
from rldf.errors import MissingExtraError
from rldf.searchers.scripted import Script
from rldf.seeding import child_rng, child_seed
from rldf.space import Encoding, EncodingSpace

MAX_SEED = 2**32
SIGMA = 0.5  # of a unit per axis: each axis is scaled to its number of terms / SCALE; our choice
SCALE = 3.0
MAX_FORBIDDEN = 100  # draws for one allowed encoding; our choice
MIN_DIMENSIONS = 2  # the algorithm needs two; a dimension without effect fills up


def search_with_cma(*, space: EncodingSpace, start: Encoding | None = None, seed: int = 0) -> Script:
    """Adapts a Gaussian over the free axes, each an integer dimension; for `ScriptSearcher`.

    Axes are scaled so that one standard deviation at the beginning is a sixth of the axis. The margin keeps the
    probability of every axis's next term from vanishing. Each time the Gaussian has collapsed it starts anew in the
    middle. An encoding that an exclusion forbids is drawn again.

    Args:
        space: the grid; locks and exclusions are kept.
        start: the first proposal and the first mean; None begins in the middle.
        seed: seed of every draw, 0 or larger.

    Yields:
        One population of proposals at a time.

    Raises:
        MissingExtraError: if cmaes is not installed.

    Source: CMA-ES with margin, Hamano et al. 2022, in the package `cmaes`; scaling and restarts are ours.
    """
    if find_spec("cmaes") is None:
        raise MissingExtraError(
            "the searcher 'cma-es' needs the package 'cmaes', which is not installed. "
            "Install it with: pip install 'rldf[bench]'."
        )
    free = [place for place, axis in enumerate(space.axes) if axis.id not in space.locked and len(axis) > 1]
    first = space.sample(child_rng(seed, "cma-es")) if start is None else start
    if start is not None or not free:
        yield [Proposal(encoding=first)]
    tops = np.array([len(space.axes[place]) - 1.0 for place in free])
    mean = tops / 2 if start is None else np.array(first.indices, dtype=np.float64)[free]
    num_runs = 0
    while free:
        gaussian = _Gaussian(mean=mean, tops=tops, seed=child_seed(seed, "cma-es", num_runs) % MAX_SEED)
        while not gaussian.has_collapsed:
            drawn = [_draw(gaussian, space=space, free=free, first=first) for _ in range(gaussian.population)]
            records = yield [Proposal(encoding=encoding) for encoding, _ in drawn]
            gaussian.learn([(point, record.reward) for (_, point), record in zip(drawn, records, strict=True)])
        num_runs += 1
        mean = tops / 2


@final
class _Gaussian:
    """The optimizer of the package, with axes scaled to one length; a second dimension is added where there is one."""

    def __init__(self, *, mean: np.ndarray, tops: np.ndarray, seed: int) -> None:
        import cmaes

        self._num_axes = len(tops)
        num_idle = max(0, MIN_DIMENSIONS - len(tops))
        self._units = SCALE / (tops + 1)
        bounds = [*zip(np.zeros_like(tops), tops * self._units, strict=True), *[(-1.0, 1.0)] * num_idle]
        self._optimizer = cmaes.CMAwM(
            mean=np.array([*mean * self._units, *[0.0] * num_idle]),
            sigma=SIGMA,
            bounds=np.array(bounds),
            steps=np.array([*self._units, *[0.0] * num_idle]),
            seed=seed,
        )

    @property
    def population(self) -> int:
        """Points of one generation."""
        return int(self._optimizer.population_size)

    @property
    def has_collapsed(self) -> bool:
        """True where it has nothing left to explore."""
        return bool(self._optimizer.should_stop())

    def draw(self) -> tuple[np.ndarray, np.ndarray]:
        """Draws term indices, and the point to tell of."""
        rounded, point = self._optimizer.ask()
        indices = np.rint(rounded[: self._num_axes] / self._units).astype(np.int64)
        return indices, point

    def learn(self, told: list[tuple[np.ndarray, float]]) -> None:
        """Learns the rewards of a generation."""
        self._optimizer.tell([(point, -reward) for point, reward in told])


def _draw(
    gaussian: _Gaussian, *, space: EncodingSpace, free: list[int], first: Encoding
) -> tuple[Encoding, np.ndarray]:
    """Draws an allowed encoding; where exclusions forbid nearly everything, the first one instead."""
    for _ in range(MAX_FORBIDDEN):
        drawn, point = gaussian.draw()
        indices = list(first.indices)
        for place, index in zip(free, drawn, strict=True):
            indices[place] = int(index)
        encoding = Encoding(tuple(indices))
        if space.allows(encoding):
            return encoding, point
    return first, point
