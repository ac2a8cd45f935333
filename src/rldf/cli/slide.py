"""`rldf slide`: one axis from end to end, everything else fixed."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from rldf.cli import workflows
from rldf.cli.manners import print_json, print_plan, say, well_behaved
from rldf.cli.options import (
    AsJson,
    Debug,
    Device,
    DryRun,
    Dtype,
    Force,
    Grammar,
    Judge,
    LowMemory,
    Model,
    OptionalSeed,
    Preset,
    Setting,
    Terms,
    read_pairs,
)
from rldf.cli.settings import Given, settings

StripName = Literal["png", "webp"]


@well_behaved
def slide(
    source: Annotated[
        str,
        typer.Argument(metavar="RUN|SENTENCE", help="A run folder, or a sentence of the grammar.", show_default=False),
    ],
    *,
    axis: Annotated[str, typer.Option("--axis", metavar="AXIS", help="The axis that changes.", show_default=False)],
    changed: Terms = None,
    form: Annotated[StripName, typer.Option("--format", help="A labelled strip, or an animation.")] = "png",
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the pictures.", show_default="slides/<axis> in the run")
    ] = None,
    preset: Preset = "embedded",
    model: Model = None,
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
    """Draws one strip along an axis, everything else and the seed fixed, and says what else changed."""
    del debug
    given = Given(
        model=model,
        judge=judge,
        grammar=grammar,
        device=device,
        dtype=dtype,
        seed=seed,
        use_low_memory=is_low_memory,
        changes=changes,
    )
    config = settings(workflows.base_config(source, preset=preset), given)
    terms = read_pairs(changed, option="--set")
    if is_dry_run:
        count = workflows.plan_slide(source, axis, config=config, terms=terms)
        print_plan(count, most=count, cost_usd=config.model.picture_cost_usd, as_json=as_json)
        return
    drawn = workflows.slide(
        source,
        axis,
        config=config,
        terms=terms,
        form=form,
        out=out,
        force=force,
        announce=say,
    )
    facts = drawn.facts
    if as_json:
        print_json({"folder": str(drawn.folder), "picture": str(drawn.picture), **facts})
        return
    scorer = facts["scorer"].upper()
    for step in facts["steps"]:
        typer.echo(f"{step['term']:<20} read as {step['read'][axis]:<20} {drawn.folder / step['file']}")
    typer.echo(f"{axis} is read as asked in {facts['followed']:.0%} of the steps, by scorer {scorer}")
    for other, share in facts["kept"].items():
        typer.echo(f"  {other} stays in {share:.0%}")
    typer.echo(str(drawn.picture))
