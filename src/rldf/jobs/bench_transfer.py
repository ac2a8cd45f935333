"""Measures transfer between targets on a table, as one call."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from rldf.bench.paper_bench import QUICK, PaperBench, PaperSize
from rldf.bench.paper_findings import Finding
from rldf.bench.transfer import TransferSize, transfer_of_pictures, transfer_of_values
from rldf.jobs.bench_tables import load_table
from rldf.presets.searchers import make_searcher


def bench_transfer(
    source: str, folder: Path, *, num_runs: int, sizes: tuple[int, ...], is_quick: bool, announce: Callable[[str], None]
) -> list[Finding]:
    """Measures both kinds of transfer from several numbers of earlier targets, and writes `transfer.json`.

    Args:
        source: a table, as `load_table` takes it.
        folder: where the file goes.
        num_runs: targets; 0 for the usual number.
        sizes: numbers of earlier targets.
        is_quick: True for a small try.
        announce: is given one line for each part.

    Returns:
        Two findings for each number of earlier targets.
    """
    size = replace(QUICK if is_quick else PaperSize(), budgets=(4, 8, 12, 16, 24, 32))
    size = replace(size, num_runs=num_runs) if num_runs else size
    bench = PaperBench(load_table(source, announce=announce), size=size, make_searcher=make_searcher)
    findings: list[Finding] = []
    for count in sizes:
        announce(f"{count} earlier targets")
        before = TransferSize(num_sources=count)
        findings += [transfer_of_pictures(bench, before), transfer_of_values(bench, before)]
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "table": source,
        "models": dict(bench.table.models),
        "sources": list(sizes),
        "findings": [asdict(finding) for finding in findings],
    }
    (folder / "transfer.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return findings
