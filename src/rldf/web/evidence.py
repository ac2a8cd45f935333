"""What the tries say about each axis, and about the words that were compared at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from rldf.web.pictures import SMALL_PX, Picture, embed
from rldf.web.stored_run import Alternative, AxisResult, Candidate, StoredAxis, StoredRun, StoredTry, Terms

MAX_CANDIDATE_PICTURES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One word of the encoding.

    Attributes:
        axis: axis id.
        term: the term found.
        read: the term read in the input; "" where the reading has no such axis.
        is_unsure: True where the reading abstained on this axis.
        is_locked: True where the user held the axis.
    """

    axis: str
    term: str
    read: str
    is_unsure: bool
    is_locked: bool

    @property
    def agrees(self) -> bool:
        """True where the term is the one read in the input."""
        return self.term == self.read


@dataclass(frozen=True, slots=True, kw_only=True)
class TermEvidence:
    """What is known of one term of an axis.

    Attributes:
        term: the term.
        num_pictures: distinct pictures of the search that were asked for with it.
        mean_reward: of these pictures; None without any.
        bar_left: where its bar begins, percent of the width.
        bar_width: length of its bar, percent of the width.
        read_share: probability of the term in the input, 0 to 1; None where unknown.
        is_found: True for the term of the result (or of the best so far).
        is_read: True for the term read in the input.
        is_start: True for the term the search began with.
    """

    term: str
    num_pictures: int
    mean_reward: float | None
    bar_left: float
    bar_width: float
    read_share: float | None
    is_found: bool
    is_read: bool
    is_start: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisEvidence:
    """What is known of one axis.

    Attributes:
        axis: the axis.
        rows: terms that were tried, read, found or begun with, in the order of the axis.
        untried: the other terms.
        result: scorer B's view; None before the end.
        alternatives: other terms worth a look, best first.
    """

    axis: StoredAxis
    rows: tuple[TermEvidence, ...]
    untried: tuple[str, ...]
    result: AxisResult | None
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateEvidence:
    """Words compared on validation seeds, with pictures of them."""

    candidate: Candidate
    pictures: tuple[Picture, ...]
    is_found: bool
    is_start: bool


def best_terms(run: StoredRun) -> Terms:
    """The words found; before the end the best so far, and before the first try the start."""
    if run.summary is not None:
        return run.summary.terms
    return run.start_terms if run.best_step is None else run.best_step.terms


def chips(run: StoredRun) -> tuple[Chip, ...]:
    """The words of the result, in the order of the axes."""
    terms = best_terms(run)
    return tuple(
        Chip(
            axis=axis.id,
            term=terms[axis.id],
            read=run.target.terms.get(axis.id, ""),
            is_unsure=axis.id in run.target.unsure_axes,
            is_locked=axis.id in run.locked,
        )
        for axis in run.axes
        if axis.id in terms
    )


def axis_evidence(run: StoredRun) -> tuple[AxisEvidence, ...]:
    """Gathers, for every axis, what the search tries say about its terms.

    Args:
        run: a run as stored.

    Returns:
        One entry per axis of the grammar.
    """
    means = {axis.id: _means(axis, run.search_steps) for axis in run.axes}
    every = [mean for of_axis in means.values() for mean in of_axis.values()]
    low, high = min([0.0, *every]), max([0.0, *every])
    return tuple(_axis(run, axis, means=means[axis.id], low=low, high=high) for axis in run.axes)


def candidate_evidence(run: StoredRun) -> tuple[CandidateEvidence, ...]:
    """Joins the candidates of a finished run with pictures of their validation.

    Args:
        run: a run as stored.

    Returns:
        One entry per candidate, in stored order; empty before the end.
    """
    summary = run.summary
    if summary is None:
        return ()
    rows: list[CandidateEvidence] = []
    for candidate in summary.candidates:
        steps = [step for step in run.validation_steps if step.terms == candidate.terms][:MAX_CANDIDATE_PICTURES]
        pictures = [embed(run.folder, step.image, max_px=SMALL_PX // 2, is_main=False) for step in steps]
        rows.append(
            CandidateEvidence(
                candidate=candidate,
                pictures=tuple(picture for picture in pictures if picture is not None),
                is_found=candidate.terms == summary.terms,
                is_start=candidate.terms == (summary.start_terms or run.start_terms),
            )
        )
    return tuple(rows)


def _means(axis: StoredAxis, steps: Sequence[StoredTry]) -> dict[str, float]:
    rewards: dict[str, list[float]] = {}
    for step in steps:
        if step.reward is not None and step.is_new_render and axis.id in step.terms:
            rewards.setdefault(step.terms[axis.id], []).append(step.reward)
    return {term: fmean(values) for term, values in rewards.items()}


def _axis(run: StoredRun, axis: StoredAxis, *, means: dict[str, float], low: float, high: float) -> AxisEvidence:
    found, start = best_terms(run).get(axis.id), run.start_terms.get(axis.id)
    read = run.target.terms.get(axis.id)
    distinct = [step for step in run.search_steps if step.is_new_render]
    pictures = {term: sum(step.terms.get(axis.id) == term for step in distinct) for term in axis.terms}
    shares = dict(zip(axis.terms, run.target.probabilities.get(axis.id, ()), strict=False))
    span = high - low if high > low else 1.0
    rows = tuple(
        TermEvidence(
            term=term,
            num_pictures=pictures[term],
            mean_reward=means.get(term),
            bar_left=round((min(0.0, means.get(term, 0.0)) - low) / span * 100, 1),
            bar_width=round(abs(means.get(term, 0.0)) / span * 100, 1),
            read_share=shares.get(term),
            is_found=term == found,
            is_read=term == read,
            is_start=term == start,
        )
        for term in axis.terms
        if pictures[term] or term in {found, start, read}
    )
    shown = {row.term for row in rows}
    result = None if run.summary is None else run.summary.axes.get(axis.id)
    return AxisEvidence(
        axis=axis,
        rows=rows,
        untried=tuple(term for term in axis.terms if term not in shown),
        result=result,
        alternatives=_alternatives(rows) if result is None else _others(result.alternatives, found=found),
    )


def _others(alternatives: Sequence[Alternative], *, found: str | None) -> tuple[Alternative, ...]:
    return tuple(alternative for alternative in alternatives if alternative.term != found)


def _alternatives(rows: Sequence[TermEvidence]) -> tuple[Alternative, ...]:
    others = [row for row in rows if row.num_pictures and not row.is_found and row.mean_reward is not None]
    others.sort(key=lambda row: -(row.mean_reward or 0.0))
    return tuple(Alternative(term=row.term, mean_reward=row.mean_reward, tries=row.num_pictures) for row in others)
