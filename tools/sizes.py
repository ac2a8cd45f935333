"""Checks how long modules and functions are, and prints the total.

A module has 400 lines at most, a function 50 lines of code: blank lines, comments and docstrings are not counted.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 50
SOURCE = Path(__file__).parents[1] / "src/rldf"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def code_lines(function: Function, lines: list[str]) -> int:
    """Counts the lines of a function's body that hold code.

    Args:
        function: the parsed function.
        lines: of the whole module.

    Returns:
        Number of lines that are neither blank, nor comment, nor part of the docstring.
    """
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    text = lines[body[0].lineno - 1 : function.end_lineno]
    return sum(1 for line in text if line.strip() and not line.strip().startswith("#"))


def too_long(path: Path) -> Iterator[str]:
    """Finds what is too long in one module.

    Args:
        path: of the module.

    Yields:
        One line for each module or function over its limit.
    """
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    if len(lines) > MAX_MODULE_LINES:
        yield (
            f"{path.name} has {len(lines)} lines; a module has {MAX_MODULE_LINES} at most. "
            "Split it by what it is about."
        )
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function) and (number := code_lines(node, lines)) > MAX_FUNCTION_LINES:
            yield (
                f"{path.name}:{node.lineno} {node.name} has {number} lines of code; "
                f"a function has {MAX_FUNCTION_LINES} at most. Take a step of it out."
            )


def main() -> int:
    """Prints what is too long, and the total; returns the exit status."""
    modules = sorted(SOURCE.rglob("*.py"))
    found = [line for path in modules for line in too_long(path)]
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in modules]
    print("\n".join([*found, f"{len(modules)} modules, {sum(lengths)} lines, the longest {max(lengths)}"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
