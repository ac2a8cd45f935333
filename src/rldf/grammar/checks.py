"""Static checks: what can be wrong with a grammar whose file has the right form.

They run in stages, each of which needs the one before: vocabulary, productions, patterns, words.
"""

import re
from collections.abc import Iterator

from rldf.errors import GrammarError, did_you_mean
from rldf.grammar.ambiguity import Finding, pattern_problems, word_problems
from rldf.grammar.definition import Definition, active_axes, blocked_terms
from rldf.grammar.lines import TomlPath
from rldf.grammar.productions import (
    NUMBERS,
    Production,
    ProductionSet,
    Symbol,
    expand,
    join_words,
    productive,
    prune,
    reachable,
    split_words,
)
from rldf.grammar.vocabulary import AxisVocabulary, spelling


def find_problems(definition: Definition) -> list[Finding]:
    """Finds what is wrong with a grammar.

    Args:
        definition: its content.

    Returns:
        The findings of the first stage that has any; empty where the grammar is fine.
    """
    for stage in (_vocabulary_problems, _production_problems, pattern_problems, word_problems):
        findings = list(stage(definition))
        if findings:
            return findings
    return []


def _vocabulary_problems(definition: Definition) -> Iterator[Finding]:
    """Looks at each axis by itself, then at what names terms."""
    for position, axis in enumerate(definition.axes):
        path: TomlPath = ("axes", position)
        if not re.fullmatch(r"[a-z][a-z0-9-]*", axis.id):
            yield (*path, "id"), f"the axis id '{axis.id}' must be small letters, digits and '-'. Rename it."
        if not re.fullmatch(r"[A-Za-z_]\w*", axis.symbol):
            yield (*path, "symbol"), f"the symbol '{axis.symbol}' must be letters and digits, such as Noun. Rename it."
        for other in definition.axes[:position]:
            if axis.id == other.id:
                yield (*path, "id"), f"there are two axes '{axis.id}'; each has its own id. Rename one."
            if axis.symbol == other.symbol:
                yield (*path, "symbol"), f"axes '{other.id}' and '{axis.id}' both use '{axis.symbol}'. Rename one."
        yield from _term_problems(axis, path)
    yield from _exclusion_problems(definition)
    yield from _blocking_problems(definition)


def _term_problems(axis: AxisVocabulary, path: TomlPath) -> Iterator[Finding]:
    """Looks for missing terms, repeated terms and spellings that two terms share."""
    least = 2 if axis.is_optional else 1
    if len(axis.terms) < least:
        yield (
            (*path, "terms"),
            f"axis '{axis.id}' has {len(axis.terms)} terms; "
            + (
                'an optional one has at least 2, the first meaning "not mentioned"'
                if least == 2
                else "it has at least 1"
            )
            + ". Add terms.",
        )
    names = [term.name for term in axis.terms]
    for position, name in enumerate(names):
        if name in names[:position]:
            yield (*path, "terms", position), f"axis '{axis.id}' names '{name}' twice; terms differ. Remove one."
    yield from _collisions(axis, path)
    for group, members in axis.groups:
        for member in members:
            if member not in names:
                yield (
                    (*path, "groups", group),
                    (
                        f"group '{group}' names '{member}', which is no term of axis '{axis.id}'. It has: "
                        f"{', '.join(names)}.{did_you_mean(member, names)}"
                    ),
                )
        if not members:
            yield (*path, "groups", group), f"group '{group}' is empty. Name terms in it, or remove it."
        if group in names:
            yield (*path, "groups", group), f"group '{group}' is called as a term of axis '{axis.id}'. Rename it."


