"""The finished data set, read by the programs it is for; and what verify, repair, estimate and progress say."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.datasets.clone_fakes import CLASSES, BeginFake, contents, frozen

from rldf.contracts import ShardResult
from rldf.datasets.class_folder import read_class_folder
from rldf.datasets.estimate import estimate_clone
from rldf.datasets.executors import InlineExecutor
from rldf.datasets.export import export_clone, folder_names
from rldf.datasets.gates import GateSettings, apply_gates
from rldf.datasets.plan import Plan
from rldf.datasets.progress import ProgressMeter
from rldf.datasets.run import read_status, run_missing
from rldf.datasets.shards import archive_file
from rldf.datasets.storage import Storage
from rldf.datasets.verify import repair_clone, verify_clone
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
    (storage.folder / "shards" / ".left.tar.123.part").write_bytes(b"half")
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
