"""Explains why a sentence cannot be read: where, what was expected, what may have been meant."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from rldf.errors import GrammarError, UnknownTermError, did_you_mean
from rldf.grammar.automaton import SentenceAutomaton, State
from rldf.grammar.definition import Definition
from rldf.grammar.productions import split_words
from rldf.grammar.vocabulary import AxisVocabulary, Number, spelling

MAX_SPELLINGS_SHOWN = 12  # our choice: a line that can be read


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageView:
    """What an explanation needs of a grammar.

    Attributes:
        definition: the content of its file.
        axes: the vocabulary of each axis, without blocked terms.
        automaton: reads its sentences word by word.
    """

    definition: Definition
    axes: tuple[AxisVocabulary, ...]
    automaton: SentenceAutomaton


def explain_unreadable(
    sentence: str, *, num_read: int, states: Collection[State], grammar: LanguageView
) -> GrammarError:
    """Makes the error for a sentence that cannot be read.

    Args:
        sentence: as given.
        num_read: how many of its words could be read.
        states: where the automaton stood then.
        grammar: that was asked.

    Returns:
        An error with position, what was expected and advice; an `UnknownTermError` where the word is not in the
        vocabulary at all.
    """
    automaton = grammar.automaton
    places = list(re.finditer(r"[,;]|[^\s,;]+", sentence))
    following = sorted({word for state in states for word in automaton.next_words(state)})
    expected = _expected(states, grammar)
    if num_read >= len(places):
        where = f"the sentence '{sentence}' stops too early" if places else "the sentence is empty"
        return GrammarError(f"{where}. Next comes: {expected}. Complete it.")
    word = places[num_read].group()
    where = f"word {num_read + 1}, '{word}' at character {places[num_read].start() + 1} of '{sentence}', does not fit"
    if not following:
        return GrammarError(f"{where}: a sentence of '{grammar.definition.name}' ends before it. Remove the rest.")
    rest = " ".join(place.group() for place in places[num_read:]).casefold()
    blocked = _blocked_spelling(rest, grammar)
    advice = f" '{blocked}' is blocked in this grammar; choose another." if blocked else ""
    advice = advice or did_you_mean(word.casefold(), following) or " Choose one of these."
    kind = GrammarError if word.casefold() in _all_words(grammar) else UnknownTermError
    return kind(f"{where}. Expected there: {expected}.{advice}")


def _expected(states: Collection[State], grammar: LanguageView) -> str:
    """Names the words and axes that may come next."""
    slots = {slot for state in states for slot in grammar.automaton.next_slots(state)}
    words = {word for state in states for word in grammar.automaton.next_literals(state)}
    named = [f"'{word}'" for word in sorted(words)] + (
        ["the end"] if any(map(grammar.automaton.is_end, states)) else []
    )
    for slot in sorted(slots, key=lambda slot: (slot.axis_index, slot.number)):
        axis = grammar.axes[slot.axis_index]
        number: Number = slot.number
        spellings = [
            spelling(term.form, number)
            for index, term in enumerate(axis.terms)
            if not axis.is_silent(index) and axis.spells(term, number)
        ]
        shown = spellings[:MAX_SPELLINGS_SHOWN] + (["..."] if len(spellings) > MAX_SPELLINGS_SHOWN else [])
        named.append(f"{axis.id} ({', '.join(shown)})")
    return " or ".join(named)


def _all_words(grammar: LanguageView) -> set[str]:
    """Every word the grammar knows, in lower case."""
    words = {
        word
        for axis in grammar.axes
        for term in axis.terms
        for form in (term.form, *term.synonyms)
        for text in (form.singular, *((form.plural,) if axis.agreement == "takes-number" else ()))
        for word in split_words(text.casefold())
    }
    parts = (part for rule in grammar.definition.rules for parts in rule.alternatives for part in parts)
    return words | {word for part in parts if part.is_words for word in split_words(part.text.casefold())}


def _blocked_spelling(rest: str, grammar: LanguageView) -> str | None:
    """Finds a blocked term that the rest of a sentence begins with."""
    for whole, axis in zip(grammar.definition.axes, grammar.axes, strict=True):
        kept = {term.name for term in axis.terms}
        for term in whole.terms:
            if term.name not in kept:
                for text in (term.form.singular, term.form.plural):
                    if text and f"{rest} ".startswith(f"{text.casefold()} "):
                        return text
    return None
