import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.grammar import CFG
from nltk.parse.earleychart import EarleyChartParser

from rldf.errors import EncodingError, GrammarError, UnknownTermError
from rldf.grammar import Grammar, check_grammar, list_grammars, load_grammar
from rldf.space import Encoding

DRAWABLE = ("base", "wide", "control", "full", "two-objects", "people-classes", "indoors")
BUNDLED = {name: load_grammar(name) for name in DRAWABLE}
BASE = BUNDLED["base"]


def draw_encoding(data: st.DataObject, grammar: Grammar) -> Encoding:
    return grammar.space.encoding(data.draw(st.integers(0, grammar.space.size - 1)))


def test_list_grammars__names_the_bundled_ones() -> None:
    domains = {"agriculture", "botany", "clothing", "imagenet-1000", "photos", "retail", "sports", "transport"}
    assert list_grammars() == sorted({*BUNDLED, *domains, "zoology"})


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("base", (10, 4, 3, 4)),
        ("wide", (30, 4, 3, 12)),
        ("two-objects", (30, 4, 30, 4, 12)),
        ("people-classes", (16, 4, 13, 12)),
        ("indoors", (44, 5, 4, 5)),
        ("control", (5, 10, 4, 8, 3, 5, 5, 4, 3, 11, 4, 5, 3, 5, 2)),
        ("full", (5, 44, 5, 8, 4, 5, 5, 4, 3, 11, 16, 5, 3, 5, 2)),
    ],
)
def test_bundled__have_their_size_a_licence_and_no_problems(name: str, shape: tuple[int, ...]) -> None:
    grammar = BUNDLED[name]
    assert grammar.space.shape == shape
    assert grammar.name == name
    assert check_grammar(name) == []
    assert check_grammar(grammar) == []
    assert grammar.definition.licence == "Apache-2.0"
    assert "2311.15648" in grammar.definition.source
    assert grammar.version


def test_control__says_what_base_says_and_nothing_that_full_cannot() -> None:
    control, full = BUNDLED["control"].space, BUNDLED["full"].space
    for axis in control.axes:
        assert set(axis.terms) <= set(full.axis(axis.id).terms)
    for axis in BASE.space.axes:
        assert control.axis(axis.id).terms == axis.terms
    assert {axis.id for axis in control.axes} == {axis.id for axis in full.axes}


def test_bundled__axis_ids_and_kinds() -> None:
    assert [axis.id for axis in BASE.space.axes] == ["object", "count", "density", "scene"]
    assert [axis.kind for axis in BASE.space.axes] == ["categorical", "ordinal", "ordinal", "categorical"]
    assert BASE.space.axis("object").terms == (
        "carrot", "banana", "apple", "football", "sheep", "cow", "monkey", "bicycle", "car", "bus",
    )  # fmt: skip
    assert BUNDLED["people-classes"].space.axis("action").is_optional


@pytest.mark.parametrize(
    ("name", "terms", "sentence"),
    [
        ("base", "cow two many park", "a photo of two cows and many people in a park"),
        ("base", "sheep one no farm", "a photo of one sheep and no people in a farm"),
        ("base", "bus two one street", "a photo of two buses and one person in a street"),
        ("wide", "tomato|three|no|vegetable garden", "a photo of three tomatoes and no people in a vegetable garden"),
        ("wide", "broccoli|many|one|train platform", "a photo of many broccoli and one person in a train platform"),
        ("two-objects", "cow|two|dog|one|living room", "a photo of two cows and one dog in a living room"),
        ("two-objects", "dog|one|cow|two|living room", "a photo of one dog and two cows in a living room"),
        ("indoors", "bowl|one|table|kitchen", "a photo of one bowl on a table in a kitchen"),
        (
            "full",
            "sketch|cow|two|red|one|happy|old|none|woman|dancing|park|rainy|none|none|bruno",
            "a sketch of two red cows and one happy old woman dancing in a park in the rain with bruno",
        ),
        (
            "full",
            "photo|cow|two|none|many|none|none|none|person|none|park|none|none|none|none",
            "a photo of two cows and many people in a park",
        ),
        ("people-classes", "police officer|two|none|street", "a photo of two police officers in a street"),
        ("people-classes", "doctor|one|playing football|park", "a photo of one doctor playing football in a park"),
    ],
)
def test_render__example_sentences(name: str, terms: str, sentence: str) -> None:
    grammar = BUNDLED[name]
    given_terms = terms.split("|") if "|" in terms else terms.split()
    encoding = grammar.space.encode(dict(zip([a.id for a in grammar.space.axes], given_terms, strict=True)))
    assert grammar.render(encoding) == sentence
    assert grammar.parse(sentence) == encoding


