"""The context-free grammar: axes and productions; renders encodings and parses sentences.

- `load_grammar`, `list_grammars`, `grammars_with`, `check_grammar`, `GrammarProblem`: grammar files.
- `Grammar`: encoding -> derivation -> sentence, and back; `AxisVocabulary`, `Term`, `Form`: its words.
- `order_terms`, `path_length`, `reordered`, `reordered_text`: terms in an order of visual likeness.
- `measure_locality`, `Locality`: whether neighbours on an axis look alike.
"""

from rldf.grammar.definition import GrammarProblem
from rldf.grammar.files import check_grammar, grammars_with, list_grammars, load_grammar
from rldf.grammar.grammar import Grammar
from rldf.grammar.locality import Locality, measure_locality
from rldf.grammar.order import order_terms, path_length
from rldf.grammar.reordering import reordered, reordered_text
from rldf.grammar.vocabulary import AxisVocabulary, Form, Term

__all__ = [
    "AxisVocabulary",
    "Form",
    "Grammar",
    "GrammarProblem",
    "Locality",
    "Term",
    "check_grammar",
    "grammars_with",
    "list_grammars",
    "load_grammar",
    "measure_locality",
    "order_terms",
    "path_length",
    "reordered",
    "reordered_text",
]
