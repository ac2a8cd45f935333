"""The whole job of a search, from the input picture to `summary.json`, as events that whoever watches can show.

read the input -> search -> validate -> judge -> new pictures. Each step is on the disk before the next begins; a run
that was interrupted anywhere goes on from there to the same result.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, final

import numpy as np

from rldf.arrays import ImageBatch
from rldf.contracts import Target
from rldf.errors import RecordError
from rldf.records import Percept, Prompt, RunStore, StoredStep, step_from_json
from rldf.records.json_forms import Json, Phase
from rldf.records.pictures import encode_png
from rldf.records.run_store import read_json, read_step_lines
from rldf.search.budget import Ledger, Stopped
from rldf.search.events import InputRead, PictureDrawn, PictureKind, RunFinished, SearchEvent, Tried
from rldf.search.header import make_header, require_same
from rldf.search.journal import Journal, RunFeedback
from rldf.search.judge import Judgement, judge
from rldf.search.parts import SearchJob, SearchParts, Wiring
from rldf.search.run import search, why_stopped
from rldf.search.seeds import Purpose, RunSeeds
from rldf.search.select import NUM_RANKED, Candidate, choose, rank, sort_candidates, spread_of, validate
from rldf.search.summary import Findings, make_summary
from rldf.search.wish import abstentions, misread, read_inputs, start_of
from rldf.space import Encoding


def run_search(
    parts: SearchParts, job: SearchJob, *, store: RunStore, request: Mapping[str, Any]
) -> Iterator[SearchEvent]:
    """Does one search, or goes on with one that was interrupted; the folder tells which.

    Whatever ends the run early, Ctrl-C too, leaves the best so far in `interrupted.json`.

    Args:
        parts: what the search is made of.
        job: what it does.
        store: the run folder, open for writing; the caller closes it.
        request: what was asked for: "created", "command", "config"; goes into `run.json`.

    Yields:
        What happens, as it happens; the last event is `RunFinished`.
    """
    session = _Session(parts, job, store=store, request=request)
    try:
        yield from session.events()
    except BaseException as error:
        session.leave(error)
        raise


@final
class _Session:
    """State of one running search."""

    def __init__(self, parts: SearchParts, job: SearchJob, *, store: RunStore, request: Mapping[str, Any]) -> None:
        self._parts = parts
        self._job = job
        self._store = store
        self._request = request
        self._seeds = RunSeeds(root=job.seed)
        self._stored = [step_from_json(parts.space, line) for line in read_step_lines(store.folder)]
        self._ledger = Ledger(
            job.budget,
            evaluations_per_picture=parts.evaluations_per_picture,
            cache_hits=parts.cache_hits,
            stored_phases=[step.phase for step in self._stored],
        )
        store.keep_steps(len(self._stored))
        self._journal = Journal(space=parts.space, store=store, stored=self._stored)
        self._best: StoredStep | None = None

    def events(self) -> Iterator[SearchEvent]:
        """Does the job."""
        parts, job, space = self._parts, self._job, self._parts.space
        target = misread(read_inputs(parts.perception, job.inputs), space=space, terms=job.misread)
        input_reading = read_inputs(parts.judge, job.inputs)
        self._ledger.encoder_calls += 2 * len(job.inputs)
        start, start_notes = start_of(job, space=space, percept=target)
        wiring = parts.wire(Target(percept=target, references=tuple(picture.image for picture in job.inputs)))
        notes = (*parts.notes, *abstentions(target, space=space), *start_notes, *wiring.notes, *_earlier(job))
        header = self._begin(target=target, start=start, notes=notes)
        yield InputRead(
            folder=self._store.folder,
            target=target,
            target_terms=space.terms(target.encoding),
            start_terms=space.terms(start),
            start_sentence=parts.grammar.render(start),
            num_stored_steps=len(self._stored),
            notes=notes,
        )
        candidates, stopped = yield from self._choose(wiring, start=start, target=target)
        found_judgement, found_images = yield from self._judge(candidates[0].encoding, "found", input_reading)
        start_judgement, start_images = found_judgement, found_images
        if candidates[0].encoding != start:
            start_judgement, start_images = yield from self._judge(start, "start", input_reading)
        new_images = yield from self._draw_new(candidates[0].encoding)
        findings = Findings(
            target=target.encoding,
            start=start,
            candidates=candidates,
            input_reading=input_reading.encoding,
            found_judgement=found_judgement,
            start_judgement=start_judgement,
            images={"found": found_images, "start": start_images, "new": new_images},
            stopped=stopped,
            notes=notes,
        )
        yield self._finish(findings, header=header)

    def leave(self, error: BaseException) -> None:
        """Saves the best so far of a run that ends early; a finished one has its summary already."""
        if (self._store.folder / "summary.json").is_file():
            return
        best = self._best
        reason = "interrupted" if isinstance(error, KeyboardInterrupt | GeneratorExit) else str(error)
        with suppress(RecordError):  # a full disk may be the very reason; steps.jsonl has the tries in any case
            self._store.write_interrupted(
                {
                    "reason": reason,
                    "renders": self._ledger.renders,
                    "best": None
                    if best is None
                    else {
                        "encoding": self._parts.space.terms(best.encoding),
                        "sentence": best.prompt.text,
                        "reward": best.reward,
                        "image": best.image,
                    },
                    "resume": f"rldf runs resume {self._store.folder}",
                }
            )

    def _begin(self, *, target: Percept, start: Encoding, notes: Sequence[str]) -> Json:
        """Writes inputs and `run.json`; of a run that goes on, checks that they still hold."""
        fresh = make_header(
            run_id=self._store.folder.resolve().name,
            request=self._request,
            parts=self._parts,
            job=self._job,
            target=target,
            start=start,
            notes=notes,
        )
        if (self._store.folder / "run.json").is_file():
            stored = read_json(self._store.folder / "run.json")
            require_same(stored, fresh, folder=str(self._store.folder))
            return stored
        for position, picture in enumerate(self._job.inputs):
            self._store.write_image(f"input-{position}.png", encode_png(picture.image))
        self._store.write_run(fresh)
        return fresh

    def _choose(
        self, wiring: Wiring, *, start: Encoding, target: Percept
    ) -> Generator[SearchEvent, None, tuple[list[Candidate], Stopped]]:
        """Searches, then validates: the chosen candidate first."""
        prior = target.probabilities if self._job.start == "percept" else None
        searcher = self._parts.make_searcher(self._parts.space, start, self._job.seed, prior)
        if self._job.earlier:
            searcher.tell(wiring.reward_again(self._job.earlier))
        feedback = self._feedback(wiring, phase="search", target=target.encoding)
        for number, _ in enumerate(
            search(
                searcher,
                feedback,
                ledger=self._ledger,
                seed_of=self._seeds.of("search"),
                batch_size=self._job.batch_size,
            )
        ):
            yield self._tried(number)
        stopped = why_stopped(self._ledger)
        num_searched = len(self._journal.steps)
        spread = spread_of(self._journal.steps, bounds=wiring.reward_bounds)
        candidates = validate(
            rank(searcher, self._journal.records, count=NUM_RANKED),
            start=start,
            steps=self._journal.steps,
            feedback=self._feedback(wiring, phase="validation", target=target.encoding),
            ledger=self._ledger,
            seed_of=self._seeds.of("validation"),
            spread=spread,
        )
        for number in range(num_searched, len(self._journal.steps)):
            yield self._tried(number)
        found = choose(candidates, rule=self._job.rule, spread=spread)
        return sort_candidates(candidates, found=found), stopped

    def _feedback(self, wiring: Wiring, *, phase: Phase, target: Encoding) -> RunFeedback:
        return RunFeedback(
            wiring.feedback,
            journal=self._journal,
            ledger=self._ledger,
            seeds=self._seeds,
            phase=phase,
            target=target,
        )

    def _tried(self, number: int) -> Tried:
        step = self._journal.steps[number]
        if self._best is None or (step.phase == "search" and step.reward > self._best.reward):
            self._best = step
        return Tried(
            step=step,
            best=self._best,
            renders=self._ledger.renders,
            max_renders=self._job.budget.max_renders,
            seconds=self._ledger.seconds,
            is_replayed=number < len(self._stored) and self._stored[number] is step,
        )

    def _judge(
        self, encoding: Encoding, kind: PictureKind, input_reading: Percept
    ) -> Generator[SearchEvent, None, tuple[Judgement, list[str]]]:
        """Has scorer B look at pictures of an encoding on the test seeds."""
        readings: list[Percept] = []
        files: list[str] = []
        for images in self._draw(encoding, purpose="test", count=self._job.num_test_seeds):
            readings += self._parts.judge.perceive(images)
            self._ledger.test_renders += len(images)
            self._ledger.encoder_calls += len(images)
            yield from self._write_pictures(images, kind, files=files, count=self._job.num_test_seeds)
        return judge(readings, input_reading=input_reading, seed=self._job.seed), files

    def _draw_new(self, encoding: Encoding) -> Generator[SearchEvent, None, list[str]]:
        """Draws further pictures of what was found, on seeds of their own."""
        files: list[str] = []
        for images in self._draw(encoding, purpose="new", count=self._job.num_new):
            self._ledger.new_pictures += len(images)
            yield from self._write_pictures(images, "new", files=files, count=self._job.num_new)
        return files

    def _draw(self, encoding: Encoding, *, purpose: Purpose, count: int) -> Iterator[ImageBatch]:
        """Draws an encoding on the first seeds of a kind, batch by batch."""
        prompt = Prompt(text=self._parts.grammar.render(encoding), negative=self._parts.negative_prompt)
        seeds = self._seeds.first(purpose, count)
        for first in range(0, count, self._job.batch_size):
            batch = seeds[first : first + self._job.batch_size]
            yield self._parts.image_generator.generate([prompt] * len(batch), seeds=batch)

    def _write_pictures(
        self, images: ImageBatch, kind: PictureKind, *, files: list[str], count: int
    ) -> Iterator[SearchEvent]:
        """Writes a batch of result pictures and adds their names to `files`."""
        prefix = kind if kind == "new" else f"test-{kind}"
        for image in images:
            files.append(self._store.write_image(f"{prefix}-{len(files):02d}.png", encode_png(np.asarray(image))))
            path = self._store.folder / files[-1]
            yield PictureDrawn(kind=kind, path=path, position=len(files), count=count)

    def _finish(self, findings: Findings, *, header: Json) -> RunFinished:
        """Writes `summary.json`."""
        summary = make_summary(
            findings,
            run=str(self._store.folder),
            run_header=header,
            grammar=self._parts.grammar,
            space=self._parts.space,
            steps=self._journal.steps,
            ledger=self._ledger,
        )
        self._store.write_summary(summary)
        return RunFinished(folder=self._store.folder, summary=summary)


def _earlier(job: SearchJob) -> tuple[str, ...]:
    """What is said of pictures of earlier searches."""
    count = len(job.earlier)
    return (f"{count} pictures of earlier searches were rewarded again, for this input.",) if count else ()