@pytest.mark.parametrize("part", range(6))
@pytest.mark.parametrize("name", ["base", "wide"])
def test_parse__is_the_inverse_of_render_for_every_state(name: str, part: int) -> None:
    grammar = BUNDLED[name]
    for state in range(part, grammar.space.size, 6):
        encoding = grammar.space.encoding(state)
        assert grammar.parse(grammar.render(encoding)) == encoding


@pytest.mark.parametrize("name", ["base", "wide"])
def test_render__no_two_encodings_share_a_sentence(name: str) -> None:
    grammar = BUNDLED[name]
    sentences = {grammar.render(encoding) for encoding in grammar.space.all_encodings()}
    assert len(sentences) == grammar.space.size


def test_derive__has_the_words_of_render_and_the_tree_of_analyse_for_every_base_state() -> None:
    for encoding in BASE.space.all_encodings():
        tree = BASE.derive(encoding)
        sentence = BASE.render(encoding)
        assert " ".join(tree.leaves()) == sentence
        assert tree == BASE.analyse(sentence)
        assert BASE.encoding_of(tree) == encoding


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_render_and_parse__are_inverse_beyond(data: st.DataObject) -> None:
    grammar = BUNDLED[data.draw(st.sampled_from(sorted(DRAWABLE[1:])))]
    encoding = draw_encoding(data, grammar)
    assert grammar.parse(grammar.render(encoding)) == encoding
    assert grammar.encoding_of(grammar.derive(encoding)) == encoding


def test_render__swapped_objects_are_two_sentences_and_two_encodings() -> None:
    grammar = BUNDLED["two-objects"]
    for first in range(30):
        for second in range(30):
            encoding, swapped = Encoding((first, 0, second, 1, 5)), Encoding((second, 1, first, 0, 5))
            assert grammar.render(encoding) != grammar.render(swapped)
    assert grammar.parse("a photo of one dog and one cat in a park") != grammar.parse(
        "a photo of one cat and one dog in a park"
    )


def test_derive__is_the_tree_of_the_paper() -> None:
    tree = BASE.derive(BASE.parse("a photo of two cows and many people in a park"))
    assert tree.pformat(margin=200) == (
        "(S (P a photo of) (NP (Frequency-plural two) (NOM-plural (Noun-plural cows))) (A (F and)) "
        "(DP (Density-plural many) (PM-plural (H-plural people))) (I (C in)) (LC (Scene a park)))"
    )


def test_cfg__is_nltks_and_its_own_text_reads_back() -> None:
    again = CFG.fromstring("\n".join(str(production) for production in BASE.cfg.productions()))
    assert isinstance(BASE.cfg, CFG)
    assert set(again.productions()) == set(BASE.cfg.productions())
    assert str(BASE.cfg.start()) == "S"


@pytest.mark.parametrize("name", ["base", "people-classes"])
def test_cfg__another_parser_finds_one_derivation_and_it_is_ours(name: str) -> None:
    grammar = BUNDLED[name]
    parser = EarleyChartParser(grammar.cfg)
    rng = np.random.default_rng(0)
    for _ in range(5):
        encoding = grammar.space.sample(rng)
        assert list(parser.parse(grammar.render(encoding).split())) == [grammar.derive(encoding)]


@pytest.mark.parametrize(
    ("sentence", "same"),
    [
        ("A photo of two cows and many people in a park.", "a photo of two cows and many people in a park"),
        ("  a photo of 2 bikes and\n several people in a park ", "a photo of two bicycles and many people in a park"),
        ("a photo of a soccer ball and a single person in a park", "a photo of one football and one person in a park"),
        ("a photo of a pair of cows and zero people in a park", "a photo of two cows and no people in a park"),
    ],
)
def test_parse__understands_case_full_stops_spaces_and_synonyms(sentence: str, same: str) -> None:
    assert BASE.parse(sentence) == BASE.parse(same)
    assert BASE.render(BASE.parse(sentence)) == same


def test_analyse__keeps_the_words_as_written() -> None:
    assert BASE.analyse("A photo of two Cows and no people in a park").leaves()[:5] == [
        "A",
        "photo",
        "of",
        "two",
        "Cows",
    ]


