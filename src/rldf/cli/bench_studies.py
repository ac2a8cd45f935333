"""More of `rldf bench`: tuning, live confirmation, transfer, the paper's experiments."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from rldf.cli import bench_tables, workflows
from rldf.cli.manners import fail, print_json, say, well_behaved
from rldf.cli.options import AsJson, Debug, Force, Seed, refuse_others

Source = Annotated[str, typer.Option("--table", help="base, wide, simulated-base, simulated-wide, or a file.")]
PaperSource = Annotated[str, typer.Option("--table", help="As in bench run; or 1 or 2, the paper's tables of cloning.")]


@well_behaved
def paper(
    context: typer.Context,
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder of CSV, pictures and report.")] = Path("paper"),
    source: PaperSource = "base",
    wide: Annotated[
        str,
        typer.Option("--wide", help="A larger table, for sizes and domains.", show_default="wide beside base"),
    ] = "",
    num_runs: Annotated[
        int, typer.Option("--runs", min=0, help="Runs of each row, 0 for 30; of tables 1 and 2 trainings, 0 for 3.")
    ] = 0,
    is_quick: Annotated[
        bool, typer.Option("--quick", help="A small try of everything, in minutes.", show_default=False)
    ] = False,
    grammar: bench_tables.StudyGrammar = "base",
    classes: bench_tables.Classes = 10,
    pictures: bench_tables.Pictures = 200,
    tests: bench_tables.Tests = 50,
    epochs: bench_tables.Epochs = 15,
    workers: bench_tables.DrawWorkers = 1,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Makes the paper's Table 3, its figures, and an experiment for each of its claims; or its Table 1 or 2.

    Tables 1 and 2 go on with what lies in their folder, and a folder of another study is refused.
    """
    del debug
    is_of_cloning = source in bench_tables.TABLES
    own = bench_tables.own_options(is_quick=is_quick) if is_of_cloning else ("wide", "num_runs", "force")
    mode = f"--table {source}" + (" --quick" if is_of_cloning and is_quick else "")
    refuse_others(context, mode, allowed=("source", "out", "is_quick", *own, "as_json", "debug"))
    if is_of_cloning:
        sizes = {"classes": classes, "pictures": pictures, "tests": tests, "epochs": epochs}
        sizes |= {"runs": num_runs, "workers": workers}
        bench_tables.show(source, grammar, sizes, out=out, is_quick=is_quick, as_json=as_json)
        return
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


@well_behaved
def tune(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder of tuned.json and trials.csv.")] = Path("tuned"),
    source: Source = "base",
    methods: Annotated[
        str,
        typer.Option("--methods", help="Names with commas between; all with settings if left out.", show_default=False),
    ] = "",
    start: Annotated[Literal["cold", "warm"], typer.Option("--start", help="Where searches begin.")] = "cold",
    num_settings: Annotated[
        int, typer.Option("--settings", min=1, help="Settings tried of each method, the defaults among them.")
    ] = 30,
    num_targets: Annotated[int, typer.Option("--targets", min=0, help="Development targets at most; 0 for all.")] = 20,
    num_seeds: Annotated[int, typer.Option("--seeds", min=1, help="Searches of each target.")] = 2,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 2,
    seed: Seed = 0,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Tunes methods on development targets, the same number of settings each; for `rldf bench run --tuned`."""
    del debug
    if (out / "tuned.json").exists() and not force:
        fail(f"'{out}' holds tuned settings already; nothing is overwritten. Choose another --out, or give --force.")
    asked = workflows.TuningRun(
        table=source,
        methods=tuple(name.strip() for name in methods.split(",") if name.strip()),
        start=start,
        num_settings=num_settings,
        num_targets=num_targets,
        num_seeds=num_seeds,
        num_workers=workers,
        seed=seed,
    )
    chosen = workflows.bench_tune(asked, out, on_progress=show_progress, announce=say)
    if as_json:
        print_json({"tuned": str(out / "tuned.json"), "methods": {name: asdict(each) for name, each in chosen.items()}})
        return
    for name, each in chosen.items():
        settings = " ".join(f"{key}={value:g}" for key, value in each.settings.items())
        typer.echo(f"{name:28} {each.default_area:.3f} -> {each.area:.3f}  {settings if settings else 'defaults'}")


@well_behaved
def confirm(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of rldf bench run.", show_default=False)],
    *,
    share: Annotated[float, typer.Option("--share", help="Share of the searches to make again.")] = 0.1,
    seed: Seed = 0,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Makes a share of a run's searches again with live pictures, and compares."""
    del debug
    if (folder / "confirmed.csv").exists() and not force:
        fail(f"'{folder}' holds confirmed searches already; nothing is overwritten. Give --force to make them again.")
    summary = workflows.bench_confirm(folder, share=share, seed=seed, on_progress=show_progress)
    if as_json:
        print_json({"confirmed": str(folder / "confirmed.csv"), **asdict(summary)})
        return
    typer.echo(
        f"{summary.searches} searches, {summary.answers} answers, {summary.pictures} pictures drawn: same encoding "
        f"{summary.same_encoding:.1%}, same success {summary.same_success:.1%}, score live less replayed "
        f"{summary.score_difference:+.4f} on the mean and {summary.largest_score_difference:.4f} at most"
    )


@well_behaved
def transfer(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder of transfer.json.")] = Path("transfer"),
    source: Source = "base",
    sources: Annotated[str, typer.Option("--earlier", help="Numbers of earlier targets, commas between.")] = "1,3,10",
    num_runs: Annotated[int, typer.Option("--runs", min=0, help="Targets; 0 for 30, or 6 with --quick.")] = 0,
    is_quick: Annotated[bool, typer.Option("--quick", help="A small try.", show_default=False)] = False,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Measures whether what was learned on earlier targets helps with the next one."""
    del debug
    if (out / "transfer.json").exists() and not force:
        fail(f"'{out}' holds results already; nothing is overwritten. Choose another --out, or give --force.")
    counts = [part.strip() for part in sources.split(",")]
    if not all(part.isdigit() for part in counts):
        fail(f"--earlier is '{sources}'; it holds whole numbers with commas between. Try 1,3,10.")
    findings = workflows.bench_transfer(
        source, out, num_runs=num_runs, sizes=tuple(map(int, counts)), is_quick=is_quick, announce=say
    )
    if as_json:
        print_json({"transfer": str(out / "transfer.json"), "findings": [asdict(finding) for finding in findings]})
        return
    for finding in findings:
        typer.echo(f"{finding.verdict:16} {finding.title}")
        for entry in finding.measures:
            typer.echo(f"    {entry.name}: {entry.text}")


def show_progress(done: int, total: int) -> None:
    """Says on stderr how far a plan is, about twenty times."""
    if done == total or done % max(1, total // 20) == 0:
        say(f"{done} of {total} done")
