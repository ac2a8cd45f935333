"""The white-box noisy diffusion gradient: climbs on relaxed terms, along the gradient of the model itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rldf.arrays import Probabilities
from rldf.errors import ConfigError
from rldf.gradient.estimators import KnownRewards, Trying
from rldf.seeding import child_rng
from rldf.space import Encoding, EncodingSpace

Shares = tuple[Probabilities, ...]
"""For each axis, how much of each term is in the mixture; sums to 1."""

TermGradient = tuple[Float[np.ndarray, " _terms"], ...]
"""For each axis, by how much the reward changes per share of each term."""

RelaxedGradient = Callable[[Encoding, Shares], TermGradient]
"""Draws the mixture around an encoding and tells the reward's gradient; whoever makes it counts what it costs."""

MIN_SIZE = 1e-12
MIN_EXPONENT = -700.0  # smaller ones are 0 in float64


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaxedSettings:
    """How the climb on relaxed terms goes; all our choice.

    Attributes:
        num_gradients: gradients of one step, at least 1; the mixture moves after each.
        softness: share of the other terms in the mixture at the beginning of a step, 0 up to, not including, 1.
        step_size: by how much the logarithm of the shares moves at most, above 0.
        num_candidates: encodings tried after each step at most, at least 1.
        patience: steps in a row that bring nothing better, after which it starts again anywhere.
    """

    num_gradients: int = 1
    softness: float = 0.0
    step_size: float = 3.0
    num_candidates: int = 4
    patience: int = 2

    def __post_init__(self) -> None:
        if self.num_gradients < 1 or not 0 <= self.softness < 1 or self.step_size <= 0 or self.num_candidates < 1:
            raise ConfigError(
                f"{self.num_gradients} gradients, softness {self.softness}, step size {self.step_size} and "
                f"{self.num_candidates} candidates make no climb; at least 1 gradient and candidate, a softness from 0 "
                "up to 1 and a step size above 0 are needed. Change these."
            )


def ascend_relaxed(
    *,
    space: EncodingSpace,
    gradient: RelaxedGradient,
    start: Encoding | None = None,
    seed: int = 0,
    settings: RelaxedSettings = RelaxedSettings(),
) -> Trying:
    """Climbs along gradients with respect to relaxed one-hot terms, and tries the encodings they point to.

    Each step mixes terms around the present encoding, moves the mixture along the gradient, and tries the encoding it
    snaps to and the single changes that the gradient promises most of. The first search seed draws everything.

    Args:
        space: the grid; locks and exclusions are kept.
        gradient: of the image model and the reward.
        start: where it begins; None draws it.
        seed: seed of every draw, 0 or larger.
        settings: how it climbs.

    Yields:
        Batches of proposals.

    Source: noisy diffusion gradient of arXiv 2311.15648 with the model's own gradient; relaxation of the discrete
    choice and snapping as in DPO-Diff (Wang et al. 2024), the steps are ours.
    """
    rng = child_rng(seed, "relaxed-gradient")
    known = KnownRewards()
    here = space.sample(rng) if start is None else start
    num_known = -1
    while len(known) > num_known:
        num_known = len(known)
        yield from _climb(space, here, gradient=gradient, known=known, settings=settings)
        here = space.sample(rng)


def _climb(
    space: EncodingSpace, start: Encoding, *, gradient: RelaxedGradient, known: KnownRewards, settings: RelaxedSettings
) -> Trying:
    yield from known.try_new([start])
    here, num_idle = start, 0
    pointed: list[Encoding] | None = None
    while num_idle < settings.patience:
        if pointed is None:
            pointed = candidates(space, here, gradient=gradient, settings=settings)
        new = [encoding for encoding in pointed if not known.has(encoding)][: settings.num_candidates]
        if not new:
            return
        yield from known.try_new(new)
        best = max(new, key=known.of)
        if known.of(best) > known.of(here):
            here, pointed, num_idle = best, None, 0
        else:
            num_idle += 1


def candidates(
    space: EncodingSpace, here: Encoding, *, gradient: RelaxedGradient, settings: RelaxedSettings
) -> list[Encoding]:
    """Asks the gradient where to go.

    Args:
        space: the grid.
        here: the present encoding.
        gradient: of the reward.
        settings: how the mixture moves.

    Returns:
        The encoding that the moved mixture snaps to, then single changes, the most promising first; all allowed, `here`
        not among them.
    """
    shares = _softened(space, here, softness=settings.softness)
    slope = gradient(here, shares)
    for number in range(settings.num_gradients):
        slope = gradient(here, shares) if number else slope
        shares = _moved(here, shares, slope, step_size=settings.step_size)
    snapped = Encoding(
        tuple(
            axis.index_of(space.locked[axis.id]) if axis.id in space.locked else int(row.argmax())
            for axis, row in zip(space.axes, shares, strict=True)
        )
    )
    singles = [
        (float(row[term] - row[here.indices[place]]), place, term)
        for place, row in enumerate(slope)
        for term in range(len(row))
        if term != here.indices[place]
    ]
    singles.sort(key=lambda entry: -entry[0])
    changed = [Encoding((*here.indices[:place], term, *here.indices[place + 1 :])) for _, place, term in singles]
    return [each for each in dict.fromkeys([snapped, *changed]) if each != here and space.allows(each)]


def _softened(space: EncodingSpace, here: Encoding, *, softness: float) -> Shares:
    rows: list[Probabilities] = []
    for axis, index in zip(space.axes, here.indices, strict=True):
        row = np.full(len(axis), softness / max(len(axis) - 1, 1))
        row[index] = 1.0 - softness if len(axis) > 1 else 1.0
        rows.append(row)
    return tuple(rows)


def _moved(here: Encoding, shares: Shares, slope: Sequence[np.ndarray], *, step_size: float) -> Shares:
    """Moves along the gradient by exponentiated shares: the largest gain of all axes has the full step size."""
    # Terms that are not in the mixture come in at half a step below its largest, so that one step from a single term
    # changes the axes that promise more than half of the largest gain.
    gains = [float(row.max() - row[index]) for row, index in zip(slope, here.indices, strict=True)]
    scale = step_size / max(MIN_SIZE, *gains)
    rows: list[Probabilities] = []
    for row, change in zip(shares, slope, strict=True):
        kept = np.maximum(row, row.max() * np.exp(-step_size / 2))
        grown = kept * np.exp(np.maximum(scale * (change - change.max()), MIN_EXPONENT))
        rows.append(grown / grown.sum())
    return tuple(rows)
