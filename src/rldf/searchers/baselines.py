"""RandomSearcher: encodings drawn uniformly, none twice; what every other searcher has to beat."""

from collections.abc import Sequence
from typing import final

from rldf.contracts import Proposal, Searcher
from rldf.records.percept import StepRecord
from rldf.seeding import child_rng
from rldf.space import Encoding, EncodingSpace

MAX_DRAWS = 200  # draws before the few encodings that are left are listed; our choice


@final
class RandomSearcher(Searcher):
    """Proposes encodings uniformly without replacement, each with the first search seed.

    A small space is finished when every allowed encoding has been proposed.
    """

    def __init__(self, *, space: EncodingSpace, start: Encoding | None = None, seed: int = 0) -> None:
        """Sets the search up.

        Args:
            space: the grid.
            start: the first proposal; None draws it as well.
            seed: seed of the draws, 0 or larger.
        """
        self._space = space
        self._start = start
        self._rng = child_rng(seed, "random-searcher")
        self._proposed: set[Encoding] = set()

    def ask(self, max_proposals: int) -> list[Proposal]:
        """Proposes `max_proposals` encodings, or what is left of a small space; empty when nothing is."""
        proposals: list[Proposal] = []
        while len(proposals) < max_proposals and (encoding := self._next()) is not None:
            self._proposed.add(encoding)
            proposals.append(Proposal(encoding=encoding))
        return proposals

    def tell(self, records: Sequence[StepRecord]) -> None:
        """Learns nothing."""

    def _next(self) -> Encoding | None:
        if self._start is not None and not self._proposed:
            return self._start
        for _ in range(MAX_DRAWS):
            encoding = self._space.sample(self._rng)
            if encoding not in self._proposed:
                return encoding
        left = [encoding for encoding in self._space.all_encodings() if encoding not in self._proposed]
        return left[int(self._rng.integers(len(left)))] if left else None
