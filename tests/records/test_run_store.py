"""The run folder: one writer, whole files, torn tails."""

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import SoftFileLock

from rldf.errors import RecordError
from rldf.records import (
    RunStore,
    StoredStep,
    axes_to_json,
    encoding_to_json,
    find_runs,
    read_json,
    read_run,
    read_step_lines,
    step_to_json,
)
from rldf.space import Encoding, EncodingSpace

REQUEST = {"created": "2026-01-02T03:04:05+00:00", "command": "rldf search cow.png", "config": {}}


def write_run(folder: Path, space: EncodingSpace, steps: list[StoredStep]) -> None:
    with RunStore.create(folder, request=REQUEST) as store:
        start = {**encoding_to_json(space, Encoding((0, 0))), "sentence": "a cow"}
        store.write_run({"grammar": {"axes": axes_to_json(space)}, "start": start})
        store.append_steps([step_to_json(space, step) for step in steps])


def test_create__refuses_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(RecordError, match=r"is not empty: it holds letter\.txt.*--out.*--force"):
        RunStore.create(tmp_path, request=REQUEST)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_create__with_force_removes_the_old_run_and_nothing_else(
    tmp_path: Path, space: EncodingSpace, step: StoredStep
) -> None:
    folder = tmp_path / "run"
    write_run(folder, space, [step])
    (folder / "images" / "000000.png").write_bytes(b"old")
    (folder / "letter.txt").write_text("mine")
    RunStore.create(folder, request=REQUEST, force=True).close()
    assert sorted(path.name for path in folder.iterdir()) == ["images", "letter.txt", "request.json"]
    assert list((folder / "images").iterdir()) == []


def test_create__under_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match=r"run'? cannot be made: .*Choose another --out"):
        RunStore.create(tmp_path / "file" / "run", request=REQUEST)


def test_two_writers__of_one_folder_are_refused_with_one_line(tmp_path: Path) -> None:
    with RunStore.create(tmp_path / "run", request=REQUEST):
        message = rf'being written by another process .*"pid": {os.getpid()}'
        with pytest.raises(RecordError, match=message) as caught:
            RunStore.create(tmp_path / "run", request=REQUEST, force=True)
        assert "\n" not in str(caught.value)
        with pytest.raises(RecordError, match=message):
            RunStore.reopen(tmp_path / "run")
    RunStore.reopen(tmp_path / "run").close()


def test_lock__of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from rldf.records import RunStore;"
        "store = RunStore.create(Path(sys.argv[1]), request={}); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], check=False)
    assert ran.returncode == -9
    assert (tmp_path / "run" / "lock").exists()
    RunStore.reopen(tmp_path / "run").close()
    assert not (tmp_path / "run" / "lock").exists()


def test_lock__that_keeps_and_removes_its_file_itself_is_left_to_do_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rldf.records.lock.FileLock", SoftFileLock)  # as on Windows, where an open file stays
    with RunStore.create(tmp_path / "run", request=REQUEST):
        with pytest.raises(RecordError, match=r"being written by another process \(.+\); one run") as caught:
            RunStore.reopen(tmp_path / "run")
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "run" / "lock").exists()


def test_lock__is_given_back_by_any_thread(tmp_path: Path) -> None:
    store = RunStore.create(tmp_path / "run", request=REQUEST)
    thread = threading.Thread(target=store.close)
    thread.start()
    thread.join()
    RunStore.reopen(tmp_path / "run").close()


def test_reopen__of_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"there is no run in .*has no run\.json.*rldf runs list"):
        RunStore.reopen(tmp_path)


def test_reopen__removes_half_written_files(tmp_path: Path) -> None:
    RunStore.create(tmp_path / "run", request=REQUEST).close()
    half = tmp_path / "run" / "images" / ".000000.png.part"
    half.write_bytes(b"half")
    RunStore.reopen(tmp_path / "run").close()
    assert not half.exists()