def test_synonyms__are_never_rendered() -> None:
    words = {word for encoding in BASE.space.all_encodings() for word in BASE.render(encoding).split()}
    assert not words & {"bike", "bikes", "soccer", "automobile", "several", "2", "zero"}


@pytest.mark.parametrize(
    ("sentence", "kind", "message"),
    [
        (
            "a photo of two cows and many people in a prak",
            UnknownTermError,
            r"word 11, 'prak' at character 42 .*scene \(a farm, a park.*Did you mean 'park'",
        ),
        (
            "a photo of two unicorns and many people in a park",
            UnknownTermError,
            r"word 5, 'unicorns' at character 16 .*object \(carrots",
        ),
        ("a photo of two cow and many people in a park", GrammarError, r"word 5, 'cow' .*Did you mean 'cows'"),
        ("a photo of one cow and one people in a park", GrammarError, r"word 8, 'people' .*Expected there: 'person'"),
        ("a photo of two cows and many people in", GrammarError, r"stops too early. Next comes: scene \(a farm"),
        (
            "a photo of two cows and many people in a park today",
            GrammarError,
            r"word 12, 'today' .*ends before it. Remove the rest",
        ),
        ("", GrammarError, r"the sentence is empty. Next comes: 'a'"),
        ("in a park two cows", GrammarError, r"word 1, 'in' at character 1 .*Expected there: 'a'"),
    ],
)
def test_parse__no_sentence__tells_position_and_advice(sentence: str, kind: type[GrammarError], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        BASE.parse(sentence)
    assert type(caught.value) is kind


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_parse__a_damaged_sentence_is_refused_or_still_means_something(data: st.DataObject) -> None:
    words = BASE.render(draw_encoding(data, BASE)).split()
    position = data.draw(st.integers(0, len(words) - 1))
    words[position : position + 1] = data.draw(st.lists(st.sampled_from([*words, "zebra", ",", "."]), max_size=3))
    try:
        encoding = BASE.parse(" ".join(words))
    except GrammarError:
        return
    assert BASE.parse(BASE.render(encoding)) == encoding


def test_render__encoding_of_another_space__is_refused() -> None:
    for spell in (BASE.render, BASE.derive):
        with pytest.raises(EncodingError, match=r"\(0, 0\) is no point of the grid"):
            spell(Encoding((0, 0)))


def test_encoding_of__tree_of_another_grammar__is_refused() -> None:
    tree = BUNDLED["wide"].derive(Encoding((0, 0, 0, 0)))
    with pytest.raises(GrammarError, match=r"'broccoli' under Noun-singular.*Make derivations by"):
        BASE.encoding_of(tree)
    del tree[5]
    tree[1][1][0][0] = "cow"
    with pytest.raises(GrammarError, match=r"says nothing of scene; only an optional axis"):
        BASE.encoding_of(tree)


def test_block__terms_and_groups_are_neither_rendered_nor_understood() -> None:
    grammar = BUNDLED["wide"].block(["animals", "scene=street", "teapot"])
    names = grammar.space.axis("object").terms
    assert grammar.space.shape == (30 - 9 - 1, 4, 3, 11)
    assert not {"dog", "cow", "teapot"} & set(names)
    assert grammar.digest != BUNDLED["wide"].digest
    with pytest.raises(GrammarError, match=r"'dogs' is blocked in this grammar; choose another"):
        grammar.parse("a photo of two dogs and no people in a park")
    rng = np.random.default_rng(0)
    for _ in range(50):
        encoding = grammar.space.sample(rng)
        assert grammar.parse(grammar.render(encoding)) == encoding
    assert "street" not in {
        word for encoding in grammar.space.all_encodings() for word in grammar.render(encoding).split()
    }


def test_block__a_name_on_two_axes__takes_it_out_of_both() -> None:
    grammar = BUNDLED["two-objects"].block(["dog", "vehicles"])
    for axis_id in ("object", "second-object"):
        assert not {"dog", "bus", "car"} & set(grammar.space.axis(axis_id).terms)
    only_first = BUNDLED["two-objects"].block(["object=dog"])
    assert "dog" in only_first.space.axis("second-object").terms


def test_block__all_singulars__drops_the_singular_productions() -> None:
    grammar = BASE.block(["count=one", "density=one"])
    assert not any("singular" in str(production) for production in grammar.cfg.productions())
    assert check_grammar(grammar) == []
    for encoding in grammar.space.all_encodings():
        assert grammar.encoding_of(grammar.derive(encoding)) == encoding


def test_block__in_any_order_or_twice__is_the_same_grammar() -> None:
    assert BASE.block(["cow", "bus"]).digest == BASE.block(["bus"]).block(["cow", "bus"]).digest
    assert BASE.block([]).digest == BASE.digest


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (["monky"], r"no term or group 'monky' to block. The groups are: food, animals.*Did you mean 'monkey'"),
        (["object=cwo"], r"axis 'object' has no term 'cwo' to block.*Did you mean 'cow'"),
        (["objects=cow"], r"grammar 'base' has no axis 'objects'.*Did you mean 'object'"),
    ],
)
def test_block__unknown_name__is_refused(terms: list[str], message: str) -> None:
    with pytest.raises(UnknownTermError, match=message):
        BASE.block(terms)


