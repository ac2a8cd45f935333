"""Typed, forgiving access to the JSON of a run folder, with errors that name file and field."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import final

from rldf.errors import RecordError

_ADVICE = "Restore the file from a copy, or make the run again with the command in run.json."


@final
class Fields:
    """One JSON object of a run folder; what is asked for is checked where it is read.

    Optional fields that are absent or null give the neutral value of their type.
    """

    def __init__(self, values: object, *, where: str) -> None:
        if not isinstance(values, Mapping):
            raise RecordError(f"{where} holds {values!r:.60}; it must hold a JSON object. {_ADVICE}")
        self._values: Mapping[str, object] = values
        self._where = where

    def __contains__(self, name: str) -> bool:
        """Tells whether a field is there and not null."""
        return self._values.get(name) is not None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all fields, in their order."""
        return tuple(self._values)

    def raw(self, name: str) -> object:
        """The value as JSON gave it; None where it is absent."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """A text that must be there."""
        return str(self._require(name, (str, int, float), "a text"))

    def optional_text(self, name: str) -> str:
        """A text, or "" where it is absent."""
        return self.text(name) if name in self else ""

    def number(self, name: str) -> float | None:
        """A number; None where it is absent, null or not finite."""
        if name not in self:
            return None
        value = self._require(name, (int, float), "a number")
        assert isinstance(value, int | float)
        return float(value) if isfinite(value) else None

    def whole(self, name: str) -> int:
        """A whole number that must be there."""
        value = self._require(name, (int,), "a whole number")
        assert isinstance(value, int)
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false, or the default where it is absent."""
        return bool(self._require(name, (bool,), "true or false")) if name in self else default

    def child(self, name: str) -> "Fields":
        """An object that must be there."""
        return Fields(self._require(name, (Mapping,), "an object"), where=f"{self._where}, '{name}'")

    def optional_child(self, name: str) -> "Fields":
        """An object, or an empty one where it is absent."""
        return self.child(name) if name in self else Fields({}, where=f"{self._where}, '{name}'")

    def children(self, name: str) -> list["Fields"]:
        """A list of objects; empty where it is absent."""
        return [
            Fields(item, where=f"{self._where}, '{name}', entry {position}")
            for position, item in enumerate(self._list(name))
        ]

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty where it is absent."""
        return tuple(str(item) for item in self._list(name))

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of numbers; empty where it is absent.

        Args:
            name: of the field.

        Returns:
            The numbers.

        Raises:
            RecordError: if an entry is no number.
        """
        items = self._list(name)
        if not all(isinstance(item, int | float) and not isinstance(item, bool) for item in items):
            raise RecordError(self._complaint(name, "a list of numbers"))
        return tuple(float(str(item)) for item in items)

    def text_map(self, name: str) -> dict[str, str]:
        """An object of texts; empty where it is absent."""
        return self.optional_child(name).as_texts()

    def as_texts(self) -> dict[str, str]:
        """All fields, each of which must be a text."""
        return {name: self.text(name) for name in self._values}

    def _list(self, name: str) -> Sequence[object]:
        if name not in self:
            return ()
        value = self._require(name, (list,), "a list")
        assert isinstance(value, list)
        return value

    def _require(self, name: str, kinds: tuple[type, ...], wish: str) -> object:
        value = self._values.get(name)
        is_wrong_flag = isinstance(value, bool) and bool not in kinds
        if not isinstance(value, kinds) or is_wrong_flag:
            raise RecordError(self._complaint(name, wish))
        return value

    def _complaint(self, name: str, wish: str) -> str:
        value = self._values.get(name)
        found = "is missing" if value is None else f"is {value!r:.60}"
        return f"{self._where}: '{name}' {found}; it must be {wish}. {_ADVICE}"
