"""No picture is drawn or charged twice, and what is told is what is on disk."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tests.search.tiny_world import GRAMMAR, REQUEST, Painter, encode, make_input, make_parts

from rldf.contracts import Feedback, Target
from rldf.errors import RecordError
from rldf.records import RunStore, StepRecord, read_step_lines, step_from_json
from rldf.records.pictures import encode_png, read_png
from rldf.search import Budget, Journal, Ledger, RunFeedback, RunSeeds
from rldf.search.wish import read_inputs

SEEDS = RunSeeds(root=3)


def make_inner(painter: Painter) -> Feedback:
    parts = make_parts(painter=painter)
    return parts.wire(Target(percept=read_inputs(parts.perception, [make_input(encode())]))).feedback


def make_feedback(painter: Painter, *, journal: Journal, ledger: Ledger) -> RunFeedback:
    return RunFeedback(
        make_inner(painter), journal=journal, ledger=ledger, seeds=SEEDS, phase="search", target=encode()
    )


def ask(feedback: RunFeedback, *wishes: tuple[str, int]) -> list[StepRecord]:
    return feedback.try_encodings(
        [encode(object=name) for name, _ in wishes], seeds=[SEEDS.seed("search", index) for _, index in wishes]
    )


def assert_same(one: StepRecord, other: StepRecord) -> None:
    assert (one.reward, one.is_terminal) == (other.reward, other.is_terminal)
    first, second = one.outcome, other.outcome
    assert (first.encoding, first.prompt, first.seed) == (second.encoding, second.prompt, second.seed)
    assert_array_equal(first.image, second.image)
    assert first.percept.encoding == second.percept.encoding
    assert first.percept.unsure_axes == second.percept.unsure_axes
    assert first.percept.objects == second.percept.objects
    for mine, theirs in zip(first.percept.probabilities, second.percept.probabilities, strict=True):
        assert mine.dtype == theirs.dtype == np.float64
        assert_array_equal(mine, theirs)


def test_picture_asked_for_again__is_neither_drawn_nor_charged() -> None:
    painter, journal, ledger = Painter(), Journal(space=GRAMMAR.space), Ledger(Budget(max_renders=20))
    feedback = make_feedback(painter, journal=journal, ledger=ledger)
    ask(feedback, ("cow", 0), ("bus", 0), ("cow", 0), ("cow", 1))
    ask(feedback, ("bus", 0))
    assert (painter.num_pictures, ledger.renders, ledger.steps, ledger.encoder_calls) == (3, 3, 5, 3)
    assert [step.is_new_render for step in journal.steps] == [True, True, False, True, False]
    assert [step.image[-10:] for step in journal.steps] == [f"{n:06d}.png" for n in (0, 1, 0, 3, 1)]
    assert [step.seed_index for step in journal.steps] == [0, 0, 0, 1, 0]
    assert_same(journal.records[0], journal.records[2])


def test_batch_of_known_pictures__asks_the_feedback_nothing() -> None:
    painter = Painter()
    feedback = make_feedback(painter, journal=Journal(space=GRAMMAR.space), ledger=Ledger(Budget(max_renders=20)))
    first = ask(feedback, ("cow", 0))
    painter.before = lambda: pytest.fail("drawn again")
    assert_same(first[0], ask(feedback, ("cow", 0))[0])


def test_records_told__are_those_a_reader_of_the_folder_gets(tmp_path: Path) -> None:
    with RunStore.create(tmp_path / "run", request=REQUEST) as store:
        journal = Journal(space=GRAMMAR.space, store=store)
        feedback = make_feedback(Painter(), journal=journal, ledger=Ledger(Budget(max_renders=20)))
        live = [*ask(feedback, ("cow", 0), ("bus", 1)), *ask(feedback, ("cow", 0))]
    lines = read_step_lines(tmp_path / "run")
    steps = [step_from_json(GRAMMAR.space, line) for line in lines]
    for record, step in zip(live, steps, strict=True):
        assert_same(record, step.record(read_png(tmp_path / "run" / step.image)))
    assert [step.distance for step in steps] == [0, 4, 0]


def test_replay__gives_the_same_records_and_counts_without_drawing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with RunStore.create(folder, request=REQUEST) as store:
        ledger = Ledger(Budget(max_renders=20))
        feedback = make_feedback(Painter(), journal=Journal(space=GRAMMAR.space, store=store), ledger=ledger)
        live = [*ask(feedback, ("cow", 0), ("bus", 1)), *ask(feedback, ("cow", 0))]
    (folder / "request.json").touch()
    before = (folder / "steps.jsonl").read_bytes()
    with RunStore.reopen(folder) as store:
        stored = [step_from_json(GRAMMAR.space, line) for line in read_step_lines(folder)]
        painter, again = Painter(before=lambda: pytest.fail("drawn again")), Ledger(Budget(max_renders=20))
        journal = Journal(space=GRAMMAR.space, store=store, stored=stored)
        feedback = make_feedback(painter, journal=journal, ledger=again)
        replayed = [*ask(feedback, ("cow", 0), ("bus", 1)), *ask(feedback, ("cow", 0))]
        for one, other in zip(live, replayed, strict=True):
            assert_same(one, other)
        assert (again.renders, again.steps, again.encoder_calls) == (ledger.renders, ledger.steps, ledger.encoder_calls)
        painter.before = lambda: None
        ask(feedback, ("sheep", 0))
    assert (folder / "steps.jsonl").read_bytes().startswith(before)
    assert len(read_step_lines(folder)) == 4


def test_half_a_batch_on_disk__is_made_again_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with RunStore.create(folder, request=REQUEST) as store:
        feedback = make_feedback(
            Painter(), journal=Journal(space=GRAMMAR.space, store=store), ledger=Ledger(Budget(max_renders=20))
        )
        ask(feedback, ("apple", 0))
        ask(feedback, ("cow", 0), ("bus", 0))
        store.keep_steps(2)
    with RunStore.reopen(folder) as store:
        stored = [step_from_json(GRAMMAR.space, line) for line in read_step_lines(folder)]
        painter = Painter()
        journal = Journal(space=GRAMMAR.space, store=store, stored=stored)
        feedback = make_feedback(painter, journal=journal, ledger=Ledger(Budget(max_renders=20)))
        ask(feedback, ("apple", 0))
        ask(feedback, ("cow", 0), ("bus", 0))
    assert painter.num_pictures == 2
    assert [line["step"] for line in read_step_lines(folder)] == [0, 1, 2]


def test_replay__of_other_tries_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with RunStore.create(folder, request=REQUEST) as store:
        journal = Journal(space=GRAMMAR.space, store=store)
        ask(make_feedback(Painter(), journal=journal, ledger=Ledger(Budget(max_renders=20))), ("apple", 0))
        other = Journal(space=GRAMMAR.space, store=store, stored=journal.steps)
        feedback = make_feedback(Painter(), journal=other, ledger=Ledger(Budget(max_renders=20)))
        with pytest.raises(
            RecordError, match=r"try 0 was \{'object': 'apple'.*and now \{'object': 'bus'.*start a new run"
        ):
            ask(feedback, ("bus", 0))


def test_picture__comes_back_pixel_by_pixel(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, size=(5, 7, 3), dtype=np.uint8)
    (tmp_path / "a.png").write_bytes(encode_png(image))
    assert_array_equal(read_png(tmp_path / "a.png"), image)


def test_damaged_picture__of_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(RecordError, match=r"a\.png' of the run cannot be read.*start a new run"):
        read_png(tmp_path / "a.png")
    with pytest.raises(RecordError, match=r"b\.png' of the run cannot be read"):
        read_png(tmp_path / "b.png")
