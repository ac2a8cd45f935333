"""The finished data set, read by the programs it is for; and what verify, repair, estimate and progress say."""

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.datasets.clone_fakes import CLASSES, IDENTITY, BeginFake, FakeGenerator, contents, frozen
from typer.testing import CliRunner

from rldf.cli.main import commands
from rldf.contracts import ShardResult
from rldf.datasets.class_folder import read_class_folder
from rldf.datasets.estimate import estimate_clone
from rldf.datasets.executors import InlineExecutor
from rldf.datasets.export import UNFINISHED, ExportForm, export_clone, folder_names
from rldf.datasets.gates import GateSettings, apply_gates
from rldf.datasets.plan import Plan, PlanSettings, make_plan
from rldf.datasets.plan_store import parquet_bytes, save_plan
from rldf.datasets.progress import ProgressMeter
from rldf.datasets.recipes import recipes_of_name
from rldf.datasets.run import read_status, run_missing
from rldf.datasets.shards import SHARD_SCHEMA, archive_file, make_shard, read_members, read_shard_table, table_file
from rldf.datasets.storage import Storage
from rldf.datasets.tar_files import pack
from rldf.datasets.verdicts import REPORT_FILE, VERDICT_FILE
from rldf.datasets.verify import FRESH_S, repair_clone, verify_clone
from rldf.errors import ConfigError, ImageError, RecordError, StorageError


@pytest.fixture
def clone(tmp_path: Path) -> tuple[Storage, Plan]:
    """A complete clone of 3 classes with 8 training and 2 validation pictures each."""
    storage, plan = frozen(tmp_path / "clone", count=8, validation=2)
    begin = BeginFake(address=storage.address)
    list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=begin))
    return storage, plan


def test_export__imagefolder__has_every_class_with_its_count(clone: tuple[Storage, Plan], tmp_path: Path) -> None:
    storage, plan = clone
    apply_gates(storage, [plan], settings=GateSettings(has_duplicate_gate=False))
    done = export_clone(storage, tmp_path / "out", form="imagefolder")
    assert (done.counts, done.num_left_out) == ({"train": 24, "validation": 6}, 0)
    read = read_class_folder(tmp_path / "out/train")
    assert {name: len(files) for name, files in read.files.items()} == dict.fromkeys(CLASSES, 8)
    card = (tmp_path / "out/README.md").read_text()
    assert "fake generator 1" in card
    assert plan.digest in card
    provenance = json.loads((tmp_path / "out/provenance.json").read_text())
    assert provenance["counts"] == {"train": 24, "validation": 6}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # webdataset leaves files open
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_export__webdataset__is_read_by_webdataset(clone: tuple[Storage, Plan], tmp_path: Path) -> None:
    storage, plan = clone
    export_clone(storage, tmp_path / "out", form="webdataset")
    wds: Any = pytest.importorskip("webdataset")
    samples = list(wds.WebDataset(str(tmp_path / "out/train-000000.tar"), shardshuffle=False).decode("rgb8"))
    assert len(samples) == 24
    assert Counter(sample["cls"] for sample in samples) == {0: 8, 1: 8, 2: 8}
    assert {sample["json"]["class_name"] for sample in samples} == set(CLASSES)
    assert samples[0]["png"].shape == (16, 16, 3)
    native = list(wds.WebDataset(f"{storage.address}/shards/{plan.shard_name(0)}.tar", shardshuffle=False).decode())
    assert len(native) == 4


