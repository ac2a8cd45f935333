import tomllib

import pytest

from rldf.grammar.files import DATA_PATH
from rldf.grammar.lines import TomlPath, TomlSpans

TEXT = '''\
# a comment with [brackets] and "quotes"
title = "a # no comment" # one
"quoted key" = 1
a.b = [ 1, [2, 3], # inner
  "x]", """many
lines ] """, 4.5, true ]
[table.inner]
time = 1979-05-27 07:32:00
empty = []
inline = { p = 1, q = { r = 'lit ] eral' } }
[[list]]
n = 1
[[list.deep]]
m = 1
[[list.deep]]
m = 2
[[list]]
n = 2
[list.sub]
z = """x"""
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("quoted key",), 3),
        (("a", "b"), 4),
        (("a", "b", 1, 1), 4),
        (("a", "b", 2), 5),
        (("a", "b", 5), 6),
        (("table", "inner", "time"), 8),
        (("table", "inner", "inline", "q", "r"), 10),
        (("list", 0), 11),
        (("list", 0, "deep", 1, "m"), 16),
        (("list", 1, "n"), 18),
        (("list", 1, "sub", "z"), 20),
        (("list", 1, "missing", 3), 17),
        (("nowhere",), 1),
        ((), 1),
    ],
)
def test_line__of_a_path(path: TomlPath, line: int) -> None:
    tomllib.loads(TEXT)
    assert TomlSpans(TEXT).line(path) == line


def every_path(value: object, path: TomlPath = ()) -> list[TomlPath]:
    paths = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    for key, child in items:
        paths += every_path(child, (*path, key))
    return paths


@pytest.mark.parametrize("name", ["base", "wide", "control", "full", "two-objects", "people-classes", "indoors"])
def test_span__every_value_of_the_bundled_files_is_found(name: str) -> None:
    text = (DATA_PATH / f"{name}.toml").read_text(encoding="utf-8")
    spans = TomlSpans(text)
    data = tomllib.loads(text)
    for path in every_path(data):
        span = spans.span(path)
        if span is not None and isinstance(path[-1], int) and path[0] != "axes":
            assert tomllib.loads(f"v = {text[span.start : span.end]}")["v"] == list(data[str(path[0])])[path[-1]]
        assert span is not None or path in {("axes",)} or path[-1] == "groups"
