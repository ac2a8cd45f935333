"""`rldf world`: draws pictures of the embedded world, trains its models, measures their card."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from rldf.cli import workflows
from rldf.cli.manners import fail, print_json, say, well_behaved
from rldf.cli.options import AsJson, Debug, Device, Force, Seed, Setting, Terms, read_pairs
from rldf.cli.settings import Given, settings

Space = Annotated[
    Literal["base", "wide", "control", "full", "two-objects", "people-classes", "indoors"],
    typer.Option("--space", help="Which grammar the pictures come from."),
]

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
        about = {"visible": list(example.visible), "seed": seed, "space": space}
        print_json({"file": str(out), "encoding": encoding, "sentence": sentence} | about)
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
    space: Annotated[
        Literal["full", "base", "wide"],
        typer.Option("--space", help="Which sentences it is trained on; full mixes all grammars that ship."),
    ] = "full",
    start: Annotated[
        Path | None,
        typer.Option("--start", help="A finished world to start from; 'embedded' is the one that ships."),
    ] = None,
    recipe: Annotated[
        Literal["embedded", "photos"],
        typer.Option("--recipe", help="What world: of drawings, as it ships, or of photographs of your own."),
    ] = "embedded",
    data: Annotated[
        Path | None,
        typer.Option("--data", help="The photographs: a .zip or .tar.xz with classes.tsv.", show_default=False),
    ] = None,
    stages: Annotated[
        list[str] | None,
        typer.Option("--stage", help="Only this stage; may be repeated. Stages can be trained at the same time."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0, help="Stop after so long; 0 only writes the world as it is.")
    ] = None,
    pictures: Annotated[
        int | None,
        typer.Option(
            "--pictures",
            min=1,
            help="Pictures a stage sees in all; its learning rate falls to 0 over the last. few-step keeps its own.",
            show_default="the recipe's",
        ),
    ] = None,
    is_captioner: Annotated[
        bool,
        typer.Option("--captioner", help="Only the free-text captioner, which no search uses.", show_default=False),
    ] = False,
    device: Device = None,
    is_compiled: Annotated[
        bool, typer.Option("--compile", help="Compile models first; pays on a card.", show_default=False)
    ] = False,
    is_tiny: Annotated[
        bool, typer.Option("--tiny", help="A world of a minute, to see that all works.", show_default=False)
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Trains a world; interrupted, the same command goes on."""
    del debug
    device = workflows.choose_device("auto" if device is None else device)
    if (recipe == "photos") != (data is not None):
        raise typer.BadParameter(
            f"--recipe is '{recipe}' and --data is '{data}'; photographs need both. Give --recipe photos --data FILE."
        )
    if is_captioner:
        folder = _train_captioner(out, space=space, seed=seed, device=device, minutes=minutes, is_tiny=is_tiny)
        if as_json:
            print_json({"captioner": str(folder)})
        else:
            typer.echo(f"the captioner is in {folder}; name it by `rldf search --captioner`")
        return
    world = workflows.plan_world(
        space if data is None else "photos",
        data=data,
        seed=seed,
        device=device,
        is_tiny=is_tiny,
        is_compiled=is_compiled,
        pictures=pictures,
    )
    training = workflows.WorldTraining(
        out,
        source=world.source,
        recipe=world.recipe,
        device=device,
        start=workflows.embedded_folder().parent if str(start) == "embedded" else start,
    )
    try:
        with workflows.TrainingProgress() as progress:
            finished = training.run(on_progress=progress.show, stages=stages, minutes=minutes)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"interrupted; '{out}' keeps what was trained. The same command goes on.") from error
    if as_json:
        about = {"seed": seed, "space": space if data is None else "photos"}
        print_json({"folder": str(finished), "samples": str(out / "samples.png")} | about)
    else:
        typer.echo(f"the world is in {finished}; a sheet of its pictures is {out / 'samples.png'}")


def _train_captioner(out: Path, *, space: str, seed: int, device: str, minutes: float | None, is_tiny: bool) -> Path:
    """Trains the captioner and shows how it goes."""
    settings = workflows.TINY_CAPTIONER_STAGE if is_tiny else workflows.CAPTIONER_STAGE
    with workflows.TrainingProgress() as progress:
        return workflows.train_captioner(
            out,
            mixture=workflows.world_mixture(space),
            settings=settings,
            device=device,
            seed=seed,
            minutes=minutes,
            on_progress=lambda pictures, loss: progress.show(
                workflows.StageProgress(
                    stage="captioner", pictures=pictures, num_pictures=settings.num_pictures, loss=loss
                )
            ),
        )


@group.command(epilog="Example: rldf world card --encodings 200 --seed 1 --json")
@well_behaved
def card(
    *,
    space: Space = "base",
    num_encodings: Annotated[
        int, typer.Option("--encodings", min=1, help="How many random encodings to draw and read.")
    ] = 200,
    seed: Seed = 0,
    least: Annotated[
        int | None,
        typer.Option(
            "--least",
            min=0,
            help="Draw on until so many pictures show each axis.",
            show_default="200, or two fifths of the encodings",
        ),
    ] = None,
    has_evidence: Annotated[
        bool,
        typer.Option(
            "--evidence", help="Measure also diversity, memorisation, locality, retrieval.", show_default=False
        ),
    ] = False,
    num_training: Annotated[
        int, typer.Option("--training-pictures", min=1, help="Where --evidence looks for memorised pictures.")
    ] = 500,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for card.json, card.html and sheets.", show_default=False)
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="A world of `rldf world train`.", show_default="the embedded one")
    ] = None,
    device: Device = None,
    changes: Setting = None,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Measures now how faithfully the generator of a world draws, read by scorer B."""
    del debug
    if out is not None and (out / "card.json").exists() and not force:
        fail(f"'{out / 'card.json'}' exists already; nothing is overwritten. Choose another --out, or give --force.")
    given = Given(
        model=None if model is None else str(model),
        grammar=space,
        device=device,
        changes=["model.use_cache=false", *(changes or ())],
    )
    config = settings(workflows.load_preset("embedded").config, given)
    parts = workflows.build_parts(config, shelf=workflows.SHELF, announce=say)
    measured = workflows.measure_card(
        grammar=parts.grammar,
        image_generator=parts.image_generator,
        judge=parts.judge,
        num_encodings=num_encodings,
        seed=seed,
        least=least,
        instruments=workflows.load_instruments(
            model, space=parts.space, num_training=num_training, device=parts.device, announce=say
        )
        if has_evidence
        else None,
        announce=say,
    )
    files = [] if out is None else workflows.write_card(measured, out)
    if as_json:
        print_json(workflows.card_to_json(measured.card))
        return
    typer.echo(workflows.card_text(measured.card))
    for file in files:
        typer.echo(f"{file}")