def _collisions(axis: AxisVocabulary, path: TomlPath) -> Iterator[Finding]:
    """Looks for a spelling that two terms share, or that a term has twice."""
    reported: set[tuple[int, str]] = set()
    for number in ("",) if axis.agreement == "none" else NUMBERS:
        owners: dict[str, int] = {}
        for position, term in enumerate(axis.terms):
            if axis.is_silent(position) or not axis.spells(term, number):
                continue
            for form in (term.form, *term.synonyms):
                phrase = join_words(split_words(spelling(form, number).casefold()))
                owner = owners.setdefault(phrase, position)
                if owner != position and (position, phrase) not in reported:
                    reported.add((position, phrase))
                    yield (
                        (*path, "terms", position),
                        (
                            f"'{phrase}' on axis '{axis.id}' would mean both '{axis.terms[owner].name}' and "
                            f"'{term.name}'; a spelling or synonym belongs to one term. Remove it from one."
                        ),
                    )
    for position, term in enumerate(axis.terms):
        repeated = [
            form.singular
            for i, form in enumerate((term.form, *term.synonyms))
            if form in (term.form, *term.synonyms)[:i]
        ]
        if repeated:
            yield (
                (*path, "terms", position, "synonyms"),
                f"term '{term.name}' has the synonym '{repeated[0]}' already. Remove the repetition.",
            )


def _exclusion_problems(definition: Definition) -> Iterator[Finding]:
    """Looks for exclusions that name what does not exist."""
    terms_of = {axis.id: [term.name for term in axis.terms] for axis in definition.axes}
    for position, exclusion in enumerate(definition.exclusions):
        path: TomlPath = ("exclusions", position)
        if len(exclusion) < 2:
            yield path, f"exclusion {dict(exclusion)} names one axis; it takes two or more. To forbid a term, block it."
        for axis_id, names in exclusion:
            place = (*path, axis_id)
            if axis_id not in terms_of:
                yield (
                    place,
                    (
                        f"an exclusion names the axis '{axis_id}'. The axes are: {', '.join(terms_of)}."
                        f"{did_you_mean(axis_id, terms_of)}"
                    ),
                )
                continue
            if not names:
                yield place, f"an exclusion names no terms of axis '{axis_id}'. Name at least one, or remove it."
            for name in names:
                if name not in terms_of[axis_id]:
                    yield (
                        place,
                        (
                            f"an exclusion names '{name}', which is no term of axis '{axis_id}'. It has: "
                            f"{', '.join(terms_of[axis_id])}.{did_you_mean(name, terms_of[axis_id])}"
                        ),
                    )


def _blocking_problems(definition: Definition) -> Iterator[Finding]:
    """Looks for blocked names that do not exist or leave an axis empty."""
    for position, item in enumerate(definition.blocked):
        try:
            blocked_terms(definition, item)
        except GrammarError as error:
            yield ("blocked", position), str(error)
            return
    if all(axis.terms for axis in definition.axes):
        try:
            active_axes(definition)
        except GrammarError as error:
            yield ("blocked",), str(error)


def _production_problems(definition: Definition) -> Iterator[Finding]:
    """Looks for symbols without meaning, repeated, recursive and useless productions."""
    start = definition.rules[0].left
    if start.feature:
        yield ("productions", 0), f"the first symbol '{start.text}' starts a sentence and has no number. Remove [...]."
        return
    axis_of = {axis.symbol: axis for axis in definition.axes}
    for position, rule in enumerate(definition.rules):
        if rule.left.text in axis_of:
            yield (
                ("productions", position),
                (
                    f"'{rule.left.text}' stands for the terms of axis '{axis_of[rule.left.text].id}' and cannot be "
                    "rewritten. Rename one of the two."
                ),
            )
    grammar = expand(definition.rules, definition.axes)
    findings = [*_undefined(definition, grammar), *_repeated(definition, grammar)]
    findings = findings or list(_recursive(grammar))
    yield from findings or [*_useless(definition, grammar), *_unused_axes(definition, grammar)]


def _undefined(definition: Definition, grammar: ProductionSet) -> Iterator[Finding]:
    """Looks for symbols that are neither rewritten nor an axis."""
    defined = {production.left for production in grammar.productions} | set(grammar.slots)
    bases = {symbol.name.partition("-")[0]: symbol.name for symbol in sorted(defined, key=lambda s: s.name)}
    reported: set[tuple[int, str]] = set()
    for production in grammar.productions:
        for item in production.right:
            if isinstance(item, str) or item in defined:
                continue
            base, _, number = item.name.partition("-")
            if (production.rule_index, base) in reported:
                continue
            reported.add((production.rule_index, base))
            text = definition.rules[production.rule_index].text
            if base in bases and number:
                advice = f"it is used as {number} here but has no {number} form. Write it without [...], or define it."
            elif base in bases:
                advice = f"it has a number elsewhere. Write {base}[n], {base}[singular] or {base}[plural]."
            else:
                advice = f"it is never rewritten and no axis has it.{did_you_mean(base, bases) or ' Add a production.'}"
            yield ("productions", production.rule_index), f"the symbol '{base}' in '{text}': {advice}"


