"""What holds for every command: example, --json, --debug, and its place in the documents."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from rldf.cli.main import commands

PAGE = Path(__file__).parents[2] / "docs/cli.md"


def every_command() -> Iterator[tuple[str, ...]]:
    top: Any = get_command(commands)
    for name, command in top.commands.items():
        members = getattr(command, "commands", None)
        if members is None:
            yield (name,)
        else:
            yield from ((name, member) for member in members)


COMMANDS = sorted(every_command())


def test_commands__are_those_of_the_product() -> None:
    assert [" ".join(words) for words in COMMANDS] == [
        "ablate",
        "bench confirm",
        "bench paper",
        "bench report",
        "bench run",
        "bench table",
        "bench transfer",
        "bench tune",
        "cache clear",
        "cache show",
        "cite",
        "clone export",
        "clone plan",
        "clone repair",
        "clone run",
        "clone status",
        "clone verify",
        "doctor",
        "encode",
        "evaluate classifier",
        "evaluate distances",
        "finetune check",
        "finetune evaluate",
        "finetune run",
        "generate",
        "grammar check",
        "grammar list",
        "grammar order",
        "grammar show",
        "models list",
        "presets list",
        "presets show",
        "runs list",
        "runs report",
        "runs resume",
        "runs show",
        "runs transfer",
        "search",
        "slide",
        "world card",
        "world draw",
        "world train",
    ]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_command__has_example_json_and_debug(words: tuple[str, ...]) -> None:
    text = CliRunner().invoke(commands, [*words, "--help"]).stdout
    assert f"Example: rldf {' '.join(words)}" in text
    assert "--json" in text
    assert "--debug" in text


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_command__is_documented_with_every_option(words: tuple[str, ...]) -> None:
    _, found, rest = PAGE.read_text(encoding="utf-8").partition(f"## rldf {' '.join(words)}\n")
    assert found
    section = rest.partition("\n## ")[0]
    command: Any = get_command(commands)
    for word in words:
        command = command.commands[word]
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
    assert [option for option in options if option not in section] == []
