"""How long modules and functions are."""

import ast
from pathlib import Path

import pytest

from sizes import MAX_FUNCTION_LINES, MAX_MODULE_LINES, SOURCE, code_lines, too_long


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_module__keeps_the_sizes(path: Path) -> None:
    assert list(too_long(path)) == []


def test_code_lines__leave_out_docstring_blank_lines_and_comments() -> None:
    text = 'def f() -> int:\n    """Says.\n\n    More.\n    """\n    # why\n    x = 1\n\n    return x\n'
    function = ast.parse(text).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert code_lines(function, text.splitlines()) == 2


def test_too_long__names_the_module_and_the_function(tmp_path: Path) -> None:
    body = "\n".join(f"    x{number} = {number}" for number in range(MAX_FUNCTION_LINES + 1))
    long = tmp_path / "long.py"
    long.write_text(f"def f():\n{body}\n" + "\n" * MAX_MODULE_LINES, encoding="utf-8")
    assert [line.split()[0] for line in too_long(long)] == ["long.py", "long.py:1"]
