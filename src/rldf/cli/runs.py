"""`rldf runs`: lists, shows and resumes runs, writes their reports, and draws their words elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rldf.cli import workflows
from rldf.cli.finetune_shown import print_summary as print_tuned
from rldf.cli.finetune_shown import print_unfinished, train_and_report
from rldf.cli.manners import print_json, print_plan, say, well_behaved
from rldf.cli.options import AsJson, Debug, Device, DryRun, Dtype, LowMemory, Model, RunFolder, Setting
from rldf.cli.searching import print_summary, watch_run
from rldf.cli.settings import Given, settings
from rldf.errors import RldfError

if TYPE_CHECKING:
    from rldf.web.finetune_run import StoredFinetune

LISTED = ("search", "finetune")
group = typer.Typer(
    name="runs", help="Runs: what searches and fine-tunings left behind.", no_args_is_help=True, rich_markup_mode=None
)


@group.command("list", epilog="Example: rldf runs list runs")
@well_behaved
def list_all(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the runs are.")] = Path("runs"),
    *,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Lists the runs in a folder; runs that cannot be read are listed with the reason."""
    del debug
    rows = [_row(path) for path in workflows.find_runs(folder, kinds=LISTED)]
    if as_json:
        print_json({"folder": str(folder), "runs": rows})
        return
    if not rows:
        typer.echo(f"no runs in '{folder}'")
    for row in rows:
        score = "" if row["score"] is None else f"score {row['score']:.2f}"
        typer.echo(f"{row['run']:<32} {row['state']:<12} {score:<11} {row['sentence']}")


def _row(path: Path) -> dict[str, Any]:
    """What the list says of one run."""
    try:
        if workflows.is_finetune(path):
            return _finetune_row(workflows.read_finetune_folder(path))
        run = workflows.read_run(path)
    except RldfError as error:
        unread = {"kind": None, "score": None, "tries": None}
        return {"run": str(path), "state": "unreadable", "sentence": str(error), **unread}
    return {
        "run": str(path),
        "kind": "search",
        "state": "finished" if run.is_finished else "interrupted",
        "score": run.score if run.is_finished else None,
        "sentence": run.sentence,
        "tries": len(run.steps),
    }


def _finetune_row(run: "StoredFinetune") -> dict[str, Any]:
    """What the list says of a fine-tuning: its reward in the place of a sentence; it has no score."""
    config = run.header.optional_child("config")
    method, model = config.optional_child("train").optional_text("method"), run.header.optional_child("model")
    rewards = [epoch.reward_mean for epoch in run.epochs]
    moved = f", reward {rewards[0]:.4f} -> {rewards[-1]:.4f}" if rewards else ""
    return {
        "run": str(run.folder),
        "kind": "finetune",
        "state": "interrupted" if run.summary is None else "finished",
        "score": None,
        "sentence": f"{method} of {model.optional_text('id')}{moved}",
        "tries": run.epochs[-1].queries if run.epochs else 0,
    }


@group.command(epilog="Example: rldf runs show runs/demo")
@well_behaved
def show(run: RunFolder, *, as_json: AsJson = False, debug: Debug = False) -> None:
    """Shows what a run found; of an unfinished one, the best so far."""
    del debug
    if workflows.is_finetune(run):
        stored = workflows.read_finetune_folder(run)
        if stored.summary is None:
            print_unfinished(stored, as_json=as_json)
        else:
            print_tuned(workflows.read_json(run / "summary.json"), as_json=as_json)
        return
    record = workflows.read_run(run)
    if record.summary is not None:
        print_summary(record.summary, as_json=as_json)
        return
    if as_json:
        print_json(
            {
                "run": str(run),
                "state": "interrupted",
                "tries": len(record.steps),
                "sentence": record.sentence,
                "encoding": record.terms,
            }
        )
        return
    typer.echo(f"best so far  {record.sentence}")
    typer.echo(f"tries        {len(record.steps)}")
    typer.echo(f"go on with   rldf runs resume {run}")


@group.command(epilog="Example: rldf runs resume runs/demo")
@well_behaved
def resume(run: RunFolder, *, as_json: AsJson = False, debug: Debug = False) -> None:
    """Goes on with an interrupted run, to the same result as without the interruption."""
    del debug
    if workflows.is_finetune(run):
        train_and_report(workflows.resume_finetune(run, announce=say), folder=run, as_json=as_json)
        return
    events = workflows.resume_search(run, announce=say)
    print_summary(watch_run(events, folder=run), as_json=as_json)


@group.command(epilog="Example: rldf runs report runs/demo")
@well_behaved
def report(
    run: RunFolder,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the page goes.", show_default="report.html in the run folder")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Writes the report of a run: one HTML page that needs no network."""
    del debug
    written = workflows.write_report(run, out=out)
    if as_json:
        print_json({"run": str(run), "report": str(written)})
        return
    typer.echo(str(written))


@group.command(epilog="Example: rldf runs transfer runs/demo --model CompVis/stable-diffusion-v1-4")
@well_behaved
def transfer(
    run: RunFolder,
    *,
    model: Model = None,
    device: Device = None,
    dtype: Dtype = None,
    is_low_memory: LowMemory = False,
    changes: Setting = None,
    is_dry_run: DryRun = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draws the words a run found with another model, or with other settings of its own, and scores them alike."""
    del debug
    given = Given(model=model, device=device, dtype=dtype, use_low_memory=is_low_memory, changes=changes)
    config = settings(workflows.base_config(str(run), preset="embedded"), given)
    if is_dry_run:
        count = workflows.plan_transfer(run)
        print_plan(count, most=count, cost_usd=config.model.picture_cost_usd, as_json=as_json)
        return
    moved = workflows.transfer(run, config, announce=say)
    if as_json:
        print_json({"folder": str(moved.folder), **moved.facts})
        return
    before, after = moved.facts["before"], moved.facts["after"]
    for label, row in (("here", before), ("elsewhere", after), ("start elsewhere", moved.facts["after_start"])):
        low, high = row["score_ci95"]
        typer.echo(f"{label:<16} {row['score']:.3f} (95 % interval {low:.3f} to {high:.3f})")
    low, high = moved.facts["difference_ci95"]
    typer.echo(f"{'difference':<16} {moved.facts['difference']:+.3f} ({low:+.3f} to {high:+.3f})")
    typer.echo(f"pictures in {moved.folder}")
