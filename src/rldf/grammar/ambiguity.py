"""Static checks of the language: every encoding has one sentence, every sentence one reading."""

from collections.abc import Iterator
from itertools import product
from math import prod

from rldf.grammar.automaton import SentenceAutomaton
from rldf.grammar.definition import Definition
from rldf.grammar.lines import TomlPath
from rldf.grammar.patterns import (
    MAX_PATTERNS,
    Pattern,
    Signature,
    all_patterns,
    count_patterns,
    signature_choices,
    term_signature,
)
from rldf.grammar.productions import ProductionSet, Slot, expand, join_words, prune
from rldf.grammar.vocabulary import AxisVocabulary

Finding = tuple[TomlPath, str]
"""Where in the file, and what is wrong."""


def pattern_problems(definition: Definition) -> Iterator[Finding]:
    """Looks for encodings that have no sentence, or several."""
    axes = definition.axes
    grammar = prune(expand(definition.rules, axes), axes)
    choices = signature_choices(axes)
    num_patterns = max(count_patterns(grammar), prod(len(choice) for choice in choices))
    if num_patterns > MAX_PATTERNS:
        yield (
            ("productions",),
            (
                f"there are {num_patterns} kinds of sentences; at most {MAX_PATTERNS} can be checked. "
                "Use fewer optional axes or alternatives."
            ),
        )
        return
    known: dict[Signature, Pattern] = {}
    for pattern in all_patterns(grammar):
        repeated = [axes[axis_index].id for axis_index in sorted(pattern.repeated_axes())]
        if repeated:
            yield (
                _place(pattern, None, grammar),
                (
                    f"a sentence such as '{_example(pattern, axes)}' names the axis '{repeated[0]}' twice; it is one "
                    "entry of the encoding. Give the second place an axis of its own (terms_from helps)."
                ),
            )
            return
        signature = pattern.signature(axes)
        silent = [axes[i].id for i, part in enumerate(signature) if part is None and not axes[i].is_optional]
        if silent:
            yield (
                _place(pattern, None, grammar),
                (
                    f"the sentence '{_example(pattern, axes)}' says nothing of axis '{silent[0]}', which is not "
                    'optional. Set optional = true, with a first term for "not mentioned", or always name it.'
                ),
            )
            return
        if signature in known:
            yield (
                _place(pattern, known[signature], grammar),
                (
                    f"the grammar is ambiguous: '{_example(known[signature], axes)}' and '{_example(pattern, axes)}' "
                    "are two derivations of one encoding. Remove one of the alternatives."
                ),
            )
            return
        known[signature] = pattern
    yield from _unspoken(axes, choices, set(known))


def _unspoken(
    axes: tuple[AxisVocabulary, ...], choices: list[list[str | None]], known: set[Signature]
) -> Iterator[Finding]:
    """Looks for an encoding that no sentence spells."""
    for signature in product(*choices):
        if signature in known:
            continue
        indices = [
            next(i for i in range(len(axis.terms)) if term_signature(axis, i) == part)
            for axis, part in zip(axes, signature, strict=True)
        ]
        terms = ", ".join(f"{axis.id}={axis.terms[i].name}" for axis, i in zip(axes, indices, strict=True))
        lone = next((p for p, part in enumerate(signature) if all(other[p] != part for other in known)), len(axes) - 1)
        yield (
            ("axes", lone, "terms", indices[lone]),
            (
                f"no sentence spells {terms}: the productions leave no place for "
                f"'{axes[lone].terms[indices[lone]].name}' of axis '{axes[lone].id}' there. Add an alternative (for an "
                "optional axis one without it), or check the numbers in brackets."
            ),
        )
        return


def word_problems(definition: Definition) -> Iterator[Finding]:
    """Looks for a sentence that can be read in two ways."""
    axes = definition.axes
    grammar = prune(expand(definition.rules, axes), axes)
    phrases = {slot: axes[slot.axis_index].phrases(slot.number) for slot in grammar.slots.values()}
    automaton = SentenceAutomaton(all_patterns(grammar), {slot: list(found) for slot, found in phrases.items()})
    words = automaton.ambiguous_sentence()
    if words is None:
        return
    first, second = automaton.readings(words)[:2]
    split = next(i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    item, phrase = next((r[split] for r in (first, second) if isinstance(r[split][0], Slot)), first[split])
    place: TomlPath = ("productions",)
    if isinstance(item, Slot):
        place = ("axes", item.axis_index, "terms", phrases[item][phrase])
    texts = [" | ".join(words for _, words in reading) for reading in (first, second)]
    yield (
        place,
        (
            f"the grammar is ambiguous: '{join_words(words)}' can be read as '{texts[0]}' and as '{texts[1]}'. "
            "Change a spelling or synonym, or put a word between the two."
        ),
    )


def _place(pattern: Pattern, other: Pattern | None, grammar: ProductionSet) -> TomlPath:
    """Finds the rule that a pattern uses and another does not; the last one it uses where there is no other."""
    used = pattern.productions() - (set() if other is None else other.productions())
    found = [p.rule_index for p in grammar.productions if (p.left, p.right) in used]
    return ("productions", found[-1] if other is None and found else (found[0] if found else 0))


def _example(pattern: Pattern, axes: tuple[AxisVocabulary, ...]) -> str:
    """Spells a sentence of a pattern."""
    return join_words(
        [
            next(iter(axes[item.axis_index].phrases(item.number))) if isinstance(item, Slot) else item
            for item in pattern.items
        ]
    )
