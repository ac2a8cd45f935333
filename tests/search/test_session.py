"""The whole job: what it leaves behind, and that an interruption anywhere changes nothing."""

import gc
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
from tests.search.tiny_world import (
    GRAMMAR,
    REQUEST,
    Painter,
    Reader,
    do_run,
    encode,
    make_input,
    make_job,
    make_parts,
)

from rldf.agents import QLearningAgent
from rldf.arrays import ImageBatch, Probabilities
from rldf.contracts import Perception, Searcher
from rldf.errors import EncodingError, RecordError
from rldf.records import Percept, RunStore, durable_files, read_run, read_step_lines
from rldf.search import Budget, InputRead, PictureDrawn, RunFinished, SearchEvent, SearchJob, Tried, run_search
from rldf.search.parts import MakeSearcher, StartSource
from rldf.searchers import FactoredSearcher, GridWalk
from rldf.space import Encoding, EncodingSpace

MAY_DIFFER = ("seconds", "peak_rss_mib", "cache_hits")


def walk(space: EncodingSpace, start: Encoding, seed: int, prior: object) -> Searcher:
    del prior
    agent = QLearningAgent(num_actions=len(space.moves), seed=seed)
    return GridWalk(agent=agent, space=space, start=start, seed=seed, max_episode_steps=7)


def factored(space: EncodingSpace, start: Encoding, seed: int, prior: object) -> Searcher:
    del prior
    return FactoredSearcher(space=space, start=start, seed=seed)


def summary_of(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    del summary["run"]
    for name in MAY_DIFFER:
        del summary["budget"][name]
    return summary


def steps_of(folder: Path) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key != "elapsed_s"} for line in read_step_lines(folder)]


def test_run__finds_a_better_encoding_than_a_random_start_and_writes_it_all_down(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    events = do_run(folder, make_parts(make_searcher=factored), make_job(budget=48))
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["score"] > summary["start_score"] + 0.1
    assert not summary["alarm"]
    assert summary["budget"]["renders"] <= 48
    assert summary["budget"]["test_renders"] == 32
    assert summary["budget"]["denoiser_evaluations"] == 3 * (summary["budget"]["renders"] + 32 + 3)
    assert summary["budget"]["encoder_calls"] == summary["budget"]["renders"] + 32 + 2
    assert summary["reached"] == (summary["encoding"] == summary["target"])
    assert [entry["encoding"] for entry in summary["candidates"]].count(summary["start_encoding"]) == 1
    assert summary["candidates"][0]["encoding"] == summary["encoding"]
    for names in summary["images"].values():
        assert all((folder / name).is_file() for name in names)
    assert [len(summary["images"][kind]) for kind in ("found", "start", "new")] == [16, 16, 3]
    assert sorted(path.name for path in folder.iterdir()) == ["images", "run.json", "steps.jsonl", "summary.json"]
    assert isinstance(events[0], InputRead)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].summary["sentence"] == summary["sentence"]
    assert sum(isinstance(event, Tried) for event in events) == len(read_step_lines(folder))
    assert sum(isinstance(event, PictureDrawn) for event in events) == 35


def test_run_json__holds_what_fixes_the_run(tmp_path: Path) -> None:
    do_run(tmp_path / "run", make_parts(locked={"scene": "park"}), make_job())
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (run["schema_version"], run["kind"], run["id"], run["seed"]) == (1, "search", "run", 0)
    assert (run["created"], run["command"], run["config"]) == tuple(REQUEST.values())
    assert run["locked"] == {"scene": "park"}
    assert run["start"]["terms"]["scene"] == "park"
    assert run["model"] == {"id": "painter", "digest": "p1", "kind": "painter", "identity": "painter noise=4.0"}
    assert run["judge"]["is_independent"] is True
    assert run["grammar"]["digest"] == GRAMMAR.digest
    assert run["inputs"][0]["file"] == "images/input-0.png"
    assert run["target"]["terms"] == GRAMMAR.space.terms(encode())
    assert len(run["seeds"]["test"]) == 16
    assert not set(run["seeds"]["search"]) & set(run["seeds"]["test"])


