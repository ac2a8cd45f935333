"""The paper's Table 1 (distances to shifted sets) and Table 2 (what a classifier learns), on the drawn world."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from rldf.datasets.reference_sets import SHIFTS, SetKind
from rldf.evaluation.recipe import TrainingRecipe
from rldf.hub import Announce
from rldf.jobs.clone_study import CloneStudy, StudySets
from rldf.jobs.evaluate import ClassifierReport, evaluate_classifier, evaluate_distances
from rldf.presets.extractors import build_extractor
from rldf.presets.generators import choose_device

COLUMNS: tuple[SetKind, ...] = ("real", "sketch", "rendition", "adversarial", "out-of-class")
PAPER_1: Mapping[str, tuple[float | None, ...]] = {  # Table 1 of arXiv 2311.15648: ImageNet, Sketch, R, A, O
    "real pictures, Frechet": (None, 248.0, 225.0, None, None),
    "class names only, Frechet": (None, 210.0, 190.0, None, None),
    "clone, Frechet": (180.8, 255.3, 227.5, 303.7, 264.1),
    "clone, kernel": (0.08, 0.10, 0.13, 0.18, 0.06),
}
PAPER_2: Mapping[str, float] = {  # Table 2 of arXiv 2311.15648, in percent
    "validation split of the clone": 85.11,
    "random sample of the real training pictures": 12.42,
    "real test pictures": 13.16,
    "pictures from class names": 49.14,
}
MAIN_TEST = "real test pictures"
GOAL = 0.9  # our choice: share of the accuracy of real pictures that synthetic ones must reach
NUM_SPACE_RUNS = 1  # our choice: trainings of each clone from a part of the encoding space, to keep the table in hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a table.

    Attributes:
        name: what was measured.
        values: one for each column; None where there is none.
        spreads: the same, of their spread; None where there is none.
        paper: what the paper prints there.
    """

    name: str
    values: tuple[float | None, ...]
    spreads: tuple[float | None, ...]
    paper: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyTable:
    """A table of the paper, measured here.

    Attributes:
        number: 1 or 2.
        columns: their names.
        rows: in order.
        findings: what it says, one line each.
        notes: protocol and warnings, one line each.
    """

    number: int
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    findings: tuple[str, ...]
    notes: tuple[str, ...]


def make_table(number: Literal[1, 2], study: CloneStudy, folder: Path, *, announce: Announce) -> StudyTable:
    """Makes one of the tables, or what is missing of it; the same call goes on after an interruption.

    Args:
        number: 1 for distances, 2 for the classifier.
        study: how large.
        folder: receives all sets, checkpoints, and `table-1` or `table-2` as JSON, CSV and Markdown.
        announce: is given one line for each part.

    Returns:
        The table.
    """
    sets = StudySets(study=study, folder=folder, announce=announce)
    sets.begin()
    table = _table_1(sets) if number == 1 else _table_2(sets)
    _write(table, folder)
    return table


def _table_1(sets: StudySets) -> StudyTable:
    """Distances of real pictures, of the clone and of the baseline from each reference set."""
    extractor = build_extractor(
        sets.study.extractor, device=choose_device(sets.config.model.device), announce=sets.announce
    )
    train = sets.study.num_train
    measured: dict[str, Path] = {
        "real pictures": sets.train(),
        "class names only": sets.names_clone(),
        "clone": sets.clone(),
    }
    measured = {name: place if name == "real pictures" else place / "train" for name, place in measured.items()}
    cells: dict[tuple[str, str], list[tuple[float, float | None]]] = {}
    notes: dict[str, None] = {f"{kind}: {text}": None for kind, text in SHIFTS.items()}
    for kind in COLUMNS:
        reference = sets.real(kind, stream="reference", per_class=train)
        for name, place in measured.items():
            report = evaluate_distances(
                reference, place, extractor=extractor, metrics=("frechet", "kernel"), seed=sets.study.seed
            )
            for value in report.comparison.values:
                metric = "Frechet" if value.name == "frechet" else "kernel"
                cells.setdefault((name, metric), []).append((value.value, value.spread))
                notes[f"{metric}: {report.comparison.protocol.line(value.settings)}"] = None
            notes |= dict.fromkeys(f"warning: {text}" for text in report.comparison.warnings)
            sets.announce(f"table 1: {name} from {kind} measured")
    rows = [
        _row(f"{name}, {metric}", cells[name, metric], PAPER_1) for metric in ("Frechet", "kernel") for name in measured
    ]
    return StudyTable(
        number=1, columns=COLUMNS, rows=tuple(rows), findings=_nearest(rows, "Frechet"), notes=tuple(notes)
    )


