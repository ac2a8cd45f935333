"""The options that several commands share, so that they mean the same everywhere."""

import re
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

_HIDDEN_NAME = re.compile(r"(?<=://)[^/@\s]+@")
_HIDDEN_VALUE = re.compile(r"([?&][^=&\s]+=)[^&\s]+")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.", show_default=False)]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.", show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Write over what is there.", show_default=False)]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, with numbers; do nothing.", show_default=False)
]
Preset = Annotated[str, typer.Option("--preset", help="Settings to start from: a preset, or a preset file.")]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="The image generator: 'embedded', a hub id, a local folder, a file, or the address of an images endpoint.",
        show_default="embedded, or the run's",
    ),
]
Lora = Annotated[
    Path | None,
    typer.Option(
        "--lora",
        metavar="FOLDER",
        help="Draw with this LoRA: a folder, or a run of `rldf finetune`.",
        show_default=False,
    ),
]
Perception = Annotated[
    str | None,
    typer.Option(
        "--perception",
        help="Scorer A: 'embedded', 'clip', 'classifier', 'captioner', a CLIP hub id or a local folder.",
        show_default="chosen with the model",
    ),
]
Judge = Annotated[
    str | None,
    typer.Option(
        "--judge",
        help="Scorer B, which only judges: as --perception, or 'same'.",
        show_default="chosen with the model",
    ),
]
Device = Annotated[str | None, typer.Option("--device", help="cpu, cuda or mps.", show_default="the best one present")]
Dtype = Annotated[
    str | None, typer.Option("--dtype", help="float32, float16 or bfloat16.", show_default="chosen with the device")
]
LowMemory = Annotated[
    bool, typer.Option("--low-memory", help="Keep on the device only what is in use.", show_default=False)
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The root of all chance.")]
OptionalSeed = Annotated[int | None, typer.Option("--seed", min=0, help="The root of all chance.", show_default="0")]
Grammar = Annotated[
    str | None,
    typer.Option("--grammar", help="Name of a grammar, or a grammar file.", show_default="base, or the run's"),
]
Setting = Annotated[
    list[str] | None,
    typer.Option("--config", metavar="A.B=C", help="Override a setting; may be repeated.", show_default=False),
]
Terms = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="AXIS=TERM", help="Fix an axis; may be repeated.", show_default=False),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", show_default=False)]


def read_pairs(pairs: Sequence[str] | None, *, option: str) -> dict[str, str]:
    """Reads options of the form name=value.

    Args:
        pairs: what was given, in order; None for nothing.
        option: name of the option, for the message.

    Returns:
        Name to value; the last one given counts.

    Raises:
        typer.BadParameter: if one of them has no '=', no name or no value.

    Example:
        >>> read_pairs(["count=two"], option="--set")
        {'count': 'two'}
    """
    read: dict[str, str] = {}
    for pair in pairs if pairs is not None else ():
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (name and equals and value):
            raise typer.BadParameter(f"{option} is '{pair}'; it has the form name=value, such as {option} count=two.")
        read[name] = value
    return read


class ContextCommand(TyperCommand):
    """A command whose function takes its `typer.Context`; without this typer hands in an object of the parent class."""

    context_class = typer.Context


def given_options(context: typer.Context) -> dict[str, str]:
    """Tells which options stand on the command line: name of the parameter to option, such as "out" to "--out"."""
    given: dict[str, str] = {}
    for option in context.command.params:
        source = None if option.name is None else context.get_parameter_source(option.name)
        if option.name is not None and option.param_type_name == "option" and source is not None:
            given |= {option.name: max(option.opts, key=len)} if source.name == "COMMANDLINE" else {}
    return given


def command_line(context: typer.Context) -> str:
    """Tells the command as it was given, for the record; names, passwords and keys inside addresses are left out.

    Args:
        context: of the command.

    Returns:
        One line for a shell.
    """
    given = given_options(context)
    words = ["rldf", *context.command_path.split()[1:]]
    for option in context.command.params:
        if option.name is None or option.name not in given:
            continue
        value: object = context.params[option.name]
        if isinstance(value, bool):
            words.append(given[option.name])
            continue
        for each in value if isinstance(value, list | tuple) else [value]:
            words += [given[option.name], _HIDDEN_VALUE.sub(r"\1***", _HIDDEN_NAME.sub("***@", str(each)))]
    return shlex.join(words)


def refuse_others(context: typer.Context, mode: str, *, allowed: Collection[str]) -> None:
    """Refuses options that mean nothing in a mode of a command, so that none is dropped in silence.

    Args:
        context: of the command.
        mode: what makes the mode, such as "--resume".
        allowed: names of the parameters that mean something in it.

    Raises:
        typer.BadParameter: if another one was given.
    """
    others = [option for name, option in given_options(context).items() if name not in allowed]
    if others:
        known = [max(each.opts, key=len) for each in context.command.params if each.name in allowed]
        raise typer.BadParameter(
            f"{', '.join(others)} cannot be given with {mode}; only {', '.join(known)} can. Leave "
            f"{'it' if len(others) == 1 else 'them'} out."
        )
