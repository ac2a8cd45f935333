"""Journal: the tries of one run in order, in memory and on disk; RunFeedback: a feedback that keeps it.

A picture asked for twice is drawn and charged once. What a searcher is told is always what a reader of the folder
would get, so a resumed run replays its journal and goes on as if nothing had happened.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import final

from rldf.arrays import Image
from rldf.contracts import Feedback
from rldf.errors import RecordError
from rldf.records import RunStore, StepRecord, StoredStep, step_from_json, step_to_json
from rldf.records.json_forms import Phase
from rldf.records.pictures import encode_png, read_png
from rldf.search.budget import Ledger
from rldf.search.seeds import RunSeeds
from rldf.space import Encoding, EncodingSpace

MAX_SEED_INDEX = 100_000  # our choice: far above what any budget allows

Key = tuple[Encoding, int]


@final
class Journal:
    """The tries of one run, in order.

    Attributes:
        space: the grid of the run.
        steps: every try so far.
        records: the same as searchers see them.
    """

    def __init__(
        self, *, space: EncodingSpace, store: RunStore | None = None, stored: Sequence[StoredStep] = ()
    ) -> None:
        """Starts a journal.

        Args:
            space: the grid of the run.
            store: the run folder; None keeps the journal in memory alone.
            stored: tries that lie in the folder already, to be replayed first.
        """
        self.space = space
        self.steps: list[StoredStep] = []
        self.records: list[StepRecord] = []
        self._store = store
        self._stored = list(stored)
        self._seen: dict[Key, tuple[StoredStep, Image]] = {}

    @property
    def num_to_replay(self) -> int:
        """Tries on disk that were not asked for again yet."""
        return len(self._stored) - len(self.steps) if self._stored else 0

    def replay(self, keys: Sequence[Key]) -> list[StepRecord] | None:
        """Gives back a batch that the run made before it was interrupted.

        Args:
            keys: encoding and seed of each try that is asked for now.

        Returns:
            Its records; None where the batch is not, or only in part, on disk: then it is to be made again.

        Raises:
            RecordError: if the run on disk tried something else here.
        """
        if self._store is None or self.num_to_replay <= 0:
            return None
        first = len(self.steps)
        batch = self._stored[first : first + len(keys)]
        for step, (encoding, seed) in zip(batch, keys, strict=False):
            if (step.encoding, step.seed) != (encoding, seed):
                raise RecordError(
                    f"the run '{self._store.folder}' cannot be resumed: its try {step.step} was "
                    f"{self.space.terms(step.encoding)}, and now {self.space.terms(encoding)} is asked for. "
                    "It was made by another version or another machine: start a new run."
                )
        if len(batch) < len(keys):
            self._stored = []
            self._store.keep_steps(first)
            return None
        return [self._remember(step, self._image_of(step)) for step in batch]

    def seen(self, key: Key) -> tuple[StoredStep, Image] | None:
        """Finds an earlier try of the same picture."""
        return self._seen.get(key)

    def append(self, tries: Sequence[tuple[StoredStep, Image]]) -> list[StepRecord]:
        """Takes in a batch of tries that was just made: pictures first, then their lines.

        Args:
            tries: each try with its picture.

        Returns:
            The records, exactly as a reader of the folder would get them.
        """
        forms = [step_to_json(self.space, step) for step, _ in tries]
        if self._store is not None:
            for step, image in tries:
                if step.is_new_render:
                    self._store.write_image(step.image.removeprefix("images/"), encode_png(image))
            self._store.append_steps(forms)
        return [
            self._remember(step_from_json(self.space, form), image)
            for form, (_, image) in zip(forms, tries, strict=True)
        ]

    def _remember(self, step: StoredStep, image: Image) -> StepRecord:
        self.steps.append(step)
        self._seen.setdefault((step.encoding, step.seed), (step, image))
        self.records.append(step.record(image))
        return self.records[-1]

    def _image_of(self, step: StoredStep) -> Image:
        seen = self._seen.get((step.encoding, step.seed))
        if seen is not None:
            return seen[1]
        assert self._store is not None
        return read_png(self._store.folder / step.image)


@final
class RunFeedback(Feedback):
    """A feedback that counts into the ledger, keeps the journal, and never has a picture drawn twice."""

    def __init__(
        self,
        feedback: Feedback,
        *,
        journal: Journal,
        ledger: Ledger,
        seeds: RunSeeds,
        phase: Phase,
        target: Encoding,
    ) -> None:
        """Wraps a feedback for one phase of a run.

        Args:
            feedback: makes what was not asked for before.
            journal: shared by the phases of a run.
            ledger: shared by the phases of a run.
            seeds: the run's seeds; those of the phase are the only ones allowed.
            phase: "search" or "validation".
            target: distances are counted to it.
        """
        self._feedback = feedback
        self._journal = journal
        self._ledger = ledger
        self._seed_of = seeds.of(phase)
        self._phase: Phase = phase
        self._target = target
        self._indices: dict[int, int] = {}

    def try_encodings(self, encodings: Sequence[Encoding], *, seeds: Sequence[int]) -> list[StepRecord]:
        """Tries each encoding with its seed; one record each, in order.

        Args:
            encodings: points of the space.
            seeds: one of the phase's seeds for each.

        Returns:
            One record per encoding.
        """
        keys = list(zip(encodings, seeds, strict=True))
        first = len(self._journal.steps)
        records = self._journal.replay(keys)
        is_replayed = records is not None
        if records is None:
            records = self._journal.append(self._make(keys))
        for step in self._journal.steps[first:]:
            elapsed_s = step.elapsed_s if is_replayed else None
            self._ledger.count_try(is_new_render=step.is_new_render, elapsed_s=elapsed_s)
        return records

    def _make(self, keys: Sequence[Key]) -> list[tuple[StoredStep, Image]]:
        """Has the new pictures of a batch drawn, and joins them with those seen before."""
        new_keys = [key for key in dict.fromkeys(keys) if self._journal.seen(key) is None]
        new_records = (
            self._feedback.try_encodings([key[0] for key in new_keys], seeds=[key[1] for key in new_keys])
            if new_keys
            else []
        )
        made = dict(zip(new_keys, new_records, strict=True))
        tries: list[tuple[StoredStep, Image]] = []
        drawn: dict[Key, StoredStep] = {}
        for position, key in enumerate(keys, start=len(self._journal.steps)):
            earlier = self._journal.seen(key)
            if earlier is not None:
                tries.append((self._again(earlier[0], position), earlier[1]))
            elif key in drawn:
                tries.append((self._again(drawn[key], position), made[key].outcome.image))
            else:
                drawn[key] = self._new(made[key], position)
                tries.append((drawn[key], made[key].outcome.image))
        return tries

    def _again(self, step: StoredStep, position: int) -> StoredStep:
        return replace(step, step=position, is_new_render=False, elapsed_s=round(self._ledger.seconds, 3))

    def _new(self, record: StepRecord, position: int) -> StoredStep:
        outcome = record.outcome
        return StoredStep(
            step=position,
            phase=self._phase,
            encoding=outcome.encoding,
            prompt=outcome.prompt,
            seed=outcome.seed,
            seed_index=self._seed_index(outcome.seed),
            image=f"images/{position:06d}.png",
            percept=outcome.percept,
            reward=record.reward,
            is_terminal=record.is_terminal,
            is_new_render=True,
            distance=self._journal.space.distance(outcome.encoding, self._target),
            elapsed_s=round(self._ledger.seconds, 3),
        )

    def _seed_index(self, seed: int) -> int:
        for index in range(len(self._indices), MAX_SEED_INDEX):
            if seed in self._indices:
                break
            self._indices[self._seed_of(index)] = index
        assert seed in self._indices, "seeds come from the run's own seeds"
        return self._indices[seed]