def _nearest(rows: Sequence[Row], metric: str) -> tuple[str, ...]:
    """What the paper says of its Table 1: the clone is nearest to the real pictures."""
    found = []
    for row in rows:
        if row.name.endswith(metric):
            values = [np.inf if value is None else value for value in row.values]
            order = [COLUMNS[place] for place in np.argsort(values, kind="stable")]
            found.append(f"{row.name}: from the nearest set to the furthest: {', '.join(order)}")
    return tuple(found)


def _table_2(sets: StudySets) -> StudyTable:
    """Accuracy on four test sets of what was trained on the clone, and on what it is compared with."""
    train, clone, names = sets.train(), sets.clone(), sets.names_clone()
    sizes = {size.name: sets.space_clone(size) / "train" for size in sets.spaces()}
    tests = {
        "validation split of the clone": clone / "validation",
        "random sample of the real training pictures": sets.sample(),
        MAIN_TEST: sets.test(),
        "pictures from class names": names / "validation",
    }
    reports: dict[str, ClassifierReport] = {}
    for name in (MAIN_TEST, *(name for name in tests if name != MAIN_TEST)):  # the others find it trained
        sets.announce(f"table 2: {name}")
        reports[name] = _classifier(
            sets, train=train, clone=clone / "train", test=tests[name], others={"names": names / "train"}
        )
    sets.announce("table 2: parts of the encoding space")
    parts = _classifier(
        sets, train=train, clone=clone / "train", test=tests[MAIN_TEST], others=sizes, num_runs=NUM_SPACE_RUNS
    )
    columns = ("synthetic", "real", "mixed", "names")
    rows = [_accuracies(name, reports[name], columns=columns, paper=PAPER_2[name]) for name in tests]
    main = reports[MAIN_TEST]
    rows += [
        Row(
            name=f"{MAIN_TEST}, trained on {name}",
            values=(_percent(parts, name)[0], None, None, None),
            spreads=(None,) * 4,
            paper=(None,) * 4,
        )
        for name in sizes
    ]
    read = (*reports.values(), parts)
    notes = [f"unreadable: {path}: {reason}" for report in read for path, reason in report.unreadable]
    about = (
        f"{len(sets.class_names)} classes, {sets.study.num_train} training and {sets.study.num_test} test pictures each"
    )
    notes.insert(0, f"top-1 in percent, mean and deviation over {sets.study.num_seeds} trainings; {about}")
    notes.insert(1, "columns are what was trained on; of the sample of its own training pictures, real says nothing")
    notes.insert(2, f"clones from a part of the encoding space: trainings of each: {NUM_SPACE_RUNS}")
    return StudyTable(number=2, columns=columns, rows=tuple(rows), findings=_marks(main), notes=tuple(notes))


def _classifier(
    sets: StudySets, *, train: Path, clone: Path, test: Path, others: Mapping[str, Path], num_runs: int | None = None
) -> ClassifierReport:
    """Trains on real pictures, the clone and others, as often as the study says, or `num_runs` times and not mixed."""
    study = sets.study
    seeds = range(study.seed, study.seed + study.num_seeds)

    def tell(name: str, seed: int, epoch: int, loss: float) -> None:
        sets.announce(f"{name}, seed {seed}: epoch {epoch} of {study.epochs}, loss {loss:.3f}")

    return evaluate_classifier(
        train,
        clone,
        test=test,
        baselines=others,
        trains_mixed=num_runs is None,
        recipe=replace(TrainingRecipe(), epochs=study.epochs, size_px=study.size_px),
        seeds=seeds[:num_runs],
        device=sets.config.model.device,
        out=sets.folder / "classifiers",
        on_training=tell,
    )


