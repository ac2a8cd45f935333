"""The root package: names load when used, and `rldf.search` is a function as well as a package."""

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rldf

ROOT = Path(__file__).parents[2]


LIGHT = """
import rldf
{first}
from rldf.search import Budget
import rldf.search.budget as module
assert callable(rldf.search)
assert module.Budget is Budget is rldf.search.Budget
"""


@pytest.mark.parametrize("first", ["from rldf.search import Budget", "import rldf.search.run", "pass"])
def test_search_package__can_be_called_whoever_imported_it(first: str) -> None:
    subprocess.run([sys.executable, "-c", LIGHT.format(first=first)], check=True)


def test_search_package__is_there_after_importing_the_root_alone() -> None:
    code = "import rldf; assert rldf.search.Budget; assert callable(rldf.search)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_search__is_the_function_of_the_workflow() -> None:
    assert list(inspect.signature(rldf.search).parameters)[:3] == ["image", "model", "budget"]
    with pytest.raises(rldf.RldfError, match=r"no file 'none\.png'"):
        rldf.search("none.png", budget=4)


def test_functions__are_those_of_the_workflows() -> None:
    assert "n" in inspect.signature(rldf.generate).parameters
    assert rldf.load_grammar("base").space.size == 480
    assert "generate" in dir(rldf)


def test_unknown_name__is_an_attribute_error_that_lists_the_names() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'serch'; its names are: .*search"):
        _ = rldf.serch


def test_version__is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert rldf.__version__ == project["version"]
