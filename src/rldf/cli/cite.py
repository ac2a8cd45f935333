"""`rldf cite`: the papers behind a run."""

import typer

from rldf.cli import workflows
from rldf.cli.manners import print_json, well_behaved
from rldf.cli.options import AsJson, Debug, RunFolder


@well_behaved
def cite(run: RunFolder, *, as_json: AsJson = False, debug: Debug = False) -> None:
    """Prints the references of the methods that a run used."""
    del debug
    if not workflows.is_finetune(run):
        workflows.read_run(run)
    references = workflows.references_of(run)
    if as_json:
        print_json(
            {
                "run": str(run),
                "references": [{"method": found.method, "citation": found.citation} for found in references],
            }
        )
        return
    for found in references:
        typer.echo(f"{found.citation}\n    {found.method}")
