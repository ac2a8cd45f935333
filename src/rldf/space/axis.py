"""Axis: one named, ordered dimension of meaning."""

from dataclasses import dataclass
from typing import Literal

from rldf.errors import EncodingError, UnknownTermError, did_you_mean

AxisKind = Literal["categorical", "ordinal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One dimension of the encoding space: its terms stand in the order of visual likeness.

    Attributes:
        id: short name, such as "object".
        terms: the values, at least one, all different; a term's position is its label.
        kind: "ordinal" where the order is that of a quantity, else "categorical".
        is_optional: True where the first term means "not mentioned" and spells no words.
    """

    id: str
    terms: tuple[str, ...]
    kind: AxisKind = "categorical"
    is_optional: bool = False

    def __post_init__(self) -> None:
        if not self.terms:
            raise EncodingError(f"axis '{self.id}' has no terms; an axis has at least one. Add a term.")
        repeated = sorted({term for term in self.terms if self.terms.count(term) > 1})
        if repeated:
            raise EncodingError(
                f"axis '{self.id}' names {', '.join(repeated)} more than once; terms are all different. "
                "Remove the repetition."
            )

    def __len__(self) -> int:
        """Number of terms."""
        return len(self.terms)

    def index_of(self, term: str) -> int:
        """Finds the position of a term.

        Args:
            term: one of the axis's terms.

        Returns:
            Its position, from 0.

        Raises:
            UnknownTermError: if the axis has no such term.
        """
        if term not in self.terms:
            raise UnknownTermError(
                f"axis '{self.id}' has no term '{term}'. It has: {', '.join(self.terms)}."
                f"{did_you_mean(term, self.terms)}"
            )
        return self.terms.index(term)

    def find(self, text: str) -> str:
        """Finds the term that a person means.

        Args:
            text: a term, or its beginning of three letters or more where no other term begins so.

        Returns:
            The whole term. What means none or several is an UnknownTermError.

        Example:
            >>> Axis(id="weather", terms=("none", "rainy", "snowy")).find("snow")
            'snowy'
        """
        meant = [term for term in self.terms if len(text) >= 3 and term.startswith(text)]
        return meant[0] if len(meant) == 1 else self.terms[self.index_of(text)]
