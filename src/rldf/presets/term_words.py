"""The words of each term of a grammar, for perceptions that look for them in texts."""

from rldf.grammar import Grammar
from rldf.grammar.vocabulary import spelling
from rldf.perception.captioned import TermWords


def term_words(grammar: Grammar) -> dict[str, dict[str, TermWords]]:
    """Lists how the terms are spelled, synonyms included.

    Args:
        grammar: whose terms are meant.

    Returns:
        Axis id -> term -> words, without the terms that spell none and without axes that set a number.
    """
    return {
        axis.id: {
            term.name: TermWords(
                singular=tuple(spelling(form, "singular") for form in (term.form, *term.synonyms)),
                plural=tuple(spelling(form, "plural") for form in (term.form, *term.synonyms)),
            )
            for index, term in enumerate(axis.terms)
            if not axis.is_silent(index)
        }
        for axis in grammar.axes
        if axis.agreement != "sets-number"
    }
