"""Reads a run folder into a `StoredRun`, without models and without changing anything."""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path

from rldf.errors import RecordError
from rldf.records import read_json, read_step_lines
from rldf.web.fields import Fields
from rldf.web.stored_run import (
    Alternative,
    AxisResult,
    Candidate,
    ModelUsed,
    Reading,
    Score,
    StoredAxis,
    StoredInput,
    StoredRun,
    StoredTry,
    Summary,
)


def read_stored_run(folder: Path) -> StoredRun:
    """Reads a run folder, finished or not, for a page.

    Args:
        folder: the run folder.

    Returns:
        What it holds.

    Raises:
        RecordError: if it is no run folder, is of another version or kind, or is damaged.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise RecordError(
            f"{folder} is no run folder: it has no run.json. A run folder is made by 'rldf search'. "
            "'rldf runs list' shows the runs there are."
        )
    fields = Fields(read_json(path), where=str(path))
    _require_search(fields, path=path)
    summary_path = folder / "summary.json"
    return StoredRun(
        folder=folder,
        id=fields.text("id"),
        created=fields.optional_text("created"),
        command=fields.optional_text("command"),
        versions=fields.text_map("versions"),
        device=fields.optional_text("device"),
        dtype=fields.optional_text("dtype"),
        seed=fields.optional_text("seed"),
        seeds={name: fields.child("seeds").texts(name) for name in fields.optional_child("seeds").names},
        config=fields.optional_child("config"),
        models=_models(fields),
        is_judge_independent=fields.optional_child("judge").flag("is_independent"),
        grammar_name=fields.child("grammar").optional_text("name"),
        grammar_digest=fields.child("grammar").optional_text("digest"),
        axes=tuple(
            StoredAxis(id=axis.text("id"), kind=axis.optional_text("kind"), terms=axis.texts("terms"))
            for axis in fields.child("grammar").children("axes")
        ),
        inputs=tuple(
            StoredInput(path=i.optional_text("path"), file=i.text("file"), sha256=i.optional_text("sha256"))
            for i in fields.children("inputs")
        ),
        locked=fields.text_map("locked"),
        target=_reading(fields.child("target")),
        start_terms=fields.optional_child("start").text_map("terms"),
        start_source=fields.optional_child("start").optional_text("source"),
        notes=fields.texts("notes"),
        steps=tuple(
            _step(Fields(line, where=f"{folder / 'steps.jsonl'}, line {number}"))
            for number, line in enumerate(read_step_lines(folder), start=1)
        ),
        summary=_summary(Fields(read_json(summary_path), where=str(summary_path))) if summary_path.is_file() else None,
    )


def _require_search(fields: Fields, *, path: Path) -> None:
    kind = fields.optional_text("kind")
    if kind != "search":
        raise RecordError(f"{path} is a run of kind '{kind}'; a report is made of 'search'. Give a search run.")


def _models(fields: Fields) -> tuple[ModelUsed, ...]:
    roles = {
        "model": "image model (draws)",
        "perception": "scorer A (guides the search)",
        "judge": "scorer B (only judges)",
    }
    models: list[ModelUsed] = []
    for name, role in roles.items():
        part = fields.optional_child(name)
        if part.names:
            details = part.optional_text("identity") if name == "model" else part.optional_text("kind")
            models.append(
                ModelUsed(
                    role=role,
                    id=part.optional_text("id"),
                    digest=part.optional_text("digest"),
                    details=details,
                )
            )
    return tuple(models)


def _reading(fields: Fields) -> Reading:
    probabilities = fields.optional_child("probabilities")
    return Reading(
        terms=fields.child("terms").as_texts(),
        probabilities={axis: probabilities.numbers(axis) for axis in probabilities.names},
        unsure_axes=fields.texts("unsure_axes"),
    )


def _step(fields: Fields) -> StoredTry:
    return StoredTry(
        step=fields.whole("step"),
        phase=fields.text("phase"),
        terms=fields.child("encoding").child("terms").as_texts(),
        sentence=fields.optional_text("sentence"),
        seed_index=fields.whole("seed_index") if "seed_index" in fields else 0,
        image=fields.optional_text("image"),
        seen=fields.optional_child("percept").text_map("terms"),
        reward=fields.number("reward"),
        is_terminal=fields.flag("is_terminal"),
        is_new_render=fields.flag("is_new_render", default=True),
        distance=fields.number("distance"),
    )


def _summary(fields: Fields) -> Summary:
    images = fields.optional_child("images")
    budget = fields.optional_child("budget")
    amounts = {name: budget.number(name) for name in budget.names}
    axes = fields.optional_child("axes")
    return Summary(
        sentence=fields.text("sentence"),
        terms=fields.text_map("encoding"),
        is_reached=fields.flag("reached"),
        is_alarm=fields.flag("alarm"),
        score=_score(fields, name="score"),
        start_score=_score(fields, name="start_score"),
        start_terms=fields.text_map("start_encoding"),
        start_sentence=fields.optional_text("start_sentence"),
        budget={name: amount for name, amount in amounts.items() if amount is not None},
        stopped=fields.optional_text("stopped"),
        judge_reading=fields.optional_child("judge").text_map("input_reading"),
        axes={axis: _axis_result(axes.child(axis)) for axis in axes.names},
        candidates=tuple(_candidate(candidate) for candidate in fields.children("candidates")),
        found_images=images.texts("found"),
        start_images=images.texts("start"),
        new_images=images.texts("new"),
        notes=fields.texts("notes"),
    )


def _score(fields: Fields, *, name: str) -> Score:
    interval = fields.numbers(f"{name}_ci95")
    is_interval = len(interval) == len(("low", "high")) and all(map(isfinite, interval))
    low, high = interval if is_interval else (None, None)
    return Score(value=fields.number(name), low=low, high=high)


def _axis_result(fields: Fields) -> AxisResult:
    return AxisResult(
        term=fields.optional_text("term"),
        found=fields.number("found"),
        start=fields.number("start"),
        alternatives=tuple(
            Alternative(
                term=a.text("term"),
                mean_reward=a.number("mean_reward"),
                tries=a.whole("tries") if "tries" in a else 0,
            )
            for a in fields.children("alternatives")
        ),
    )


def _candidate(fields: Fields) -> Candidate:
    encoding = fields.child("encoding")
    is_full = isinstance(encoding.raw("terms"), Mapping)  # {"terms", "indices"}, or axis id to term at once
    return Candidate(
        terms=encoding.child("terms").as_texts() if is_full else encoding.as_texts(),
        sentence=fields.optional_text("sentence"),
        search_reward=fields.number("search_reward"),
        validation_reward=fields.number("validation_reward"),
        validation_renders=fields.whole("validation_renders") if "validation_renders" in fields else 0,
    )
