"""ResultRow: what one search held for best after a number of renders, as a line of CSV."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from rldf.errors import RecordError

DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is known of an encoding that a search answers with; scores are 0 to 1.

    Attributes:
        state: its number.
        score: by scorer B, on judging seeds: mean probability of the terms B reads in the target.
        score_a: the same by scorer A, with the terms A reads in the target.
        start_score, start_score_a: both, of the start.
        oracle: score of the best encoding by B, chosen on seeds held out for that.
        ceiling: score of the best encoding by A over all search pictures: what a search that A guides can hope for.
        is_exact: it is the true encoding; False where the grammar cannot say the truth.
        right_axes: ids of the axes on which it is true, with a space between.
    """

    state: int
    score: float
    score_a: float
    start_score: float
    start_score_a: float
    oracle: float
    ceiling: float
    is_exact: bool
    right_axes: str

    @property
    def gap(self) -> float:
        """What scorer A gains over the start more than scorer B does: large where the search games its scorer."""
        numbers = (self.score_a, self.start_score_a, self.score, self.start_score)
        a_found, a_start, b_found, b_start = (round(number, DIGITS) for number in numbers)  # as the file holds them
        return (a_found - a_start) - (b_found - b_start)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One line of results.

    Attributes:
        method: name of the method.
        start: "cold" or "warm".
        target: position of the target in its table.
        kind: kind of the target.
        split: "development" or "test".
        seed: of the search.
        budget: renders allowed.
        renders: renders used.
        judged: what it answered.
    """

    method: str
    start: str
    target: int
    kind: str
    split: str
    seed: int
    budget: int
    renders: int
    judged: Judged


_HEAD = tuple(entry.name for entry in fields(ResultRow) if entry.name != "judged")
_TAIL = tuple(entry.name for entry in fields(Judged))


def write_rows(rows: Iterable[ResultRow], path: Path) -> None:
    """Writes results as CSV; equal results give equal bytes.

    Args:
        rows: what to write, in this order.
        path: the file, written over if it is there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*_HEAD, *_TAIL, "gap"])
        for row in rows:
            values = [getattr(row, name) for name in _HEAD]
            values += [getattr(row.judged, name) for name in _TAIL]
            writer.writerow([_written(value) for value in [*values, row.judged.gap]])


def read_rows(path: Path) -> list[ResultRow]:
    """Reads results.

    Args:
        path: a file written by `write_rows`.

    Returns:
        Its rows.

    Raises:
        RecordError: if it is no such file.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [_read(line) for line in csv.DictReader(file)]
    except (OSError, KeyError, ValueError) as error:
        raise RecordError(
            f"'{path}' cannot be read as results: {error}. Give a file written by: rldf bench run."
        ) from error


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.{DIGITS}f}" if isinstance(value, float) else str(value)


def _read(line: dict[str, str]) -> ResultRow:
    judged = Judged(
        state=int(line["state"]),
        score=float(line["score"]),
        score_a=float(line["score_a"]),
        start_score=float(line["start_score"]),
        start_score_a=float(line["start_score_a"]),
        oracle=float(line["oracle"]),
        ceiling=float(line["ceiling"]),
        is_exact=line["is_exact"] == "1",
        right_axes=line["right_axes"],
    )
    return ResultRow(
        method=line["method"],
        start=line["start"],
        target=int(line["target"]),
        kind=line["kind"],
        split=line["split"],
        seed=int(line["seed"]),
        budget=int(line["budget"]),
        renders=int(line["renders"]),
        judged=judged,
    )
