"""StoredRun: a search run as its folder tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rldf.web.fields import Fields

Terms = Mapping[str, str]
"""Axis id to term."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsed:
    """A model that took part.

    Attributes:
        role: what it did, in plain words.
        id: its name.
        digest: of its weights; "" where unknown.
        details: further facts, one line.
    """

    role: str
    id: str
    digest: str
    details: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAxis:
    """An axis of the run's grammar: its id, its kind and its terms in order."""

    id: str
    kind: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What scorer A read in the input.

    Attributes:
        terms: the most probable term of each axis.
        probabilities: axis id to one probability per term, in the order of the axis.
        unsure_axes: axes on which it abstained.
    """

    terms: Terms
    probabilities: Mapping[str, tuple[float, ...]]
    unsure_axes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTry:
    """One try.

    Attributes:
        step: its number, from 0.
        phase: "search" or "validation".
        terms: the words tried.
        sentence: what they spell.
        seed_index: which seed of the phase drew it.
        image: path of the picture, relative to the run folder.
        seen: what scorer A read in the picture.
        reward: larger is better; None where it was not finite.
        is_terminal: True where the try ended an episode.
        is_new_render: False where this picture had been asked for before.
        distance: moves from the words to what was read in the input; None where unknown.
    """

    step: int
    phase: str
    terms: Terms
    sentence: str
    seed_index: int
    image: str
    seen: Terms
    reward: float | None
    is_terminal: bool
    is_new_render: bool
    distance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another term that was tried on an axis, with its mean reward and number of tries."""

    term: str
    mean_reward: float | None
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisResult:
    """What came out on one axis.

    Attributes:
        term: the term found.
        found: scorer B's mean probability, on pictures of the found words, of the term B reads in the input.
        start: the same for the words the search started from.
        alternatives: other terms, best first.
    """

    term: str
    found: float | None
    start: float | None
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Words that were compared on the validation seeds."""

    terms: Terms
    sentence: str
    search_reward: float | None
    validation_reward: float | None
    validation_renders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A mean probability, 0 to 1, with its 95 % interval; each None where it was not measured."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The result of a finished run; the fields stand in docs/run-folder.md."""

    sentence: str
    terms: Terms
    is_reached: bool
    is_alarm: bool
    score: Score
    start_score: Score
    start_terms: Terms
    start_sentence: str
    budget: Mapping[str, float]
    stopped: str
    judge_reading: Terms
    axes: Mapping[str, AxisResult]
    candidates: tuple[Candidate, ...]
    found_images: tuple[str, ...]
    start_images: tuple[str, ...]
    new_images: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInput:
    """A picture the user gave: the path it had, and its copy in the run folder."""

    path: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """Everything a run folder tells; the fields stand in docs/run-folder.md."""

    folder: Path
    id: str
    created: str
    command: str
    versions: Mapping[str, str]
    device: str
    dtype: str
    seed: str
    seeds: Mapping[str, tuple[str, ...]]
    config: Fields
    models: tuple[ModelUsed, ...]
    is_judge_independent: bool
    grammar_name: str
    grammar_digest: str
    axes: tuple[StoredAxis, ...]
    inputs: tuple[StoredInput, ...]
    locked: Terms
    target: Reading
    start_terms: Terms
    start_source: str
    notes: tuple[str, ...]
    steps: tuple[StoredTry, ...]
    summary: Summary | None

    @property
    def search_steps(self) -> tuple[StoredTry, ...]:
        """The tries of the search itself, in order."""
        return tuple(step for step in self.steps if step.phase == "search")

    @property
    def validation_steps(self) -> tuple[StoredTry, ...]:
        """The tries that compared the candidates."""
        return tuple(step for step in self.steps if step.phase == "validation")

    @property
    def best_step(self) -> StoredTry | None:
        """The try with the largest reward, the first of equals; None before the first."""
        scored = [step for step in self.search_steps if step.reward is not None]
        return max(scored, key=lambda step: step.reward or 0.0, default=None)
