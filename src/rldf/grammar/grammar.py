"""Grammar: axes and productions; renders encodings as sentences and parses sentences as encodings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, final

from rldf.errors import GrammarError
from rldf.grammar.automaton import SentenceAutomaton
from rldf.grammar.definition import Definition, active_axes, active_exclusions
from rldf.grammar.diagnosis import LanguageView, explain_unreadable
from rldf.grammar.patterns import Pattern, Signature, all_patterns, term_signature
from rldf.grammar.productions import ProductionSet, Slot, expand, join_words, prune, split_words
from rldf.grammar.vocabulary import AxisVocabulary, spelling
from rldf.space import Encoding, EncodingSpace

if TYPE_CHECKING:
    import nltk


@final
@dataclass(frozen=True, kw_only=True)
class Grammar:
    """A context-free grammar whose sentences and encodings are two ways to write the same thing.

    Make one by `load_grammar`, which checks it; it never changes.

    Attributes:
        definition: the content of its file, and what is blocked.

    Source: grammar and encoding of arXiv 2311.15648; number agreement, optional axes, synonyms and blocking are
    ours, and so is the verb phrase's place beside the people.
    """

    definition: Definition

    def __post_init__(self) -> None:
        active_axes(self.definition)

    @property
    def name(self) -> str:
        """Short name, such as "base"."""
        return self.definition.name

    @property
    def version(self) -> str:
        """Version of the content, as text."""
        return self.definition.version

    @cached_property
    def digest(self) -> str:
        """Sha256 of everything that gives sentences or encodings their meaning, as hexadecimal digits."""
        return self.definition.digest

    @cached_property
    def axes(self) -> tuple[AxisVocabulary, ...]:
        """The vocabulary of each axis, in order, without blocked terms."""
        return active_axes(self.definition)

    @cached_property
    def space(self) -> EncodingSpace:
        """The grid of its encodings."""
        return EncodingSpace(
            axes=tuple(axis.axis for axis in self.axes),
            exclusions=active_exclusions(self.definition, self.axes),
        )

    def render(self, encoding: Encoding) -> str:
        """Spells an encoding.

        Args:
            encoding: a point of its space; any other is an EncodingError.

        Returns:
            The sentence, such as "a photo of two cows and many people in a park".
        """
        pattern = self._pattern(encoding)
        spellings = self._spellings
        return join_words(
            [
                spellings[item][encoding.indices[item.axis_index]] if isinstance(item, Slot) else item
                for item in pattern.items
            ]
        )

    def derive(self, encoding: Encoding) -> "nltk.Tree":
        """Derives the sentence of an encoding.

        Args:
            encoding: a point of its space; any other is an EncodingError.

        Returns:
            The derivation tree; its leaves are the words that `render` joins.
        """
        from rldf.grammar.derivation import build_tree  # NLTK takes a second to load, and rendering needs none

        pattern = self._pattern(encoding)
        words_of = {
            item: self._spellings[item][encoding.indices[item.axis_index]]
            for item in pattern.items
            if isinstance(item, Slot)
        }
        return build_tree(pattern.tree, words_of)

    def analyse(self, sentence: str) -> "nltk.Tree":
        """Parses a sentence into its derivation.

        Args:
            sentence: in any case, with or without a full stop; synonyms are understood.

        Returns:
            The only derivation, leaves as written. Words that are no sentence are a GrammarError with position, what
            was expected and advice; a word that is not in the vocabulary is an UnknownTermError.
        """
        from rldf.grammar.derivation import parse_words  # NLTK takes a second to load, and rendering needs none

        words = self._split(sentence)
        folded = [word.casefold() for word in words]
        num_read, states = self.automaton.follow(folded)
        if num_read < len(folded) or not any(self.automaton.is_end(state) for state in states):
            view = LanguageView(definition=self.definition, axes=self.axes, automaton=self.automaton)
            error = explain_unreadable(sentence, num_read=num_read, states=states, grammar=view)
            raise error
        symbols = {slot: symbol for symbol, slot in self._productions.slots.items()}
        spellings = [(symbols[slot], phrase) for slot, phrase in sorted(self.automaton.spellings_in(folded), key=repr)]
        trees = parse_words(words, self._productions, spellings)
        assert len(trees) == 1, f"{len(trees)} derivations of {sentence!r} in a grammar found unambiguous"
        return trees[0]

    def encoding_of(self, derivation: "nltk.Tree") -> Encoding:
        """Reads the encoding off a derivation.

        Args:
            derivation: from `derive` or `analyse`.

        Returns:
            The encoding; axes not mentioned are at their first term.

        Raises:
            GrammarError: if the tree is no derivation of this grammar.
        """
        indices: dict[int, int] = {}
        slots = {symbol.name: slot for symbol, slot in self._productions.slots.items()}
        for subtree in derivation.subtrees(lambda tree: tree.label() in slots):
            slot = slots[subtree.label()]
            phrase = join_words([str(leaf).casefold() for leaf in subtree.leaves()])
            if phrase not in self._phrases[slot]:
                raise GrammarError(
                    f"the derivation has '{phrase}' under {subtree.label()}, which spells no term of axis "
                    f"'{self.axes[slot.axis_index].id}'. Make derivations by derive or analyse of this grammar."
                )
            indices[slot.axis_index] = self._phrases[slot][phrase]
        missing = [axis.id for i, axis in enumerate(self.axes) if i not in indices and not axis.is_optional]
        if missing:
            raise GrammarError(
                f"the derivation says nothing of {', '.join(missing)}; only an optional axis may be left out. "
                f"Make derivations by derive or analyse of grammar '{self.name}'."
            )
        return Encoding(tuple(indices.get(axis_index, 0) for axis_index in range(len(self.axes))))

    def parse(self, sentence: str) -> Encoding:
        """Reads a sentence: the inverse of `render`.

        Args:
            sentence: in any case, with or without a full stop; synonyms are understood.

        Returns:
            Its encoding. Words that are no sentence are a GrammarError with position, what was expected and advice; a
            word that is not in the vocabulary is an UnknownTermError.
        """
        return self.encoding_of(self.analyse(sentence))

    @property
    def cfg(self) -> "nltk.CFG":
        """The context-free grammar of the sentences it renders, with single words as terminals."""
        from rldf.grammar.derivation import build_cfg  # NLTK takes a second to load, and rendering needs none

        spellings = [
            (symbol, split_words(self._spellings[slot][index]))
            for symbol, slot in self._productions.slots.items()
            for index in sorted(set(self._phrases[slot].values()))
        ]
        return build_cfg(self._productions, spellings)

    def block(self, terms: Sequence[str]) -> "Grammar":
        """Makes a grammar that lacks some terms.

        Args:
            terms: "axis=term", the name of a term (on every axis that has it) or of a group.

        Returns:
            The smaller grammar, which neither renders nor understands them; its digest differs. A name that does not
            exist is an UnknownTermError, an axis that would lose its last term a GrammarError.
        """
        blocked = tuple(dict.fromkeys((*self.definition.blocked, *terms)))
        return Grammar(definition=replace(self.definition, blocked=blocked))

    def restrict(self, axis_id: str, terms: Sequence[str]) -> "Grammar":
        """Makes a grammar that keeps only some terms of one axis.

        Args:
            axis_id: such as "scene".
            terms: names of the terms to keep; an optional axis always keeps its first.

        Returns:
            The smaller grammar. A name that does not exist is an UnknownTermError, nothing left a GrammarError.
        """
        axis = self.space.axis(axis_id)
        kept = {axis.index_of(term) for term in terms} | ({0} if axis.is_optional else set())
        return self.block([f"{axis_id}={term}" for index, term in enumerate(axis.terms) if index not in kept])

    @cached_property
    def automaton(self) -> SentenceAutomaton:
        """Reads its sentences word by word."""
        return SentenceAutomaton(
            list(self._patterns.values()), {slot: list(phrases) for slot, phrases in self._phrases.items()}
        )

    @cached_property
    def _productions(self) -> ProductionSet:
        """The productions above the terms, without those that nothing can use."""
        return prune(expand(self.definition.rules, self.axes), self.axes)

    @cached_property
    def _patterns(self) -> dict[Signature, Pattern]:
        """The pattern of each signature."""
        return {pattern.signature(self.axes): pattern for pattern in all_patterns(self._productions)}

    @cached_property
    def _phrases(self) -> dict[Slot, dict[str, int]]:
        """For each slot, every spelling in lower case -> index of its term."""
        return {slot: self.axes[slot.axis_index].phrases(slot.number) for slot in self._productions.slots.values()}

    @cached_property
    def _spellings(self) -> dict[Slot, list[str]]:
        """For each slot, how each term is rendered; "" for one that cannot stand there."""
        return {
            slot: [
                join_words(split_words(spelling(term.form, slot.number))) for term in self.axes[slot.axis_index].terms
            ]
            for slot in self._productions.slots.values()
        }

    @cached_property
    def _signatures(self) -> list[list[str | None]]:
        """For each axis, what each term contributes to a signature."""
        return [[term_signature(axis, index) for index in range(len(axis.terms))] for axis in self.axes]

    def _pattern(self, encoding: Encoding) -> Pattern:
        """The pattern that spells an encoding."""
        self.space.require(encoding)
        signature = tuple(row[index] for row, index in zip(self._signatures, encoding.indices, strict=True))
        return self._patterns[signature]

    def _split(self, sentence: str) -> list[str]:
        """Parts a sentence into words; a full stop at the end is dropped unless a word has one."""
        words = split_words(sentence)
        if words and words[-1].endswith(".") and words[-1].casefold() not in self._known_words:
            words[-1] = words[-1].rstrip(".")
        return [word for word in words if word]

    @cached_property
    def _known_words(self) -> set[str]:
        """Every word of a term, in lower case."""
        return {word for phrases in self._phrases.values() for phrase in phrases for word in split_words(phrase)}