def _repeated(definition: Definition, grammar: ProductionSet) -> Iterator[Finding]:
    """Looks for productions given twice."""
    seen: set[tuple[Symbol, tuple[Symbol | str, ...]]] = set()
    reported: set[int] = set()
    for production in grammar.productions:
        key = (production.left, production.right)
        if key in seen and production.rule_index not in reported:
            reported.add(production.rule_index)
            text = definition.rules[production.rule_index].text
            yield ("productions", production.rule_index), f"'{text}' repeats a production. Remove the repetition."
        seen.add(key)


def _recursive(grammar: ProductionSet) -> Iterator[Finding]:
    """Looks for a symbol that can hold itself: its sentences would have no longest one."""
    finished: set[Symbol] = set()

    def walk(symbol: Symbol, above: tuple[Symbol, ...]) -> Finding | None:
        for production in grammar.productions:
            if production.left != symbol:
                continue
            for item in production.right:
                if isinstance(item, str) or item in finished:
                    continue
                if item in (*above, symbol):
                    chain = (*above, symbol)[(*above, symbol).index(item) :]
                    names = " -> ".join(s.name.partition("-")[0] for s in (*chain, item))
                    return (
                        ("productions", production.rule_index),
                        (
                            f"the productions go in a cycle: {names}. A sentence must end; break the cycle, and write "
                            "repetition out as alternatives."
                        ),
                    )
                found = walk(item, (*above, symbol))
                if found is not None:
                    return found
        finished.add(symbol)
        return None

    for symbol in [grammar.start, *(production.left for production in grammar.productions)]:
        found = walk(symbol, ()) if symbol not in finished else None
        if found is not None:
            yield found
            return


def _useless(definition: Definition, grammar: ProductionSet) -> Iterator[Finding]:
    """Looks for alternatives that no sentence can use."""
    spoken = {symbol for symbol, slot in grammar.slots.items() if definition.axes[slot.axis_index].phrases(slot.number)}
    ends = productive(grammar.productions, spoken)
    met = reachable(grammar.productions, grammar.start)
    groups: dict[tuple[int, int], list[Production]] = {}
    for production in grammar.productions:
        groups.setdefault((production.rule_index, production.alternative_index), []).append(production)
    used = {
        (production.rule_index, production.alternative_index)
        for production in prune(grammar, definition.axes).productions
    }
    for (rule_index, alternative_index), productions in groups.items():
        if (rule_index, alternative_index) in used:
            continue
        rule = definition.rules[rule_index]
        part = (
            f"alternative {alternative_index + 1} of '{rule.text}'" if len(rule.alternatives) > 1 else f"'{rule.text}'"
        )
        if not any(production.left in met for production in productions):
            reason = f"is unused: nothing reached from '{grammar.start.name}' holds '{rule.left.text}'"
            advice = f"Use '{rule.left.text}' in a production, or remove the line."
        elif not any(all(isinstance(i, str) or i in ends for i in p.right) for p in productions):
            reason, advice = "can never be finished: one of its symbols has no words", "Add terms, or remove it."
        else:
            reason, advice = "is unused: what leads to it can never be finished", "Correct that, or remove it."
        yield ("productions", rule_index), f"{part} {reason}. {advice}"


def _unused_axes(definition: Definition, grammar: ProductionSet) -> Iterator[Finding]:
    """Looks for axes that no sentence names."""
    met = reachable(grammar.productions, grammar.start)
    for axis_index, axis in enumerate(definition.axes):
        if not any(symbol in met for symbol, slot in grammar.slots.items() if slot.axis_index == axis_index):
            yield (
                ("axes", axis_index),
                (
                    f"the terms of axis '{axis.id}' are unused: no production holds its symbol '{axis.symbol}'. "
                    "Use it in a production, or remove the axis."
                ),
            )