def test_finished_run__is_read_back(tmp_path: Path) -> None:
    do_run(tmp_path / "run", make_parts(), make_job())
    run = read_run(tmp_path / "run")
    assert run.is_finished
    assert run.sentence == GRAMMAR.render(run.encoding)
    assert 0.0 <= run.score <= 1.0
    assert all(path.is_file() for paths in run.image_paths.values() for path in paths)


def test_tries__respect_locks_and_phases(tmp_path: Path) -> None:
    events = do_run(tmp_path / "run", make_parts(locked={"scene": "park"}), make_job(budget=24))
    tries = [event for event in events if isinstance(event, Tried)]
    assert {GRAMMAR.space.terms(event.step.encoding)["scene"] for event in tries} == {"park"}
    phases = [event.step.phase for event in tries]
    assert phases == sorted(phases)
    assert phases.count("search") == 16
    assert tries[-1].renders == tries[-1].max_renders == 24
    assert max(event.best.reward for event in tries) == max(
        event.step.reward for event in tries if event.step.phase == "search"
    )


def test_start_that_is_best__is_kept_and_judged_once(tmp_path: Path) -> None:
    do_run(tmp_path / "run", make_parts(), make_job(start="percept"))
    summary = summary_of(tmp_path / "run")
    assert summary["encoding"] == summary["start_encoding"] == summary["target"]
    assert summary["reached"]
    assert (summary["score"], summary["alarm"]) == (summary["start_score"], False)
    assert summary["images"]["found"] == summary["images"]["start"]
    assert summary["budget"]["test_renders"] == 16


def test_budget_of_one_render__still_gives_a_result(tmp_path: Path) -> None:
    do_run(tmp_path / "run", make_parts(), make_job(budget=1))
    summary = summary_of(tmp_path / "run")
    assert (summary["budget"]["renders"], summary["stopped"]) == (1, "budget")
    assert summary["encoding"] == summary["start_encoding"]


@final
class Mistaken(Perception):
    """Takes the input for a bus in a street, and reads every other picture well."""

    def __init__(self, space: EncodingSpace) -> None:
        self.space = space

    def perceive(self, images: ImageBatch) -> list[Percept]:
        seen = Painter().paint(GRAMMAR.render(encode(object="bus", scene="street")), 1)
        mistaken = [seen if np.array_equal(image, make_input(encode()).image) else image for image in images]
        return Reader().perceive(np.stack(mistaken))


def test_alarm__is_raised_where_the_judge_sees_it_otherwise(tmp_path: Path) -> None:
    parts = make_parts(judge=Mistaken(GRAMMAR.space), make_searcher=factored)
    start = {"object": "bus", "count": "two", "density": "no", "scene": "street"}
    do_run(tmp_path / "run", parts, replace(make_job(budget=48, start="given"), start_terms=start))
    summary = summary_of(tmp_path / "run")
    assert summary["encoding"] == summary["target"]
    assert summary["score"] < summary["start_score"]
    assert summary["alarm"] is True


def test_several_pictures__are_one_concept(tmp_path: Path) -> None:
    pictures = tuple(make_input(encode(), seed=seed) for seed in (1, 2, 3))
    job = SearchJob(inputs=pictures, budget=Budget(max_renders=4), num_new=0)
    do_run(tmp_path / "run", make_parts(), job)
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    reader = Reader()
    rows = [reader.perceive(picture.image[None])[0].probabilities[0].astype(float) for picture in pictures]
    assert run["target"]["probabilities"]["object"] == pytest.approx(list(np.mean(rows, axis=0)))
    assert [entry["file"] for entry in run["inputs"]] == [f"images/input-{n}.png" for n in range(3)]


def test_abstention__is_said(tmp_path: Path) -> None:
    do_run(tmp_path / "one", make_parts(unsure_axes=("scene",)), make_job(budget=4))
    do_run(tmp_path / "all", make_parts(unsure_axes=("object", "count", "density", "scene")), make_job(budget=4))
    assert "abstains on scene (perhaps park)" in " ".join(summary_of(tmp_path / "one")["notes"])
    assert "OUTSIDE THE GRAMMAR" in " ".join(summary_of(tmp_path / "all")["notes"])


