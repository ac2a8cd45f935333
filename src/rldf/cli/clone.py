"""`rldf clone`: a synthetic copy of a folder of class folders."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rldf.cli import workflows
from rldf.cli.clone_shown import (
    CountShown,
    closing_line,
    missing_line,
    repair_line,
    show_estimate,
    show_event,
    show_plan_event,
)
from rldf.cli.manners import FAILED, print_json, say, well_behaved
from rldf.cli.options import (
    AsJson,
    Debug,
    Device,
    DryRun,
    Dtype,
    Grammar,
    LowMemory,
    Model,
    OptionalSeed,
    Perception,
    Preset,
    Setting,
)
from rldf.cli.settings import Given, settings

group = typer.Typer(
    name="clone",
    help="A synthetic copy of a folder of class folders.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
CloneFolder = Annotated[
    str, typer.Argument(metavar="CLONE", help="Folder or fsspec URL of a planned clone.", show_default=False)
]
Speed = Annotated[
    float,
    typer.Option("--speed", min=0, help="Pictures a second of one worker, for the estimate; 0: as the searches had."),
]
HourCost = Annotated[float, typer.Option("--hour-cost", min=0, help="US dollars for an hour of one worker.")]
Workers = Annotated[int, typer.Option("--workers", min=1, help="How many work at the same time.")]


@group.command(epilog="Example: rldf clone plan photos --out clone --train 200 --vary scene")
@well_behaved
def plan(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Real pictures: one sub-folder per class.", show_default=False)
    ],
    *,
    out: Annotated[str, typer.Option("--out", help="Folder or fsspec URL of the clone.", show_default=False)],
    how: Annotated[
        Literal["search", "read", "names", "recipes"] | None,
        typer.Option(
            "--sentences",
            help="Where sentences come from: a search, perception, class names, or a file.",
            show_default="search, or the file of --recipes",
        ),
    ] = None,
    recipes: Annotated[
        Path | None, typer.Option("--recipes", help="That file: class name to sentences, as JSON.", show_default=False)
    ] = None,
    num_inputs: Annotated[
        int | None,
        typer.Option("--inputs", min=1, help="Pictures of a class that are searched or read.", show_default="3"),
    ] = None,
    budget: Annotated[
        int | None, typer.Option("--budget", min=1, help="Renders of one search.", show_default="48")
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", metavar="AXIS", help="Vary an axis evenly; may be repeated.", show_default=False),
    ] = None,
    train: Annotated[
        int | None, typer.Option("--train", min=0, help="Pictures of each class.", show_default="as many as there are")
    ] = None,
    validation: Annotated[int, typer.Option("--validation", min=0, help="Pictures of each class.")] = 0,
    test: Annotated[int, typer.Option("--test", min=0, help="Pictures of each class.")] = 0,
    shard_size: Annotated[int, typer.Option("--shard-size", min=1, help="Pictures of a shard.")] = 256,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Pictures drawn together.")] = 16,
    picture_format: Annotated[
        Literal["jpeg", "png", "webp"], typer.Option("--format", help="How pictures are stored.")
    ] = "jpeg",
    quality: Annotated[int, typer.Option("--quality", min=1, max=100, help="Of JPEG and WebP.")] = 95,
    safety: Annotated[
        str,
        typer.Option(
            "--safety",
            help="Safety model that looks at every picture: folder or hub id of an image classifier.",
            show_default="none",
        ),
    ] = "",
    speed: Speed = 0.0,
    hour_cost: HourCost = 0.0,
    preset: Preset = "embedded",
    model: Model = None,
    perception: Perception = None,
    grammar: Grammar = None,
    device: Device = None,
    dtype: Dtype = None,
    is_low_memory: LowMemory = False,
    seed: OptionalSeed = None,
    changes: Setting = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Finds the sentences of every class and fixes every picture; draws none but those of the searches."""
    del debug
    given = Given(
        model=model,
        perception=perception,
        grammar=grammar,
        device=device,
        dtype=dtype,
        seed=seed,
        use_low_memory=is_low_memory,
        others={} if budget is None else {"budget.max_renders": budget},
        changes=changes,
    )
    config = settings(workflows.load_preset(preset).config, given)
    splits = {"train": train, "validation": validation, "test": test}
    request = workflows.ClonePlanRequest(
        folder=folder,
        out=out,
        how=workflows.choose_sentences(
            how, recipes=recipes, given={"--vary": vary, "--inputs": num_inputs, "--budget": budget}
        ),
        recipes=recipes,
        num_inputs=3 if num_inputs is None else num_inputs,
        vary=tuple(vary if vary is not None else ()),
        counts={name: count for name, count in splits.items() if count is not None},
        shard_size=shard_size,
        batch_size=batch_size,
        picture_format=picture_format,
        quality=quality,
        safety=safety,
    )
    if dry_run:
        told = asdict(workflows.foresee_clone(request, config=config))
        print_json({"dry_run": True, **told}) if as_json else typer.echo(
            f"{told['num_classes']} classes, {told['num_pictures']} pictures, {told['num_searches']} searches with at "
            f"most {told['max_renders']} renders"
        )
        return
    for event in workflows.plan_clone(request, config=config, announce=say):
        show_plan_event(event)
    _tell_estimate(out, speed=speed, workers=1, hour_cost=hour_cost, as_json=as_json)