def test_export__huggingface__is_read_by_datasets(
    clone: tuple[Storage, Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, _ = clone
    export_clone(storage, tmp_path / "out", form="huggingface")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    import pyarrow.parquet as pq

    metadata = json.loads(pq.read_schema(tmp_path / "out/data/train-00000.parquet").metadata[b"huggingface"])
    assert metadata["info"]["features"]["label"]["names"] == list(CLASSES)
    datasets: Any = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 24, "validation": 6}
    row = loaded["train"][0]
    assert row["image"].size == (16, 16)
    assert loaded["train"].features["label"].names == list(CLASSES)


def test_export__without_what_the_gates_left_out(clone: tuple[Storage, Plan], tmp_path: Path) -> None:
    storage, plan = clone
    name = plan.shard_name(0)
    from rldf.datasets.duplicates import mark
    from rldf.datasets.shards import decode_picture, read_pictures

    key, content = next(iter(read_pictures(storage, name)))
    leaked = mark(decode_picture(content, key=key))[None]
    row = plan.shard_pictures(0)[0]
    apply_gates(storage, [plan], settings=GateSettings(real_marks={row.class_name: leaked}))
    done = export_clone(storage, tmp_path / "out", form="imagefolder")
    assert done.num_left_out == 1
    assert not list((tmp_path / "out").rglob(f"{key}.*"))
    card = (tmp_path / "out/README.md").read_text()
    assert "- leak: 1" in card
    assert "- leak: 1 real pictures " in card
    lacking = {"train": {row.class_name: 1}}
    assert done.missing == lacking
    assert "1 planned pictures are missing" in card
    assert json.loads((tmp_path / "out/provenance.json").read_text())["missing"] == lacking


def test_export__folder_not_empty_or_clone_not_complete__refused(tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path / "clone")
    with pytest.raises(RecordError, match="has 0 of 6 shards; a complete one can be exported"):
        export_clone(storage, tmp_path / "out", form="imagefolder")
    list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=BeginFake(address=storage.address)))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").touch()
    with pytest.raises(ConfigError, match=r"is not empty; nothing is overwritten. Choose another --out"):
        export_clone(storage, tmp_path / "out", form="imagefolder")


