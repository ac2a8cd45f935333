"""From rows of results to what a report says of each method."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rldf.bench.results import ResultRow
from rldf.bench.statistics import Comparison, Interval, bootstrap_mean, compare, interquartile_mean
from rldf.bench.table import TargetKind

SUCCESS_SHARE = 0.95  # of the oracle's score
AREA_BUDGET = 32

Key = tuple[str, str]
"""Method and start."""

SAYABLE: tuple[TargetKind, ...] = ("in-generator", "drawn")
"""Kinds of targets whose truth the grammar can say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSummary:
    """What a method did.

    Attributes:
        method, start: which.
        num_targets, num_seeds: on how many targets, with how many seeds each.
        share: budget to the mean share of the oracle's score.
        success: budget to the share of searches with at least 95 % of it.
        said: the same as success over targets the grammar can say; empty without such targets.
        exact: budget to the share that found the true encoding, over the same targets.
        axes: axis id to the share right at the largest budget.
        kinds: kind of target to the share of searches that succeed at the largest budget.
        gap: mean gap of scorers A and B at the largest budget.
        area: mean share of the oracle's score over 1 to 32 renders.
        iqm: interquartile mean of that area over searches.
        renders_to_success: median over searches of the first budget that succeeds; None where fewer than half do.
        versus: comparison of the best area, of methods with the most runs, with this one; None for the best itself.
    """

    method: str
    start: str
    num_targets: int
    num_seeds: int
    share: dict[int, Interval]
    success: dict[int, Interval]
    said: dict[int, Interval]
    exact: dict[int, float]
    axes: dict[str, float]
    kinds: dict[str, float]
    gap: float
    area: Interval
    iqm: float
    renders_to_success: float | None
    versus: Comparison | None


def summarise(rows: Sequence[ResultRow]) -> list[MethodSummary]:
    """Sums up every method, the largest area first within each kind of start.

    Methods are compared with the best, of those that were run on all targets, where both were run.

    Args:
        rows: of one table.

    Returns:
        One summary per method and start.
    """
    grouped: defaultdict[Key, list[ResultRow]] = defaultdict(list)
    for row in rows:
        grouped[row.method, row.start].append(row)
    areas = {key: areas_of(group) for key, group in grouped.items()}
    summaries: list[MethodSummary] = []
    for start in dict.fromkeys(key[1] for key in grouped):
        keys = sorted((key for key in grouped if key[1] == start), key=lambda key: -_mean(areas[key]))
        versus = _versus(keys, areas=areas, grouped=grouped)
        summaries += [_summarise_one(key, grouped[key], areas=areas[key], versus=versus.get(key)) for key in keys]
    return summaries


def areas_of(rows: Sequence[ResultRow]) -> dict[tuple[int, int], float]:
    """Area under the anytime curve of every search, by target and seed.

    Args:
        rows: of one method.

    Returns:
        (target, seed) to the mean share of the oracle's score after 1, 2, ... 32 renders; between two budgets the
        lower one counts, before the first the start's.
    """
    curves: defaultdict[tuple[int, int], dict[int, float]] = defaultdict(dict)
    for row in rows:
        oracle = max(row.judged.oracle, 1e-9)
        curves[row.target, row.seed][0] = row.judged.start_score / oracle
        curves[row.target, row.seed][row.budget] = row.judged.score / oracle
    areas: dict[tuple[int, int], float] = {}
    for key, curve in curves.items():
        budgets = np.array(sorted(curve))
        places = np.searchsorted(budgets, np.arange(1, AREA_BUDGET + 1), side="right") - 1
        areas[key] = float(np.mean([curve[int(budgets[place])] for place in places]))
    return areas


def by_target(values: dict[tuple[int, int], float]) -> dict[int, float]:
    """Means over the seeds of each target."""
    grouped: defaultdict[int, list[float]] = defaultdict(list)
    for (target, _), value in values.items():
        grouped[target].append(value)
    return {target: float(np.mean(group)) for target, group in grouped.items()}


def ceiling_of(rows: Sequence[ResultRow]) -> dict[str, float]:
    """Kind of target to the share of targets on which the best encoding by scorer A reaches 95 % of the oracle's."""
    targets = {row.target: row for row in rows}.values()
    return {
        kind: float(
            np.mean([row.judged.ceiling >= SUCCESS_SHARE * row.judged.oracle for row in targets if row.kind == kind])
        )
        for kind in dict.fromkeys(row.kind for row in rows)
    }


