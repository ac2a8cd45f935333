"""Blocks that are written by `make docs` are up to date, and what is written twice is equal."""

import re
import tomllib
from pathlib import Path

import pytest

from draw_architecture import draw_architecture
from generate import fill, outdated_blocks

ROOT = Path(__file__).parents[2]


def test_generated_blocks__are_up_to_date() -> None:
    outdated = [f"{path.name}: {name}" for path, name, _ in outdated_blocks()]
    assert outdated == [], "run `make docs`"


def test_fill__puts_content_between_the_markers_only() -> None:
    document = "a\n<!-- generated: x -->\nold\n<!-- end of x -->\nb\n"
    assert fill(document, name="x", content="new") == "a\n<!-- generated: x -->\nnew\n<!-- end of x -->\nb\n"


def test_fill__refuses_a_document_without_markers() -> None:
    with pytest.raises(ValueError, match=r"markers of the block 'x' are missing\. Write <!-- generated: x -->"):
        fill("nothing", name="x", content="new")


def test_picture__points_from_each_tier_to_the_one_below(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[[tool.importlinter.contracts]]\ntype = "layers"\nlayers = ["cli", "a | b"]\n', encoding="utf-8"
    )
    assert draw_architecture(tmp_path / "pyproject.toml").splitlines() == [
        "```mermaid",
        "flowchart TB",
        '  tier0["cli"]',
        '  tier1["a &nbsp;|&nbsp; b"]',
        "  tier0 --> tier1",
        "```",
    ]


def test_version__is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert cited is not None
    assert cited[1] == project["version"]


def test_changelog__has_an_unreleased_section() -> None:
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_dependencies__each_have_their_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    assert [name for name in wanted if re.split(r"[<>=!]", name)[0] not in page] == []
