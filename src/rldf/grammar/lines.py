"""Finds where each key and value of a TOML text stands, which `tomllib` does not tell."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import final

TomlPath = tuple[str | int, ...]
"""Keys and list positions from the top of the file down to a value."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:\\.|[^\"\\])*\"|'[^']*'")
_STRING = re.compile(r"\"\"\"(?:\\.|[^\\])*?\"{3,5}|'''.*?'{3,5}|\"(?:\\.|[^\"\\])*\"|'[^']*'", re.DOTALL)
_BARE = re.compile(r"[^,\]}\n#]*")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of the text: from `start` up to, not including, `end`, in characters."""

    start: int
    end: int


@final
class TomlSpans:
    r"""Where everything stands in a TOML text that `tomllib` has already accepted.

    Args:
        text: the whole file.

    Example:
        >>> TomlSpans('name = "a"\nterms = [\n  "x",\n  "y",\n]\n').line(("terms", 1))
        4
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._spans: dict[TomlPath, Span] = {}
        self._table_counts: dict[TomlPath, int] = {}
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._scan()

    def span(self, path: TomlPath) -> Span | None:
        """The piece of text of a value in a list, or of a key with its value; None if there is none."""
        return self._spans.get(path)

    def line(self, path: TomlPath) -> int:
        """Line, from 1, of a path; of the nearest part of it that exists where it does not; else 1."""
        while path and path not in self._spans:
            path = path[:-1]
        return bisect_right(self._line_starts, self._spans[path].start) if path else 1

    def _scan(self) -> None:
        """Walks over headers and key-value pairs."""
        prefix: TomlPath = ()
        self._skip(_BLANK)
        while self._position < len(self._text):
            if self._text[self._position] == "[":
                prefix = self._header()
            else:
                self._pair(prefix)
            self._skip(_BLANK)

    def _header(self) -> TomlPath:
        """Reads `[table]` or `[[list of tables]]` and gives the path that its keys stand under."""
        start = self._position
        is_list = self._text.startswith("[[", start)
        self._position += 2 if is_list else 1
        keys = self._dotted_key()
        self._position = self._text.index("]", self._position) + (2 if is_list else 1)
        path: TomlPath = ()
        for key in keys[:-1]:
            path = self._latest((*path, key))
        path = (*path, keys[-1])
        if is_list:
            self._spans.setdefault(path, Span(start, self._position))
            self._table_counts[path] = self._table_counts.get(path, 0) + 1
        path = self._latest(path)
        self._spans.setdefault(path, Span(start, self._position))
        return path

    def _latest(self, path: TomlPath) -> TomlPath:
        """Adds the position of the newest table where a path names a list of tables."""
        return (*path, self._table_counts[path] - 1) if path in self._table_counts else path

    def _pair(self, prefix: TomlPath) -> None:
        """Reads `key = value`."""
        start = self._position
        path = (*prefix, *self._dotted_key())
        self._position = self._text.index("=", self._position) + 1
        self._value(path)
        self._spans[path] = Span(start, self._position)

    def _dotted_key(self) -> list[str]:
        """Reads the parts of a key."""
        keys = []
        while True:
            self._skip(_SPACE)
            keys.append(self._skip(_KEY).strip("\"'"))
            self._skip(_SPACE)
            if not self._text.startswith(".", self._position):
                return keys
            self._position += 1

    def _value(self, path: TomlPath) -> None:
        """Reads a value and records it under its path."""
        self._skip(_SPACE)
        start = self._position
        opening = self._text[start]
        if opening in "[{":
            self._position += 1
            self._items(path, closing="]" if opening == "[" else "}")
        elif opening in "\"'":
            self._skip(_STRING)
        else:
            self._position = start + len(self._skip(_BARE).rstrip())
        self._spans[path] = Span(start, self._position)

    def _items(self, path: TomlPath, *, closing: str) -> None:
        """Reads the items of a list or an inline table, up to its closing bracket."""
        position = 0
        self._skip(_BLANK)
        while self._text[self._position] != closing:
            if closing == "]":
                self._value((*path, position))
            else:
                self._pair(path)
            position += 1
            self._skip(_BLANK)
            if self._text[self._position] == ",":
                self._position += 1
                self._skip(_BLANK)
        self._position += 1

    def _skip(self, pattern: re.Pattern[str]) -> str:
        """Moves past what a pattern matches here and gives it."""
        match = pattern.match(self._text, self._position)
        assert match is not None, f"not the TOML that was accepted, at character {self._position}"
        self._position = match.end()
        return match.group()
