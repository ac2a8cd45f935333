"""ScriptSearcher: turns a loop that yields what to try, and is sent what came of it, into a searcher.

A method that is easiest to read as a loop (climb, cool down, breed, step along a gradient) is written as one: a
generator that yields batches of proposals and is sent their records. `ScriptSearcher` does the rest: batches of any
size, and the end.
"""

from collections import Counter
from collections.abc import Generator, Sequence
from typing import final

from rldf.contracts import Proposal, Searcher
from rldf.errors import ConfigError
from rldf.records.percept import StepRecord
from rldf.searchers.ranking import rank_by_records
from rldf.space import Encoding

Script = Generator[list[Proposal], list[StepRecord], None]
"""A search written as a loop: it yields proposals, is sent one record for each, and returns when it is finished."""

CONFIRMING_SHARE = 0.25  # our choice
MAX_SEEDS = 4  # our choice, that of the factored search
MAX_EMPTY_BATCHES = 1000  # a script that yields nothing over and over is broken


@final
class ScriptSearcher(Searcher):
    """Asks what a script asks, in portions of any size; what it proposes does not depend on the portions.

    Asking again before telling gives the same proposals.
    """

    def __init__(self, script: Script) -> None:
        """Takes over a script.

        Args:
            script: not begun yet.
        """
        self._script = script
        self._batch: list[Proposal] = []
        self._records: list[StepRecord] = []
        self._has_begun = False
        self._is_finished = False

    def ask(self, max_proposals: int) -> list[Proposal]:
        """Proposes the next part of the script's batch; empty when the script has returned."""
        if len(self._records) == len(self._batch):
            self._advance()
        return self._batch[len(self._records) : len(self._records) + max_proposals]

    def tell(self, records: Sequence[StepRecord]) -> None:
        """Keeps the records until the script's batch is complete."""
        self._records.extend(records)
        assert len(self._records) <= len(self._batch), "records are told of what was asked"

    def _advance(self) -> None:
        for _ in range(MAX_EMPTY_BATCHES):
            if self._is_finished:
                self._batch, self._records = [], []
                return
            try:
                self._batch = self._script.send(self._records) if self._has_begun else next(self._script)
            except StopIteration:
                self._is_finished = True
                continue
            self._has_begun = True
            self._records = []
            if self._batch:
                return
        raise AssertionError("the script yields nothing, over and over")


def confirm(script: Script, *, share: float = CONFIRMING_SHARE, max_seeds: int = MAX_SEEDS) -> Script:
    """Spends a share of the pictures on the encoding that leads, drawn with further search seeds.

    A search that draws everything with one seed falls for lucky pictures. The script inside is told of its own tries
    only; which encoding leads is what `rank_by_records` says of all tries.

    Args:
        script: not begun yet.
        share: of all pictures, 0 up to, but not including, 1.
        max_seeds: pictures of one encoding at most, at least 1.

    Yields:
        The batches of the script, and batches of one between them.

    Raises:
        ConfigError: if a setting is out of its range.

    Source: ours; the simplest form of racing, Maron and Moore 1994.
    """
    if not 0 <= share < 1 or max_seeds < 1:
        raise ConfigError(
            f"confirming with a share of {share} and {max_seeds} seeds is not possible; the share lies from 0 up to, "
            "not including, 1, and there is 1 seed at least. Try 0.25 and 4."
        )
    records: list[StepRecord] = []
    times: Counter[Encoding] = Counter()
    num_confirmed = 0
    batch: list[Proposal] | None = next(script, None)
    while batch is not None:
        told = yield batch
        fresh = {record.outcome.encoding: record for record in told if record.outcome.encoding not in times}
        records += fresh.values()
        times.update(fresh.keys())
        while num_confirmed < share * len(records):
            leader = rank_by_records(records, max_encodings=1)[0].encoding
            if times[leader] >= max_seeds:
                break
            again = yield [Proposal(encoding=leader, seed_index=times[leader])]
            records += again
            times[leader] += 1
            num_confirmed += 1
        try:
            batch = script.send(told)
        except StopIteration:
            batch = None


def try_all(encodings: Sequence[Encoding]) -> Generator[list[Proposal], list[StepRecord], list[float]]:
    """Tries encodings with the first search seed: one batch of a script, which delegates to it.

    Args:
        encodings: what to try.

    Yields:
        One batch.

    Returns:
        Their rewards.
    """
    records = yield [Proposal(encoding=encoding) for encoding in encodings]
    return [record.reward for record in records]
