"""Validation: is what the search found better than the start it could have had for nothing?

A search that maximises a noisy reward likes lucky pictures. So the best few encodings and the start are drawn anew on
seeds the search never saw, paired seed by seed, and the found encoding replaces the start only where its gain stands
clear of the noise. Rule and numbers are our choice; `docs/methods/search.md` gives the reasons.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from rldf.contracts import Feedback, Searcher
from rldf.records import StepRecord, StoredStep
from rldf.search.budget import Ledger
from rldf.searchers import RankedEncoding, rank_by_records
from rldf.space import Encoding

MAX_CHALLENGERS = 3
NUM_RANKED = 8  # candidates reported
FIRST_ROUND_PAIRS = 2
PSEUDO_PAIRS = 2.0
MIN_SPREAD = 1e-3


@runtime_checkable
class Ranks(Protocol):
    """A searcher that can say which encodings it believes to be best."""

    def ranking(self, max_encodings: int, /) -> Sequence[RankedEncoding]:
        """Gives at most so many encodings, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionRule:
    """When a found encoding replaces the start. The unit is the spread of the rewards met in the search.

    Attributes:
        min_gain: smallest paired mean gain, in spreads.
        num_errors: the gain must be larger than this many standard errors.
        prior_deviation: deviation of one paired difference expected beforehand, in spreads; it counts like two further
            pairs, so that two lucky pairs alone do not convince.
    """

    min_gain: float = 0.05
    num_errors: float = 2.0
    prior_deviation: float = 0.35


@dataclass(slots=True, kw_only=True)
class Candidate:
    """One encoding that validation looked at.

    Attributes:
        encoding: the point.
        search_reward: mean reward of its tries in the search; None where it was not tried.
        rewards: its rewards on validation seeds, in their order.
    """

    encoding: Encoding
    search_reward: float | None
    rewards: list[float] = field(default_factory=list)

    @property
    def validation_reward(self) -> float | None:
        """Mean reward on validation seeds; None where it was not validated."""
        return float(np.mean(self.rewards)) if self.rewards else None


def rank(searcher: Searcher, records: Sequence[StepRecord], *, count: int) -> list[Encoding]:
    """Ranks encodings: by the searcher's own belief where it has one, else by the rewards of their tries.

    Args:
        searcher: the searcher at the end of its search.
        records: the tries of the search.
        count: at most so many.

    Returns:
        Encodings, all different, the best first.
    """
    ranked = searcher.ranking(count) if isinstance(searcher, Ranks) else rank_by_records(records, max_encodings=count)
    return list(dict.fromkeys(entry.encoding for entry in ranked))[:count]


