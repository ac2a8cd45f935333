"""`rldf generate`: new pictures of a run's words or of a sentence."""

from pathlib import Path
from typing import Annotated

import typer

from rldf.cli import workflows
from rldf.cli.manners import print_json, say, well_behaved
from rldf.cli.options import (
    AsJson,
    Debug,
    Device,
    Dtype,
    Force,
    Grammar,
    LowMemory,
    Model,
    OptionalSeed,
    Preset,
    Setting,
    Terms,
    read_pairs,
)
from rldf.cli.settings import Given, settings


@well_behaved
def generate(
    source: Annotated[
        str,
        typer.Argument(metavar="RUN|SENTENCE", help="A run folder, or a sentence of the grammar.", show_default=False),
    ],
    *,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many pictures.")] = 8,
    changed: Terms = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the pictures.", show_default="beside the run, or pictures/")
    ] = None,
    preset: Preset = "embedded",
    model: Model = None,
    grammar: Grammar = None,
    device: Device = None,
    dtype: Dtype = None,
    is_low_memory: LowMemory = False,
    seed: OptionalSeed = None,
    changes: Setting = None,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draws diverse pictures of the words of a run, or of a sentence; with --set, of other words."""
    del debug
    given = Given(
        model=model,
        grammar=grammar,
        device=device,
        dtype=dtype,
        seed=seed,
        use_low_memory=is_low_memory,
        changes=changes,
    )
    if Path(source).is_dir():
        base = workflows.config_from_dict(workflows.read_run(Path(source)).run["config"], place=f"the run '{source}'")
    else:
        base = workflows.load_preset(preset).config
    pictures = workflows.generate_pictures(
        source,
        count=count,
        config=settings(base, given),
        terms=read_pairs(changed, option="--set"),
        out=out,
        force=force,
        announce=say,
    )
    drawn = []
    for picture in pictures:
        drawn.append(picture)
        say(f"{picture.position} of {picture.count}: {picture.path}")
    if as_json:
        files = [{"file": str(picture.path), "seed": picture.seed} for picture in drawn]
        print_json({"sentence": drawn[0].sentence, "folder": str(drawn[0].path.parent), "pictures": files})
    else:
        typer.echo(f"{drawn[0].sentence}\n{len(drawn)} pictures in {drawn[0].path.parent}")
