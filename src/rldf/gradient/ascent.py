"""Noisy diffusion gradient: climbs the reward along its estimated gradient on the encoding."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Float

from rldf.contracts import Proposal
from rldf.errors import ConfigError
from rldf.gradient.estimators import Estimate, KnownRewards, Trying, estimate_central, estimate_spsa
from rldf.records.percept import StepRecord
from rldf.seeding import child_rng
from rldf.space import Encoding, EncodingSpace

Estimator = Literal["central", "spsa"]
Position = Float[np.ndarray, " axes"]
"""A point between the encodings, in moves from the first term of each axis."""

MAX_IDLE_STEPS = 200  # steps in a row that try nothing new, after which it stands still for good; our choice
MIN_SPREAD = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class AscentSettings:
    """How the noisy diffusion gradient steps.

    Attributes:
        estimator: "central" differences, or "spsa", simultaneous perturbation.
        learning_rate: moves along an axis where the reward rises by one of its spreads per move, above 0.
        half_width: how far the points of an estimate lie from the present one, in moves, at least 1.
        trust_region: moves along one axis in one step at most, and steps that lower the reward are not made; 0 for
            neither.
        widens: True to look a move further on every axis each time an estimate leads nowhere.
        restarts: True to begin again anywhere where it would stand still.
        patience: steps in a row without a better encoding after which it stops (or restarts); 0 goes on past the goal.
    """

    estimator: Estimator = "central"
    learning_rate: float = 2.0
    half_width: int = 1
    trust_region: int = 0
    widens: bool = False
    restarts: bool = False
    patience: int = 0

    def __post_init__(self) -> None:
        if self.learning_rate <= 0 or self.half_width < 1 or self.trust_region < 0 or self.patience < 0:
            raise ConfigError(
                f"a gradient with learning rate {self.learning_rate}, half width {self.half_width}, trust region "
                f"{self.trust_region} and patience {self.patience} does not climb; the first is above 0, the second 1 "
                "or larger, the others 0 or larger. Change these."
            )


PLAIN = AscentSettings()
"""As the paper describes it: no guard against plateaus, none against going on past the goal."""

GUARDED = AscentSettings(trust_region=3, widens=True, restarts=True, patience=40)
"""With what helps: trust region, wider estimates on plateaus, restarts."""

SPSA = AscentSettings(estimator="spsa")
"""Simultaneous perturbation without guards."""

GUARDED_SPSA = AscentSettings(estimator="spsa", trust_region=3, widens=True, restarts=True, patience=12)
"""Simultaneous perturbation with what helps."""


def ascend(
    *, space: EncodingSpace, start: Encoding | None = None, seed: int = 0, settings: AscentSettings = PLAIN
) -> Trying:
    """Steps along the estimated gradient of the reward; every point of an estimate is a try like any other.

    Rewards are in units of their own spread so far, so rewards of any range will do. All pictures use the first
    search seed.

    Args:
        space: the grid; locks and exclusions are kept.
        start: where it begins; None draws it.
        seed: seed of every draw, 0 or larger.
        settings: how it steps.

    Yields:
        Batches of proposals.

    Source: noisy diffusion gradient of arXiv 2311.15648, which leaves the estimator open: central differences and SPSA
    are our reading. Everything that is off in `PLAIN` is ours.
    """
    rng = child_rng(seed, "gradient")
    climb = _Climb(space=space, settings=settings, rng=rng)
    here = space.sample(rng) if start is None else start
    num_known = -1
    while len(climb.known) > num_known:
        num_known = len(climb.known) if settings.restarts else space.size
        yield from climb.run_from(here)
        here = space.sample(rng)


@final
class _Climb:
    """What one climb after the other shares: the rewards known so far."""

    def __init__(self, *, space: EncodingSpace, settings: AscentSettings, rng: np.random.Generator) -> None:
        self.known = KnownRewards()
        self._space = space
        self._settings = settings
        self._rng = rng
        self._tops = np.array([len(axis) - 1 for axis in space.axes], dtype=np.float64)

    def run_from(self, start: Encoding) -> Trying:
        """Climbs until it stands still or its patience ends."""
        settings = self._settings
        yield from self.known.try_new([start])
        here, position = start, np.array(start.indices, dtype=np.float64)
        widths = np.full(len(self._tops), settings.half_width)
        best, num_idle, num_without_gain = self.known.of(start), 0, 0
        while num_idle < MAX_IDLE_STEPS:
            num_known = len(self.known)
            estimate = yield from self._estimate(here, widths=widths)
            position = self._stepped(position, estimate)
            there = yield from self._land(here, position, estimate)
            is_stuck = there == here
            if settings.trust_region > 0:
                position = np.array(there.indices, dtype=np.float64)
                if is_stuck and settings.widens and (widths < self._tops).any():
                    widths = widths + 1
                elif is_stuck:
                    return
                else:
                    widths = np.full(len(self._tops), settings.half_width)
            num_idle = num_idle + 1 if len(self.known) == num_known else 0
            num_without_gain = 0 if self.known.of(there) > best else num_without_gain + 1
            here, best = there, max(best, self.known.of(there))
            if settings.patience and num_without_gain >= settings.patience:
                return

    def _estimate(self, here: Encoding, *, widths: np.ndarray) -> Generator[list[Proposal], list[StepRecord], Estimate]:
        if self._settings.estimator == "central":
            return (yield from estimate_central(self._space, here, widths=widths, known=self.known))
        return (yield from estimate_spsa(self._space, here, widths=widths, known=self.known, rng=self._rng))

    def _stepped(self, position: Position, estimate: Estimate) -> Position:
        """Where the gradient leads, inside the grid and the trust region."""
        step = self._settings.learning_rate * estimate.gradient / max(self.known.spread, MIN_SPREAD)
        if self._settings.trust_region > 0:
            step = np.clip(step, -self._settings.trust_region, self._settings.trust_region)
        return np.asarray(np.clip(position + step, 0, self._tops))

    def _land(
        self, here: Encoding, position: Position, estimate: Estimate
    ) -> Generator[list[Proposal], list[StepRecord], Encoding]:
        """Tries the encoding nearest to a position; inside a trust region the best one around, if it is better."""
        nearest = Encoding(tuple(int(index) for index in np.rint(position)))
        landed = nearest if self._space.allows(nearest) else here
        yield from self.known.try_new([landed])
        if self._settings.trust_region == 0:
            return landed
        best = max((landed, *estimate.points), key=self.known.of)
        return best if self.known.of(best) > self.known.of(here) else here