def test_misreading__moves_target_and_start(tmp_path: Path) -> None:
    job = SearchJob(inputs=(make_input(encode()),), budget=Budget(max_renders=2), misread={"object": "bus"}, num_new=0)
    do_run(tmp_path / "run", make_parts(), job)
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["target"]["terms"]["object"] == run["start"]["terms"]["object"] == "bus"
    assert max(run["target"]["probabilities"]["object"]) == 1.0


def test_given_start__is_completed_by_the_percept_and_must_respect_locks(tmp_path: Path) -> None:
    picture = make_input(encode())
    job = SearchJob(
        inputs=(picture,), budget=Budget(max_renders=2), start="given", start_terms={"object": "bus"}, num_new=0
    )
    do_run(tmp_path / "run", make_parts(), job)
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["start"]["terms"] == {"object": "bus", "count": "two", "density": "no", "scene": "park"}
    bad = SearchJob(inputs=(picture,), budget=Budget(max_renders=2), start="given", start_terms={"scene": "farm"})
    with pytest.raises(EncodingError, match=r"the start .* is not allowed.*Give other terms"):
        do_run(tmp_path / "bad", make_parts(locked={"scene": "park"}), bad)


class Interrupted(BaseException):
    """Stands for a kill: nothing below the test catches it as an error."""


