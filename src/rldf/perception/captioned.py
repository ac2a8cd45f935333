"""Perception by captions: a captioner says what is in the picture, and the words of the grammar are found in it."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from rldf.arrays import Image, ImageBatch, Probabilities
from rldf.contracts import Perception
from rldf.perception.counting import number_named, number_ranges, term_probabilities
from rldf.perception.percepts import OBJECT_AXES, make_percept, uniform
from rldf.records.percept import Percept
from rldf.space import Axis, EncodingSpace

COUNT_AXES = ("count", "second-count")
"""Axes that count the things of `OBJECT_AXES`, in the same order."""

PEOPLE_AXIS = "density"
PEOPLE = {
    "singular": ("person", "man", "woman", "boy", "girl", "child", "kid", "lady", "guy"),
    "plural": ("people", "persons", "men", "women", "boys", "girls", "children", "kids", "ladies", "guys"),
}
UNSURE_BELOW = 0.4  # our choice, as of the other perceptions
PSEUDO_CAPTIONS = 0.5  # our choice: a single caption that speaks of an axis makes it sure
_TOKEN = re.compile(r"[a-z0-9]+(?:[-'][a-z0-9]+)*|[,.;:]")
_LEADING = frozenset("a an the in on at of by with near".split())  # noqa: SIM905
_BARRIERS = frozenset("and with in on at near beside behind under over , . ; :".split())  # noqa: SIM905
_SOME = (2, 6)  # our choice: what a plural without a number may stand for


@dataclass(frozen=True, slots=True, kw_only=True)
class TermWords:
    """The words of one term: "cow", "cows"; equal where number changes nothing."""

    singular: tuple[str, ...]
    plural: tuple[str, ...]


AxisWords = Mapping[str, Mapping[str, TermWords]]
"""Axis id -> term -> its words; a term that spells none is left out."""

_Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Mention:
    """A term that a caption names, and how many of it."""

    term: str
    smallest: int
    largest: int


@final
class CaptionPerception(Perception):
    """Reads a picture by what a captioner says of it, several captions a picture.

    - A caption votes for the terms whose words it holds, the longest first, in equal shares; where it holds none, for
      the first term of an optional axis, which means "not mentioned".
    - The n-th object axis reads the n-th kind of thing that a caption names.
    - count, density: the number before the noun or the person ("two brown cows", "a group of people"); a singular is
      one, a plural without a number is any from 2 to 6; nobody named is none.
    - p(term) = (votes + PSEUDO_CAPTIONS / number of terms) / (captions that voted + PSEUDO_CAPTIONS).

    It abstains on an axis of which no caption speaks, and where the largest probability is below `UNSURE_BELOW`.

    Source: captions as perception after BLIP-2, Li et al. 2023; the formulas are ours.
    """

    def __init__(
        self, space: EncodingSpace, *, words: AxisWords, describe: Callable[[Image], Sequence[str]], digest: str = ""
    ) -> None:
        """Prepares the words.

        Args:
            space: the space to read into.
            words: of the terms, without those of counting axes.
            describe: gives captions of one picture, at least one, always the same.
            digest: of the captioner's weights.
        """
        self.space = space
        self.digest = digest
        self._describe = describe
        self._phrases = {axis_id: _phrases(terms) for axis_id, terms in words.items()}
        self._things = {
            phrase: said for axis_id in OBJECT_AXES for phrase, said in self._phrases.get(axis_id, {}).items()
        }
        self._people = _phrases({"people": TermWords(singular=PEOPLE["singular"], plural=PEOPLE["plural"])})
        counting = [axis for axis in space.axes if axis.id in (*COUNT_AXES, PEOPLE_AXIS)]
        self._ranges = {axis.id: number_ranges(axis) for axis in counting}

    def perceive(self, images: ImageBatch) -> list[Percept]:
        """Reads each picture on its own: one percept each, probabilities summing to 1 per axis."""
        return [self.read_captions(self._describe(image)) for image in images]

    def read_captions(self, captions: Sequence[str]) -> Percept:
        """Reads what captions of one picture say.

        Args:
            captions: at least one.

        Returns:
            The percept.
        """
        texts = [tuple(_TOKEN.findall(caption.lower())) for caption in captions]
        kinds = [self._kinds(tokens) for tokens in texts]
        unsure, probabilities = [], {}
        for axis in self.space.axes:
            votes = [self._vote(axis, tokens, kinds=named) for tokens, named in zip(texts, kinds, strict=True)]
            cast = [vote for vote in votes if vote is not None]
            total = sum(cast, PSEUDO_CAPTIONS * uniform(axis))
            probabilities[axis.id] = np.asarray(total / total.sum())
            if not cast or probabilities[axis.id].max() < UNSURE_BELOW:
                unsure.append(axis.id)
        named = Counter(term for kind in kinds for term in kind)
        return make_percept(self.space, probabilities, unsure_axes=unsure, objects=[t for t, _ in named.most_common()])

    def _kinds(self, tokens: _Tokens) -> dict[str, list[_Mention]]:
        """The kinds of things that a caption names, in its order, with every mention."""
        kinds: dict[str, list[_Mention]] = {}
        for mention in _mentions(tokens, self._things):
            if mention.largest > 0:
                kinds.setdefault(mention.term, []).append(mention)
        return kinds

    def _vote(self, axis: Axis, tokens: _Tokens, *, kinds: Mapping[str, Sequence[_Mention]]) -> Probabilities | None:
        """What one caption says of one axis; None where it says nothing."""
        if axis.id == PEOPLE_AXIS:
            return self._number(axis, _mentions(tokens, self._people))
        if axis.id in COUNT_AXES:
            rank = COUNT_AXES.index(axis.id)
            counted = list(kinds.values())[rank : rank + 1]
            return self._number(axis, counted[0]) if counted else _unmentioned(axis)
        if axis.id in OBJECT_AXES:
            rank = OBJECT_AXES.index(axis.id)
            named = list(kinds)[rank : rank + 1]
        else:
            named = [mention.term for mention in _mentions(tokens, self._phrases.get(axis.id, {}))]
        row = np.array([float(term in named) for term in axis.terms])
        return np.asarray(row / row.sum()) if row.sum() > 0 else _unmentioned(axis)

    def _number(self, axis: Axis, mentions: Sequence[_Mention]) -> Probabilities | None:
        """How likely each term of a counting axis is, every number between smallest and largest alike."""
        smallest, largest = sum(m.smallest for m in mentions), sum(m.largest for m in mentions)
        numbers: Float[np.ndarray, " numbers"] = np.zeros(largest + 1)
        numbers[smallest:] = 1.0 / (largest + 1 - smallest)
        return term_probabilities(axis, numbers, ranges=self._ranges[axis.id])


def _unmentioned(axis: Axis) -> Probabilities | None:
    return np.eye(len(axis))[0] if axis.is_optional else None


def _phrases(terms: Mapping[str, TermWords]) -> dict[_Tokens, tuple[str, tuple[int, int]]]:
    """Words of terms, without leading articles -> term, and how many it stands for where no number is named."""
    found: dict[_Tokens, tuple[str, tuple[int, int]]] = {}
    for term, words in terms.items():
        singular, plural = ({_bare(text) for text in texts} for texts in (words.singular, words.plural))
        for phrase in (singular | plural) - {()}:
            smallest = 1 if phrase in singular else _SOME[0]
            found[phrase] = (term, (smallest, _SOME[1] if phrase in plural else 1))
    return found


def _bare(text: str) -> _Tokens:
    tokens = _TOKEN.findall(text.lower())
    while tokens and tokens[0] in _LEADING:
        tokens = tokens[1:]
    return tuple(tokens)


def _mentions(tokens: _Tokens, phrases: Mapping[_Tokens, tuple[str, tuple[int, int]]]) -> list[_Mention]:
    """Every phrase in a caption, the longest first where several begin at the same word."""
    longest = max(map(len, phrases), default=0)
    found, place = [], 0
    while place < len(tokens):
        lengths = (length for length in range(longest, 0, -1) if tokens[place : place + length] in phrases)
        length = next(lengths, 0)
        if length:
            term, unnumbered = phrases[tokens[place : place + length]]
            smallest, largest = _number_before(tokens[:place]) or unnumbered
            found.append(_Mention(term, smallest, largest))
        place += max(length, 1)
    return found


def _number_before(tokens: _Tokens) -> tuple[int, int] | None:
    """The number that stands before a noun, at most four words away: "two big brown cows", "a group of people"."""
    for token in reversed(tokens[-4:]):
        if token in _BARRIERS:
            return None
        named = number_named(token)
        if named is not None:
            return named
    return None