@group.command(epilog="Example: rldf clone run clone --workers 2")
@well_behaved
def run(
    clone: CloneFolder,
    *,
    engine: Annotated[
        Literal["local", "ray"], typer.Option("--engine", help="Processes of this machine, or Ray.")
    ] = "local",
    workers: Workers = 1,
    address: Annotated[
        str,
        typer.Option("--address", help="Of a Ray cluster.", show_default="RAY_ADDRESS, else a Ray of its own"),
    ] = "",
    gpus_per_worker: Annotated[
        float | None,
        typer.Option("--gpus-per-worker", min=0, help="Of a Ray worker.", show_default="1, and 0 on the CPU"),
    ] = None,
    no_gates: Annotated[bool, typer.Option("--no-gates", help="Make the shards and stop.", show_default=False)] = False,
    class_rank: Annotated[
        int, typer.Option("--class-rank", min=0, help="Classes a picture may be taken for; 0: any.")
    ] = 1,
    max_rounds: Annotated[int, typer.Option("--max-rounds", min=0, help="Top-up rounds at most.")] = 6,
    force: Annotated[
        bool, typer.Option("--force", help="Judge anew where other gates judged before.", show_default=False)
    ] = False,
    speed: Speed = 0.0,
    hour_cost: HourCost = 0.0,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Makes what is missing, applies the gates, tops up; interrupted, the same command goes on."""
    del debug
    if dry_run:
        _tell_estimate(clone, speed=speed, workers=workers, hour_cost=hour_cost, as_json=as_json)
        return
    request = workflows.RunRequest(
        engine=engine,
        num_workers=workers,
        address=address,
        gpus_per_worker=gpus_per_worker,
        has_gates=not no_gates,
        class_rank=class_rank,
        max_rounds=max_rounds,
        judges_anew=force,
    )
    finished = None
    try:
        for event in workflows.run_clone(workflows.open_clone(clone), request, announce=say):
            finished = show_event(event)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"interrupted; '{clone}' keeps what was made. The same command goes on.") from error
    assert finished is not None
    if as_json:
        print_json({"clone": clone, **finished})
    say(closing_line(clone, finished))
    if not finished["is_whole"]:
        raise typer.Exit(FAILED)


@group.command(epilog="Example: rldf clone status clone")
@well_behaved
def status(clone: CloneFolder, *, as_json: AsJson = False, debug: Debug = False) -> None:
    """Tells how far a clone is, from what lies on storage alone."""
    del debug
    storage = workflows.Storage(clone)
    found = workflows.read_status(storage, workflows.load_rounds(storage))
    told: dict[str, Any] = {
        "rounds": found.num_rounds,
        "pictures": found.num_pictures,
        "pictures_done": found.pictures_done,
        "shards": found.num_shards,
        "shards_done": len(found.done),
        "missing": list(found.missing),
        "quarantined": {str(shard): text for shard, text in found.quarantined.items()},
        "is_complete": found.is_complete,
        "missing_pictures": found.missing_pictures,
    }
    if as_json:
        print_json({"clone": clone, **told})
        return
    typer.echo(
        f"{found.pictures_done} of {found.num_pictures} pictures, {len(found.done)} of {found.num_shards} shards"
    )
    for shard, text in found.quarantined.items():
        typer.echo(f"quarantine: shard {shard}: {text}")
    if found.quarantined:
        typer.echo(repair_line(clone, found.quarantined))
    if found.missing_pictures is None:
        typer.echo("the gates have not judged all of it yet")
    elif found.missing_pictures:
        typer.echo(missing_line(found.missing_pictures))


@group.command(epilog="Example: rldf clone verify clone")
@well_behaved
def verify(clone: CloneFolder, *, as_json: AsJson = False, debug: Debug = False) -> None:
    """Decodes, hashes and counts every picture again; the exit status tells."""
    del debug
    found = workflows.verify_clone(workflows.Storage(clone), on_shard=CountShown("shards checked").tell)
    problems = {str(problem.shard): problem.what for problem in found.problems}
    told: dict[str, Any] = {
        "is_whole": found.is_whole,
        "pictures": found.num_pictures,
        "refused": found.num_refused,
        "problems": problems,
        "missing": list(found.status.missing),
        "quarantined": {str(shard): text for shard, text in found.status.quarantined.items()},
        "left_overs": list(found.left_overs),
        "strays": list(found.strays),
        "damaged_gates": list(found.damaged_gates),
        "missing_pictures": found.missing_pictures,
    }
    if as_json:
        print_json({"clone": clone, **told})
    else:
        num_missing = found.status.num_shards - len(found.status.done)
        typer.echo(
            f"{found.num_pictures} pictures are whole, {found.num_refused} were left out when drawn; "
            f"{num_missing} of {found.status.num_shards} shards are missing"
        )
        if found.missing_pictures:
            typer.echo(missing_line(found.missing_pictures))
        for shard, what in problems.items():
            typer.echo(f"shard {shard}: {what}")
        for kind in ("left_overs", "strays", "damaged_gates"):
            for name in told[kind]:
                typer.echo(f"{kind.replace('_', '-')}: {name}")
    if not found.is_whole:
        raise typer.Exit(FAILED)


@group.command(epilog="Example: rldf clone repair clone")
@well_behaved
def repair(clone: CloneFolder, *, as_json: AsJson = False, debug: Debug = False) -> None:
    """Removes what is damaged or left over and empties the quarantine; the next run makes it again."""
    del debug
    done = workflows.repair_clone(workflows.Storage(clone))
    if as_json:
        print_json({"clone": clone, **{name: list(files) for name, files in asdict(done).items()}})
    else:
        typer.echo(f"{len(done.removed)} files removed, {len(done.retried)} shards out of quarantine")
        if done.fresh:
            typer.echo(f"{len(done.fresh)} left-overs of the last hour were left alone: a run may be in progress")
        typer.echo(f"go on with   rldf clone run {clone}")
    if done.unreadable:
        say(f"{len(done.unreadable)} shards cannot be read at present and were left alone; check the storage")
        raise typer.Exit(FAILED)


@group.command(epilog="Example: rldf clone export clone --out pictures --form imagefolder")
@well_behaved
def export(
    clone: CloneFolder,
    *,
    out: Annotated[str, typer.Option("--out", help="Folder of the data set; empty, no URL.", show_default=False)],
    form: Annotated[
        Literal["imagefolder", "webdataset", "huggingface"], typer.Option("--form", help="For which programs.")
    ] = "imagefolder",
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Writes the pictures that passed the gates, with a data card."""
    del debug
    counter = CountShown("pictures written")
    done = workflows.export_clone(workflows.Storage(clone), out, form=form, on_pictures=counter.tell)
    if as_json:
        told = {"counts": done.counts, "left_out": done.num_left_out, "missing_pictures": done.missing}
        print_json({"folder": str(done.folder), "form": form, **told})
        return
    sizes = ", ".join(f"{number} {split}" for split, number in done.counts.items())
    typer.echo(f"{sizes} pictures in {done.folder}; {done.num_left_out} left out")
    if done.missing:
        typer.echo(missing_line(done.missing))


def _tell_estimate(clone: str, *, speed: float, workers: int, hour_cost: float, as_json: bool) -> None:
    """Says what a planned clone will take."""
    opened = workflows.open_clone(clone)
    estimate = workflows.estimate_of(opened, pictures_per_second=speed, num_workers=workers, hour_cost_usd=hour_cost)
    if as_json:
        print_json({"clone": clone, "digest": opened.rounds[0].digest, **asdict(estimate)})
    else:
        show_estimate(estimate)
