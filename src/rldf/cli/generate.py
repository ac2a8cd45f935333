"""`rldf generate`: a set of pictures of a run's words or of a sentence, under control of every axis."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rldf.cli import workflows
from rldf.cli.controls import read_axes, read_shares
from rldf.cli.manners import FAILED, print_json, print_plan, say, well_behaved
from rldf.cli.options import (
    AsJson,
    Debug,
    Device,
    DryRun,
    Dtype,
    Force,
    Grammar,
    Judge,
    Lora,
    LowMemory,
    Model,
    OptionalSeed,
    Perception,
    Preset,
    Setting,
    Terms,
    read_pairs,
    refuse_others,
)
from rldf.cli.settings import Given, settings

FormName = Literal["folder", "webdataset"]


@well_behaved
def generate(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN|SENTENCE|MANIFEST",
            help="A run folder, a sentence of the grammar, or the manifest of a set to draw again.",
            show_default=False,
        ),
    ],
    *,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many pictures.")] = 8,
    changed: Terms = None,
    varied: Annotated[
        list[str] | None,
        typer.Option("--vary", metavar="AXIS,...", help="Draw these axes anew for each picture.", show_default=False),
    ] = None,
    balanced: Annotated[
        list[str] | None,
        typer.Option(
            "--balance",
            metavar="AXIS,...",
            help="Every combination of their terms equally often: counts differ by at most one.",
            show_default=False,
        ),
    ] = None,
    shares: Annotated[
        list[str] | None,
        typer.Option(
            "--share",
            metavar="AXIS=TERM:N,...",
            help="Balance an axis by stated shares; may be repeated.",
            show_default=False,
        ),
    ] = None,
    checked: Annotated[
        list[str] | None,
        typer.Option(
            "--check",
            metavar="AXIS,...",
            help="Keep a picture only where scorer A reads these axes as asked; 'none' keeps all.",
            show_default="the noun with the embedded model, else none",
        ),
    ] = None,
    max_tries: Annotated[int, typer.Option("--tries", min=1, help="Pictures drawn for each one kept, at most.")] = 4,
    is_diverse: Annotated[
        bool,
        typer.Option("--diverse", help="Draw all tries; keep what is good and unlike the rest.", show_default=False),
    ] = False,
    form: Annotated[
        FormName, typer.Option("--format", help="A folder of pictures, or archives for WebDataset beside it.")
    ] = "folder",
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the pictures.", show_default="beside the run, or pictures/")
    ] = None,
    preset: Preset = "embedded",
    model: Model = None,
    lora: Lora = None,
    perception: Perception = None,
    judge: Judge = None,
    grammar: Grammar = None,
    device: Device = None,
    dtype: Dtype = None,
    is_low_memory: LowMemory = False,
    seed: OptionalSeed = None,
    changes: Setting = None,
    is_dry_run: DryRun = False,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draws a set of pictures of the words of a run, or of a sentence: fixed, varied and balanced as you ask.

    Interrupted, the same command goes on and ends with the same files. A manifest draws its set again, in a folder of
    its own; it fixes everything, so options that change pictures are refused.
    """
    del debug
    if Path(source).name.endswith(".json") and Path(source).is_file():
        refuse_others(context, "a manifest", allowed=("out", "is_dry_run", "force", "as_json", "debug"))
        _redraw(Path(source), out=out, is_dry_run=is_dry_run, force=force, as_json=as_json)
        return
    given = Given(
        model=model,
        perception=perception,
        judge=judge,
        grammar=grammar,
        device=device,
        dtype=dtype,
        seed=seed,
        use_low_memory=is_low_memory,
        others={"model.adapter": None if lora is None else workflows.find_lora(lora)},
        changes=changes,
    )
    request = workflows.SetRequest(
        count=count,
        terms=read_pairs(changed, option="--set"),
        controls=workflows.Controls(
            vary=read_axes(varied), balance=read_axes(balanced), shares=read_shares(shares) or None
        ),
        check=read_axes(checked),
        max_tries=max_tries,
        is_diverse=is_diverse,
        form=form,
    )
    config = settings(workflows.base_config(source, preset=preset), given)
    if is_dry_run:
        most = count * workflows.tries_for_each(request, config)
        print_plan(count, most=most, cost_usd=config.model.picture_cost_usd, as_json=as_json)
        return
    events = workflows.generate_pictures(source, request, config=config, out=out, force=force, announce=say)
    drawn: list[Any] = []
    for event in events:
        if isinstance(event, workflows.SetFinished):
            _print_set(event, drawn, as_json=as_json)
        else:
            drawn.append(event)
            say(f"{event.position} of {event.count}: {event.path}")


def _print_set(finished: Any, drawn: list[Any], *, as_json: bool) -> None:  # noqa: ANN401 - a SetFinished
    """Prints what was made."""
    manifest = finished.manifest
    keys = ("drawn", "rejected", "not_passed", "cells", "diversity")
    if as_json:
        files = [{"file": str(picture.path), "seed": picture.seed, "sentence": picture.sentence} for picture in drawn]
        facts = {key: manifest[key] for key in keys if key in manifest}
        archives = [str(path) for path in finished.archives]
        told = {"sentence": manifest["sentence"], "folder": str(finished.folder), **facts}
        print_json({**told, "sheet": str(finished.sheet), "archives": archives, "pictures": files})
        return
    typer.echo(f"{manifest['sentence']}\n{len(drawn)} pictures in {finished.folder}; sheet {finished.sheet}")
    if manifest["selection"] is not None:
        typer.echo(f"rejected {manifest['rejected']} of {manifest['drawn']} drawn, by scorer A")
        if manifest["not_passed"]:
            typer.echo(f"{manifest['not_passed']} kept although none of their tries passed; their sidecars say so")
    counts = [row["count"] for row in manifest["cells"]]
    if len(counts) > 1:
        typer.echo(f"{len(counts)} cells of {min(counts)} to {max(counts)} pictures")
    diversity = manifest.get("diversity")
    if diversity is not None:
        ratio = f", {diversity['vendi_ratio']:.2f} of the renderer's own" if "vendi_ratio" in diversity else ""
        typer.echo(f"Vendi score {diversity['vendi_score']:.2f}{ratio}")


def _redraw(manifest: Path, *, out: Path | None, is_dry_run: bool, force: bool, as_json: bool) -> None:
    """Draws a set again from its manifest alone."""
    folder = manifest.parent / "again" if out is None else out
    if is_dry_run:
        count, cost_usd = workflows.plan_redraw(manifest)
        print_plan(count, most=count, cost_usd=cost_usd, as_json=as_json)
        return
    events = []
    for event in workflows.redraw_pictures(manifest, out=folder, force=force, announce=say):
        events.append(event)
        say(f"{event.position} of {event.count}: {event.path}")
    num_equal = sum(event.is_equal for event in events)
    if as_json:
        print_json({"folder": str(folder), "pictures": len(events), "equal": num_equal})
    else:
        typer.echo(f"{len(events)} pictures in {folder}, {num_equal} equal to the bit")
    if num_equal < len(events):
        say("error: pictures differ from the manifest; it takes the same model, device, number format and versions.")
        raise typer.Exit(FAILED)
