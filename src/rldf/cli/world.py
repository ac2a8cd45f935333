"""`rldf world`: draws pictures of the embedded world, trains its models, measures their card."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from rldf.cli import workflows
from rldf.cli.manners import fail, print_json, say, well_behaved
from rldf.cli.options import AsJson, Debug, Device, Force, Seed, Terms, read_pairs

Space = Annotated[Literal["base", "wide"], typer.Option("--space", help="Which grammar the pictures come from.")]

group = typer.Typer(
    name="world", help="The embedded world: its pictures and its models.", no_args_is_help=True, rich_markup_mode=None
)


@group.command(epilog="Example: rldf world draw --seed 7 --set scene=park --out cow.png")
@well_behaved
def draw(
    *,
    out: Annotated[Path, typer.Option("--out", help="Where the picture goes, such as cow.png.", show_default=False)],
    seed: Seed = 0,
    space: Space = "base",
    fixed: Terms = None,
    size_px: Annotated[int, typer.Option("--size", min=16, max=1024, help="Width and height in pixels.")] = 128,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draws one picture of the embedded world, of words chosen by chance."""
    del debug
    terms = read_pairs(fixed, option="--set")
    if out.suffix.lower() != ".png":
        raise typer.BadParameter(f"--out is '{out}'; pictures are written as PNG. Let the name end in .png.")
    if out.exists() and not force:
        fail(f"'{out}' exists already; nothing is overwritten. Choose another --out, or give --force.")
    example = workflows.draw_example(workflows.load_grammar(space), seed=seed, terms=terms, size_px=size_px)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(workflows.encode_png(example.image))
    if as_json:
        encoding, sentence = dict(example.terms), example.sentence
        print_json({"file": str(out), "encoding": encoding, "sentence": sentence, "seed": seed, "space": space})
    else:
        typer.echo(f"{out}: {example.sentence}")


@group.command(epilog="Example: rldf world train --out training --device cuda")
@well_behaved
def train(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder of the training; an interrupted one goes on.")] = Path(
        "training"
    ),
    seed: Seed = 0,
    space: Space = "base",
    device: Device = None,
    is_tiny: Annotated[
        bool, typer.Option("--tiny", help="A world of a minute, to see that all works.", show_default=False)
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Trains the embedded world from nothing; interrupted, the same command goes on."""
    del debug
    training = workflows.WorldTraining(
        out,
        grammar=workflows.load_grammar(space),
        recipe=replace(workflows.TINY_RECIPE if is_tiny else workflows.WorldRecipe(), seed=seed),
        device="cpu" if device is None else device,
    )
    try:
        with workflows.TrainingProgress() as progress:
            finished = training.run(on_progress=progress.show)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"interrupted; '{out}' keeps what was trained. The same command goes on.") from error
    if as_json:
        print_json({"folder": str(finished), "samples": str(out / "samples.png"), "seed": seed, "space": space})
    else:
        typer.echo(f"the world is in {finished}; a sheet of its pictures is {out / 'samples.png'}")


@group.command(epilog="Example: rldf world card --encodings 200 --seed 1 --json")
@well_behaved
def card(
    *,
    num_encodings: Annotated[
        int, typer.Option("--encodings", min=1, help="How many random encodings to draw and read.")
    ] = 200,
    seed: Seed = 0,
    device: Device = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Measures now how faithfully the embedded generator draws, read by scorer B."""
    del debug
    say(f"drawing {num_encodings} encodings ...")
    fresh = ["model.use_cache=false"] if device is None else ["model.use_cache=false", f"model.device={device}"]
    config = workflows.override(workflows.load_preset("embedded").config, fresh)
    parts = workflows.build_parts(config, shelf=workflows.SHELF, announce=say)
    measured = workflows.measure_card(
        grammar=parts.grammar,
        image_generator=parts.image_generator,
        judge=parts.judge,
        num_encodings=num_encodings,
        seed=seed,
    )
    if as_json:
        print_json(asdict(measured))
        return
    typer.echo(f"{num_encodings} random encodings, seed {seed}: share of pictures read as asked by scorer B")
    for axis, fidelity in measured.fidelity.items():
        low, high = fidelity.ci95
        typer.echo(f"  {axis:<10} {fidelity.accuracy:6.1%}   95 % interval {low:.1%} to {high:.1%}")
