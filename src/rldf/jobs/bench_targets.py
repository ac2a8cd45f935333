"""Targets of the search benchmark: pictures the image model makes, pictures that are drawn, and harder ones."""

from collections.abc import Iterator

import numpy as np

from rldf.arrays import Image
from rldf.bench.table import BenchTarget, Split, TargetKind
from rldf.contracts import ImageGenerator
from rldf.grammar import Grammar, load_grammar
from rldf.records import Prompt
from rldf.renderer.examples import draw_example
from rldf.seeding import child_rng, child_seed

KINDS: tuple[TargetKind, ...] = ("in-generator", "drawn", "in-generator", "drawn", "off-grammar", "several-objects")
"""In turn: one target in six is off the grammar, one shows several objects; our choice."""

OFF_AXIS = "object"
OFF_GRAMMAR = "full"
SEVERAL_GRAMMAR = "two-objects"


def draw_targets(
    grammar: Grammar, *, image_generator: ImageGenerator, count: int, seed: int, size_px: int = 128
) -> Iterator[tuple[Image, BenchTarget]]:
    """Makes targets of every kind; every other one of each kind is a test target.

    Args:
        grammar: of the table.
        image_generator: makes the in-generator targets, on seeds of their own.
        count: targets.
        seed: root of all chance, 0 or larger.
        size_px: side of the drawn pictures.

    Yields:
        Picture and what is known of it.
    """
    kinds = kinds_of(grammar)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        split: Split = "test" if number // len(kinds) % 2 else "development"
        own = child_seed(seed, "bench-target", number)
        image, sentence, terms = draw_target(
            grammar, kind=kind, seed=own, image_generator=image_generator, size_px=size_px
        )
        yield image, BenchTarget(kind=kind, split=split, terms=terms, sentence=sentence, seed=own)


def kinds_of(grammar: Grammar) -> tuple[TargetKind, ...]:
    """Kinds of target of a grammar, in turn; none is off a grammar that has a word for every object."""
    own = {term for axis in grammar.space.axes if axis.id == OFF_AXIS for term in axis.terms}
    is_off = not own.issuperset(load_grammar(OFF_GRAMMAR).space.axis(OFF_AXIS).terms)
    return tuple(kind for kind in KINDS if is_off or kind != "off-grammar")


def draw_target(
    grammar: Grammar, *, kind: TargetKind, seed: int, image_generator: ImageGenerator, size_px: int = 128
) -> tuple[Image, str, dict[str, str]]:
    """Makes one target; equal arguments give the same one again.

    Args:
        grammar: of the table.
        kind: of the target.
        seed: of its own, 0 or larger.
        image_generator: makes an in-generator target.
        size_px: side of a drawn picture.

    Returns:
        Picture, what it shows in words, and the true terms the grammar can say.
    """
    if kind == "in-generator":
        encoding = grammar.space.sample(child_rng(seed, "encoding"))
        sentence = grammar.render(encoding)
        image = np.asarray(image_generator.generate([Prompt(text=sentence)], seeds=[seed])[0])
        return image, sentence, grammar.space.terms(encoding)
    terms = None
    match kind:
        case "drawn":
            source = grammar
        case "off-grammar":
            source, terms = load_grammar(OFF_GRAMMAR), _off_terms(grammar, seed)
        case "several-objects":
            source = load_grammar(SEVERAL_GRAMMAR)
    example = draw_example(source, seed=seed, terms=terms, size_px=size_px)
    return example.image, example.sentence, said(grammar, dict(example.terms))


def said(grammar: Grammar, terms: dict[str, str]) -> dict[str, str]:
    """Keeps what a grammar can say: its own axes, with terms that it has.

    Args:
        grammar: of the table.
        terms: axis id to term, of another grammar perhaps.

    Returns:
        The part of the terms that is left.
    """
    return {axis.id: terms[axis.id] for axis in grammar.space.axes if terms.get(axis.id) in axis.terms}


def _off_terms(grammar: Grammar, seed: int) -> dict[str, str]:
    """An object that the grammar has no word for, among things it can say; nothing else is mentioned."""
    rng = child_rng(seed, "off-grammar")
    own = {axis.id: axis for axis in grammar.space.axes}
    terms: dict[str, str] = {}
    for axis in load_grammar(OFF_GRAMMAR).space.axes:
        choices = axis.terms
        if axis.id == OFF_AXIS and axis.id in own:
            choices = tuple(term for term in axis.terms if term not in own[axis.id].terms)
        elif axis.id in own:
            sayable = tuple(term for term in axis.terms if term in own[axis.id].terms)
            choices = sayable if sayable else choices
        elif axis.is_optional:
            choices = axis.terms[:1]
        terms[axis.id] = choices[int(rng.integers(len(choices)))]
    return terms
