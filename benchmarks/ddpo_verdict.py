"""What the curves of `ddpo_reference.py learning` say: a table, the difference to the reference, the methods' order."""

# ruff: noqa: T201

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

OURS, REFERENCE = "ddpo-is", "trl"
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""97.5 % quantiles of Student's t with 1, 2, ... degrees of freedom; with more the last one, which is a little wide."""


def cell_path(folder: Path, *, method: str, seed: int, queries: int) -> Path:
    """Where the curve of one method and one seed lies."""
    return folder / "learning" / f"{method}-{queries}-{seed}.json"


def read_cells(folder: Path, *, method: str, queries: int) -> dict[int, dict[str, Any]]:
    """Reads the curves of a method that are done: seed to cell."""
    paths = (folder / "learning").glob(f"{method}-{queries}-*.json")
    cells = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return {cell["seed"]: cell for cell in sorted(cells, key=lambda cell: cell["seed"])}


def print_table(folder: Path, *, methods: Sequence[str], queries: int) -> None:
    """Prints, for each method, the mean reward over all queries and after the last update, then what follows from them.

    Args:
        folder: with the results.
        methods: in the order of the rows.
        queries: reward queries of a run.
    """
    found = {method: read_cells(folder, method=method, queries=queries) for method in methods}
    done = {method: cells for method, cells in found.items() if cells}
    print("| method | seeds | mean reward over the queries | reward at the end |")
    print("|---|---|---|---|")
    for method, cells in done.items():
        areas = [area(cell["curve"]) for cell in cells.values()]
        finals = [cell["final"] for cell in cells.values()]
        print(f"| {method} | {len(cells)} | {_with_error(areas)} | {_with_error(finals)} |")
    print("\nreward against queries, mean over the seeds:")
    for method, cells in done.items():
        curves = [cell["curve"] for cell in cells.values()]
        shown = [(rows[0]["queries"], mean(row["reward"] for row in rows)) for rows in zip(*curves, strict=True)]
        print(f"{method}: " + ", ".join(f"{asked:.0f} {reward:+.4f}" for asked, reward in shown))
    areas_of = {method: {seed: area(cell["curve"]) for seed, cell in cells.items()} for method, cells in done.items()}
    print(f"\n{compare_areas(areas_of.get(OURS, {}), areas_of.get(REFERENCE, {}))}")
    order = sorted(areas_of, key=lambda method: -mean(areas_of[method].values()))
    print(f"order by the mean reward over the queries, the best first: {', '.join(order)}")


def compare_areas(ours: dict[int, float], theirs: dict[int, float]) -> str:
    """Says by how much our areas under the curve differ from the reference's, seed by seed.

    Args:
        ours: seed to area.
        theirs: the same of the reference.

    Returns:
        One line, with a 95 % interval by Student's t over the seeds both have.
    """
    seeds = sorted(ours.keys() & theirs.keys())
    said = f"verdict: mean reward over the queries, {OURS} minus {REFERENCE}, paired by {len(seeds)} seeds"
    if len(seeds) < 2:
        return f"{said}: no interval; at least 2 seeds of both are needed"
    gains = [ours[seed] - theirs[seed] for seed in seeds]
    half = STUDENT[min(len(gains) - 1, len(STUDENT)) - 1] * stdev(gains) / len(gains) ** 0.5
    low, high = mean(gains) - half, mean(gains) + half
    found = "above it" if low > 0 else "below it" if high < 0 else "no difference is shown"
    return f"{said}: {mean(gains):+.5f}, 95 % interval {low:+.5f} to {high:+.5f}: {found}"


def area(curve: Sequence[dict[str, float]]) -> float:
    """Mean reward over the queries of a run: the area under its curve, divided by its length."""
    before = [0.0, *(line["queries"] for line in curve[:-1])]
    total = sum(line["reward"] * (line["queries"] - last) for line, last in zip(curve, before, strict=True))
    return total / curve[-1]["queries"]


def _with_error(values: Sequence[float]) -> str:
    error = f" ± {stdev(values) / len(values) ** 0.5:.4f}" if len(values) > 1 else ""
    return f"{mean(values):+.4f}{error}"
