"""`rldf`: the table of commands."""

import typer

from rldf.cli import (
    ablate,
    bench,
    cache,
    cite,
    clone,
    doctor,
    encode,
    evaluate,
    finetune,
    generate,
    grammar,
    models,
    presets,
    runs,
    search,
    slide,
    world,
)
from rldf.cli.options import ContextCommand

commands = typer.Typer(
    name="rldf",
    help="One picture in, its words and new pictures out.",
    epilog="Example: rldf search photo.jpg --budget 64",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
commands.command(epilog="Example: rldf search photo.jpg --budget 64 --lock scene=park")(search.search)
commands.command(epilog="Example: rldf encode photo.jpg")(encode.encode)
commands.command(cls=ContextCommand, epilog="Example: rldf generate runs/demo --set scene=beach -n 8 --out more")(
    generate.generate
)
commands.command(epilog="Example: rldf slide runs/demo --axis scene --format webp")(slide.slide)
commands.command(epilog="Example: rldf ablate style='oil painting' photo.png --out runs/no-oil")(ablate.ablate)
for group in (
    clone.group,
    evaluate.group,
    runs.group,
    bench.group,
    grammar.group,
    models.group,
    cache.group,
    presets.group,
    world.group,
    finetune.group,
):
    commands.add_typer(group)
commands.command(epilog="Example: rldf doctor")(doctor.doctor)
commands.command(epilog="Example: rldf cite runs/demo")(cite.cite)


def app() -> None:
    """Runs the command line."""
    commands(prog_name="rldf")


if __name__ == "__main__":
    app()
