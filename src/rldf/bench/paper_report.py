"""Writes the paper's experiments down: CSV, pictures, one Markdown file and one HTML page."""

import csv
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from rldf.arrays import Image
from rldf.bench.paper_findings import Finding
from rldf.bench.paper_table3 import COLUMNS, TableRow, write_table_3
from rldf.bench.report import STYLE
from rldf.records.pictures import encode_png


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperResults:
    """All that was measured.

    Attributes:
        table_3: rows of Table 3.
        findings: verdicts.
        figures: name of each figure, such as "figure-3", to its picture.
        notes: one paragraph each, such as which table and which weights.
    """

    table_3: Sequence[TableRow]
    findings: Sequence[Finding]
    figures: dict[str, Image]
    notes: Sequence[str]


def write_paper(results: PaperResults, folder: Path) -> Path:
    """Writes `table-3.csv`, `findings.csv`, a PNG of each figure, `paper.md` and `paper.html`.

    Equal results give equal files.

    Args:
        results: what was measured.
        folder: where they go.

    Returns:
        The page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_table_3(results.table_3, folder / "table-3.csv")
    _write_findings(results.findings, folder / "findings.csv")
    drawn = {name: encode_png(picture) for name, picture in results.figures.items()}
    for name, content in drawn.items():
        (folder / f"{name}.png").write_bytes(content)
    (folder / "paper.md").write_text(_markdown(results), encoding="utf-8")
    page = folder / "paper.html"
    page.write_text(_html(results, drawn=drawn), encoding="utf-8")
    return page


def _write_findings(findings: Sequence[Finding], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["key", "verdict", "measure", "mean", "low", "high", "runs"])
        for finding in findings:
            if not finding.measures:
                writer.writerow([finding.key, finding.verdict, "", "", "", "", ""])
            for entry in finding.measures:
                ends = [f"{value:.6g}" for value in (entry.interval.mean, entry.interval.low, entry.interval.high)]
                writer.writerow([finding.key, finding.verdict, entry.name, *ends, entry.count])


def _markdown(results: PaperResults) -> str:
    parts = ["# The paper's experiments", *results.notes, "## Verdicts", "| | verdict |\n|---|---|"]
    parts[-1] += "".join(f"\n| {finding.title} | {finding.verdict} |" for finding in results.findings)
    for finding in results.findings:
        parts.append(f"### {finding.title}")
        parts.append(f"Verdict: **{finding.verdict}**." + (f" Rule: {finding.rule}." if finding.rule else ""))
        if finding.measures:
            rows = "".join(f"\n| {m.name} | {m.text} | {m.count} |" for m in finding.measures)
            parts.append("| measured | mean and 95 % interval | runs |\n|---|---|---|" + rows)
        parts += [finding.note] if finding.note else []
    parts.append("## Table 3")
    heads = ["agent", "reward", "epsilon", "steps", *COLUMNS]
    lines = [" | ".join(heads), "|".join("---" for _ in heads), *(" | ".join(cells) for cells in _cells(results))]
    parts.append("\n".join(f"| {line} |" for line in lines))
    parts.append("Our means over all runs with their 95 % intervals; the paper's one run behind the colon.")
    parts += [f"## {_title(name)}\n\n![{_title(name)}]({name}.png)" for name in results.figures]
    return "\n\n".join(parts) + "\n"


def _html(results: PaperResults, *, drawn: dict[str, bytes]) -> str:
    blocks = [f'<p class="note">{escape(note)}</p>' for note in results.notes]
    for finding in results.findings:
        rule = f" Rule: {escape(finding.rule)}." if finding.rule else ""
        rows = "".join(
            f"<tr><td>{escape(m.name)}</td><td>{escape(m.text)}</td><td>{m.count}</td></tr>" for m in finding.measures
        )
        table = f"<table><tbody>{rows}</tbody></table>" if rows else ""
        note = f'<p class="note">{escape(finding.note)}</p>' if finding.note else ""
        blocks.append(f"<h3>{escape(finding.title)}</h3><p><b>{escape(finding.verdict)}</b>.{rule}</p>{table}{note}")
    heads = "".join(f"<th>{escape(head)}</th>" for head in ("agent", "reward", "epsilon", "steps", *COLUMNS))
    lines = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>" for cells in _cells(results))
    blocks.append(f'<h2>Table 3</h2><div class="wide"><table><tr>{heads}</tr>{lines}</table></div>')
    for name, content in drawn.items():
        data = b64encode(content).decode()
        blocks.append(f'<h2>{_title(name)}</h2><img alt="{_title(name)}" src="data:image/png;base64,{data}">')
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The paper, measured</title>'
        f"<style>{STYLE} img {{ max-width: 100%; }}</style></head><body><h1>The paper, measured</h1>"
        f"{''.join(blocks)}</body></html>\n"
    )


def _cells(results: PaperResults) -> list[list[str]]:
    lines: list[list[str]] = []
    for row in results.table_3:
        cells = [row.agent, str(row.reward), f"{row.epsilon:g}", str(row.num_steps)]
        for place, entry in enumerate(row.measures):
            theirs = "" if row.paper is None else f" : {row.paper[place]:g}"
            cells.append(entry.text + theirs)
        lines.append(cells)
    return lines


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize()
