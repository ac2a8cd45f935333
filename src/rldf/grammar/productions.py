"""Productions: rules in CFG notation, and their expansion by grammatical number.

A rule is a line such as `NP -> Frequency[n] NOM[n]`. `[n]` stands for one number throughout the rule, so it
expands to two productions, `NP -> Frequency-singular NOM-singular` and the same for plural; `[singular]` and
`[plural]` name one number. Words stand in quotes; alternatives are parted by `|`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rldf.grammar.vocabulary import AxisVocabulary, Number

_PART = re.compile(
    r"\s*(?:(?P<quote>['\"])(?P<words>.*?)(?P=quote)|(?P<name>[A-Za-z_]\w*)(?:\[(?P<feature>\w+)\])?|(?P<bar>\|))"
)
_WORD = re.compile(r"[,;]|[^\s,;]+")

Feature = Literal["", "n", "singular", "plural"]
"""What stands in the brackets of a symbol; "n" means the same number throughout the rule."""

NUMBERS: tuple[Number, ...] = ("singular", "plural")


class RuleSyntaxError(ValueError):
    """A line is no rule; the message says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One item of a rule: words in quotes, or a symbol with its number."""

    text: str
    is_words: bool
    feature: Feature = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A line of the grammar file: a symbol and its alternatives.

    Attributes:
        text: the line as written.
        left: the symbol that is rewritten.
        alternatives: what it may become; none of them empty.
    """

    text: str
    left: Part
    alternatives: tuple[tuple[Part, ...], ...]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A non-terminal of the expanded grammar, such as "NOM-plural"; terminals are plain words."""

    name: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a sentence that a term of an axis fills, with a number."""

    axis_index: int
    number: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """One production of the expanded grammar.

    Attributes:
        left: the symbol that is rewritten.
        right: what it becomes.
        rule_index: position of the rule it came from.
        alternative_index: which of the rule's alternatives it is.
    """

    left: Symbol
    right: tuple[Symbol | str, ...]
    rule_index: int
    alternative_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionSet:
    """The expanded grammar above the terms.

    Attributes:
        start: the symbol of a whole sentence.
        productions: in the order of the file.
        slots: pre-terminal -> the slot it stands for.
    """

    start: Symbol
    productions: tuple[Production, ...]
    slots: dict[Symbol, Slot]


def split_words(text: str) -> list[str]:
    """Parts a text into words; a comma or semicolon is a word of its own."""
    return _WORD.findall(text)


def join_words(words: Sequence[str]) -> str:
    """Joins words into a text; the inverse of `split_words`."""
    return re.sub(r" (?=[,;])", "", " ".join(words))


def read_rule(text: str) -> Rule:
    """Reads one rule in CFG notation.

    Args:
        text: such as "PM[n] -> H[n] | H[n] VP".

    Returns:
        The rule.

    Raises:
        RuleSyntaxError: if the text is no rule.

    Example:
        >>> [len(parts) for parts in read_rule("PM[n] -> H[n] | H[n] VP").alternatives]
        [1, 2]
    """
    left, arrow, right = text.partition("->")
    if not arrow:
        raise RuleSyntaxError(f"the production '{text}' has no '->'; write it as `NP -> Frequency[n] NOM[n]`.")
    left_alternatives = _read_alternatives(left, text)
    if len(left_alternatives) != 1 or len(left_alternatives[0]) != 1 or left_alternatives[0][0].is_words:
        raise RuleSyntaxError(f"the production '{text}' must have one symbol before '->'; write `NP -> ...`.")
    alternatives = _read_alternatives(right, text)
    if not all(alternatives):
        raise RuleSyntaxError(
            f"the production '{text}' has an empty alternative; every alternative spells something. "
            "Write the short and the long form instead: `PM -> H | H VP`."
        )
    return Rule(text=text, left=left_alternatives[0][0], alternatives=alternatives)


