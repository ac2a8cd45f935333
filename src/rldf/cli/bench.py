"""`rldf bench`: makes the benchmark's table, replays searchers on it, reports."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from rldf.cli import bench_studies, workflows
from rldf.cli.manners import fail, print_json, print_plan, say, well_behaved
from rldf.cli.options import AsJson, ContextCommand, Debug, Device, DryRun, Force, Model, Seed, given_options

MEBIBYTE = 2**20

group = typer.Typer(
    name="bench",
    help="The search benchmark: any searcher, the same pictures, the same budget.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command(epilog="Example: rldf bench table --space base --out base.npz")
@well_behaved
def table(
    *,
    out: Annotated[Path, typer.Option("--out", help="The table; an interrupted one goes on.", show_default=False)],
    space: Annotated[str, typer.Option("--space", help="Grammar whose states are all drawn.")] = "base",
    num_targets: Annotated[int, typer.Option("--targets", min=1, help="Pictures to search for.")] = 200,
    search_seeds: Annotated[int, typer.Option("--search-seeds", min=1, help="Pictures of a state to search on.")] = 8,
    test_seeds: Annotated[int, typer.Option("--test-seeds", min=2, help="Pictures of a state to judge by.")] = 16,
    width: Annotated[int, typer.Option("--width", min=1, max=64, help="Numbers kept of an embedding.")] = 64,
    seed: Seed = 0,
    model: Model = None,
    device: Device = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only tell whether it fits the present weights.", show_default=False)
    ] = False,
    is_dry_run: DryRun = False,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draws every state of a space once and keeps what the scorers read."""
    del debug
    settings = [f"grammar.name={space}", f"seed={seed}", "model.use_cache=false"]
    settings += [] if model is None else [f"model.id={model}"]
    settings += [] if device is None else [f"model.device={device}"]
    config = workflows.override(workflows.load_preset("embedded").config, settings)
    if check:
        workflows.check_table(out, config)
        if as_json:
            print_json({"table": str(out), "space": space, "fits_present_weights": True})
        else:
            say(f"{out} fits the present weights")
        return
    if is_dry_run:
        count = workflows.load_grammar(space).space.size * (search_seeds + test_seeds)
        print_plan(count, most=count, cost_usd=config.model.picture_cost_usd, as_json=as_json)
        return
    if out.exists() and not force:
        fail(f"'{out}' exists already; nothing is overwritten. Choose another --out, or give --force.")
    command = (
        f"rldf bench table --space {space} --out {out.name} --targets {num_targets} --search-seeds {search_seeds} "
        f"--test-seeds {test_seeds} --width {width} --seed {seed}{'' if model is None else f' --model {model}'} --force"
    )
    events = workflows.bench_table(
        config,
        out=out,
        num_targets=num_targets,
        num_search_seeds=search_seeds,
        num_test_seeds=test_seeds,
        width=width,
        command=command,
        announce=say,
    )
    for event in events:
        if isinstance(event, workflows.BlockDone):
            say(f"{event.states} of {event.num_states} states drawn")
    size = out.stat().st_size
    if as_json:
        print_json({"table": str(out), "bytes": size, "space": space, "seed": seed})
    else:
        typer.echo(f"{out}: {size / MEBIBYTE:.1f} MiB")


@group.command(cls=ContextCommand, epilog="Example: rldf bench run --quick --out bench")
@well_behaved
def run(
    context: typer.Context,
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder of results and report.")] = Path("bench"),
    source: Annotated[
        str, typer.Option("--table", help="base, wide, simulated-base, simulated-wide, or a file.")
    ] = "base",
    methods: Annotated[
        str, typer.Option("--methods", help="Names with commas between; all of them if left out.", show_default=False)
    ] = "",
    start: Annotated[Literal["cold", "warm", "both"], typer.Option("--start", help="Where searches begin.")] = "both",
    split: Annotated[Literal["development", "test", "all"], typer.Option("--split", help="Which targets.")] = "test",
    num_targets: Annotated[int, typer.Option("--targets", min=0, help="Targets at most; 0 for all.")] = 100,
    num_seeds: Annotated[int, typer.Option("--seeds", min=1, help="Searches of each target.")] = 10,
    max_renders: Annotated[int, typer.Option("--budget", min=1, max=512, help="Largest number of renders.")] = 128,
    reward: Annotated[
        Literal["agreement", "clip", "multi-semantic", "partial-semantic"],
        typer.Option("--reward", help="What searches are rewarded for."),
    ] = "agreement",
    batch: Annotated[int, typer.Option("--batch", min=1, help="Tries at once at most.")] = 8,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 2,
    tuned: Annotated[
        Path | None, typer.Option("--tuned", help="Settings that rldf bench tune chose.", show_default=False)
    ] = None,
    is_quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="A small plan, less than two minutes on two cores, in all that is not given.",
            show_default=False,
        ),
    ] = False,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Replays searchers from a table; the same numbers whenever it is run."""
    del debug
    if (out / "results.csv").exists() and not force:
        fail(f"'{out}' holds results already; nothing is overwritten. Choose another --out, or give --force.")
    asked = workflows.BenchRun(
        table=source,
        methods=tuple(name.strip() for name in methods.split(",") if name.strip()),
        starts=("cold", "warm") if start == "both" else (start,),
        split=split,
        num_targets=num_targets,
        num_seeds=num_seeds,
        max_renders=max_renders,
        reward=reward,
        batch_size=batch,
        num_workers=workers,
        settings={} if tuned is None else workflows.read_tuned(tuned),
    )
    asked = workflows.quick(asked, kept=given_options(context)) if is_quick else asked
    rows, _ = workflows.bench_run(asked, out, on_progress=bench_studies.show_progress, announce=say)
    page = workflows.report_of(out)
    if as_json:
        print_json({"results": str(out / "results.csv"), "rows": len(rows), "report": str(page)})
    else:
        typer.echo(f"{len(rows)} rows in {out / 'results.csv'}; {page}")


@group.command(epilog="Example: rldf bench report bench")
@well_behaved
def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of rldf bench run.", show_default=False)],
    *,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Writes `methods.csv` and `report.html` of results again."""
    del debug
    page = workflows.report_of(folder)
    if as_json:
        print_json({"report": str(page), "methods": str(folder / "methods.csv")})
    else:
        typer.echo(str(page))


group.command(cls=ContextCommand, epilog="Example: rldf bench paper --table base.npz --wide wide.npz --out paper")(
    bench_studies.paper
)
group.command(epilog="Example: rldf bench tune --table base.npz --out tuned")(bench_studies.tune)
group.command(epilog="Example: rldf bench confirm bench --share 0.1")(bench_studies.confirm)
group.command(epilog="Example: rldf bench transfer --table base.npz")(bench_studies.transfer)
