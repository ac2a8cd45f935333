"""What the runs of `ddpo_questions.py` gave, as tables and sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rldf.finetuning.session import read_epoch_lines
from rldf.finetuning.watching import read_looks
from rldf.presets.finetune_config import FinetuneConfig

WANTED_FALL = 0.3  # of the mean size of a picture, which the question 'jpeg' asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One run of a question.

    Attributes:
        name: label of the cell, the same for all seeds.
        label: with the seed, where there are several.
        config: its settings.
        folder: its run folder.
    """

    name: str
    label: str
    config: FinetuneConfig
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a finished run gave: means and standard errors of the rewards of an epoch, and what came of them.

    Attributes:
        epochs, queries: that were done and asked.
        first, first_error: of the first epoch, drawn by the model as it was given.
        last, last_error: of the last epoch.
        gain: from first to last, in deviations of the first epoch's rewards.
        area: mean over the queries.
        falls: epochs whose mean lies below the one before by more than two standard errors.
        second: of the second reward on the fixed pictures, before and after; None where there is none.
        alarm: queries at the first alarm; None where there was none.
        seconds: of training.
    """

    epochs: int
    queries: int
    first: float
    first_error: float
    last: float
    last_error: float
    gain: float
    area: float
    falls: int
    second: tuple[float, float] | None
    alarm: int | None
    seconds: float


def make_table(asks: str, cells: Sequence[Cell]) -> str:
    """Writes one row per run as Markdown, and of several seeds a row of means for each cell.

    Args:
        asks: the question.
        cells: that are finished.

    Returns:
        The table, under the question.
    """
    columns = ["cell", "queries", "first epoch", "last epoch", "gain in deviations", "mean over the queries", "falls"]
    columns += ["second reward", "alarm", "seconds"]
    lines = [f"{asks}\n", f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    found: dict[str, list[Measured]] = {}
    for cell in cells:
        measured = measure(cell)
        found.setdefault(cell.name, []).append(measured)
        lines.append(_row(cell.label, measured))
    lines += [_mean_row(name, rows) for name, rows in found.items() if len(rows) > 1]
    return "\n".join(lines) + "\n"


def measure(cell: Cell) -> Measured:
    """Reads what a finished run gave."""
    epochs, looks = read_epoch_lines(cell.folder), read_looks(cell.folder)
    means = np.array([line["reward_mean"] for line in epochs])
    errors = np.array([line["reward_std"] for line in epochs]) / cell.config.train.samples_per_epoch**0.5
    noise = np.hypot(errors[1:], errors[:-1])
    scored = [float(np.mean(look.second)) for look in looks if look.second]
    return Measured(
        epochs=len(epochs),
        queries=epochs[-1]["queries"],
        first=float(means[0]),
        first_error=float(errors[0]),
        last=float(means[-1]),
        last_error=float(errors[-1]),
        gain=float((means[-1] - means[0]) / max(epochs[0]["reward_std"], 1e-12)),
        area=float(means.mean()),
        falls=int((np.diff(means) < -2.0 * noise).sum()),  # beyond what two noisy means would show
        second=(scored[0], scored[-1]) if scored else None,
        alarm=next((look.queries for look in looks if look.is_alarm), None),
        seconds=sum(line["seconds"] for line in epochs),
    )


def _row(label: str, found: Measured) -> str:
    second = "none" if found.second is None else f"{found.second[0]:.3f} → {found.second[1]:.3f}"
    alarm = "no" if found.alarm is None else f"from {found.alarm} queries"
    falls = f"{found.falls} of {found.epochs - 1}"
    return (
        f"| {label} | {found.queries} | {found.first:.4f} ± {found.first_error:.4f} | {found.last:.4f} ± "
        f"{found.last_error:.4f} | {found.gain:+.2f} | {found.area:.4f} | {falls} | {second} | {alarm} "
        f"| {found.seconds:.0f} |"
    )


def _mean_row(name: str, rows: Sequence[Measured]) -> str:
    """Means over the seeds, each with its standard error."""

    def over(field: str, decimals: int) -> str:
        return _with_error([getattr(row, field) for row in rows], decimals=decimals)

    seconds = [row.second for row in rows if row.second is not None]
    second = " → ".join(_with_error(list(side), decimals=3) for side in zip(*seconds, strict=True))
    alarms = sum(row.alarm is not None for row in rows)
    return (
        f"| **{name}, mean of {len(rows)} seeds** | {rows[0].queries} | {over('first', 4)} | {over('last', 4)} "
        f"| {over('gain', 2)} | {over('area', 4)} | {over('falls', 1)} | {second or 'none'} | {alarms} of {len(rows)} "
        f"| {over('seconds', 0)} |"
    )


def _with_error(values: Sequence[float], *, decimals: int) -> str:
    error = np.std(values, ddof=1) / len(values) ** 0.5
    return f"{np.mean(values):.{decimals}f} ± {error:.{decimals}f}"


def tell_size(cell: Cell) -> str:
    """Says whether the mean size of a picture fell as far as is asked for, and when it first did."""
    epochs = read_epoch_lines(cell.folder)
    sizes = [-line["reward_mean"] for line in epochs]  # the reward is minus the size in kB
    reached = [
        line["queries"] for line, size in zip(epochs, sizes, strict=True) if size <= (1 - WANTED_FALL) * sizes[0]
    ]
    found = f"first seen at {reached[0]} queries" if reached else f"NOT seen in {epochs[-1]['queries']} queries"
    return (
        f"{cell.label}: mean size {sizes[0]:.3f} kB in the first epoch, {sizes[-1]:.3f} kB in the last "
        f"({sizes[-1] / sizes[0] - 1:+.1%}); a fall of {WANTED_FALL:.0%} was {found}"
    )
