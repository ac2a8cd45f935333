"""The report of a benchmark: a CSV of every method, and one HTML page that needs nothing else."""

import csv
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from rldf.bench.charts import Line, line_chart
from rldf.bench.plan import BUDGETS, Timing
from rldf.bench.results import ResultRow
from rldf.bench.statistics import Interval, performance_profile
from rldf.bench.summary import MethodSummary, areas_of, ceiling_of, summarise

NUM_THRESHOLDS = 41
LOWEST_SHOWN = 0.4  # share of the oracle's score at the foot of the charts

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #212529; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #dee2e6; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; margin-bottom: 1rem; }
svg { width: 100%; max-width: 60rem; font-size: 11px; } svg text { fill: #495057; }
.grid { stroke: #e9ecef; } .note { color: #495057; }
"""


def write_bench_report(
    rows: Sequence[ResultRow],
    folder: Path,
    *,
    title: str,
    notes: Sequence[str] = (),
    timings: Sequence[Timing] = (),
    tuned: Mapping[str, Mapping[str, float]] | None = None,
) -> Path:
    """Writes `methods.csv` and `report.html`; equal results give equal files.

    Args:
        rows: results of one table.
        folder: where they go.
        title: of the page.
        notes: one paragraph each, such as the table's digests.
        timings: own time of the methods, measured in one run; leave them out where equal files are wanted.
        tuned: method to the settings it ran with instead of its defaults.

    Returns:
        The page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    summaries = summarise(rows)
    _write_methods(summaries, folder / "methods.csv")
    own = {(timing.method, timing.start): timing.microseconds_per_step for timing in timings}
    sections = [
        _section(start, [each for each in summaries if each.start == start], rows=rows, own=own)
        for start in dict.fromkeys(each.start for each in summaries)
    ]
    lines = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    page = folder / "report.html"
    page.write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{lines}{EXPLANATION}{''.join(sections)}"
        f"{_tuned(tuned or {})}</body></html>\n",
        encoding="utf-8",
    )
    return page


EXPLANATION = """
<p>A render is one distinct picture. Scores are by scorer B on test seeds that no search saw, as a share of the
oracle's: the best encoding by B, chosen on seeds held out for that. Success is at least 95 % of it. Area is the
mean share over the first 32 renders. Brackets are 95 % intervals by bootstrap over targets, stratified by kind.
"Behind the best" compares with the method of the largest area, of those run on all targets, on the same targets
and seeds: paired difference of areas with its interval, and the p-value of Wilcoxon's signed-rank test corrected
by Holm. Gap is what scorer A gains over the start more than B does. The ceiling is the encoding scorer A holds for
best over all search pictures: where A and B read the target differently, no search that A guides can be expected
to do better.</p>
"""


def _section(
    start: str, summaries: Sequence[MethodSummary], *, rows: Sequence[ResultRow], own: dict[tuple[str, str], float]
) -> str:
    drawn = [each for each in summaries if len(each.share) > 1]
    charts = ""
    if drawn:
        curves = [_curve(each, success=False) for each in drawn]
        successes = [_curve(each, success=True) for each in drawn]
        profiles = [_profile(each, rows=rows) for each in drawn]
        shown = (LOWEST_SHOWN, 1.05)
        charts = (
            "<h3>Score by renders</h3>"
            + line_chart(curves, x_label="renders", y_label="share of the oracle", is_log=True, y_range=shown)
            + "<h3>Success by renders</h3>"
            + line_chart(successes, x_label="renders", y_label="share of searches", is_log=True)
            + "<h3>Performance profiles</h3>"
            + line_chart(profiles, x_label="area, at least", y_label="share of searches", is_log=False)
        )
    return (
        f"<h2>{escape(start.capitalize())} start</h2>{_table(summaries, own=own)}"
        f"{_said(summaries)}{_kinds(summaries, ceiling=ceiling_of(rows))}{_axes(summaries)}{charts}"
    )


def _table(summaries: Sequence[MethodSummary], *, own: dict[tuple[str, str], float]) -> str:
    budgets = [budget for budget in BUDGETS if any(budget in each.success for each in summaries)]
    heads = ["method", "targets x seeds", "area to 32", "IQM", *(f"success at {budget}" for budget in budgets)]
    heads += ["renders to success", "gap A - B", "behind the best", "p (Holm)", "microseconds a step"]
    lines: list[str] = []
    for each in summaries:
        cells = [each.method, f"{each.num_targets} x {each.num_seeds}", _brackets(each.area), f"{each.iqm:.3f}"]
        cells += [_brackets(each.success[budget]) if budget in each.success else "" for budget in budgets]
        cells += [
            "more than tried" if each.renders_to_success is None else f"{each.renders_to_success:g}",
            f"{each.gap:+.3f}",
            "" if each.versus is None else _brackets(each.versus.difference),
            "" if each.versus is None else f"{each.versus.holm:.2g}",
            f"{own[each.method, each.start]:.0f}" if (each.method, each.start) in own else "",
        ]
        lines.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _tuned(tuned: Mapping[str, Mapping[str, float]]) -> str:
    """A table, folded, of the settings that tuning chose; nothing where none were."""
    lines = "".join(
        f"<tr><td>{escape(method)}</td><td>{escape(name)}</td><td>{value:g}</td></tr>"
        for method, values in sorted(tuned.items())
        for name, value in sorted(values.items())
    )
    head = "<tr><th>method</th><th>setting</th><th>value</th></tr>"
    title = "<summary>Settings tuned on development targets; all others are the defaults</summary>"
    return f"<details>{title}<div class='wide'><table>{head}{lines}</table></div></details>" if lines else ""


def _said(summaries: Sequence[MethodSummary]) -> str:
    """Success, and the true encoding found, on targets the grammar can say."""
    budgets = [budget for budget in BUDGETS if any(budget in each.said for each in summaries)]
    heads = ["on targets the grammar can say", *(f"success at {budget}" for budget in budgets)]
    heads += [f"exact at {budget}" for budget in budgets]
    lines: list[str] = []
    for each in summaries:
        cells = [each.method, *(_brackets(each.said[budget]) if budget in each.said else "" for budget in budgets)]
        cells += [f"{each.exact[budget]:.2f}" if budget in each.exact else "" for budget in budgets]
        lines.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _kinds(summaries: Sequence[MethodSummary], *, ceiling: dict[str, float]) -> str:
    """Success at the largest budget by kind of target; in the first line what a search guided by A can hope for."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in ["success on targets", *ceiling])
    rows = [("ceiling: the best encoding by A", ceiling), *((each.method, each.kinds) for each in summaries)]
    lines = [
        f"<tr><td>{escape(name)}</td>" + "".join(f"<td>{shares.get(kind, 0.0):.2f}</td>" for kind in ceiling) + "</tr>"
        for name, shares in rows
    ]
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _axes(summaries: Sequence[MethodSummary]) -> str:
    axes = sorted({axis for each in summaries for axis in each.axes})
    head = "".join(f"<th>{escape(cell)}</th>" for cell in ["true terms found", *axes])
    lines = [
        f"<tr><td>{escape(each.method)}</td>"
        + "".join(f"<td>{each.axes.get(axis, 0.0):.2f}</td>" for axis in axes)
        + "</tr>"
        for each in summaries
    ]
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _curve(summary: MethodSummary, *, success: bool) -> Line:
    values = summary.success if success else summary.share
    return Line(name=summary.method, points=tuple((float(b), values[b].mean) for b in sorted(values)))


def _profile(summary: MethodSummary, *, rows: Sequence[ResultRow]) -> Line:
    mine = [row for row in rows if (row.method, row.start) == (summary.method, summary.start)]
    thresholds = np.linspace(LOWEST_SHOWN, 1.0, NUM_THRESHOLDS)
    shares = performance_profile(np.array([*areas_of(mine).values()]), thresholds)
    points = zip((float(value) for value in thresholds), (float(share) for share in shares), strict=True)
    return Line(name=summary.method, points=tuple(points))


def _write_methods(summaries: Sequence[MethodSummary], path: Path) -> None:
    budgets = sorted({budget for each in summaries for budget in each.success})
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        heads = ["method", "start", "targets", "seeds", "area", "area_low", "area_high", "iqm", "gap"]
        heads += ["renders_to_success", "behind", "behind_low", "behind_high", "p", "p_holm"]
        kinds = ("share", "success", "said", "exact")
        writer.writerow([*heads, *(f"{kind}_{budget}" for budget in budgets for kind in kinds)])
        for each in summaries:
            versus = each.versus
            cells: list[object] = [each.method, each.start, each.num_targets, each.num_seeds]
            cells += [*_three(each.area), f"{each.iqm:.6f}", f"{each.gap:.6f}"]
            cells.append("" if each.renders_to_success is None else f"{each.renders_to_success:g}")
            cells += (
                [""] * 5
                if versus is None
                else [*_three(versus.difference), f"{versus.p_value:.6g}", f"{versus.holm:.6g}"]
            )
            for budget in budgets:
                means = (each.share.get(budget), each.success.get(budget), each.said.get(budget))
                cells += ["" if value is None else f"{value.mean:.6f}" for value in means]
                cells.append(f"{each.exact[budget]:.6f}" if budget in each.exact else "")
            writer.writerow(cells)


def _three(interval: Interval) -> list[str]:
    return [f"{value:.6f}" for value in (interval.mean, interval.low, interval.high)]


def _brackets(interval: Interval) -> str:
    return f"{interval.mean:.2f} [{interval.low:.2f}, {interval.high:.2f}]"