def validate(
    ranked: Sequence[Encoding],
    *,
    start: Encoding,
    steps: Sequence[StoredStep],
    feedback: Feedback,
    ledger: Ledger,
    seed_of: Callable[[int], int],
    spread: float,
) -> list[Candidate]:
    """Draws the start and the best challengers on validation seeds, paired.

    The first round gives each challenger two pairs; the second gives all that is left to the best of them. What lay
    more than a spread below the start in the search is no challenger.

    Args:
        ranked: encodings, the best first; the start may be among them.
        start: the encoding that cost nothing.
        steps: the tries of the search.
        feedback: tries encodings in the validation phase.
        ledger: its limits are never passed.
        seed_of: gives a validation seed by index.
        spread: of the rewards in the search, larger than 0.

    Returns:
        The start first, then the ranked candidates, validated or not.
    """
    rewards = _rewards(steps)
    first, *others = [
        Candidate(encoding=e, search_reward=float(np.mean(rewards[e])) if e in rewards else None)
        for e in [start, *(e for e in ranked if e != start)]
    ]
    hopeful = [other for other in others if not _is_hopeless(other, start=first, spread=spread)]
    candidates = [first, *hopeful, *(other for other in others if other not in hopeful)]
    renders = ledger.validation_renders_left
    num_challengers = min(MAX_CHALLENGERS, max(1, renders // 5), len(hopeful))
    pairs = min(FIRST_ROUND_PAIRS, renders // (num_challengers + 1)) if num_challengers > 1 else renders // 2
    if num_challengers == 0 or pairs == 0:
        return candidates
    _draw(candidates[: num_challengers + 1], pairs=pairs, feedback=feedback, seed_of=seed_of)
    more = (renders - (num_challengers + 1) * pairs) // 2
    if more > 0 and ledger.validation_renders_left > 0:
        best = max(candidates[1 : num_challengers + 1], key=lambda candidate: float(np.mean(candidate.rewards)))
        _draw([candidates[0], best], pairs=more, feedback=feedback, seed_of=seed_of)
    return candidates


def choose(candidates: Sequence[Candidate], *, rule: SelectionRule, spread: float) -> Candidate:
    """Chooses between the start and the challenger with most pairs; the others fell behind in the first round.

    Args:
        candidates: the start first; as `validate` returns them.
        rule: when a challenger wins.
        spread: of the rewards in the search, larger than 0.

    Returns:
        The challenger, where its paired gain over the start stands clear of the noise; else the start.
    """
    start, *challengers = candidates
    best = max(challengers, key=lambda challenger: (len(challenger.rewards), _mean(challenger)), default=start)
    if best is start or not best.rewards:
        return start
    gains = (np.array(best.rewards) - np.array(start.rewards[: len(best.rewards)])) / spread
    squares = float(((gains - gains.mean()) ** 2).sum()) + PSEUDO_PAIRS * rule.prior_deviation**2
    error = float(np.sqrt(squares / (len(gains) - 1 + PSEUDO_PAIRS) / len(gains)))
    return best if float(gains.mean()) > max(rule.min_gain, rule.num_errors * error) else start


def spread_of(steps: Sequence[StoredStep], *, bounds: tuple[float, float]) -> float:
    """Standard deviation of the rewards of the search's distinct pictures; at least a thousandth of their range."""
    rewards = [reward for values in _rewards(steps).values() for reward in values]
    least = MIN_SPREAD * (bounds[1] - bounds[0])
    return max(least, float(np.std(rewards))) if rewards else least


def sort_candidates(candidates: Sequence[Candidate], *, found: Candidate) -> list[Candidate]:
    """Sorts for the report: what was chosen, then by validation reward, then those not validated."""

    def place(candidate: Candidate) -> tuple[bool, float]:
        reward = candidate.validation_reward
        return candidate is not found, float("inf") if reward is None else -reward

    return sorted(candidates, key=place)


def _is_hopeless(candidate: Candidate, *, start: Candidate, spread: float) -> bool:
    """True where both were tried in the search and the candidate lay more than a spread below the start."""
    if candidate.search_reward is None or start.search_reward is None:
        return False
    return candidate.search_reward < start.search_reward - spread


def _mean(candidate: Candidate) -> float:
    return float(np.mean(candidate.rewards)) if candidate.rewards else -np.inf


def _draw(candidates: Sequence[Candidate], *, pairs: int, feedback: Feedback, seed_of: Callable[[int], int]) -> None:
    """Draws each candidate on its next validation seeds: those of the first ones are the same for all."""
    asked = [(candidate, seed_of(len(candidate.rewards) + pair)) for pair in range(pairs) for candidate in candidates]
    records = feedback.try_encodings([candidate.encoding for candidate, _ in asked], seeds=[seed for _, seed in asked])
    for (candidate, _), record in zip(asked, records, strict=True):
        candidate.rewards.append(record.reward)


def _rewards(steps: Sequence[StoredStep]) -> dict[Encoding, list[float]]:
    """Rewards of each encoding's distinct pictures in the search."""
    rewards: dict[Encoding, list[float]] = {}
    for step in steps:
        if step.phase == "search" and step.is_new_render:
            rewards.setdefault(step.encoding, []).append(step.reward)
    return rewards