def is_success(row: ResultRow) -> bool:
    """True where a search reached at least 95 % of the oracle's score."""
    return row.judged.score >= SUCCESS_SHARE * row.judged.oracle


def _versus(
    keys: Sequence[Key], *, areas: dict[Key, dict[tuple[int, int], float]], grouped: dict[Key, list[ResultRow]]
) -> dict[Key, Comparison]:
    """Compares the best of those with the most runs with each other, on what both were run on."""
    if len(keys) < 2:
        return {}
    most = max(len(areas[key]) for key in keys)
    best = next(key for key in keys if len(areas[key]) == most)
    others = [key for key in keys if key != best]
    kinds = {row.target: row.kind for row in grouped[best]}
    compared: dict[Key, Comparison] = {}
    groups: defaultdict[tuple[int, ...], list[Key]] = defaultdict(list)
    paired: dict[Key, tuple[dict[int, float], dict[int, float]]] = {}
    for key in others:
        shared = [run for run in areas[key] if run in areas[best]]
        if shared:
            mine = by_target({run: areas[best][run] for run in shared})
            theirs = by_target({run: areas[key][run] for run in shared})
            paired[key] = mine, theirs
            groups[tuple(mine)].append(key)
    family = {key: np.array([*paired[key][0].values()]) - np.array([*paired[key][1].values()]) for key in paired}
    for targets, members in groups.items():
        zeros = np.zeros(len(targets))
        found = compare(
            zeros,
            {"/".join(key): -family[key] for key in members},
            strata=[kinds[target] for target in targets],
        )
        compared |= {key: found["/".join(key)] for key in members}
    return compared


def _summarise_one(
    key: Key, rows: Sequence[ResultRow], *, areas: dict[tuple[int, int], float], versus: Comparison | None
) -> MethodSummary:
    budgets = sorted({row.budget for row in rows})
    last = [row for row in rows if row.budget == budgets[-1]]
    said = [row for row in rows if row.kind in SAYABLE]
    said_budgets = budgets if said else []
    axes = sorted({axis for row in rows for axis in row.judged.right_axes.split()})
    return MethodSummary(
        method=key[0],
        start=key[1],
        num_targets=len({row.target for row in rows}),
        num_seeds=len({row.seed for row in rows}),
        share={budget: _interval(rows, budget, share=True) for budget in budgets},
        success={budget: _interval(rows, budget, share=False) for budget in budgets},
        said={budget: _interval(said, budget, share=False) for budget in said_budgets},
        exact={
            budget: float(np.mean([row.judged.is_exact for row in said if row.budget == budget]))
            for budget in said_budgets
        },
        axes={axis: float(np.mean([axis in row.judged.right_axes.split() for row in last])) for axis in axes},
        kinds={
            kind: float(np.mean([is_success(row) for row in last if row.kind == kind]))
            for kind in dict.fromkeys(row.kind for row in rows)
        },
        gap=float(np.mean([row.judged.gap for row in last])),
        area=bootstrap_mean(np.array([*by_target(areas).values()]), strata=_kinds(rows)),
        iqm=interquartile_mean(np.array([*areas.values()])),
        renders_to_success=_renders_to_success(rows),
        versus=versus,
    )


def _interval(rows: Sequence[ResultRow], budget: int, *, share: bool) -> Interval:
    at = [row for row in rows if row.budget == budget]
    values = {
        (row.target, row.seed): row.judged.score / max(row.judged.oracle, 1e-9) if share else float(is_success(row))
        for row in at
    }
    return bootstrap_mean(np.array([*by_target(values).values()]), strata=_kinds(at))


def _kinds(rows: Sequence[ResultRow]) -> list[str]:
    return list({row.target: row.kind for row in rows}.values())


def _renders_to_success(rows: Sequence[ResultRow]) -> float | None:
    """Median over searches of the first budget that succeeds; a search that never does counts as infinite."""
    firsts: dict[tuple[int, int], float] = {}
    for row in rows:
        run = row.target, row.seed
        firsts.setdefault(run, np.inf)
        if is_success(row):
            firsts[run] = min(firsts[run], row.budget)
    median = float(np.median([*firsts.values()]))
    return median if np.isfinite(median) else None


def _mean(values: dict[tuple[int, int], float]) -> float:
    return float(np.mean([*values.values()]))
