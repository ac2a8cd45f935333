"""Options about the axes of a set: lists of axes, and shares of terms."""

from collections.abc import Sequence

import typer


def read_axes(given: Sequence[str] | None) -> tuple[str, ...]:
    """Reads axes, each option holding one or several with commas between.

    Args:
        given: what was given, in order; None for nothing.

    Returns:
        The axes, each once.

    Example:
        >>> read_axes(["age,gender", "city"])
        ('age', 'gender', 'city')
    """
    names = (name.strip() for text in (given if given is not None else ()) for name in text.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def read_shares(given: Sequence[str] | None) -> dict[str, dict[str, float]]:
    """Reads the shares that the terms of an axis shall have; an axis that is given again has the terms of both.

    Args:
        given: such as "age=young:2,old:1"; None for nothing.

    Returns:
        Axis id to term to share.

    Raises:
        typer.BadParameter: if one has another form.

    Example:
        >>> read_shares(["age=young:2,old:1"])
        {'age': {'young': 2.0, 'old': 1.0}}
    """
    shares: dict[str, dict[str, float]] = {}
    for text in given if given is not None else ():
        axis, equals, rest = text.partition("=")
        rows = {}
        for part in rest.split(","):
            term, colon, number = part.rpartition(":")
            if not (axis.strip() and equals and colon and term.strip() and _is_number(number)):
                raise typer.BadParameter(
                    f"--share is '{text}'; it has the form axis=term:number,term:number, such as --share "
                    "age=young:2,old:1."
                )
            rows[term.strip()] = float(number)
        shares.setdefault(axis.strip(), {}).update(rows)
    return shares


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
