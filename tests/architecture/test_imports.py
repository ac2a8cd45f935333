"""Who imports what."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from draw_architecture import read_layers

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src/rldf").rglob("*.py"))
ALL_PYTHON = [
    path for folder in ("src", "tests", "tools", "examples") for path in sorted((ROOT / folder).rglob("*.py"))
]
NOT_ON_WINDOWS = {"curses", "fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
BANNED = {"torchvision", "timm", "open_clip", "cleanfid", "torch_fidelity"}


def imported_modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module


def test_import_contracts__are_kept() -> None:
    ran = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout


def test_tiers__name_every_package_that_exists() -> None:
    named = {name for layer in read_layers(ROOT / "pyproject.toml") for name in layer}
    folders = {path.parent.name for path in (ROOT / "src/rldf").glob("*/__init__.py")}
    modules = {path.stem for path in (ROOT / "src/rldf").glob("*.py")} - {"__init__", "__main__"}
    assert named == folders | modules


@pytest.mark.parametrize("path", ALL_PYTHON, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_module__imports_no_banned_library(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported_modules(ast.parse(path.read_text(encoding="utf-8")))}
    assert not tops & BANNED


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_module__imports_what_windows_lacks_on_other_systems_only(path: Path) -> None:
    top = ast.parse(path.read_text(encoding="utf-8")).body
    always = ast.Module([node for node in top if isinstance(node, ast.Import | ast.ImportFrom)], type_ignores=[])
    assert not set(imported_modules(always)) & NOT_ON_WINDOWS


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_module__imports_neither_the_root_package_nor_by_relative_name(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    relative = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level > 0]
    assert "rldf" not in set(imported_modules(tree))
    assert not relative