def _marks(main: ClassifierReport) -> tuple[str, ...]:
    """Whether the clone is worth what it must be."""
    synthetic, real, names = (_percent(main, name)[0] for name in ("synthetic", "real", "names"))
    share = synthetic / real if real else float("nan")
    is_reached = "reached" if share >= GOAL else "missed"
    is_better = "better" if synthetic > names else "not better"
    worth = f"synthetic alone reaches {share:.1%} of the accuracy of real pictures at equal size"
    return (
        f"{worth}; {GOAL:.0%} wanted: {is_reached}",
        f"synthetic {synthetic:.1f} against class names only {names:.1f}: {is_better}",
    )


def _percent(report: ClassifierReport, name: str) -> tuple[float, float]:
    scores = [100 * score.top1 for score in report.scores[name]]
    return float(np.mean(scores)), float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0


def _accuracies(name: str, report: ClassifierReport, *, columns: Sequence[str], paper: float) -> Row:
    cells = [_percent(report, column) for column in columns]
    return Row(
        name=name,
        values=tuple(mean for mean, _ in cells),
        spreads=tuple(deviation for _, deviation in cells),
        paper=(paper, *(None for _ in columns[1:])),
    )


def _row(name: str, cells: Sequence[tuple[float, float | None]], paper: Mapping[str, tuple[float | None, ...]]) -> Row:
    return Row(
        name=name,
        values=tuple(value for value, _ in cells),
        spreads=tuple(spread for _, spread in cells),
        paper=paper.get(name, (None,) * len(cells)),
    )


def table_as_json(table: StudyTable) -> dict[str, object]:
    """Writes a table as `table-N.json` holds it."""
    return {
        "table": table.number,
        "rows": {
            row.name: {
                column: {"value": value, "spread": spread, "paper": printed}
                for column, value, spread, printed in zip(
                    table.columns, row.values, row.spreads, row.paper, strict=True
                )
                if value is not None
            }
            for row in table.rows
        },
        "findings": list(table.findings),
        "notes": list(table.notes),
    }


def table_as_markdown(table: StudyTable) -> str:
    """Writes a table for reading; what the paper prints stands in brackets."""
    lines = [
        f"# Table {table.number}",
        "",
        f"| | {' | '.join(table.columns)} |",
        "|---" * (len(table.columns) + 1) + "|",
    ]
    for row in table.rows:
        cells = [_cell(*parts) for parts in zip(row.values, row.spreads, row.paper, strict=True)]
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    lines += [
        "",
        *(f"- {text}" for text in table.findings),
        "",
        "In brackets: what the paper prints, of other pictures and features.",
        "",
    ]
    lines += [f"- {text}" for text in table.notes]
    return "\n".join(lines) + "\n"


def _cell(value: float | None, spread: float | None, paper: float | None) -> str:
    printed = "" if paper is None else f" ({paper:g})"
    if value is None:
        return f"-{printed}"
    return f"{value:.4g}{'' if spread is None else f' ± {spread:.2g}'}{printed}"


def _write(table: StudyTable, folder: Path) -> None:
    place = folder / f"table-{table.number}"
    place.with_suffix(".json").write_text(
        json.dumps(table_as_json(table), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    place.with_suffix(".md").write_text(table_as_markdown(table), encoding="utf-8")
    with place.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["row", "column", "value", "spread", "paper"])
        for row in table.rows:
            for cell in zip(table.columns, row.values, row.spreads, row.paper, strict=True):
                if cell[1] is not None:
                    writer.writerow([row.name, *("" if part is None else part for part in cell)])
