"""Sentences that describe each term of a grammar, for perceptions that compare pictures with sentences."""

from rldf.grammar import Grammar
from rldf.seeding import child_rng
from rldf.space import Encoding

NUM_SENTENCES = 8  # our choice
MAX_DRAWS = 200  # our choice: exclusions rarely forbid more than a few


def term_sentences(grammar: Grammar) -> dict[str, dict[str, tuple[str, ...]]]:
    """Writes sentences of the grammar that hold each term, other axes varied alike for all terms of an axis.

    What the sentences of one term have in common, against those of another, is the term itself; so a "no" among the
    people needs no text of its own, and plurals are right.

    Args:
        grammar: whose terms are described.

    Returns:
        Axis id -> term -> sentences, at least one each.
    """
    space = grammar.space
    rng = child_rng(0, "term-sentences")
    others = [space.sample(rng) for _ in range(MAX_DRAWS)]
    texts: dict[str, dict[str, tuple[str, ...]]] = {}
    for position, axis in enumerate(space.axes):
        texts[axis.id] = {}
        for index, term in enumerate(axis.terms):
            varied = (Encoding((*other.indices[:position], index, *other.indices[position + 1 :])) for other in others)
            sentences = dict.fromkeys(grammar.render(encoding) for encoding in varied if space.allows(encoding))
            texts[axis.id][term] = tuple(sentences)[:NUM_SENTENCES]
    return texts
