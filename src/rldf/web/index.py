"""The index page: many runs in one table, each with a link to its report."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from urllib.parse import quote

from rldf.errors import RecordError
from rldf.web.pages import render_page, write_page
from rldf.web.pictures import SMALL_PX, Picture, embed
from rldf.web.run_reading import read_stored_run
from rldf.web.stored_run import Score, StoredRun


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One run of the table.

    Attributes:
        name: folder name.
        file: name of the input picture.
        link: relative address of the report; "" where there is none.
        input: the input picture.
        found: the first new picture.
        sentence: the words found, or the best so far.
        score: of the words found.
        is_alarm: True where the alarm is set.
        state: "done", "unfinished" or "unreadable".
        problem: what is wrong with an unreadable run.
    """

    name: str
    file: str = ""
    link: str = ""
    input: Picture | None = None
    found: Picture | None = None
    sentence: str = ""
    score: Score | None = None
    is_alarm: bool = False
    state: str = "done"
    problem: str = ""


def write_index(runs: Sequence[Path], out: Path) -> Path:
    """Writes one page that lists runs, in the order given; a run that cannot be read is told in its row.

    Args:
        runs: run folders.
        out: where to write; an older page there is replaced. Links to reports are relative to it.

    Returns:
        Where it was written.
    """
    rows = [_row(folder, out=out) for folder in runs]
    scores = [row.score.value for row in rows if row.score is not None and row.score.value is not None]
    page = render_page(
        "index.html.j2",
        {
            "rows": rows,
            "mean_score": fmean(scores) if scores else None,
            "num_alarms": sum(row.is_alarm for row in rows),
            "num_unfinished": sum(row.state == "unfinished" for row in rows),
            "num_unreadable": sum(row.state == "unreadable" for row in rows),
        },
    )
    return write_page(page, out)


def _row(folder: Path, *, out: Path) -> _Row:
    try:
        run = read_stored_run(folder)
        return _of_run(run, out=out)
    except RecordError as error:
        return _Row(name=folder.name, state="unreadable", problem=str(error))


def _of_run(run: StoredRun, *, out: Path) -> _Row:
    summary, best = run.summary, run.best_step
    images = () if summary is None else (*summary.new_images, *summary.found_images)
    shown = images[0] if images else "" if best is None else best.image
    report = run.folder / "report.html"
    return _Row(
        name=run.id,
        file=run.inputs[0].path.replace("\\", "/").rsplit("/", 1)[-1] if run.inputs else "",
        link=_relative(report, out=out) if report.is_file() else "",
        input=embed(run.folder, run.inputs[0].file, max_px=SMALL_PX // 2) if run.inputs else None,
        found=embed(run.folder, shown, max_px=SMALL_PX // 2) if shown else None,
        sentence=summary.sentence if summary is not None else "" if best is None else best.sentence,
        score=None if summary is None else summary.score,
        is_alarm=summary is not None and summary.is_alarm,
        state="unfinished" if summary is None else "done",
    )


def _relative(path: Path, *, out: Path) -> str:
    relative = os.path.relpath(path.resolve(), out.parent.resolve())
    return "./" + quote(Path(relative).as_posix())
