"""`rldf encode`: perception only."""

from pathlib import Path
from typing import Annotated

import typer

from rldf.cli import workflows
from rldf.cli.manners import print_json, say, well_behaved
from rldf.cli.options import AsJson, Debug, Device, Grammar, Model, Perception, Preset, Setting
from rldf.cli.settings import Given, settings


@well_behaved
def encode(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Pictures.", show_default=False)],
    *,
    preset: Preset = "embedded",
    model: Model = None,
    perception: Perception = None,
    grammar: Grammar = None,
    device: Device = None,
    changes: Setting = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Reads pictures: encoding, sentence and the probability of every term. Draws nothing."""
    del debug
    given = Given(model=model, perception=perception, grammar=grammar, device=device, changes=changes)
    config = settings(workflows.load_preset(preset).config, given)
    readings = workflows.encode_images(images, config=config, announce=say)
    if as_json:
        told = [reading.as_json() for reading in readings]
        print_json(told[0] if len(told) == 1 else {"images": told})
        return
    for reading in readings:
        typer.echo(f"{reading.path}: {reading.sentence}")
        for axis, row in reading.probabilities.items():
            likely = sorted(row.items(), key=lambda entry: -entry[1])[:3]
            typer.echo(f"  {axis:<14} " + "  ".join(f"{term} {share:.0%}" for term, share in likely))
        for note in reading.notes:
            typer.echo(f"  note: {note}")
