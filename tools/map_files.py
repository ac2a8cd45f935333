"""Makes the file map of the README from the first lines of the packages' docstrings."""

import ast
from pathlib import Path

from draw_architecture import read_layers


def map_files(root: Path) -> str:
    """Lists every package and module directly under `src/rldf`, the highest tier first.

    Args:
        root: the repository.

    Returns:
        A Markdown table: path, what it is.
    """
    rows = ["| path | what it is |", "|---|---|"]
    for name in [name for layer in read_layers(root / "pyproject.toml") for name in layer]:
        package = root / "src/rldf" / name / "__init__.py"
        module = root / "src/rldf" / f"{name}.py"
        source = package if package.exists() else module
        shown = f"src/rldf/{name}/" if package.exists() else f"src/rldf/{name}.py"
        rows.append(f"| [`{shown}`]({shown}) | {_first_line(source)} |")
    return "\n".join(rows)


def _first_line(source: Path) -> str:
    """Reads the first line of a module's docstring, without the full stop."""
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0].rstrip(".")
