"""Makes the content of `summary.json` from what a run found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rldf.grammar import Grammar
from rldf.records import StoredStep
from rldf.records.json_forms import Json
from rldf.search.budget import Ledger, Stopped
from rldf.search.judge import Judgement
from rldf.search.select import Candidate
from rldf.space import Encoding, EncodingSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that a finished run found.

    Attributes:
        target: what scorer A read in the input.
        start: where the search began.
        candidates: what validation looked at, the chosen one first.
        input_reading: what scorer B read in the input.
        found_judgement, start_judgement: what scorer B says of either.
        images: file names by kind: "found", "start", "new".
        stopped: what ended the search.
        notes: one line each.
    """

    target: Encoding
    start: Encoding
    candidates: Sequence[Candidate]
    input_reading: Encoding
    found_judgement: Judgement
    start_judgement: Judgement
    images: Mapping[str, Sequence[str]]
    stopped: Stopped
    notes: Sequence[str]

    @property
    def found(self) -> Encoding:
        """The encoding chosen."""
        return self.candidates[0].encoding


def make_summary(
    findings: Findings,
    *,
    run: str,
    run_header: Mapping[str, Any],
    grammar: Grammar,
    space: EncodingSpace,
    steps: Sequence[StoredStep],
    ledger: Ledger,
) -> Json:
    """Makes the content of `summary.json`, as `docs/run-folder.md` lists it.

    Args:
        findings: what the run found.
        run: the run folder.
        run_header: content of `run.json`.
        grammar: renders sentences.
        space: the grid.
        steps: every try.
        ledger: what was used.

    Returns:
        An object that JSON can hold.
    """
    found, start = findings.found_judgement, findings.start_judgement
    return {
        "run": run,
        "sentence": grammar.render(findings.found),
        "encoding": space.terms(findings.found),
        "target": space.terms(findings.target),
        "reached": findings.found == findings.target,
        "alarm": found.score < start.score,
        "model": {key: run_header["model"][key] for key in ("id", "digest")},
        "score": found.score,
        "score_ci95": list(found.ci95),
        "start_score": start.score,
        "start_score_ci95": list(start.ci95),
        "start_encoding": space.terms(findings.start),
        "start_sentence": grammar.render(findings.start),
        "budget": ledger.as_json(),
        "stopped": findings.stopped,
        "judge": {
            "is_independent": run_header["judge"]["is_independent"],
            "input_reading": space.terms(findings.input_reading),
        },
        "axes": _axes(findings, space=space, steps=steps),
        "candidates": [
            {
                "encoding": space.terms(candidate.encoding),
                "sentence": grammar.render(candidate.encoding),
                "search_reward": candidate.search_reward,
                "validation_reward": candidate.validation_reward,
                "validation_renders": len(candidate.rewards),
            }
            for candidate in findings.candidates
        ],
        "images": {kind: list(names) for kind, names in findings.images.items()},
        "notes": list(findings.notes),
    }


def _axes(findings: Findings, *, space: EncodingSpace, steps: Sequence[StoredStep]) -> Json:
    """Evidence for each axis: scorer B on found and start, and what the search saw of each term."""
    return {
        axis.id: {
            "term": axis.terms[findings.found.indices[position]],
            "found": findings.found_judgement.axes[position],
            "start": findings.start_judgement.axes[position],
            "alternatives": _alternatives(axis.terms, position=position, steps=steps),
        }
        for position, axis in enumerate(space.axes)
    }


def _alternatives(terms: Sequence[str], *, position: int, steps: Sequence[StoredStep]) -> list[Json]:
    """The terms of an axis that the search tried: mean reward over their distinct pictures, the best first."""
    rewards: dict[str, list[float]] = {}
    for step in steps:
        if step.phase == "search" and step.is_new_render:
            rewards.setdefault(terms[step.encoding.indices[position]], []).append(step.reward)
    rows = [
        {"term": term, "mean_reward": float(np.mean(values)), "tries": len(values)} for term, values in rewards.items()
    ]
    return sorted(rows, key=lambda row: (-float(row["mean_reward"]), str(row["term"])))
