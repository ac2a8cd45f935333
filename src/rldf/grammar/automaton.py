"""A word automaton of the whole language: finds ambiguity exactly, and where a sentence goes wrong.

Patterns are merged into a graph that shares common ends, and the spellings of each slot into a tree of words, so
the automaton stays small however many sentences there are.

Source: ambiguity of a finite automaton by its product with itself; Book, Even, Greibach and Ott, "Ambiguity in
graphs and expressions", IEEE Transactions on Computers C-20(2), 1971.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import final

from rldf.grammar.patterns import Item, Pattern
from rldf.grammar.productions import Slot, join_words, split_words

_ROOT = 0


@dataclass(frozen=True, slots=True)
class State:
    """A place in the language: between items of a pattern, or within the words of a slot.

    Attributes:
        node: node of the pattern graph; where the slot leads, within one.
        slot: the slot being read, or None between items.
        word_node: node in the slot's tree of words; 0 between items.
    """

    node: int
    slot: Slot | None = None
    word_node: int = _ROOT


@final
class _WordTree:
    """The spellings of one slot, sharing their first words."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self.children: list[dict[str, int]] = [{}]
        self.is_end = [False]
        for phrase in phrases:
            node = _ROOT
            for word in split_words(phrase):
                if word not in self.children[node]:
                    self.children[node][word] = len(self.children)
                    self.children.append({})
                    self.is_end.append(False)
                node = self.children[node][word]
            self.is_end[node] = True

    def ends(self, words: Sequence[str], start: int) -> list[int]:
        """Where the spellings end that start at a position of a sentence."""
        found: list[int] = []
        node = _ROOT
        for position in range(start, len(words)):
            if words[position] not in self.children[node]:
                break
            node = self.children[node][words[position]]
            if self.is_end[node]:
                found.append(position + 1)
        return found


