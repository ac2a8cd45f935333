"""More of `rldf bench`: the paper's experiments."""

from pathlib import Path
from typing import Annotated

import typer

from rldf.cli import workflows
from rldf.cli.manners import fail, print_json, say, well_behaved
from rldf.cli.options import AsJson, Debug, Force

Source = Annotated[str, typer.Option("--table", help="A table, or simulated-base or simulated-wide, which need none.")]


@well_behaved
def paper(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder of CSV, pictures and report.")] = Path("paper"),
    source: Source = "simulated-base",
    wide: Annotated[
        str, typer.Option("--wide", help="A larger table, for sizes and domains.", show_default="the same table")
    ] = "",
    num_runs: Annotated[int, typer.Option("--runs", min=0, help="Runs of each row; 0 for 30, or 6 with --quick.")] = 0,
    is_quick: Annotated[
        bool, typer.Option("--quick", help="A small try of everything, in minutes.", show_default=False)
    ] = False,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Makes the paper's Table 3, its figures, and an experiment for each of its claims."""
    del debug
    if (out / "findings.csv").exists() and not force:
        fail(f"'{out}' holds results already; nothing is overwritten. Choose another --out, or give --force.")
    asked = workflows.PaperRun(table=source, wide=wide, num_runs=num_runs, is_quick=is_quick)
    results, page = workflows.bench_paper(asked, out, announce=say)
    verdicts = {finding.key: finding.verdict for finding in results.findings}
    if as_json:
        print_json({"report": str(page), "verdicts": verdicts})
        return
    for finding in results.findings:
        typer.echo(f"{finding.verdict:16} {finding.title}")
    typer.echo(str(page))
