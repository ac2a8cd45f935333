"""Vocabulary: the ordered terms of each axis, and how each term is spelled."""

from dataclasses import dataclass
from typing import Literal

from rldf.space import Axis, AxisKind

Number = Literal["", "singular", "plural"]
"""Grammatical number of a symbol; "" where number plays no part."""

Agreement = Literal["none", "sets-number", "takes-number"]
"""How an axis takes part in number agreement: a count sets the number, a noun takes it."""

_CONSONANTS = set("bcdfghjklmnpqrstvwxz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to spell a term.

    Attributes:
        singular: the words, such as "a park" or "cow"; the only spelling where number plays no part.
        plural: the words after a plural count, such as "cows".
    """

    singular: str
    plural: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One value on an axis.

    Attributes:
        name: what users and records call it.
        form: how it is rendered; empty for the "not mentioned" term of an optional axis.
        synonyms: further spellings that `parse` accepts and `render` never writes.
        number: the number it sets, on an axis that sets number; else "".
    """

    name: str
    form: Form
    synonyms: tuple[Form, ...] = ()
    number: Number = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisVocabulary:
    """The terms of one axis and the pre-terminal symbol that stands for them in the productions.

    Attributes:
        id: id of the axis, such as "count".
        symbol: its pre-terminal, such as "Frequency".
        kind: "ordinal" where the order is that of a quantity, else "categorical".
        is_optional: True where the first term means "not mentioned" and spells no words.
        agreement: its part in number agreement.
        terms: the values, in the order of visual likeness.
        groups: named subtrees of the terms, for blocking many at once.
        terms_from: id of the axis whose terms it shares, or None.
    """

    id: str
    symbol: str
    kind: AxisKind
    is_optional: bool
    agreement: Agreement
    terms: tuple[Term, ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    terms_from: str | None = None

    @property
    def axis(self) -> Axis:
        """The axis of the encoding space."""
        return Axis(
            id=self.id,
            terms=tuple(term.name for term in self.terms),
            kind=self.kind,
            is_optional=self.is_optional,
        )

    def is_silent(self, index: int) -> bool:
        """Tells whether the term at an index spells no words."""
        return self.is_optional and index == 0

    def spells(self, term: Term, number: Number) -> bool:
        """Tells whether a spoken term can stand where a number is asked for."""
        return self.agreement != "sets-number" or term.number == number

    def phrases(self, number: Number) -> dict[str, int]:
        """Every spelling with this number, in lower case, synonyms included -> index of its term."""
        found: dict[str, int] = {}
        for index, term in enumerate(self.terms):
            if not self.is_silent(index) and self.spells(term, number):
                for form in (term.form, *term.synonyms):
                    found[spelling(form, number).casefold()] = index
        return found


def spelling(form: Form, number: Number) -> str:
    """The words of a form with a number; the singular where number plays no part."""
    return form.plural if number == "plural" else form.singular


def regular_plural(noun: str) -> str:
    """Spells the plural of a regular English noun; irregular ones are given in the file.

    Args:
        noun: one or more words, the last of which takes the ending.

    Returns:
        The plural.

    Example:
        >>> regular_plural("bus"), regular_plural("cherry"), regular_plural("police officer")
        ('buses', 'cherries', 'police officers')
    """
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] in _CONSONANTS:
        return f"{noun[:-1]}ies"
    return f"{noun}s"
