"""What a judge misreads: which terms it takes for which, and whether two judges err on the same pictures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from rldf.records.percept import Percept
from rldf.worlds.fidelity import read_terms
from rldf.worlds.trials import Trials


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """A term that was read as another one.

    Attributes:
        asked: the term asked for.
        read: the term read instead.
        count: in how many pictures.
    """

    asked: str
    read: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedErrors:
    """Cohen's kappa of the errors of two judges: 0 where they err independently, 1 where always together.

    Attributes:
        axes: axis id to kappa; None where one of the judges never errs, or always.
        overall: over all axes of all pictures together; None likewise.
    """

    axes: Mapping[str, float | None]
    overall: float | None


def find_confusions(percepts: Sequence[Percept], trials: Trials, *, most: int = 6) -> dict[str, list[Confusion]]:
    """Counts which terms are read as which.

    Args:
        percepts: what the judge read, a percept per trial.
        trials: what was asked for.
        most: how many are named for an axis.

    Returns:
        Axis id to its most frequent confusions, the most frequent first; an axis without any is missing.
    """
    read, asked = read_terms(percepts), trials.asked
    found = {}
    for k, axis in enumerate(trials.space.axes):
        wrong = trials.counted[:, k] & (read[:, k] != asked[:, k])
        pairs = Counter(zip(asked[wrong, k].tolist(), read[wrong, k].tolist(), strict=True))
        if pairs:
            ranked = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
            found[axis.id] = [Confusion(asked=axis.terms[a], read=axis.terms[r], count=n) for (a, r), n in ranked]
    return found


def worst_trials(percepts: Sequence[Percept], trials: Trials, *, axis_id: str, most: int = 12) -> list[int]:
    """Finds the pictures that are misread most certainly on an axis.

    Args:
        percepts: what the judge read, a percept per trial.
        trials: what was asked for.
        axis_id: the axis.
        most: at most so many are given.

    Returns:
        Places of the trials, the term asked for least probable first.
    """
    k = [axis.id for axis in trials.space.axes].index(axis_id)
    wrong = np.flatnonzero(trials.counted[:, k] & (read_terms(percepts)[:, k] != trials.asked[:, k]))
    return sorted(wrong.tolist(), key=lambda t: float(percepts[t].probability_of(trials.encodings[t])[k]))[:most]


def compare_errors(first: Sequence[Percept], second: Sequence[Percept], trials: Trials) -> SharedErrors:
    """Measures whether two judges misread the same pictures.

    Args:
        first: what one judge read, a percept per trial.
        second: what the other read.
        trials: what was asked for.

    Returns:
        Kappa of the two indicators "reads it wrongly", where the renderer marks the axis visible.
    """
    wrong = [read_terms(percepts) != trials.asked for percepts in (first, second)]
    return SharedErrors(
        axes={
            axis.id: cohen_kappa(wrong[0][counted, k], wrong[1][counted, k])
            for k, axis in enumerate(trials.space.axes)
            if (counted := trials.counted[:, k]).any()
        },
        overall=cohen_kappa(wrong[0][trials.counted], wrong[1][trials.counted]),
    )


def cohen_kappa(first: Bool[np.ndarray, " trials"], second: Bool[np.ndarray, " trials"]) -> float | None:
    """Measures the agreement of two yes-or-no judgements beyond chance.

    Args:
        first: judgements of one.
        second: judgements of the other, of the same things.

    Returns:
        -1 to 1; None where a judgement never varies, since there is no agreement beyond chance then.

    Example:
        >>> cohen_kappa(np.array([True, True, False, False]), np.array([True, False, False, False]))
        0.5

    Source: Cohen, "A coefficient of agreement for nominal scales", 1960.
    """
    if len(first) == 0 or first.all() or second.all() or not first.any() or not second.any():
        return None
    agreement = float((first == second).mean())
    p, q = float(first.mean()), float(second.mean())
    chance = p * q + (1 - p) * (1 - q)
    return (agreement - chance) / (1 - chance)
