"""Writes the help of every command as Markdown."""

from typer.testing import CliRunner

from rldf.cli.main import commands

WIDTH = 100  # our choice: fits a wide page; help wraps at COLUMNS


def describe_commands() -> str:
    """Asks `rldf`, every command and every command of a group for help.

    Returns:
        One Markdown section per command.
    """
    sections = [_section([])]
    for command in _commands(_help([])):
        sections.append(_section([command]))
        sections += [_section([command, member]) for member in _commands(_help([command]))]
    return "\n\n".join(sections)


def _section(words: list[str]) -> str:
    """Writes the help of one command under its heading."""
    return f"## {' '.join(['rldf', *words])}\n\n```text\n{_help(words).strip()}\n```"


def _help(words: list[str]) -> str:
    """The help of one command, at a fixed width."""
    environment = {"COLUMNS": str(WIDTH), "TERMINAL_WIDTH": str(WIDTH)}
    shown = CliRunner().invoke(commands, [*words, "--help"], prog_name="rldf", env=environment)
    return "\n".join(line.rstrip() for line in shown.stdout.splitlines())


def _commands(text: str) -> list[str]:
    """Finds the names under the heading "Commands:" of a help text."""
    _, found, rest = text.partition("\nCommands:\n")
    if not found:
        return []
    block = rest.split("\n\n")[0]
    return [line.split()[0] for line in block.splitlines() if line.startswith("  ") and line[2] != " "]
