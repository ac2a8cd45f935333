"""What a grammar file says, and the problems it may have."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from rldf.errors import GrammarError, UnknownTermError, did_you_mean
from rldf.grammar.productions import Rule
from rldf.grammar.vocabulary import AxisVocabulary, Term
from rldf.space import Exclusion


@dataclass(frozen=True, slots=True, kw_only=True)
class GrammarProblem:
    """Something wrong with a grammar.

    Attributes:
        file: path or name of the file.
        line: line in it, from 1; 0 where it concerns the whole file.
        message: what is wrong, the value, what is allowed, what to do.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        """One line: file, line, message."""
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """The content of a grammar file.

    Attributes:
        name: short name, such as "base".
        version: of the content, as text.
        source: where its rules and terms come from.
        licence: SPDX id.
        rules: the productions, the first of which starts a sentence.
        axes: the vocabulary of each axis, in order, nothing blocked yet.
        exclusions: terms that cannot stand together.
        blocked: names of terms ("dog", "object=dog") and groups that are taken out.
        path: the file, or None.
    """

    name: str
    version: str
    source: str
    licence: str
    rules: tuple[Rule, ...]
    axes: tuple[AxisVocabulary, ...]
    exclusions: tuple[tuple[tuple[str, tuple[str, ...]], ...], ...] = ()
    blocked: tuple[str, ...] = ()
    path: Path | None = field(default=None, compare=False)

    @property
    def file(self) -> str:
        """What problems call the file."""
        return self.name if self.path is None else str(self.path)

    @property
    def digest(self) -> str:
        """Sha256 of everything that gives sentences or encodings their meaning, as hexadecimal digits."""
        content = {
            "name": self.name,
            "version": self.version,
            "rules": [" ".join(rule.text.split()) for rule in self.rules],
            "axes": [_axis_content(axis) for axis in self.axes],
            "exclusions": self.exclusions,
            "blocked": sorted(set(self.blocked)),
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return sha256(text.encode()).hexdigest()

    def axis(self, axis_id: str) -> AxisVocabulary:
        """Finds the vocabulary of an axis, nothing blocked.

        Args:
            axis_id: such as "object".

        Returns:
            Its vocabulary.

        Raises:
            UnknownTermError: if there is no such axis.
        """
        for axis in self.axes:
            if axis.id == axis_id:
                return axis
        ids = [axis.id for axis in self.axes]
        raise UnknownTermError(
            f"grammar '{self.name}' has no axis '{axis_id}'. It has: {', '.join(ids)}.{did_you_mean(axis_id, ids)}"
        )


def _axis_content(axis: AxisVocabulary) -> dict[str, object]:
    """What of an axis counts for the digest."""
    return {
        "id": axis.id,
        "symbol": axis.symbol,
        "kind": axis.kind,
        "optional": axis.is_optional,
        "agreement": axis.agreement,
        "terms": [_term_content(term) for term in axis.terms],
        "groups": axis.groups,
    }


def _term_content(term: Term) -> list[object]:
    """What of a term counts for the digest."""
    forms = [[form.singular, form.plural] for form in (term.form, *term.synonyms)]
    return [term.name, term.number, forms]


def blocked_terms(definition: Definition, item: str) -> dict[str, set[str]]:
    """Finds what one blocked name means.

    Args:
        definition: of the grammar.
        item: "axis=term", the name of a group, or the name of a term (on every axis that has it).

    Returns:
        Axis id -> names of the terms meant.

    Raises:
        UnknownTermError: if nothing is called so.
    """
    axis_id, is_pair, term_name = (text.strip() for text in item.partition("="))
    if is_pair:
        names = [term.name for term in definition.axis(axis_id).terms]
        if term_name not in names:
            raise UnknownTermError(
                f"axis '{axis_id}' has no term '{term_name}' to block. It has: {', '.join(names)}."
                f"{did_you_mean(term_name, names)}"
            )
        return {axis_id: {term_name}}
    meant: dict[str, set[str]] = {}
    for axis in definition.axes:
        groups = dict(axis.groups)
        if item in groups:
            meant.setdefault(axis.id, set()).update(groups[item])
        elif item in (term.name for term in axis.terms):
            meant.setdefault(axis.id, set()).add(item)
    if not meant:
        known = [name for axis in definition.axes for name, _ in axis.groups]
        names = known + [term.name for axis in definition.axes for term in axis.terms]
        raise UnknownTermError(
            f"there is no term or group '{item}' to block. The groups are: {', '.join(known) or 'none'}; "
            f"a term is written 'axis=term'.{did_you_mean(item, names)}"
        )
    return meant


def blocked_sets(definition: Definition) -> dict[str, set[str]]:
    """Everything a definition blocks: axis id -> names of terms."""
    blocked: dict[str, set[str]] = {}
    for item in definition.blocked:
        for axis_id, names in blocked_terms(definition, item).items():
            blocked.setdefault(axis_id, set()).update(names)
    return blocked


def active_axes(definition: Definition) -> tuple[AxisVocabulary, ...]:
    """Takes the blocked terms out of the axes.

    Args:
        definition: of the grammar.

    Returns:
        The axes that are left, each with at least one term.

    Raises:
        GrammarError: if an axis would lose its last term, or an optional axis its "not mentioned".
    """
    blocked = blocked_sets(definition)
    axes = []
    for axis in definition.axes:
        names = blocked.get(axis.id, set())
        kept = tuple(term for term in axis.terms if term.name not in names)
        if not kept:
            raise GrammarError(
                f"blocking {', '.join(sorted(names))} leaves axis '{axis.id}' of grammar '{definition.name}' "
                "without terms; an axis keeps at least one. Block fewer."
            )
        if axis.is_optional and axis.terms[0].name in names:
            raise GrammarError(
                f"'{axis.id}={axis.terms[0].name}' cannot be blocked: it means that the optional axis '{axis.id}' "
                "is not mentioned. Block other terms of the axis."
            )
        axes.append(replace(axis, terms=kept))
    return tuple(axes)


def active_exclusions(definition: Definition, axes: Sequence[AxisVocabulary]) -> tuple[Exclusion, ...]:
    """The exclusions that still can happen once the blocked terms are gone."""
    left = {axis.id: {term.name for term in axis.terms} for axis in axes}
    kept = []
    for exclusion in definition.exclusions:
        terms = {axis_id: tuple(n for n in names if n in left[axis_id]) for axis_id, names in exclusion}
        if all(terms.values()):
            kept.append(Exclusion(terms=terms))
    return tuple(kept)
