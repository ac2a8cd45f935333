"""What a search tells while it works: whoever watches, command line, notebook or test, sees the same events."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rldf.records import Percept, StoredStep

PictureKind = Literal["found", "start", "new"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRead:
    """The input was read; the search begins.

    Attributes:
        folder: the run folder.
        target: what scorer A read.
        target_terms: the same as axis id to term.
        start_terms: where the search begins.
        start_sentence: its sentence.
        num_stored_steps: tries on disk from before an interruption, 0 for a new run.
        notes: one line each; to be shown.
    """

    folder: Path
    target: Percept
    target_terms: Mapping[str, str]
    start_terms: Mapping[str, str]
    start_sentence: str
    num_stored_steps: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One try of search or validation.

    Attributes:
        step: the try.
        best: the try with the largest reward so far, in the search.
        renders: distinct pictures asked for so far.
        max_renders: limit of these.
        seconds: since the run began.
        is_replayed: True where the try was on disk already.
    """

    step: StoredStep
    best: StoredStep
    renders: int
    max_renders: int
    seconds: float
    is_replayed: bool

    @property
    def eta_s(self) -> float | None:
        """Seconds until the renders are used, at the speed so far; None before the first."""
        return self.seconds / self.renders * (self.max_renders - self.renders) if self.renders else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureDrawn:
    """A picture of the result was drawn, for the judgement or as a new one.

    Attributes:
        kind: "found" and "start" for the judgement, "new" for the user.
        path: where it lies.
        position: from 1.
        count: pictures of this kind.
    """

    kind: PictureKind
    path: Path
    position: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The run is complete.

    Attributes:
        folder: the run folder.
        summary: content of `summary.json`.
    """

    folder: Path
    summary: Mapping[str, Any]


SearchEvent = InputRead | Tried | PictureDrawn | RunFinished
