"""Writes the generated blocks of the documents again, or checks that they are up to date.

    python tools/generate.py            write
    python tools/generate.py --check    say what is out of date; exit status 1 if anything is

A block stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from describe_commands import describe_commands
from draw_architecture import draw_architecture
from map_files import map_files

ROOT = Path(__file__).parents[1]

BLOCKS: dict[str, tuple[str, Callable[[], str]]] = {
    "file map": ("README.md", partial(map_files, ROOT)),
    "tiers": ("docs/architecture.md", partial(draw_architecture, ROOT / "pyproject.toml")),
    "commands": ("docs/cli.md", describe_commands),
}
"""Name of each block: the document it stands in, and what makes it."""


def fill(document: str, *, name: str, content: str) -> str:
    """Puts content between the markers of a block.

    Args:
        document: text with both markers.
        name: of the block.
        content: what to put there.

    Returns:
        The document with that block replaced.

    Raises:
        ValueError: if a marker is missing.
    """
    begin, end = f"<!-- generated: {name} -->", f"<!-- end of {name} -->"
    head, found_begin, rest = document.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(
            f"the markers of the block '{name}' are missing. Write {begin} and {end}, each on its own line."
        )
    return f"{head}{begin}\n{content}\n{end}{tail}"


def outdated_blocks() -> list[tuple[Path, str, str]]:
    """Finds the blocks whose text differs from what would be generated: path, name, new document."""
    outdated = []
    for name, (place, make) in BLOCKS.items():
        path = ROOT / place
        document = path.read_text(encoding="utf-8")
        filled = fill(document, name=name, content=make())
        if filled != document:
            outdated.append((path, name, filled))
    return outdated


def main() -> int:
    """Writes or checks every block; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write the generated blocks of the documents again.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 if a block is out of date")
    is_check = parser.parse_args().check
    outdated = outdated_blocks()
    for path, name, filled in outdated:
        if not is_check:
            path.write_text(filled, encoding="utf-8")
        print(
            f"{path.relative_to(ROOT)}: block '{name}' {'is out of date; run `make docs`' if is_check else 'written'}"
        )
    if not outdated:
        print("generated blocks are up to date")
    return 1 if is_check and outdated else 0


if __name__ == "__main__":
    sys.exit(main())