def break_writes(monkeypatch: pytest.MonkeyPatch, *, after: int, torn: bool) -> None:
    """Lets so many writes through; the next one stops half-way, as by a kill."""
    left = [after]

    def dying(write: Callable[[Path, bytes], None]) -> Callable[[Path, bytes], None]:
        def run(path: Path, data: bytes) -> None:
            if left[0] == 0:
                if torn and path.suffix == ".jsonl":
                    with path.open("ab") as file:
                        file.write(data[: len(data) // 2])
                elif torn:
                    path.with_name(f".{path.name}.part").write_bytes(data[: len(data) // 2])
                raise Interrupted
            left[0] -= 1
            write(path, data)

        return run

    for name in ("write_file", "append_file"):
        changed = dying(getattr(durable_files, name))
        monkeypatch.setattr(f"rldf.records.run_store.{name}", changed)


@pytest.mark.parametrize(("make_searcher", "stride"), [(factored, 3), (walk, 1)])
def test_run_stopped_at_any_write__resumes_to_the_uninterrupted_result(
    tmp_path: Path, make_searcher: MakeSearcher, stride: int
) -> None:
    job = make_job(budget=9, num_new=1, batch_size=3, num_test_seeds=2)
    do_run(tmp_path / "whole", make_parts(make_searcher=make_searcher), job)
    whole, steps = summary_of(tmp_path / "whole"), steps_of(tmp_path / "whole")
    points = 0
    for after in range(1, 200, stride):
        folder = tmp_path / str(after)
        with pytest.MonkeyPatch.context() as patch:
            break_writes(patch, after=after, torn=after % 2 == 0)
            try:
                do_run(folder, make_parts(make_searcher=make_searcher), job)
            except Interrupted:
                points += 1
        if (folder / "summary.json").exists():
            break
        do_run(folder, make_parts(make_searcher=make_searcher), job)
        assert summary_of(folder) == whole
        assert steps_of(folder) == steps
        assert not list(folder.rglob("*.part"))
    assert points > 15 // stride  # request, input, run, pictures, batches, test and new pictures, summary


def test_run_killed_at_random_moments__resumes_to_the_uninterrupted_result(tmp_path: Path) -> None:
    do_run(tmp_path / "whole", make_parts(), make_job())
    script = Path(__file__).parent / "tiny_world.py"
    moments = random.Random(0)
    num_killed = 0
    for number in range(3):
        folder = tmp_path / str(number)
        process = subprocess.Popen([sys.executable, str(script), str(folder)], env=dict(os.environ))
        while not (folder / "request.json").exists() and not (folder / "run.json").exists():
            assert process.poll() is None
            time.sleep(0.005)
        time.sleep(moments.random() * 0.4)
        process.send_signal(signal.SIGKILL)
        num_killed += process.wait() == -signal.SIGKILL
        do_run(folder, make_parts(), make_job())
        assert summary_of(folder) == summary_of(tmp_path / "whole")
        assert steps_of(folder) == steps_of(tmp_path / "whole")
    assert num_killed > 0


def take(events: "list[SearchEvent]", folder: Path, *, count: int, error: type[BaseException]) -> None:
    with RunStore.create(folder, request=REQUEST) as store:
        for event in run_search(make_parts(), make_job(), store=store, request=REQUEST):
            events.append(event)
            if len(events) == count:
                if error is GeneratorExit:
                    return
                raise error


def test_closed_generator__leaves_the_best_so_far_and_how_to_go_on(tmp_path: Path) -> None:
    events: list[SearchEvent] = []
    take(events, tmp_path / "run", count=6, error=GeneratorExit)
    gc.collect()
    interrupted = json.loads((tmp_path / "run" / "interrupted.json").read_text())
    assert interrupted["reason"] == "interrupted"
    best = max((event.step for event in events if isinstance(event, Tried)), key=lambda step: step.reward)
    assert interrupted["best"]["sentence"] == best.prompt.text
    assert interrupted["best"]["reward"] == best.reward
    assert interrupted["resume"].startswith("rldf runs resume ")
    do_run(tmp_path / "run", make_parts(), make_job())
    assert not (tmp_path / "run" / "interrupted.json").exists()


def test_run_left_at_its_last_event__is_finished(tmp_path: Path) -> None:
    with RunStore.create(tmp_path / "run", request=REQUEST) as store:
        events = run_search(make_parts(), make_job(budget=2, num_new=0), store=store, request=REQUEST)
        assert any(isinstance(event, RunFinished) for event in events)
        del events
        gc.collect()
    assert not (tmp_path / "run" / "interrupted.json").exists()


def test_ctrl_c_while_drawing__leaves_the_best_so_far(tmp_path: Path) -> None:
    calls = [0]

    def press() -> None:
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        do_run(tmp_path / "run", make_parts(painter=Painter(before=press)), make_job())
    interrupted = json.loads((tmp_path / "run" / "interrupted.json").read_text())
    assert interrupted["renders"] == 8
    assert not (tmp_path / "run" / "lock").exists()


def test_resuming_with_another_model__is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    do_run(folder, make_parts(), make_job())
    (folder / "summary.json").unlink()
    with pytest.raises(RecordError, match=r"its model has changed, from 'painter noise=4.0' to 'painter noise=5.0'"):
        do_run(folder, make_parts(painter=Painter(noise=5.0)), make_job())


def test_resuming_with_another_input__is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    do_run(folder, make_parts(), make_job())
    (folder / "summary.json").unlink()
    job = SearchJob(
        inputs=(make_input(encode(object="bus")),), budget=Budget(max_renders=16), start="random", batch_size=4
    )
    with pytest.raises(RecordError, match=r"its target was .*'cow'.* and is now .*'bus'.*start a new run"):
        do_run(folder, make_parts(), job)


@pytest.mark.parametrize(("start", "is_told"), [("percept", True), ("random", False), ("given", False)])
def test_searcher__is_told_what_was_read_where_it_starts_at_the_percept(
    tmp_path: Path, start: StartSource, *, is_told: bool
) -> None:
    told: list[Sequence[Probabilities] | None] = []

    def watching(space: EncodingSpace, begins: Encoding, seed: int, prior: Sequence[Probabilities] | None) -> Searcher:
        told.append(prior)
        return factored(space, begins, seed, prior)

    do_run(tmp_path / "run", make_parts(make_searcher=watching), make_job(start=start, budget=6))
    read = Reader().perceive(make_input(encode()).image[np.newaxis])[0].probabilities
    assert len(told) == 1
    if is_told:
        assert told[0] is not None
        assert [row.tolist() for row in told[0]] == [row.tolist() for row in read]
    else:
        assert told[0] is None