def _read_alternatives(text: str, rule: str) -> tuple[tuple[Part, ...], ...]:
    """Reads the parts on one side of a rule."""
    alternatives: list[list[Part]] = [[]]
    position, text = 0, text.rstrip()
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            raise RuleSyntaxError(
                f"the production '{rule}' cannot be read from '{text[position:].strip()}'; "
                "it may hold symbols (NOM, NOM[n]), words in quotes ('in') and '|'."
            )
        position = match.end()
        if match["bar"]:
            alternatives.append([])
        elif match["quote"]:
            if not split_words(match["words"]):
                raise RuleSyntaxError(f"the production '{rule}' has empty quotes; put words in them or remove them.")
            alternatives[-1].append(Part(text=match["words"], is_words=True))
        else:
            alternatives[-1].append(Part(text=match["name"], is_words=False, feature=_feature(match["feature"], rule)))
    return tuple(tuple(parts) for parts in alternatives)


def _feature(text: str | None, rule: str) -> Feature:
    """Checks what stands in the brackets of a symbol."""
    match text:
        case None:
            return ""
        case "n" | "singular" | "plural":
            return text
        case _:
            raise RuleSyntaxError(
                f"the production '{rule}' has the number '[{text}]'; it may be [n], [singular] or [plural]."
            )


def _features(alternatives: Sequence[Sequence[Part]]) -> set[Feature]:
    """Which numbers the symbols of some alternatives name."""
    return {part.feature for parts in alternatives for part in parts} - {""}


def symbol_of(name: str, number: Number) -> Symbol:
    """Names the non-terminal of a symbol with a number."""
    return Symbol(f"{name}-{number}" if number else name)


def expand(rules: Sequence[Rule], axes: Sequence[AxisVocabulary]) -> ProductionSet:
    """Expands rules by number and finds the slots of the axes.

    Args:
        rules: at least one; the first one's symbol starts a sentence.
        axes: the axes whose pre-terminals the rules use.

    Returns:
        The expanded grammar, nothing pruned yet.
    """
    productions = tuple(
        production for rule_index, rule in enumerate(rules) for production in _expand_rule(rule, rule_index)
    )
    slots = {
        symbol_of(axis.symbol, number): Slot(axis_index, number)
        for axis_index, axis in enumerate(axes)
        for number in (("",) if axis.agreement == "none" else NUMBERS)
    }
    return ProductionSet(start=Symbol(rules[0].left.text), productions=productions, slots=slots)


def _expand_rule(rule: Rule, rule_index: int) -> list[Production]:
    """Makes the productions of one rule: for each number, each alternative."""
    made: list[Production] = []
    for alternative_index, parts in enumerate(rule.alternatives):
        varies = "n" in _features([parts, [rule.left]])
        for number in NUMBERS if varies else ("",):
            right: list[Symbol | str] = []
            for part in parts:
                if part.is_words:
                    right.extend(split_words(part.text))
                else:
                    right.append(_symbol(part, number))
            made.append(
                Production(
                    left=_symbol(rule.left, number),
                    right=tuple(right),
                    rule_index=rule_index,
                    alternative_index=alternative_index,
                )
            )
    return made


def _symbol(part: Part, number: Number) -> Symbol:
    """Puts a number in place of [n]."""
    return symbol_of(part.text, number if part.feature == "n" else part.feature)


def reachable(productions: Sequence[Production], start: Symbol) -> set[Symbol]:
    """Symbols that a sentence can hold."""
    found, waiting = {start}, [start]
    while waiting:
        symbol = waiting.pop()
        for production in productions:
            if production.left == symbol:
                new = {item for item in production.right if isinstance(item, Symbol)} - found
                found |= new
                waiting.extend(new)
    return found


def productive(productions: Sequence[Production], spoken: set[Symbol]) -> set[Symbol]:
    """Symbols that can end in words, given the pre-terminals that have terms."""
    found = set(spoken)
    while True:
        new = {
            production.left
            for production in productions
            if all(isinstance(item, str) or item in found for item in production.right)
        } - found
        if not new:
            return found
        found |= new


def prune(grammar: ProductionSet, axes: Sequence[AxisVocabulary]) -> ProductionSet:
    """Keeps what a sentence can use, given the terms the axes have now."""
    spoken = {symbol for symbol, slot in grammar.slots.items() if axes[slot.axis_index].phrases(slot.number)}
    useful = productive(grammar.productions, spoken)
    kept = [
        production
        for production in grammar.productions
        if all(isinstance(item, str) or item in useful for item in production.right)
    ]
    used = reachable(kept, grammar.start)
    return ProductionSet(
        start=grammar.start,
        productions=tuple(production for production in kept if production.left in used),
        slots={symbol: slot for symbol, slot in grammar.slots.items() if symbol in used & spoken},
    )
