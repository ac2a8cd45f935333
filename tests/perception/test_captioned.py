"""Perception by captions: words found in texts."""

from collections.abc import Sequence

import numpy as np
import pytest

from rldf.arrays import Image
from rldf.contracts import Perception
from rldf.grammar import load_grammar
from rldf.perception.captioned import CaptionPerception
from rldf.presets.term_words import term_words
from rldf.records.percept import Percept
from rldf.testing.perception import PerceptionSuite

BASE, CONTROL, TWO = (load_grammar(name) for name in ("base", "control", "two-objects"))


def reader(name: str, captions: Sequence[str] = ("",)) -> CaptionPerception:
    grammar = load_grammar(name)
    return CaptionPerception(grammar.space, words=term_words(grammar), describe=lambda _: captions)


def read(name: str, *captions: str) -> dict[str, str]:
    """The terms of the axes it is sure of."""
    reading = reader(name)
    percept = reading.read_captions(captions)
    return {
        axis: term for axis, term in reading.space.terms(percept.encoding).items() if axis not in percept.unsure_axes
    }


def by_brightness(image: Image) -> list[str]:
    return ["a cow in a park" if image.mean() > 128 else "two dogs"]


class TestByCaptions(PerceptionSuite):
    def make_perception(self) -> Perception:
        return CaptionPerception(BASE.space, words=term_words(BASE), describe=by_brightness)


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("two cows standing on a farm", {"object": "cow", "count": "two", "density": "no", "scene": "farm"}),
        ("A Cow and a man in the park.", {"object": "cow", "count": "one", "density": "one", "scene": "park"}),
        ("a group of people next to three big red cars", {"object": "car", "count": "three", "density": "many"}),
        ("a herd of sheep grazing near two women and a boy", {"object": "sheep", "count": "many", "density": "many"}),
        ("bananas", {"object": "banana", "count": "many", "density": "no"}),  # of 2 to 6, most are many
        ("a monkey, two monkeys", {"object": "monkey", "count": "three", "density": "no"}),
        ("there are no cows and no people in the park", {"density": "no", "scene": "park"}),
        ("a soccer ball", {"object": "football", "count": "one", "density": "no"}),
        ("something", {"density": "no"}),
    ],
)
def test_captions_of_the_base_space__are_read(caption: str, expected: dict[str, str]) -> None:
    assert read("base", caption) == expected


def test_optional_axes__are_at_their_first_term_where_nothing_is_said() -> None:
    said = read("control", "an oil painting of two blue cars and an old man in a park in paris at night")
    assert said["style"] == "oil painting"
    assert (said["object"], said["colour"], said["city"]) == ("car", "blue", "paris")
    assert (said["age"], said["gender"], said["density"]) == ("old", "man", "one")
    assert (said["weather"], said["emotion"]) == ("none", "none")


def test_two_kinds_of_things__stand_in_the_order_of_the_caption() -> None:
    said = read("two-objects", "three cows and a bus")
    assert [said[axis] for axis in ("object", "count", "second-object", "second-count")] == [
        "cow",
        "three",
        "bus",
        "one",
    ]


def test_captions_that_differ__share_the_probability() -> None:
    percept = reader("base").read_captions(["a cow", "a cow", "a car", "nothing much"])
    objects = dict(zip(BASE.space.axis("object").terms, percept.probabilities[0], strict=True))
    assert objects["cow"] == pytest.approx((2 + 0.05) / 3.5)  # three of four captions name a thing; ten terms
    assert objects["car"] == pytest.approx((1 + 0.05) / 3.5)
    assert percept.objects == ("cow", "car")


def test_every_sentence_of_the_grammar__is_read_back_where_it_is_a_caption() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        encoding = BASE.space.sample(rng)
        percept: Percept = reader("base").read_captions([BASE.render(encoding)])
        assert BASE.space.terms(percept.encoding) == BASE.space.terms(encoding)


def test_longest_words_win() -> None:
    assert read("full", "a photo of one police officer beside a living room sofa")["scene"] == "living room"


def test_words__come_from_the_grammar_with_synonyms() -> None:
    words = term_words(BASE)
    assert words["object"]["football"].plural == ("footballs", "soccer balls")
    assert "count" not in words
