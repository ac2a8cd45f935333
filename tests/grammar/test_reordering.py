from pathlib import Path

import numpy as np
import pytest

from rldf.errors import GrammarError, UnknownTermError
from rldf.grammar import load_grammar, reordered, reordered_text
from rldf.grammar.files import DATA_PATH

TEXT = """\
# head
name = "small"
version = "1"
productions = ["S -> Noun Scene | Noun Verb Scene"]

[[axes]]
id = "object"
symbol = "Noun"
terms = [
    # fruit first
    "apple", # red
    "pear",
    { term = "plum", synonyms = ["damson"] }, # blue # or not
    "fig" # last, no comma
]

[[axes]]
id = "scene"
symbol = "Scene"
terms = ["bowl", "tree", "basket"] # one line

[[axes]]
id = "action"
symbol = "Verb"
optional = true
terms = ["none", "rolling", "hanging"]
"""


def test_reordered_text__moves_terms_with_their_comments_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(TEXT, encoding="utf-8")
    grammar = load_grammar(path)
    text = reordered_text(grammar, "object", [3, 2, 0, 1])
    assert text == TEXT.replace(
        '    "apple", # red\n    "pear",\n    { term = "plum", synonyms = ["damson"] }, # blue # or not\n'
        '    "fig" # last, no comma\n',
        '    "fig", # last, no comma\n    { term = "plum", synonyms = ["damson"] }, # blue # or not\n'
        '    "apple", # red\n    "pear"\n',
    )
    path.write_text(text, encoding="utf-8")
    assert load_grammar(path) == reordered(grammar, "object", [3, 2, 0, 1])


def test_reordered_text__terms_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(TEXT, encoding="utf-8")
    text = reordered_text(load_grammar(path), "scene", [2, 0, 1])
    assert 'terms = ["basket", "bowl", "tree"] # one line' in text


@pytest.mark.parametrize(("name", "axis_id"), [("base", "object"), ("wide", "scene"), ("two-objects", "object")])
def test_reordered_text__loads_as_reordered(tmp_path: Path, name: str, axis_id: str) -> None:
    grammar = load_grammar(name)
    order = np.random.default_rng(0).permutation(len(grammar.space.axis(axis_id))).tolist()
    path = tmp_path / "again.toml"
    path.write_text(reordered_text(grammar, axis_id, order), encoding="utf-8")
    again = load_grammar(path)
    assert again == reordered(grammar, axis_id, order)
    assert again.digest != grammar.digest
    original = (DATA_PATH / f"{name}.toml").read_text(encoding="utf-8")
    assert path.read_text(encoding="utf-8").count("#") == original.count("#")


def test_reordered__sentences_stay_and_indices_change() -> None:
    grammar = load_grammar("base")
    order = list(range(10))[::-1]
    turned = reordered(grammar, "object", order)
    sentence = "a photo of two cows and many people in a park"
    assert turned.space.terms(turned.parse(sentence)) == grammar.space.terms(grammar.parse(sentence))
    assert turned.parse(sentence).indices[0] == 9 - grammar.parse(sentence).indices[0]


def test_reordered__axes_that_share_terms__follow() -> None:
    grammar = reordered(load_grammar("two-objects"), "object", list(range(30))[::-1])
    assert grammar.space.axis("second-object").terms == grammar.space.axis("object").terms
    assert grammar.space.axis("object").terms[0] == "train"


def test_reordered__no_order__is_refused() -> None:
    grammar = load_grammar("base")
    with pytest.raises(
        GrammarError, match=r"\[0, 0, 1, 2\] is no order of the 4 terms of axis 'scene'.*from 0 to 3 once"
    ):
        reordered(grammar, "scene", [0, 0, 1, 2])
    with pytest.raises(UnknownTermError, match=r"no axis 'sceen'.*Did you mean 'scene'"):
        reordered(grammar, "sceen", [0])
    with pytest.raises(GrammarError, match=r"'second-object' shares the terms of 'object'.*Order 'object'"):
        reordered_text(load_grammar("two-objects"), "second-object", list(range(30)))
    with pytest.raises(GrammarError, match=r"moves 'none', the first term of the optional axis.*Leave 0 in front"):
        reordered(load_grammar("people-classes"), "action", [*range(1, 13), 0])


def test_reordered_text__file_changed_since__is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(TEXT, encoding="utf-8")
    grammar = load_grammar(path)
    path.write_text(TEXT.replace('    "pear",\n', ""), encoding="utf-8")
    with pytest.raises(GrammarError, match=r"no longer holds the 4 terms of axis 'object'.*Load it again"):
        reordered_text(grammar, "object", [3, 2, 1, 0])
