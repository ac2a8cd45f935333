"""How every command behaves: results to stdout, the rest to stderr, errors in one line, exit statuses."""

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Never, ParamSpec

import typer

from rldf.errors import RldfError

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130  # as shells count it: 128 + SIGINT

P = ParamSpec("P")


def say(text: str) -> None:
    """Shows a line to the person at the terminal, on stderr."""
    typer.echo(text, err=True)


def print_json(data: Mapping[str, Any]) -> None:
    """Prints one JSON object on stdout."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def print_plan(count: int, *, most: int, cost_usd: float, as_json: bool) -> None:
    """Says what would be drawn.

    Args:
        count: pictures that are kept.
        most: pictures drawn, at most.
        cost_usd: price of one picture in US dollars.
        as_json: True to print JSON.
    """
    if as_json:
        print_json({"pictures": count, "max_drawn": most, "max_cost_usd": most * cost_usd})
        return
    typer.echo(f"{count} pictures, at most {most} drawn; cost at most {most * cost_usd:.2f} USD")


def fail(message: str, *, status: int = FAILED) -> Never:
    """Ends the command with one line on stderr.

    Args:
        message: the line.
        status: exit status.

    Raises:
        typer.Exit: always.
    """
    say(f"error: {' '.join(message.split())}")
    raise typer.Exit(status)


def well_behaved(command: Callable[P, None]) -> Callable[P, None]:
    """Makes errors of a command one line with the right exit status.

    Args:
        command: the function behind a command; its keyword `debug` asks for the traceback.

    Returns:
        The same command, which ends with status 1 on errors and with 130 when interrupted.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BrokenPipeError:  # whoever read the output has seen enough, as `head` has
            raise
        except (RldfError, OSError, MemoryError, KeyboardInterrupt) as error:
            if kwargs.get("debug"):
                traceback.print_exc(file=sys.stderr)
            if isinstance(error, KeyboardInterrupt):
                fail(str(error) or "interrupted", status=INTERRUPTED)
            fail(explain(error))

    return run


def explain(error: Exception) -> str:
    """Says in one line what went wrong, and what to do where the system's own words leave that out.

    Args:
        error: what was raised.

    Returns:
        The line, without a line break.
    """
    if isinstance(error, MemoryError):
        return "there is not enough memory. Give --low-memory, or a smaller model or budget."
    if isinstance(error, OSError) and not isinstance(error, RldfError):
        place = f"'{error.filename}': " if error.filename is not None else ""
        return f"{place}{error.strerror or error}. Check that the path exists and may be read or written."
    return str(error)