def test_block__last_term_or_not_mentioned__is_refused() -> None:
    with pytest.raises(GrammarError, match=r"leaves axis 'scene' of grammar 'base' without terms.*Block fewer"):
        BASE.block(["farm", "park", "beach", "street"])
    with pytest.raises(GrammarError, match=r"'action=none' cannot be blocked.*Block other terms"):
        BUNDLED["people-classes"].block(["none"])


def test_restrict__keeps_only_the_terms_named() -> None:
    grammar = BASE.restrict("object", ["cow", "bus"])
    assert grammar.space.axis("object").terms == ("cow", "bus")
    optional = BUNDLED["people-classes"].restrict("action", ["reading"])
    assert optional.space.axis("action").terms == ("none", "reading")
    with pytest.raises(UnknownTermError, match=r"no term 'cwo'.*Did you mean 'cow'"):
        BASE.restrict("object", ["cwo"])
    with pytest.raises(GrammarError, match="without terms"):
        BASE.restrict("object", [])


def test_grammar__cannot_be_changed_and_travels_to_other_processes() -> None:
    with pytest.raises(AttributeError):
        BASE.definition = BUNDLED["wide"].definition  # type: ignore[misc]
    again = pickle.loads(pickle.dumps(BASE))
    assert again == BASE
    assert hash(again) == hash(BASE)
    assert again.digest == BASE.digest


def test_digest__follows_meaning_and_not_layout(tmp_path: Path) -> None:
    text = (Path(str(BASE.definition.path))).read_text(encoding="utf-8")
    path = tmp_path / "other.toml"
    path.write_text("# another comment\n\n" + text.replace("licence = ", "licence   = "), encoding="utf-8")
    assert load_grammar(path).digest == BASE.digest
    path.write_text(text.replace('"a park"', '"a green park"'), encoding="utf-8")
    assert load_grammar(path).digest != BASE.digest


def test_speed__a_vocabulary_of_a_thousand_terms(tmp_path: Path) -> None:
    things = ",".join(f'"thing number{i} of{i % 7}"' for i in range(1000))
    path = tmp_path / "large.toml"
    path.write_text(
        'name = "large"\nversion = "1"\nproductions = ["S -> F[n] N[n]"]\n'
        '[[axes]]\nid = "object"\nsymbol = "N"\nagreement = "takes-number"\n'
        f"terms = [{things}]\n"
        '[[axes]]\nid = "count"\nsymbol = "F"\nagreement = "sets-number"\n'
        'terms = [{ term = "one", number = "singular" }, "two"]\n',
        encoding="utf-8",
    )
    grammar = load_grammar(path)
    encodings = [Encoding((i % 1000, i % 2)) for i in range(2_000)]
    grammar.parse(grammar.render(encodings[0]))  # warm: the automaton is built once
    start = time.process_time()
    sentences = [grammar.render(encoding) for encoding in encodings]
    rendering_s = time.process_time() - start
    start = time.process_time()
    for encoding, sentence in zip(encodings[:40], sentences, strict=False):
        assert grammar.parse(sentence) == encoding
    assert rendering_s < 1.0  # about 0.01 without the shape checks that tests switch on
    assert (time.process_time() - start) / 40 < 0.05


def test_import__loads_nltk_only_when_a_tree_is_asked_for() -> None:
    code = (
        "import sys; from rldf.grammar import load_grammar; g = load_grammar('base');"
        "s = g.render(g.space.encoding(7)); assert 'nltk' not in sys.modules; g.parse(s); assert 'nltk' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
