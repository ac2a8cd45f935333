"""Reads the text of a grammar file into a `Definition`, or tells what is wrong with it and in which line."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, final

from rldf.errors import did_you_mean
from rldf.grammar.definition import Definition, GrammarProblem
from rldf.grammar.lines import TomlPath, TomlSpans
from rldf.grammar.productions import Rule, RuleSyntaxError, join_words, read_rule, split_words
from rldf.grammar.vocabulary import Agreement, AxisVocabulary, Form, Number, Term, regular_plural
from rldf.space import AxisKind

FILE_KEYS = ("name", "version", "source", "licence", "productions", "axes", "exclusions", "blocked")
AXIS_KEYS = ("id", "symbol", "kind", "optional", "agreement", "terms", "terms_from", "groups")
TERM_KEYS = ("term", "surface", "plural", "number", "synonyms")
SYNONYM_KEYS = ("surface", "plural")
KINDS: tuple[AxisKind, ...] = ("categorical", "ordinal")
AGREEMENTS: tuple[Agreement, ...] = ("none", "sets-number", "takes-number")
TERM_NUMBERS: tuple[Number, ...] = ("plural", "singular")

Choice = TypeVar("Choice", bound=str)


@final
class DefinitionReader:
    """Reads one grammar file and collects its problems.

    Args:
        text: the whole file.
        path: where it lies.

    Attributes:
        problems: what is wrong with its form; empty where `definition` may be used.
    """

    def __init__(self, text: str, *, path: Path) -> None:
        self.problems: list[GrammarProblem] = []
        self._path = path
        self.definition: Definition | None = None
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"line (\d+)", str(error))
            line = int(found[1]) if found else text.count("\n") + 1
            reason = re.sub(r" \(at .*\)$", "", str(error))
            self.problems.append(
                GrammarProblem(
                    file=str(path), line=line, message=f"this is no TOML: {reason}. Correct the line; see toml.io."
                )
            )
            return
        self._spans = TomlSpans(text)
        definition = self._definition(data)
        if not self.problems:
            self.definition = definition

    def _problem(self, path: TomlPath, message: str) -> None:
        """Notes a problem at a place of the file."""
        self.problems.append(GrammarProblem(file=str(self._path), line=self._spans.line(path), message=message))

    def _definition(self, data: dict[str, object]) -> Definition:
        """Reads the whole file."""
        self._require_keys(data, (), allowed=FILE_KEYS, required=("name", "version", "productions", "axes"))
        axes: list[AxisVocabulary] = []
        tables = self._list(data, "axes", ())
        for position, table in enumerate(tables):
            if isinstance(table, dict):
                axes.append(self._axis(table, ("axes", position), axes))
            else:
                self._problem(("axes", position), f"an axis is {table!r}; it is a table. Start it by [[axes]].")
        if not tables and "axes" in data:
            self._problem(("axes",), "there are no axes; a grammar has at least one. Start one by [[axes]].")
        return Definition(
            name=self._text(data, "name", ()),
            version=self._text(data, "version", ()),
            source=self._text(data, "source", ()),
            licence=self._text(data, "licence", ()),
            rules=self._rules(data),
            axes=tuple(axes),
            exclusions=self._exclusions(data),
            blocked=self._names(data, "blocked", ()),
            path=self._path,
        )

    def _rules(self, data: dict[str, object]) -> tuple[Rule, ...]:
        """Reads the productions."""
        rules: list[Rule] = []
        for position, text in enumerate(self._names(data, "productions", ())):
            path = ("productions", position)
            try:
                rules.append(read_rule(text))
            except RuleSyntaxError as error:
                self._problem(path, str(error))
        if not rules and "productions" in data:
            self._problem(
                ("productions",), "there are no productions; the first says what a sentence is. Add `S -> ...`."
            )
        return tuple(rules)

    def _exclusions(self, data: dict[str, object]) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], ...]:
        """Reads the exclusions."""
        exclusions = []
        for position, table in enumerate(self._list(data, "exclusions", ())):
            path: TomlPath = ("exclusions", position)
            if not isinstance(table, dict):
                self._problem(
                    path, f'an exclusion is {table!r}; write a table such as {{ object = ["car"], scene = ["sea"] }}.'
                )
                continue
            exclusions.append(tuple((axis_id, self._names(table, axis_id, path)) for axis_id in table))
        return tuple(exclusions)

    def _axis(self, table: dict[str, object], path: TomlPath, before: Sequence[AxisVocabulary]) -> AxisVocabulary:
        """Reads one axis."""
        axis_id = self._text(table, "id", path)
        self._require_keys(table, path, allowed=AXIS_KEYS, required=("id", "symbol"))
        agreement: Agreement = self._choice(table, "agreement", path, AGREEMENTS)
        is_optional = self._flag(table, "optional", path)
        shared = self._shared(table, path, before)
        if shared is None:
            if "terms" not in table:
                self._problem(path, f"axis '{axis_id}' has no terms; give `terms = [...]` or `terms_from = \"axis\"`.")
            terms = self._terms(table, path, agreement=agreement, is_optional=is_optional)
        else:
            terms = shared.terms
            if shared.agreement != agreement or shared.is_optional != is_optional:
                self._problem(
                    (*path, "terms_from"),
                    f"axis '{axis_id}' takes its terms from '{shared.id}' but differs from it in `agreement` or "
                    "`optional`; make them equal, or give the axis terms of its own.",
                )
        groups = tuple((name, names) for name, names in self._groups(table, path).items())
        return AxisVocabulary(
            id=axis_id,
            symbol=self._text(table, "symbol", path),
            kind=self._choice(table, "kind", path, KINDS),
            is_optional=is_optional,
            agreement=agreement,
            terms=terms,
            groups=groups if shared is None else shared.groups + groups,
            terms_from=None if shared is None else shared.id,
        )

    def _shared(
        self, table: dict[str, object], path: TomlPath, before: Sequence[AxisVocabulary]
    ) -> AxisVocabulary | None:
        """Finds the axis whose terms an axis shares."""
        if "terms_from" not in table:
            return None
        name = self._text(table, "terms_from", path)
        if "terms" in table:
            self._problem((*path, "terms_from"), "an axis has `terms` or `terms_from`, not both. Remove one.")
        for axis in before:
            if axis.id == name:
                return axis
        ids = [axis.id for axis in before]
        self._problem(
            (*path, "terms_from"),
            f"terms_from names '{name}', which is no axis above. Those are: {', '.join(ids) or 'none'}."
            f"{did_you_mean(name, ids)}",
        )
        return None

    def _groups(self, table: dict[str, object], path: TomlPath) -> dict[str, tuple[str, ...]]:
        """Reads the groups of an axis."""
        groups = table.get("groups", {})
        if not isinstance(groups, dict):
            self._problem((*path, "groups"), f"groups is {groups!r}; write a table: [axes.groups] and name = [terms].")
            return {}
        return {name: self._names(groups, name, (*path, "groups")) for name in groups}

    def _terms(
        self, table: dict[str, object], path: TomlPath, *, agreement: Agreement, is_optional: bool
    ) -> tuple[Term, ...]:
        """Reads the terms of an axis."""
        terms: list[Term] = []
        for position, given in enumerate(self._list(table, "terms", path)):
            is_silent = is_optional and position == 0
            term = self._term(given, (*path, "terms", position), agreement=agreement, is_silent=is_silent)
            terms += [] if term is None else [term]
        return tuple(terms)

    def _term(self, given: object, path: TomlPath, *, agreement: Agreement, is_silent: bool) -> Term | None:
        """Reads one term, a name or a table."""
        table: dict[str, object] = given if isinstance(given, dict) else {"term": given}
        name = self._text(table, "term", path)
        if not name.strip() or "=" in name:
            self._problem(path, f"a term is {given!r}; it is a name without '=', or a table {{ term = \"name\" }}.")
            return None
        self._require_keys(table, path, allowed=TERM_KEYS, required=("term",))
        if is_silent:
            if len(table) > 1:
                self._problem(path, f"term '{name}' means \"not mentioned\" and spells nothing; give its name alone.")
            return Term(name=name, form=Form(singular="", plural=""))
        if "number" in table and agreement != "sets-number":
            self._problem(
                (*path, "number"),
                f"term '{name}' has a number, which only an axis with agreement = \"sets-number\" uses. Remove it.",
            )
        number: Number = self._choice(table, "number", path, TERM_NUMBERS)
        synonyms = tuple(
            self._form(synonym, (*path, "synonyms", position), name=None, agreement=agreement)
            for position, synonym in enumerate(self._list(table, "synonyms", path))
        )
        return Term(
            name=name,
            form=self._form(
                {key: value for key, value in table.items() if key in SYNONYM_KEYS},
                path,
                name=name,
                agreement=agreement,
            ),
            synonyms=synonyms,
            number=number if agreement == "sets-number" else "",
        )

    def _form(self, given: object, path: TomlPath, *, name: str | None, agreement: Agreement) -> Form:
        """Reads how a term or a synonym is spelled; a term's name is its spelling unless it has another."""
        table: dict[str, object] = given if isinstance(given, dict) else {"surface": given}
        if name is None:
            self._require_keys(table, path, allowed=SYNONYM_KEYS, required=("surface",))
        singular = self._text(table, "surface", path) if "surface" in table else (name or "")
        if not split_words(singular):
            self._problem(path, f'a spelling is {given!r}; it is words, such as "a park".')
        if "plural" in table and agreement != "takes-number":
            self._problem(
                (*path, "plural"),
                f"'{singular}' has a plural, which only an axis with agreement = \"takes-number\" uses. Remove it.",
            )
        regular = regular_plural(singular) if agreement == "takes-number" else singular
        plural = self._text(table, "plural", path) if "plural" in table else regular
        if "plural" in table and not split_words(plural):
            self._problem((*path, "plural"), f"the plural of '{singular}' is '{plural}'; give words, or leave it out.")
        return Form(singular=join_words(split_words(singular)), plural=join_words(split_words(plural)))

    def _require_keys(
        self, table: dict[str, object], path: TomlPath, *, allowed: Sequence[str], required: Sequence[str]
    ) -> None:
        """Notes keys that are not allowed or missing."""
        for key in table:
            if key not in allowed:
                self._problem(
                    (*path, key),
                    f"there is no key '{key}'. Here it may be: {', '.join(allowed)}.{did_you_mean(key, allowed)}",
                )
        for key in required:
            if key not in table:
                self._problem(path, f"the key '{key}' is missing. Add `{key} = ...`.")

    def _text(self, table: dict[str, object], key: str, path: TomlPath) -> str:
        """Reads a text; a missing one is empty, since missing keys are noted elsewhere."""
        value = table.get(key, "")
        if isinstance(value, str):
            return value
        self._problem((*path, key), f"{key} is {value!r}; it is a text. Put it in quotes.")
        return ""

    def _flag(self, table: dict[str, object], key: str, path: TomlPath) -> bool:
        """Reads a yes or no; a missing one is no."""
        value = table.get(key, False)
        if isinstance(value, bool):
            return value
        self._problem((*path, key), f"{key} is {value!r}; it is true or false. Write one of them without quotes.")
        return False

    def _list(self, table: dict[str, object], key: str, path: TomlPath) -> list[object]:
        """Reads a list; a missing one is empty."""
        value = table.get(key, [])
        if isinstance(value, list):
            return value
        self._problem((*path, key), f"{key} is {value!r}; it is a list. Put it in square brackets.")
        return []

    def _names(self, table: dict[str, object], key: str, path: TomlPath) -> tuple[str, ...]:
        """Reads a list of texts."""
        names: list[str] = []
        for position, value in enumerate(self._list(table, key, path)):
            if isinstance(value, str):
                names.append(value)
            else:
                self._problem((*path, key, position), f"{key} holds {value!r}; it holds texts. Put it in quotes.")
        return tuple(names)

    def _choice(self, table: dict[str, object], key: str, path: TomlPath, allowed: Sequence[Choice]) -> Choice:
        """Reads one of a few texts; a missing one is the first."""
        value = table.get(key, allowed[0])
        for choice in allowed:
            if value == choice:
                return choice
        self._problem(
            (*path, key),
            f"{key} is {value!r}. It may be: {', '.join(allowed)}.{did_you_mean(str(value), allowed)}",
        )
        return allowed[0]
