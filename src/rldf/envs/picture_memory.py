"""PictureMemory: every encoding is drawn once per run, with the run's one render seed."""

from collections.abc import Sequence
from typing import final

from rldf.contracts import Feedback
from rldf.records.percept import StepRecord
from rldf.space import Encoding


@final
class PictureMemory:
    """Asks a feedback for encodings it has not seen yet, in one batch, and remembers the records.

    Pictures stay in memory as long as this object does.

    Attributes:
        feedback: draws and rewards.

    Source: the fixed render seed of arXiv 2311.15648, Definition 1: with a seed per step the map from states to
    rewards is inconsistent.
    """

    def __init__(self, *, feedback: Feedback, render_seed: int) -> None:
        """Starts with nothing drawn.

        Args:
            feedback: draws and rewards.
            render_seed: seed of every picture, 0 or larger.
        """
        self.feedback = feedback
        self._render_seed = render_seed
        self._records: dict[Encoding, StepRecord] = {}

    @property
    def num_renders(self) -> int:
        """Number of distinct pictures drawn so far."""
        return len(self._records)

    def records_of(self, encodings: Sequence[Encoding]) -> list[StepRecord]:
        """Tells what came of each encoding; the unknown ones are drawn together.

        Args:
            encodings: points of the grid, repeated ones allowed.

        Returns:
            One record per encoding, in order.
        """
        unknown = [encoding for encoding in dict.fromkeys(encodings) if encoding not in self._records]
        if unknown:
            seeds = [self._render_seed] * len(unknown)
            records = self.feedback.try_encodings(unknown, seeds=seeds)
            self._records.update(zip(unknown, records, strict=True))
        return [self._records[encoding] for encoding in encodings]
