"""`rldf bench paper --table 1` and `--table 2`: the paper's tables of cloning, on the drawn world."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from rldf.cli import workflows
from rldf.cli.manners import print_json, say

TABLES = ("1", "2")
"""What `--table` takes for the tables of cloning; everything else is the table of a benchmark."""

_SEEDS = 3  # our choice: trainings of each set

StudyGrammar = Annotated[str, typer.Option("--grammar", help="Of tables 1 and 2: what is drawn and said.")]
Classes = Annotated[int, typer.Option("--classes", min=2, help="Of tables 1 and 2: classes.")]
Pictures = Annotated[
    int, typer.Option("--pictures", min=1, help="Of tables 1 and 2: training pictures of a class, real or synthetic.")
]
Tests = Annotated[int, typer.Option("--tests", min=1, help="Of tables 1 and 2: test pictures of a class.")]
Epochs = Annotated[int, typer.Option("--epochs", min=1, help="Of table 2: passes over the training pictures.")]
DrawWorkers = Annotated[int, typer.Option("--workers", min=1, help="Of tables 1 and 2: processes that draw.")]


def own_options(*, is_quick: bool) -> tuple[str, ...]:
    """Names of the parameters that only these tables take; a tiny study has sizes of its own."""
    sizes = () if is_quick else ("classes", "pictures", "tests", "epochs", "num_runs")
    return ("grammar", *sizes, "workers")


def show(table: str, grammar: str, sizes: Mapping[str, int], *, out: Path, is_quick: bool, as_json: bool) -> None:
    """Makes a table, or what is missing of it, and prints it.

    Args:
        table: one of `TABLES`.
        grammar: name or file.
        sizes: classes, pictures, tests, epochs, runs (trainings of each set; 0 for three) and workers.
        out: folder of everything.
        is_quick: True for a tiny study.
        as_json: True to print JSON.
    """
    config = workflows.override(workflows.load_preset("embedded").config, [f"grammar.name={grammar}"])
    study = workflows.CloneStudy(
        config=config,
        num_classes=sizes["classes"],
        num_train=sizes["pictures"],
        num_test=sizes["tests"],
        epochs=sizes["epochs"],
        num_seeds=sizes["runs"] if sizes["runs"] else _SEEDS,
        num_workers=sizes["workers"],
    )
    study = workflows.quick_study(study) if is_quick else study
    made = workflows.make_table(1 if table == "1" else 2, study, out, announce=say)
    if as_json:
        print_json(workflows.table_as_json(made))
    else:
        typer.echo(workflows.table_as_markdown(made))