def test_torn_last_line__is_dropped_on_reading_and_cut_off_on_resuming(
    tmp_path: Path, space: EncodingSpace, step: StoredStep
) -> None:
    write_run(tmp_path / "run", space, [step])
    path = tmp_path / "run" / "steps.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"step": 1, "phase": "sea')
    assert len(read_step_lines(tmp_path / "run")) == 1
    with RunStore.reopen(tmp_path / "run") as store:
        store.keep_steps(1)
    assert path.read_bytes() == whole


def test_damaged_line__in_the_middle_is_refused(tmp_path: Path, space: EncodingSpace, step: StoredStep) -> None:
    write_run(tmp_path / "run", space, [step])
    path = tmp_path / "run" / "steps.jsonl"
    path.write_bytes(b"{half\n" + path.read_bytes())
    with pytest.raises(RecordError, match=r"steps\.jsonl' line 1 is not JSON.*start a new run"):
        read_run(tmp_path / "run")


def test_run__of_another_version_is_refused_with_advice(tmp_path: Path, space: EncodingSpace) -> None:
    write_run(tmp_path / "run", space, [])
    path = tmp_path / "run" / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 2}))
    with pytest.raises(
        RecordError, match=r"has schema version 2; this rldf reads version 1.*Use the rldf that wrote it"
    ):
        read_run(tmp_path / "run")


def test_read_json__says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"no\.json' cannot be read: No such file.*Give the folder"):
        read_json(tmp_path / "no.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(RecordError, match=r"bad\.json' is not JSON.*start a new run"):
        read_json(tmp_path / "bad.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(RecordError, match=r"list\.json' holds no JSON object"):
        read_json(tmp_path / "list.json")


def test_read_run__of_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"there is no run in .*rldf runs list"):
        read_run(tmp_path)


def test_full_disk__is_said_and_leaves_whole_lines(
    tmp_path: Path, space: EncodingSpace, step: StoredStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(tmp_path / "run", space, [step])
    path = tmp_path / "run" / "steps.jsonl"
    whole = path.read_bytes()

    def no_space(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with RunStore.reopen(tmp_path / "run") as store:
        monkeypatch.setattr(os, "fsync", no_space)
        with pytest.raises(RecordError, match=r"steps\.jsonl' cannot be written: No space left.*Free space.*resume"):
            store.append_steps([step_to_json(space, step)])
        with pytest.raises(RecordError, match=r"summary\.json' cannot be written: No space left"):
            store.write_summary({"score": 1.0})
        with pytest.raises(RecordError, match=r"000001\.png' cannot be written"):
            store.write_image("000001.png", b"png")
    assert path.read_bytes() == whole
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == ["images", "run.json", "steps.jsonl"]
    assert list((tmp_path / "run" / "images").iterdir()) == []


def test_unfinished_run__tells_its_best_try(tmp_path: Path, space: EncodingSpace, step: StoredStep) -> None:
    write_run(tmp_path / "run", space, [step])
    run = read_run(tmp_path / "run")
    assert not run.is_finished
    assert run.terms == {"object": "bus", "people": "one"}
    assert run.sentence == "a bus and one person"
    assert run.image_paths == {}
    with pytest.raises(RecordError, match=r"is not finished after 1 tries; finish it with `rldf runs resume"):
        _ = run.score


def test_untouched_run__tells_its_start(tmp_path: Path, space: EncodingSpace) -> None:
    write_run(tmp_path / "run", space, [])
    run = read_run(tmp_path / "run")
    assert (run.terms, run.sentence) == ({"object": "cow", "people": "no"}, "a cow")


def test_other_kind_of_run__is_passed_over_and_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "tuned").mkdir()
    (tmp_path / "tuned" / "run.json").write_text('{"schema_version": 1, "kind": "finetune"}')
    assert find_runs(tmp_path) == []
    with pytest.raises(RecordError, match=r"a run of the kind 'finetune', not a search.*rldf runs list"):
        read_run(tmp_path / "tuned")


def test_find_runs__finds_a_run_and_the_runs_of_a_folder(tmp_path: Path, space: EncodingSpace) -> None:
    write_run(tmp_path / "b", space, [])
    write_run(tmp_path / "a", space, [])
    (tmp_path / "other").mkdir()
    assert find_runs(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert find_runs(tmp_path / "a") == [tmp_path / "a"]
