"""The example grammars of other domains, and the one of the ImageNet classes."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rldf.grammar import Grammar, check_grammar, load_grammar

NAMES = ("agriculture", "botany", "clothing", "retail", "sports", "transport", "zoology")
DOMAINS = {name: load_grammar(name) for name in NAMES}
IMAGENET = load_grammar("imagenet-1000")


@pytest.mark.parametrize("name", NAMES)
def test_domain__has_no_problems_and_says_what_it_is(name: str) -> None:
    grammar = DOMAINS[name]
    assert check_grammar(name) == []
    assert grammar.name == name
    assert grammar.definition.licence == "Apache-2.0"
    assert 3 <= len(grammar.space.axes) <= 12
    assert all(len(axis) >= 3 for axis in grammar.space.axes)


@pytest.mark.parametrize("name", NAMES)
def test_domain__can_block_its_groups(name: str) -> None:
    grammar = DOMAINS[name]
    groups = [(axis.id, group, terms) for axis in grammar.axes for group, terms in axis.groups]
    assert groups
    for axis_id, group, terms in groups:
        assert set(terms).isdisjoint(grammar.block([group]).space.axis(axis_id).terms)


@settings(max_examples=15, deadline=None)
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 10**6))
def test_domain__sentences_are_read_back(name: str, seed: int) -> None:
    grammar = DOMAINS[name]
    encoding = grammar.space.sample(np.random.default_rng(seed))
    assert grammar.parse(grammar.render(encoding)) == encoding


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("agriculture", "a drone picture of wilted maize half grown in a field and a tractor in the rain"),
        ("botany", "a macro photo of the blue flower of an iris in a bog in spring"),
        ("clothing", "a photo of a red striped cotton shirt worn by a child at the beach"),
        ("retail", "a photo of two damaged cartons of milk on a shelf in dim light"),
        ("sports", "an action shot of two young women playing football in a stadium in the rain"),
        ("transport", "an aerial view of many red buses on a motorway in the fog at night"),
        ("zoology", "a camera trap picture of three young wolves drinking at a water hole at dawn"),
    ],
)
def test_domain__has_sentences_a_person_would_write(name: str, sentence: str) -> None:
    grammar = DOMAINS[name]
    assert grammar.render(grammar.parse(sentence)) == sentence


def groups_of(grammar: Grammar) -> dict[str, tuple[str, ...]]:
    return dict(next(axis.groups for axis in grammar.axes if axis.id == "object"))


def test_imagenet__has_a_thousand_classes_named_by_their_ids() -> None:
    groups = groups_of(IMAGENET)
    ids = [name for name in groups if re.fullmatch(r"n\d{8}", name)]
    terms = IMAGENET.space.axis("object").terms
    assert len(terms) == len(ids) == 1000
    assert ids == sorted(ids)
    assert tuple(groups[wordnet][0] for wordnet in ids) == terms
    assert max(Counter(term.lower() for term in terms).values()) == 1
    assert (groups["n01440764"], groups["n15075141"]) == (("tench",), ("toilet tissue",))


def test_imagenet_100__is_a_subset_of_a_hundred() -> None:
    hundred = groups_of(IMAGENET)["imagenet-100"]
    smaller = IMAGENET.restrict("object", hundred)
    assert len(smaller.space.axis("object")) == 100
    assert smaller.space.axis("object").terms == hundred


@pytest.mark.parametrize(
    ("wordnet", "sentence"),
    [
        ("n01440764", "a photo of a tench"),
        ("n02690373", "a drawing of an airliner outdoors"),
        ("n03544143", "a photo of an hourglass"),
        ("n04509417", "a photo of a unicycle"),
        ("n04355933", "a photo of a sunglass"),
        ("n04356056", "a photo of sunglasses"),
        ("n02012849", "a photo of a crane bird"),
        ("n03126707", "a photo of a construction crane"),
    ],
)
def test_imagenet__spells_its_classes(wordnet: str, sentence: str) -> None:
    encoding = IMAGENET.parse(sentence)
    assert groups_of(IMAGENET)[wordnet] == (IMAGENET.space.terms(encoding)["object"],)
    assert IMAGENET.render(encoding) == sentence


def test_photos__say_one_of_fifty_things() -> None:
    grammar = load_grammar("photos")
    assert check_grammar("photos") == []
    assert grammar.space.size == 50
    for encoding in grammar.space.all_encodings():
        assert grammar.parse(grammar.render(encoding)) == encoding
    assert grammar.render(grammar.parse("a photo of one golden retriever")) == "a photo of one golden retriever"


def test_photos__keep_what_has_a_hypernym_in_common_together() -> None:
    axis = load_grammar("photos").axes[0]
    order = list(load_grammar("photos").space.axis("object").terms)
    for _, terms in axis.groups:
        places = sorted(order.index(term) for term in terms)
        assert places == list(range(places[0], places[0] + len(places)))
