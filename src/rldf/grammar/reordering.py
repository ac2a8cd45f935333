"""Gives an axis a new order of terms, in memory and in the text of its file."""

import re
from collections.abc import Sequence
from dataclasses import replace

from rldf.errors import GrammarError
from rldf.grammar.grammar import Grammar
from rldf.grammar.lines import Span, TomlSpans

_TAIL = re.compile(r"(?P<comma>[ \t]*,)?(?P<comment>[ \t]*#[^\n]*)?[ \t]*(?=\n)")


def reordered(grammar: Grammar, axis_id: str, order: Sequence[int]) -> Grammar:
    """Makes the same grammar with the terms of an axis in another order.

    Args:
        grammar: to start from; blocked terms take part.
        axis_id: such as "object"; axes that share its terms follow.
        order: position -> index of the term now; an optional axis keeps its first term.

    Returns:
        The grammar in the new order; its digest differs. What is no order of that axis is a GrammarError.
    """
    _require_order(grammar, axis_id, order)
    axes = tuple(
        replace(axis, terms=tuple(axis.terms[index] for index in order))
        if axis_id in (axis.id, axis.terms_from)
        else axis
        for axis in grammar.definition.axes
    )
    return Grammar(definition=replace(grammar.definition, axes=axes))


def reordered_text(grammar: Grammar, axis_id: str, order: Sequence[int]) -> str:
    """Writes the text of a grammar's file with the terms of an axis in another order.

    Everything else stays as it is, comments too; a comment behind a term on the same line moves with the term.

    Args:
        grammar: that was loaded from a file, or is bundled.
        axis_id: such as "object".
        order: position -> index of the term now; an optional axis keeps its first term.

    Returns:
        The text of a TOML file.

    Raises:
        GrammarError: if the order is no permutation, the axis shares the terms of another, or the file has changed.
    """
    _require_order(grammar, axis_id, order)
    path = grammar.definition.path
    if path is None:
        raise GrammarError(f"grammar '{grammar.name}' has no file whose text could be written. Load it from one.")
    text = path.read_text(encoding="utf-8")
    spans = TomlSpans(text)
    position = [axis.id for axis in grammar.definition.axes].index(axis_id)
    found = [spans.span(("axes", position, "terms", index)) for index in order]
    pieces = [span for span in found if span is not None]
    if len(pieces) != len(order) or spans.span(("axes", position, "terms", len(order))) is not None:
        raise GrammarError(
            f"{path} no longer holds the {len(order)} terms of axis '{axis_id}' that were loaded. Load it again."
        )
    return _swap(text, sorted(pieces, key=lambda span: span.start), pieces)


def _require_order(grammar: Grammar, axis_id: str, order: Sequence[int]) -> None:
    """Refuses what is no order of the axis's terms."""
    axis = grammar.definition.axis(axis_id)
    if axis.terms_from is not None:
        raise GrammarError(
            f"axis '{axis_id}' shares the terms of '{axis.terms_from}' and has no order of its own. "
            f"Order '{axis.terms_from}'."
        )
    if sorted(order) != list(range(len(axis.terms))):
        raise GrammarError(
            f"{list(order)} is no order of the {len(axis.terms)} terms of axis '{axis_id}'. Give each number from 0 to "
            f"{len(axis.terms) - 1} once."
        )
    if axis.is_optional and order[0] != 0:
        raise GrammarError(
            f"the order {list(order)} moves '{axis.terms[0].name}', the first term of the optional axis '{axis_id}', "
            'which means "not mentioned". Leave 0 in front.'
        )


def _swap(text: str, places: Sequence[Span], pieces: Sequence[Span]) -> str:
    """Puts pieces of a text in the places of others; comments follow where each piece has a line of its own."""
    original = text
    tails = {piece: _TAIL.match(text, piece.end) for piece in pieces}
    for place, piece in reversed(list(zip(places, pieces, strict=True))):
        old, new = tails[place], tails[piece]
        written = original[piece.start : piece.end]
        end = place.end
        if old is not None and new is not None and None not in tails.values():
            written += (old["comma"] or "") + (new["comment"] or "")
            end = old.end()
        text = text[: place.start] + written + text[end:]
    return text
