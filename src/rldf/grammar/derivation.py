"""Derivations by NLTK: its context-free grammar, its trees, its chart parser.

The one module that imports NLTK, which takes about a second to load; so only what asks for a tree, a parse or the
CFG imports this module, and rendering never does.
"""

from collections.abc import Iterable, Mapping, Sequence

from nltk.grammar import CFG, Nonterminal
from nltk.grammar import Production as CfgProduction
from nltk.parse.chart import LeftCornerChartParser
from nltk.tree import Tree

from rldf.grammar.patterns import Node
from rldf.grammar.productions import ProductionSet, Slot, Symbol, split_words

Spelling = tuple[Symbol, Sequence[str]]
"""A pre-terminal and the words of one of its terms."""


def build_cfg(grammar: ProductionSet, spellings: Iterable[Spelling], *, is_folded: bool = False) -> CFG:
    """Builds NLTK's context-free grammar.

    Args:
        grammar: the productions above the terms.
        spellings: the lexical productions.
        is_folded: True for words in lower case, as the parser needs them.

    Returns:
        An `nltk.CFG` whose terminals are single words.
    """
    made = []
    for production in grammar.productions:
        right = [
            Nonterminal(item.name) if isinstance(item, Symbol) else (item.casefold() if is_folded else item)
            for item in production.right
        ]
        made.append(CfgProduction(Nonterminal(production.left.name), right))
    made += [CfgProduction(Nonterminal(symbol.name), list(words)) for symbol, words in spellings]
    return CFG(Nonterminal(grammar.start.name), made)


def build_tree(node: Node, words_of: Mapping[Slot, str]) -> Tree:
    """Makes the tree of a pattern whose slots are filled.

    Args:
        node: root of the pattern's derivation.
        words_of: the words in each slot.

    Returns:
        An `nltk.Tree` whose leaves are single words.
    """
    children: list[Tree | str] = []
    for child in node.children:
        if isinstance(child, Node):
            children.append(build_tree(child, words_of))
        elif isinstance(child, Slot):
            children.extend(split_words(words_of[child]))
        else:
            children.append(child)
    return Tree(node.symbol.name, children)


def parse_words(words: Sequence[str], grammar: ProductionSet, spellings: Iterable[Spelling]) -> list[Tree]:
    """Parses a sentence with NLTK's left-corner chart parser, the fastest of its exact ones here.

    Args:
        words: of the sentence, in any case.
        grammar: the productions above the terms.
        spellings: the lexical productions whose words the sentence holds, in lower case; the rest of a large
            vocabulary cannot take part and would only cost time.

    Returns:
        Every derivation, leaves as written; none where the words are no sentence.

    Source: left-corner parsing, Rosenkrantz and Lewis, "Deterministic left corner parsing", SWAT 1970, on a chart.
    """
    folded = [word.casefold() for word in words]
    cfg = build_cfg(grammar, spellings, is_folded=True)
    trees = list(LeftCornerChartParser(cfg).parse(folded))
    for tree in trees:
        for position, word in zip(tree.treepositions("leaves"), words, strict=True):
            tree[position] = word
    return trees
