"""Sentence patterns: every derivation of the grammar above the terms.

A grammar without recursion has finitely many patterns, few even where it has millions of sentences: one for each
choice of numbers and of optional axes mentioned. Each encoding belongs to the pattern of its *signature*.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import prod

from rldf.grammar.productions import Production, ProductionSet, Slot, Symbol
from rldf.grammar.vocabulary import AxisVocabulary

MAX_PATTERNS = 4096  # our choice: twelve optional axes; checked in about a second

Signature = tuple[str | None, ...]
"""Per axis: None where it is not mentioned, the number its term sets, or "" for any other term."""

Item = str | Slot
"""A word, or a place for a term."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A symbol of a derivation with what it became; the leaves are words and slots."""

    symbol: Symbol
    children: tuple["Node | Item", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One derivation above the terms.

    Attributes:
        tree: the derivation.
        items: its leaves from left to right.
    """

    tree: Node
    items: tuple[Item, ...]

    def signature(self, axes: Sequence[AxisVocabulary]) -> Signature:
        """Which encodings it spells."""
        numbers: dict[int, str] = {}
        for item in self.items:
            if isinstance(item, Slot):
                numbers[item.axis_index] = item.number if axes[item.axis_index].agreement == "sets-number" else ""
        return tuple(numbers.get(axis_index) for axis_index in range(len(axes)))

    def repeated_axes(self) -> set[int]:
        """Positions of the axes that it names more than once."""
        named = [item.axis_index for item in self.items if isinstance(item, Slot)]
        return {axis_index for axis_index in named if named.count(axis_index) > 1}

    def productions(self) -> set[tuple[Symbol, tuple[Symbol | str, ...]]]:
        """The productions it uses, slots written as their symbols."""
        used = set()
        for node in _nodes(self.tree):
            if not (len(node.children) == 1 and isinstance(node.children[0], Slot)):
                right = tuple(child.symbol if isinstance(child, Node) else str(child) for child in node.children)
                used.add((node.symbol, right))
        return used


def _nodes(node: Node) -> Iterator[Node]:
    """Walks over a derivation from its root."""
    yield node
    for child in node.children:
        if isinstance(child, Node):
            yield from _nodes(child)


def count_patterns(grammar: ProductionSet) -> int:
    """Counts the derivations above the terms, without making them; the grammar has no recursion."""
    by_left = _by_left(grammar)

    @cache
    def count(symbol: Symbol) -> int:
        if symbol in grammar.slots:
            return 1
        return sum(
            prod(count(item) for item in production.right if isinstance(item, Symbol))
            for production in by_left.get(symbol, [])
        )

    return count(grammar.start)


def all_patterns(grammar: ProductionSet) -> list[Pattern]:
    """Makes every derivation above the terms; the grammar has no recursion and at most MAX_PATTERNS of them."""
    by_left = _by_left(grammar)

    @cache
    def grow(symbol: Symbol) -> list[tuple[Node, tuple[Item, ...]]]:
        if symbol in grammar.slots:
            slot = grammar.slots[symbol]
            return [(Node(symbol=symbol, children=(slot,)), (slot,))]
        grown = []
        for production in by_left.get(symbol, []):
            choices: list[list[tuple[Node | Item, tuple[Item, ...]]]] = [
                [*grow(item)] if isinstance(item, Symbol) else [(item, (item,))] for item in production.right
            ]
            for chosen in product(*choices):
                children = tuple(child for child, _ in chosen)
                items = tuple(item for _, items in chosen for item in items)
                grown.append((Node(symbol=symbol, children=children), items))
        return grown

    return [Pattern(tree=tree, items=items) for tree, items in grow(grammar.start)]


def signature_choices(axes: Sequence[AxisVocabulary]) -> list[list[str | None]]:
    """What each axis can contribute to a signature, with the terms it has now."""
    return [list(dict.fromkeys(term_signature(axis, index) for index in range(len(axis.terms)))) for axis in axes]


def term_signature(axis: AxisVocabulary, index: int) -> str | None:
    """What one term contributes to a signature."""
    if axis.is_silent(index):
        return None
    return axis.terms[index].number if axis.agreement == "sets-number" else ""


def _by_left(grammar: ProductionSet) -> dict[Symbol, list[Production]]:
    """Groups productions by the symbol they rewrite."""
    grouped: dict[Symbol, list[Production]] = {}
    for production in grammar.productions:
        grouped.setdefault(production.left, []).append(production)
    return grouped