@pytest.mark.parametrize("place", ["s3://bucket/x", "s3:/bucket/x", "file:///data/x"])
def test_export__url__refused_and_no_folder_of_its_name_is_made(
    clone: tuple[Storage, Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    storage, _ = clone
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=rf"the export is to go to '{place}'; it goes to a folder of this machine"):
        export_clone(storage, place, form="imagefolder")
    with pytest.raises(ConfigError, match="Give one as --out, and copy it from there"):
        export_clone(storage, Path(place), form="imagefolder")
    told = CliRunner().invoke(commands, ["clone", "export", storage.address, "--out", place])
    assert (told.exit_code, place in told.stderr) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["clone"]


def exported(folder: Path) -> dict[str, bytes]:
    """Every file but the one that says when it was made."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "provenance.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def interrupt(storage: Storage, folder: Path, *, form: ExportForm, after: int) -> None:
    calls: list[int] = []

    def stop(number: int) -> None:
        calls.append(number)
        if len(calls) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_clone(storage, folder, form=form, on_pictures=stop)


@pytest.mark.parametrize("form", ["imagefolder", "webdataset", "huggingface"])
def test_export__interrupted__the_same_command_finishes_it(
    clone: tuple[Storage, Plan], tmp_path: Path, form: ExportForm
) -> None:
    storage, _ = clone
    export_clone(storage, tmp_path / "whole", form=form)
    interrupt(storage, tmp_path / "out", form=form, after=26)  # in the second split
    part = exported(tmp_path / "out")
    assert UNFINISHED in part
    cut = max((tmp_path / "out" / name for name in part if name != UNFINISHED), key=lambda path: path.stat().st_mtime)
    cut.write_bytes(cut.read_bytes()[:100])  # as a kill leaves it
    done = export_clone(storage, tmp_path / "out", form=form)
    assert done.counts == {"train": 24, "validation": 6}
    assert exported(tmp_path / "out") == exported(tmp_path / "whole")
    with pytest.raises(ConfigError, match="is not empty; nothing is overwritten"):
        export_clone(storage, tmp_path / "out", form=form)


def test_export__interrupted__goes_on_beside_foreign_files_and_over_none(
    clone: tuple[Storage, Plan], tmp_path: Path
) -> None:
    storage, plan = clone
    out = tmp_path / "out"
    interrupt(storage, out, form="imagefolder", after=5)
    with pytest.raises(ConfigError, match=r"holds part of another export \(form imagefolder\)"):
        export_clone(storage, out, form="webdataset")
    first = sorted(out.rglob("*.png"))[0]
    ours = first.read_bytes()
    for place in (first, out / "README.md"):
        place.write_bytes(b"mine")
        with pytest.raises(ConfigError, match=rf"{place.name}' is not what this export writes there; nothing is over"):
            export_clone(storage, out, form="imagefolder")
        assert place.read_bytes() == b"mine"
        first.write_bytes(ours)
    (out / "README.md").rename(out / "notes.md")
    export_clone(storage, out, form="imagefolder")
    assert (out / "notes.md").read_bytes() == b"mine"
    interrupt(storage, tmp_path / "other", form="imagefolder", after=5)
    row = plan.shard_pictures(0)[0]
    mark = read_shard_table(storage, plan.shard_name(0)).to_pylist()[0]["mark"]
    leaked = np.frombuffer(mark, dtype=np.uint8)[None]
    apply_gates(storage, [plan], settings=GateSettings(real_marks={row.class_name: leaked}))
    with pytest.raises(ConfigError, match="what is gone on with has the same plan, verdicts and form"):
        export_clone(storage, tmp_path / "other", form="imagefolder")


def test_export__interrupted_while_the_card_is_written__is_finished(
    clone: tuple[Storage, Plan], tmp_path: Path
) -> None:
    storage, _ = clone
    out = tmp_path / "out"
    interrupt(storage, out, form="imagefolder", after=5)
    about = json.loads((out / UNFINISHED).read_text())
    (out / UNFINISHED).write_text(json.dumps({**about, "has_pictures": True}))
    (out / "provenance.json").write_text("{")
    export_clone(storage, out, form="imagefolder")
    assert json.loads((out / "provenance.json").read_text())["counts"]["train"] == 24
    assert not (out / UNFINISHED).exists()


def test_export__a_file_or_only_the_beginning_of_a_note_there__refused_or_begun(
    clone: tuple[Storage, Plan], tmp_path: Path
) -> None:
    storage, _ = clone
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"file' is a file; an export needs a folder"):
        export_clone(storage, tmp_path / "file", form="imagefolder")
    (tmp_path / "out").mkdir()
    for name in (UNFINISHED, f"{UNFINISHED}.part"):
        (tmp_path / "out" / name).write_text('{"form": "im')
    assert export_clone(storage, tmp_path / "out", form="imagefolder").counts["train"] == 24


def test_folder_names__of_odd_classes__are_safe() -> None:
    assert folder_names(["cow", "../x", "a/b", ""]) == ["cow", "0001----x", "0002-a-b", "0003-"]


@pytest.mark.parametrize("damage", ["flipped", "truncated", "table", "swapped"])
def test_verify__finds_damage_and_repair_lets_it_be_made_again(clone: tuple[Storage, Plan], damage: str) -> None:
    storage, plan = clone
    before = contents(storage.folder)
    place = storage.folder / "shards" / f"{plan.shard_name(2)}.tar"
    data = bytearray(place.read_bytes())
    match damage:
        case "flipped":
            position = data.index(b"IDAT") + 9
            data[position] ^= 255
            place.write_bytes(bytes(data))
        case "truncated":
            place.write_bytes(bytes(data[: len(data) // 2]))
        case "table":
            table = place.with_suffix(".parquet")
            table.write_bytes(table.read_bytes()[:-20])
        case _:
            place.write_bytes((storage.folder / "shards" / f"{plan.shard_name(1)}.tar").read_bytes())
    left = storage.folder / "shards" / ".left.tar.123.part"
    left.write_bytes(b"half")
    os.utime(left, (time.time() - FRESH_S - 60,) * 2)
    (storage.folder / "shards" / "mine.txt").write_bytes(b"keep")
    found = verify_clone(storage)
    assert not found.is_whole
    assert [problem.shard for problem in found.problems] == [2]
    assert (found.left_overs, found.strays) == ((".left.tar.123.part",), ("mine.txt",))
    repair = repair_clone(storage)
    assert len(repair.removed) == 3
    assert read_status(storage, [plan]).missing == (2,)
    list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=BeginFake(address=storage.address)))
    (storage.folder / "shards" / "mine.txt").unlink()
    assert contents(storage.folder) == before
    assert verify_clone(storage).is_whole


def change_archive(storage: Storage, name: str, change: dict[str, bytes | None]) -> None:
    files: dict[str, bytes | None] = {**dict(read_members(storage, name)), **change}
    storage.write(archive_file(name), pack({file: data for file, data in files.items() if data is not None}))


def change_row(storage: Storage, name: str, change: dict[str, Any]) -> None:
    first, *others = read_shard_table(storage, name).to_pylist()
    table = pa.Table.from_pylist([{**first, **change}, *others], schema=SHARD_SCHEMA)
    storage.write(table_file(name), parquet_bytes(table))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cls": b"999"}, "{key}.cls' is missing, or says something else"),
        ({"cls": None}, "{key}.cls' is missing, or says something else"),
        ({"json": b"{}"}, "{key}.json' is missing, or says something else"),
        ({"txt": b"a cow"}, "{key}.txt' should not be there"),
        ({"png": None}, "picture {key} is missing"),
    ],
)
def test_verify__label_or_text_in_the_archive_changed__found(
    clone: tuple[Storage, Plan], change: dict[str, bytes | None], message: str
) -> None:
    storage, plan = clone
    name, key = plan.shard_name(2), plan.shard_pictures(2)[0].key
    change_archive(storage, name, {f"{key}.{suffix}": data for suffix, data in change.items()})
    found = verify_clone(storage)
    assert [(problem.shard, problem.is_damaged) for problem in found.problems] == [(2, True)]
    assert message.format(key=key) in found.problems[0].what
    assert not found.is_whole


def test_verify__member_is_there_twice__found(clone: tuple[Storage, Plan]) -> None:
    storage, plan = clone
    name = plan.shard_name(2)
    packed = pack(dict(read_members(storage, name)))
    end = len(packed.rstrip(b"\0")) // 512 * 512 + 512  # archives end with empty blocks
    storage.write(archive_file(name), packed[:end] + packed)
    assert "is there twice" in verify_clone(storage).problems[0].what


@pytest.mark.parametrize(
    "change",
    [
        {"terms": "{}"},
        {"recipe": 99},
        {"mark": bytes(80)},
        {"deviation": 3.0},
        {"deviation": None},
        {"width": 17},
        {"num_bytes": 1},
        {"state": "fine"},
        {"state": "blank"},
    ],
    ids=str,
)
def test_verify__row_says_something_else__found(clone: tuple[Storage, Plan], change: dict[str, Any]) -> None:
    storage, plan = clone
    change_row(storage, plan.shard_name(2), change)
    found = verify_clone(storage)
    assert [problem.shard for problem in found.problems] == [2]
    assert "`rldf clone repair` removes the shard" in found.problems[0].what


def test_verify__lossy_pictures__are_whole_and_their_labels_are_checked(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    settings = PlanSettings(generator=IDENTITY, shard_size=4, batch_size=3, picture_format="jpeg", quality=60)
    classes = [recipes_of_name(name) for name in CLASSES]
    plan = save_plan(make_plan(classes, settings=settings, counts={"train": 2}), storage)
    for shard in plan.shards:
        make_shard(plan, shard, storage=storage, image_generator=FakeGenerator())
    assert verify_clone(storage).is_whole
    change_archive(storage, plan.shard_name(0), {f"{plan.shard_pictures(0)[0].key}.cls": b"7"})
    assert not verify_clone(storage).is_whole


def test_repair__left_over_of_a_run_in_progress__stays(clone: tuple[Storage, Plan]) -> None:
    storage, _ = clone
    for name, age_s in ((".fresh.tar.1.part", 60.0), (".old.tar.2.part", FRESH_S + 60.0)):
        place = storage.folder / "shards" / name
        place.write_bytes(b"half")
        os.utime(place, (time.time() - age_s,) * 2)
    done = repair_clone(storage)
    assert (done.removed, done.fresh) == (("shards/.old.tar.2.part",), (".fresh.tar.1.part",))
    assert (storage.folder / "shards/.fresh.tar.1.part").exists()
    told = CliRunner().invoke(commands, ["clone", "repair", storage.address])
    assert "1 left-overs of the last hour were left alone" in told.stdout


@pytest.mark.parametrize("file", [VERDICT_FILE, REPORT_FILE])
def test_repair__damaged_file_of_the_gates__is_removed_and_a_run_makes_it_anew(
    clone: tuple[Storage, Plan], tmp_path: Path, file: str
) -> None:
    storage, plan = clone
    apply_gates(storage, [plan], settings=GateSettings())
    before = {name: storage.read(name) for name in (VERDICT_FILE, REPORT_FILE)}
    storage.write(file, before[file][: len(before[file]) // 2])
    with pytest.raises(RecordError, match="`rldf clone repair` removes it"):
        export_clone(storage, tmp_path / "out", form="imagefolder")
    if file == VERDICT_FILE:
        found = verify_clone(storage)
        assert (found.damaged_gates, found.problems, found.is_whole) == ((VERDICT_FILE,), (), False)
    assert set(repair_clone(storage).removed) == {file, REPORT_FILE}  # a report without verdicts counts for nothing
    assert read_status(storage, [plan]).missing_pictures is None
    apply_gates(storage, [plan], settings=GateSettings())
    assert {name: storage.read(name) for name in before} == before
    assert repair_clone(storage).removed == ()


def test_repair__storage_that_does_not_answer__leaves_the_shard_alone(
    clone: tuple[Storage, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, plan = clone
    before = contents(storage.folder)
    read = Storage.read

    def fail_once(self: Storage, name: str) -> bytes:
        if name == archive_file(plan.shard_name(2)):
            raise StorageError(f"'{name}' cannot be read: connection reset")
        return read(self, name)

    with monkeypatch.context() as patched:
        patched.setattr(Storage, "read", fail_once)
        found = verify_clone(storage)
        assert [(problem.shard, problem.is_damaged) for problem in found.problems] == [(2, False)]
        assert not found.is_whole
        repair = repair_clone(storage)
    assert (repair.removed, repair.unreadable) == ((), (2,))
    assert contents(storage.folder) == before
    assert verify_clone(storage).is_whole


def test_estimate__counts_bytes_hours_and_money(clone: tuple[Storage, Plan]) -> None:
    _, plan = clone
    found = estimate_clone(
        [plan],
        size_px=100,
        pictures_per_second=0.01,
        num_workers=2,
        picture_cost_usd=0.5,
        worker_hour_cost_usd=3.0,
    )
    assert (found.num_pictures, found.num_shards, found.num_classes, found.num_sentences) == (30, 8, 3, 6)
    assert found.counts == {"train": 24, "validation": 6}
    assert found.hours == pytest.approx(30 / 0.01 / 2 / 3600)
    assert found.cost_usd == pytest.approx(30 * 0.5 + 30 / 0.01 / 3600 * 3.0)
    assert found.num_bytes == 30 * (16000 + 400)
    assert (estimate_clone([plan]).hours, estimate_clone([plan]).cost_usd) == (None, None)
    assert estimate_clone([plan], worker_hour_cost_usd=3.0).cost_usd is None
    assert estimate_clone([plan], picture_cost_usd=0.5).cost_usd == pytest.approx(15.0)
    part = estimate_clone([plan], shards={0, 6}, picture_cost_usd=0.5)
    assert (part.num_pictures, part.num_shards, part.counts) == (8, 2, {"train": 4, "validation": 4})
    assert part.cost_usd == pytest.approx(4.0)


def test_progress__tells_speed_and_time_left_of_the_last_shards() -> None:
    now = [0.0]
    meter = ProgressMeter(num_shards=4, pictures_left=40, clock=lambda: now[0])
    for shard in range(2):
        now[0] += 5.0
        result = ShardResult(shard=shard, state="made", num_pictures=9, num_refused=1, seconds=4.0, worker=str(shard))
        told = meter.count(result)
    assert told.pictures_per_second == pytest.approx(2.0)
    assert told.eta_s == pytest.approx(10.0)
    assert (told.pictures, told.num_refused, told.shards_done) == (18, 2, 2)
    assert told.workers["1"].pictures_per_second == pytest.approx(2.5)


def test_class_folder__lists_classes_and_names_what_it_passes_over(tmp_path: Path) -> None:
    for name in ("b/1.png", "a/deep/2.JPG", "a/notes.txt", "loose.png", "empty/readme"):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    read = read_class_folder(tmp_path)
    assert {name: [path.name for path in paths] for name, paths in read.files.items()} == {
        "a": ["2.JPG"],
        "b": ["1.png"],
    }
    assert {Path(file).name: reason for file, reason in read.passed_over} == {
        "notes.txt": "no picture by its name",
        "readme": "no picture by its name",
        "empty": "a class folder without a picture",
        "loose.png": "a picture outside the class folders",
    }
    with pytest.raises(ImageError, match="there is no folder"):
        read_class_folder(tmp_path / "nowhere")
    with pytest.raises(ImageError, match="holds no picture"):
        read_class_folder(tmp_path / "empty")


def test_seeds_of_rows__are_numpy_integers_that_json_can_hold(clone: tuple[Storage, Plan]) -> None:
    _, plan = clone
    assert isinstance(plan.shard_pictures(0)[0].seed, int)
    assert not isinstance(plan.shard_pictures(0)[0].seed, np.integer)
