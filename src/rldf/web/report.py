"""The report of a run: one self-contained HTML page from records alone."""

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rldf.web.charts import distance_chart, judge_chart, reward_chart, rolling_window, score_chart
from rldf.web.evidence import axis_evidence, best_terms, candidate_evidence, chips
from rldf.web.extras import alternative_pictures, shown_extras
from rldf.web.fields import Fields
from rldf.web.film import Frame, frames
from rldf.web.finetune_report import write_finetune_report
from rldf.web.finetune_run import is_finetune
from rldf.web.pages import render_page, write_page
from rldf.web.pictures import INPUT_PX, MAIN_PX, SMALL_PX, Picture, embed
from rldf.web.references import references_of
from rldf.web.run_reading import read_stored_run
from rldf.web.stored_run import StoredRun
from rldf.web.wording import NOTHING, alarm_sentence, amount, duration, number, score_meaning, score_sentence

MAX_PICTURES = 64
"""At most so many new pictures, and so many pictures of the found words, are shown (our choice)."""
MAX_PAIRS = 16
_MAX_INPUTS = 6
_MANY_PICTURES = 24
_MIB_PER_GIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A picture in its place: None where the file is gone."""

    picture: Picture | None
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Pictures of the start and of the words found, drawn with one test seed."""

    start: _Shown
    found: _Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class _LedgerRow:
    """One line of the budget ledger."""

    label: str
    value: str
    meaning: str


def write_report(run_folder: Path, *, out: Path | None = None) -> Path:
    """Writes one self-contained HTML page about a run - a search or a fine-tuning -, finished or not.

    The page holds its pictures, needs no network and runs no script. A folder that is no run, is of another version
    or damaged, and a place that cannot be written, raise `RecordError`.

    Args:
        run_folder: the run folder.
        out: where to write; the run folder's report.html if None. An older page there is replaced.

    Returns:
        Where it was written.
    """
    if is_finetune(run_folder):
        return write_finetune_report(run_folder, out=out)
    run = read_stored_run(run_folder)
    page = render_page("report.html.j2", _values(run))
    return write_page(page, run_folder / "report.html" if out is None else out)


def _values(run: StoredRun) -> dict[str, object]:
    summary = run.summary
    strip = frames(run)
    best = run.best_step
    axes = axis_evidence(run)
    sentence = summary.sentence if summary is not None else "" if best is None else best.sentence
    return {
        "run": run,
        "summary": summary,
        "sentence": sentence,
        "inputs": _inputs(run),
        "chips": chips(run),
        "score_line": "" if summary is None else score_sentence(summary),
        "score_meaning": "" if summary is None else score_meaning(run, summary),
        "score_svg": "" if summary is None else score_chart(summary),
        "alarm": alarm_sentence(run, summary) if summary is not None and summary.is_alarm else "",
        "notes": list(dict.fromkeys((*run.notes, *(() if summary is None else summary.notes)))),
        "galleries": _galleries(run),
        "frames": strip,
        "bars": _bars(strip),
        "best": best,
        "reward_svg": reward_chart(run.steps),
        "distance_svg": distance_chart(run.steps),
        "distance_window": rolling_window(len(run.search_steps)),
        "axes": axes,
        "judge_svg": "" if summary is None else judge_chart(summary.axes),
        "pairs": _pairs(run),
        "is_start_found": summary is not None and summary.terms == summary.start_terms,
        "candidates": candidate_evidence(run),
        "ledger": _ledger(run),
        "settings": list(_flatten(run.config)),
        "is_reading_reached": best_terms(run) == run.target.terms,
        "resume_command": f"rldf runs resume {shlex.quote(os.fspath(run.folder))}",
        "references": references_of(run.folder),
        "extras": shown_extras(run.folder),
        "alternatives": alternative_pictures(run, axes),
    }


def _inputs(run: StoredRun) -> list[tuple[str, Picture | None]]:
    shown = run.inputs[:_MAX_INPUTS]
    max_px = INPUT_PX if len(shown) == 1 else SMALL_PX
    return [(i.path.replace("\\", "/").rsplit("/", 1)[-1], embed(run.folder, i.file, max_px=max_px)) for i in shown]


def _galleries(run: StoredRun) -> list[tuple[str, list[_Shown]]]:
    if run.summary is None:
        return []
    kinds = (
        ("New pictures", run.summary.new_images),
        ("Test pictures, by which the score was measured", run.summary.found_images),
    )
    return [(title, _show(run, files[:MAX_PICTURES])) for title, files in kinds if files]


def _show(run: StoredRun, files: Sequence[str], *, max_px: int | None = None) -> list[_Shown]:
    if max_px is None:
        max_px = MAIN_PX if len(files) <= _MANY_PICTURES else SMALL_PX
    return [_Shown(picture=embed(run.folder, file, max_px=max_px), file=file.rsplit("/", 1)[-1]) for file in files]


def _pairs(run: StoredRun) -> list[_Pair]:
    if run.summary is None or run.summary.terms == run.summary.start_terms:
        return []
    count = min(MAX_PAIRS, len(run.summary.start_images), len(run.summary.found_images))
    start = _show(run, run.summary.start_images[:count], max_px=SMALL_PX)
    found = _show(run, run.summary.found_images[:count], max_px=SMALL_PX)
    return [_Pair(start=s, found=f) for s, f in zip(start, found, strict=True)]


def _bars(strip: Sequence[Frame]) -> dict[int, float]:
    rewards = {frame.step.step: frame.step.reward for frame in strip if frame.step.reward is not None}
    low, high = min([0.0, *rewards.values()]), max([0.0, *rewards.values()])
    span = high - low if high > low else 1.0
    return {step: round((reward - low) / span * 100, 1) for step, reward in rewards.items()}


def _ledger(run: StoredRun) -> list[_LedgerRow]:
    if run.summary is None:
        return []
    budget = run.summary.budget
    meanings = {
        "renders": ("renders", "distinct pictures that search and validation asked for: the unit of cost"),
        "cache_hits": ("of these from the cache", "drawn in an earlier run, so no time was spent on them"),
        "test_renders": ("test pictures", "drawn after the search, for the score; counted apart"),
        "encoder_calls": ("encoder calls", "pictures looked at by a scorer"),
        "denoiser_evaluations": ("denoiser evaluations", "passes through the image model's network"),
    }
    rows = [
        _LedgerRow(label=label, value=_of_max(budget, name), meaning=meaning)
        for name, (label, meaning) in meanings.items()
        if name in budget
    ]
    if "seconds" in budget:
        rows.append(_LedgerRow(label="time", value=duration(budget["seconds"]), meaning="from start to end"))
    peak = budget.get("peak_rss_mib", 0.0)
    if peak > 0:  # 0 on systems that do not tell
        text = (
            f"{number(peak / _MIB_PER_GIB, decimals=1)} GiB" if peak >= _MIB_PER_GIB else f"{amount(round(peak))} MiB"
        )
        rows.append(_LedgerRow(label="memory", value=text, meaning="the most that was held at once"))
    return rows


def _of_max(budget: Mapping[str, float], name: str) -> str:
    limit = budget.get("max_renders")
    value = amount(budget[name])
    return f"{value} of at most {amount(limit)}" if name == "renders" and limit is not None else value


def _flatten(config: Fields, *, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name in config.names:
        value = config.raw(name)
        if isinstance(value, dict):
            yield from _flatten(config.child(name), prefix=f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _plain(value)


def _plain(value: object) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value) if value else NOTHING
    return str(value)