@final
class SentenceAutomaton:
    """Reads sentences word by word; words are in lower case.

    Args:
        patterns: every pattern of the grammar.
        phrases: the spellings of each slot, in lower case.
    """

    def __init__(self, patterns: Sequence[Pattern], phrases: Mapping[Slot, Sequence[str]]) -> None:
        self._trees = {slot: _WordTree(spellings) for slot, spellings in phrases.items()}
        self._edges: list[dict[Item, int]] = []
        self._is_end: list[bool] = []
        self._known: dict[tuple[frozenset[tuple[Item, int]], bool], int] = {}
        folded = [tuple(i.casefold() if isinstance(i, str) else i for i in pattern.items) for pattern in patterns]
        self.start = State(self._node(list(dict.fromkeys(folded)), 0))

    def _node(self, sequences: Sequence[tuple[Item, ...]], depth: int) -> int:
        """Makes the graph node from which some item sequences go on; equal nodes are shared."""
        groups: dict[Item, list[tuple[Item, ...]]] = {}
        for sequence in sequences:
            if len(sequence) > depth:
                groups.setdefault(sequence[depth], []).append(sequence)
        edges = {item: self._node(group, depth + 1) for item, group in groups.items()}
        is_end = any(len(sequence) == depth for sequence in sequences)
        key = (frozenset(edges.items()), is_end)
        if key not in self._known:
            self._known[key] = len(self._edges)
            self._edges.append(edges)
            self._is_end.append(is_end)
        return self._known[key]

    def is_end(self, state: State) -> bool:
        """Tells whether a sentence may stop here."""
        return state.slot is None and self._is_end[state.node]

    def next_words(self, state: State) -> set[str]:
        """Words that may follow."""
        if state.slot is not None:
            return set(self._trees[state.slot].children[state.word_node])
        words: set[str] = set()
        for item in self._edges[state.node]:
            words |= {item} if isinstance(item, str) else set(self._trees[item].children[_ROOT])
        return words

    def next_literals(self, state: State) -> set[str]:
        """Words of no slot that may follow."""
        return {item for item in self._edges[state.node] if isinstance(item, str)} if state.slot is None else set()

    def next_slots(self, state: State) -> set[Slot]:
        """Slots that may be read next, or are being read."""
        if state.slot is not None:
            return {state.slot}
        return {item for item in self._edges[state.node] if isinstance(item, Slot)}

    def read(self, state: State, word: str) -> list[State]:
        """The states that one more word leads to."""
        if state.slot is not None:
            return self._within(state.slot, state.word_node, word, state.node)
        reached: list[State] = []
        for item, node in self._edges[state.node].items():
            if isinstance(item, Slot):
                reached += self._within(item, _ROOT, word, node)
            elif item == word:
                reached.append(State(node))
        return reached

    def _within(self, slot: Slot, word_node: int, word: str, node: int) -> list[State]:
        """Goes one word on in a slot; where a spelling ends, the slot may be left."""
        tree = self._trees[slot]
        child = tree.children[word_node].get(word)
        if child is None:
            return []
        reached = [State(node)] if tree.is_end[child] else []
        if tree.children[child]:
            reached.append(State(node, slot, child))
        return reached

    def follow(self, words: Sequence[str]) -> tuple[int, set[State]]:
        """Reads as many words as the language allows.

        Args:
            words: in lower case.

        Returns:
            How many words were read, and the states they led to.
        """
        states = {self.start}
        for position, word in enumerate(words):
            reached = {after for state in states for after in self.read(state, word)}
            if not reached:
                return position, states
            states = reached
        return len(words), states

    def spellings_in(self, words: Sequence[str]) -> set[tuple[Slot, tuple[str, ...]]]:
        """Finds every spelling of a slot among the words: what a parser needs of a large vocabulary."""
        return {
            (slot, tuple(words[start:end]))
            for slot, tree in self._trees.items()
            for start in range(len(words))
            for end in tree.ends(words, start)
        }

    def readings(self, words: Sequence[str]) -> list[list[tuple[Item, str]]]:
        """Finds every way to read a sentence.

        Args:
            words: in lower case.

        Returns:
            One list per reading: the items of the pattern, each with the words read as it.
        """
        found: list[list[tuple[Item, str]]] = []
        waiting: list[tuple[int, int, list[tuple[Item, str]]]] = [(self.start.node, 0, [])]
        while waiting:
            node, position, read = waiting.pop()
            if position == len(words) and self._is_end[node]:
                found.append(read)
            for item, after in self._edges[node].items():
                if isinstance(item, Slot):
                    ends = self._trees[item].ends(words, position)
                else:
                    ends = [position + 1] if list(words[position : position + 1]) == [item] else []
                waiting += [(after, end, [*read, (item, join_words(words[position:end]))]) for end in ends]
        return found

    def ambiguous_sentence(self) -> list[str] | None:
        """Finds a sentence that can be read in two ways.

        Returns:
            Its words, in lower case; None if every sentence has one reading.
        """
        first = (frozenset({self.start}), False)
        seen = {first}
        level: list[tuple[tuple[frozenset[State], bool], tuple[str, ...]]] = [(first, ())]
        while level:
            following = []
            for (pair, is_split), words in level:
                left, right = next(iter(pair)), next(reversed(tuple(pair)))
                if is_split and (left == right or (self.is_end(left) and self.is_end(right))):
                    return [*words, *self._rest(left)]
                for word in sorted(self.next_words(left) & self.next_words(right)):
                    for reached in self._pairs(left, right, word, is_split=is_split):
                        if reached not in seen:
                            seen.add(reached)
                            following.append((reached, (*words, word)))
            level = following
        return None

    def _pairs(self, left: State, right: State, word: str, *, is_split: bool) -> list[tuple[frozenset[State], bool]]:
        """The pairs of states that two readings reach by the same word, and whether the readings differ."""
        from_left = self.read(left, word)
        if is_split:
            return [(frozenset({a, b}), True) for a in from_left for b in self.read(right, word)]
        return [(frozenset({state}), False) for state in from_left] + [
            (frozenset(pair), True) for pair in combinations(from_left, 2)
        ]

    def _rest(self, state: State) -> list[str]:
        """Words that end a sentence from a state."""
        words: list[str] = []
        while not self.is_end(state):
            word = min(self.next_words(state))
            words.append(word)
            state = self.read(state, word)[0]
        return words
