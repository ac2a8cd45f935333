"""`rldf ablate`: what is left of a concept when its words are outside the grammar."""

from pathlib import Path
from typing import Annotated, Any

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
    Judge,
    LowMemory,
    Model,
    OptionalSeed,
    Perception,
    Preset,
    Setting,
)
from rldf.cli.settings import Given, settings

ROWS = {
    "before": "with its words",
    "after": "without them",
    "strongest": "strongest sentence left",
    "chance": "other sentences: chance",
}


@well_behaved
def ablate(
    concept: Annotated[
        str,
        typer.Argument(
            metavar="CONCEPT", help="What is blocked: axis=term, a term, or a group of terms.", show_default=False
        ),
    ],
    image: Annotated[
        Path | None,
        typer.Argument(
            metavar="[IMAGE]", help="The picture to search.", show_default="one of the embedded world that shows it"
        ),
    ] = None,
    *,
    budget: Annotated[
        int | None, typer.Option("--budget", min=1, help="Pictures each of the searches may draw.", show_default="48")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the result.", show_default="runs/ablate-<concept>")
    ] = None,
    preset: Preset = "embedded",
    model: Model = None,
    perception: Perception = None,
    judge: Judge = None,
    grammar: Annotated[str, typer.Option("--grammar", help="Name of a grammar, or a grammar file.")] = "full",
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
    """Searches a picture with and without a concept's words, and the strongest sentence that is left.

    The words leave the grammar; the model stays as it is. docs/responsible-use.md says what that means.
    """
    del debug
    given = Given(
        model=model,
        perception=perception,
        judge=judge,
        grammar=grammar,
        device=device,
        dtype=dtype,
        seed=seed,
        use_low_memory=is_low_memory,
        others={"budget.max_renders": budget},
        changes=changes,
    )
    config = settings(workflows.load_preset(preset).config, given)
    if is_dry_run:
        most = workflows.plan_ablation(concept, config)
        print_plan(most, most=most, cost_usd=config.model.picture_cost_usd, as_json=as_json)
        return
    folder = Path("runs") / f"ablate-{workflows.folder_name(concept)}" if out is None else out
    if image is None:
        image = workflows.draw_input(concept, config=config, folder=folder, force=force)
    facts: dict[str, Any] = {}
    with workflows.SearchProgress() as progress:
        for event in workflows.ablate(concept, image, config=config, out=folder, force=force, announce=say):
            if isinstance(event, workflows.Ablated):
                facts = dict(event.facts)
            else:
                progress.show(event)
    if as_json:
        print_json({"folder": str(folder), **facts})
        return
    for name, label in ROWS.items():
        row = facts[name]
        low, high = row["presence_ci95"]
        typer.echo(f"{label:<25} seen in {row['presence']:.0%} ({low:.0%} to {high:.0%})  {row['sentence']}")
    gone = facts["gone"]
    is_gone = "gone: not above chance" if all(gone.values()) else "NOT gone: above chance"
    typer.echo(f"the concept is {is_gone} by more than two standard errors")
    typer.echo(f"class kept in {facts['after']['class_kept']:.0%}; report {folder / 'after' / 'report.html'}")
