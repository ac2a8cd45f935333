"""What is left out, for which reason, and what replaces it."""

import json
from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image as PillowImage
from tests.datasets.clone_fakes import BLANK, CLASSES, IDENTITY, BeginFake, FakeGenerator, frozen

from rldf.arrays import Image, ImageBatch
from rldf.contracts import ImageEmbedder, ImageGenerator
from rldf.datasets.class_check import ClassCheck
from rldf.datasets.duplicates import Likeness, alike, has_alike, later_repeats, mark
from rldf.datasets.executors import InlineExecutor
from rldf.datasets.gates import GateSettings, apply_gates
from rldf.datasets.plan import Plan, PlanSettings, make_plan, make_top_up
from rldf.datasets.plan_store import load_rounds, parquet_bytes, parquet_table, save_plan
from rldf.datasets.recipes import ClassRecipes, Recipe
from rldf.datasets.run import read_status, run_missing
from rldf.datasets.shards import Screen, draw_shard, make_shard, read_pictures, read_shard_table
from rldf.datasets.storage import Storage
from rldf.datasets.verdicts import (
    MAX_UNREADABLE,
    REPORT_FILE,
    VERDICT_FILE,
    read_report,
    read_verdicts,
    require_same_gates,
)
from rldf.datasets.verify import repair_clone, verify_clone
from rldf.errors import ConfigError, RecordError, StorageError
from rldf.records.percept import Prompt


class MeanColour(ImageEmbedder):
    """Sees the mean colour of a picture and nothing else."""

    def __init__(self) -> None:
        self.num_seen = 0

    def embed_images(self, images: ImageBatch) -> np.ndarray:
        self.num_seen += len(images)
        colours = images.reshape(len(images), -1, 3).astype(np.float64).mean(axis=1) - 128
        return np.asarray(colours / np.linalg.norm(colours, axis=1, keepdims=True), dtype=np.float32)


class Scripted(ImageGenerator):
    """Draws the same scripted picture for a sentence, whatever the seed, where the script has one."""

    def __init__(self, script: dict[str, Image]) -> None:
        self._script = script
        self._inner = FakeGenerator()

    @property
    def identity(self) -> str:
        return IDENTITY

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        images = self._inner.generate(prompts, seeds=seeds)
        for position, prompt in enumerate(prompts):
            if prompt.text in self._script:
                images[position] = self._script[prompt.text]
        return images


def scene(seed: int) -> Image:
    """A smooth random picture."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, size=(5, 5, 3), dtype=np.uint8)
    picture = PillowImage.fromarray(coarse).resize((64, 64), PillowImage.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.uint8)


def brighter(image: Image) -> Image:
    return np.asarray(np.minimum(image.astype(np.int16) + 4, 255), dtype=np.uint8)


def as_jpeg(image: Image, quality: int) -> Image:
    buffer = BytesIO()
    PillowImage.fromarray(image).save(buffer, format="JPEG", quality=quality)
    with PillowImage.open(buffer) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.uint8)


def test_marks__saved_anew_is_alike_and_another_scene_is_not() -> None:
    scenes = [scene(seed) for seed in range(60)]
    marks = np.stack([mark(image) for image in scenes])
    again = np.stack([mark(as_jpeg(image, 30)) for image in scenes])
    small = np.stack([mark(np.asarray(PillowImage.fromarray(image).resize((40, 40)))) for image in scenes])
    np.testing.assert_array_equal(alike(marks, again, likeness=Likeness()), np.eye(60, dtype=bool))
    np.testing.assert_array_equal(alike(marks, small, likeness=Likeness()), np.eye(60, dtype=bool))


def test_marks__flat_pictures_of_two_colours__are_not_alike() -> None:
    flat = np.stack([mark(np.full((16, 16, 3), value, dtype=np.uint8)) for value in (20, 200)])
    np.testing.assert_array_equal(alike(flat, flat, likeness=Likeness()), np.eye(2, dtype=bool))


def test_later_repeats__a_chain_keeps_every_second_picture() -> None:
    steps = [scene(0)]
    for _ in range(3):
        shifted = steps[-1].astype(np.int16) + 8  # colours 8 apart are alike, 16 apart are not
        steps.append(np.clip(shifted, 0, 255).astype(np.uint8))
    marks = np.stack([mark(image) for image in steps])
    pairs = alike(marks, marks, likeness=Likeness())
    assert pairs[0, 1]
    assert pairs[1, 2]
    assert not pairs[0, 2]
    assert later_repeats(marks, likeness=Likeness()).tolist() == [False, True, False, True]


def test_has_alike__is_true_where_any_pair_is() -> None:
    rng = np.random.default_rng(0)
    scenes = [scene(seed) for seed in range(40)]
    marks = np.stack([mark(image) for image in scenes])
    others = np.stack([mark(brighter(scenes[place])) for place in rng.permutation(40)[:25]] + [mark(scene(99))])
    for likeness in (Likeness(), Likeness(max_bits=256), Likeness(max_bits=110, max_colour=60)):
        expected = alike(marks, others, likeness=likeness).any(axis=1)
        np.testing.assert_array_equal(has_alike(marks, others, likeness=likeness), expected)
        assert expected.any()
        assert not expected.all()
    assert has_alike(marks[:0], others, likeness=Likeness()).tolist() == []
    assert not has_alike(marks, others[:0], likeness=Likeness()).any()


def planned(folder: Path, recipes: dict[str, Sequence[str]], *, count: int) -> tuple[Storage, Plan]:
    classes = [
        ClassRecipes(name=name, recipes=tuple(Recipe(sentence=text) for text in texts))
        for name, texts in recipes.items()
    ]
    settings = PlanSettings(generator=IDENTITY, shard_size=4, batch_size=3, picture_format="png")
    storage = Storage(str(folder))
    return storage, save_plan(make_plan(classes, settings=settings, counts={"train": count}), storage)


def make_all(storage: Storage, plan: Plan, generator: ImageGenerator) -> None:
    for shard in plan.shards:
        make_shard(plan, shard, storage=storage, image_generator=generator)


def test_blank_picture__is_never_stored_with_a_label(tmp_path: Path) -> None:
    storage, plan = planned(tmp_path, {"cow": [BLANK, "a cow"], "car": ["a car"]}, count=6)
    make_all(storage, plan, FakeGenerator())
    rows = [row for shard in plan.shards for row in read_shard_table(storage, plan.shard_name(shard)).to_pylist()]
    stored = {key for shard in plan.shards for key, _ in read_pictures(storage, plan.shard_name(shard))}
    blank = {row["key"] for row in rows if row["sentence"] == BLANK}
    assert len(blank) == 3
    assert {row["state"] for row in rows if row["key"] in blank} == {"blank"}
    assert stored == {row["key"] for row in rows} - blank
    report = apply_gates(storage, [plan], settings=GateSettings())
    assert report.counts["blank"] == 3
    assert report.missing[0].tolist() == [3, 0]
    found = verify_clone(storage)
    assert (found.problems, found.missing_pictures, found.is_whole) == ((), {"train": {"cow": 3}}, False)


def test_unsafe_picture__is_left_out_and_its_score_is_kept(tmp_path: Path) -> None:
    _, plan = planned(tmp_path, {"cow": ["a cow"]}, count=4)

    def scores(images: ImageBatch) -> list[float]:
        return [float(image[0, 0, 0] % 2) for image in images]

    files = draw_shard(
        plan.shard_pictures(0),
        settings=plan.settings,
        image_generator=FakeGenerator(),
        screen=Screen(unsafe_scores=scores),
    )
    rows = parquet_table(files.table, name="x").to_pylist()
    assert {(row["unsafe_score"], row["state"]) for row in rows} <= {(0.0, "kept"), (1.0, "unsafe")}
    assert files.num_refused == sum(row["unsafe_score"] for row in rows)
    assert 0 < files.num_refused < 4


def test_gates__leak_repeat_and_near_repeat__each_is_counted_in_plan_order(tmp_path: Path) -> None:
    real, repeated = (np.asarray(PillowImage.fromarray(scene(seed)).resize((16, 16))) for seed in (1, 2))
    script = {"leak": brighter(real), "same": repeated, "nearly": brighter(repeated)}
    storage, plan = planned(tmp_path, {"cow": ["leak", "same", "nearly", "a cow"]}, count=8)
    make_all(storage, plan, Scripted(script))
    settings = GateSettings(real_marks={"cow": mark(real)[None]})
    report = apply_gates(storage, [plan], settings=settings)
    verdicts = read_verdicts(storage, [plan])
    sentences = [row.recipe.sentence for shard in plan.shards for row in plan.shard_pictures(shard)]
    told = list(zip(sentences, verdicts, strict=True))
    assert {verdict for text, verdict in told if text == "leak"} == {"leak"}
    assert [verdict for text, verdict in told if text == "a cow"] == ["kept", "kept"]
    pair = [verdict for text, verdict in told if text in {"same", "nearly"}]
    assert pair[0] == "kept"
    assert sorted(pair[1:]) == ["exact-duplicate", "near-duplicate", "near-duplicate"] or sorted(pair[1:]) == [
        "exact-duplicate",
        "exact-duplicate",
        "near-duplicate",
    ]
    assert report.counts["leak"] == 2
    assert report.num_missing == 5


def test_gates__across_classes__leaks_and_exact_repeats_but_not_near_ones(tmp_path: Path) -> None:
    real, shared, near = (np.asarray(PillowImage.fromarray(scene(seed)).resize((16, 16))) for seed in (1, 2, 3))
    script = {
        "a copy": brighter(real),
        "shared 1": shared,
        "shared 2": shared,
        "near 1": near,
        "near 2": brighter(near),
    }
    recipes: dict[str, Sequence[str]] = {
        "cow": ["a copy", "shared 1", "near 1"],
        "car": ["a car", "shared 2", "near 2"],
    }
    storage, plan = planned(tmp_path, recipes, count=3)
    make_all(storage, plan, Scripted(script))
    apply_gates(storage, [plan], settings=GateSettings(real_marks={"car": mark(real)[None]}))
    sentences = [row.recipe.sentence for shard in plan.shards for row in plan.shard_pictures(shard)]
    told = dict(zip(sentences, read_verdicts(storage, [plan]), strict=True))
    assert told["a copy"] == "leak"  # of the other class
    assert sorted([told["shared 1"], told["shared 2"]]) == ["exact-duplicate", "kept"]
    assert {told[name] for name in ("a car", "near 1", "near 2")} == {"kept"}


def test_gates__off_class__is_judged_once_per_shard(tmp_path: Path) -> None:
    storage, plan = planned(tmp_path, {"cow": ["a cow"], "car": ["a car", "a cow"]}, count=6)
    make_all(storage, plan, FakeGenerator())
    embedder = MeanColour()
    check = ClassCheck(embedder, name="mean colour")
    drawn = FakeGenerator()
    for name in ("cow", "car"):
        prompts = [Prompt(text=f"a {name}")] * 3
        check.learn(name, list(drawn.generate(prompts, seeds=[1, 2, 3])))
    report = apply_gates(storage, [plan], settings=GateSettings(class_check=check))
    assert report.counts["off-class"] == 3
    assert report.missing[0].tolist() == [0, 3]
    seen = embedder.num_seen
    assert apply_gates(storage, [plan], settings=GateSettings(class_check=check)).counts == report.counts
    assert embedder.num_seen == seen


def test_gates__leak__names_the_nearest_real_picture(tmp_path: Path) -> None:
    real, other = (np.asarray(PillowImage.fromarray(scene(seed)).resize((16, 16))) for seed in (1, 2))
    storage, plan = planned(tmp_path, {"cow": ["leak", "a cow"]}, count=2)
    make_all(storage, plan, Scripted({"leak": real}))
    near = mark(real).copy()
    near[0] ^= 0b101  # two signs
    marks = {"car": np.stack([mark(other), near]), "cow": mark(brighter(real))[None], "bus": near[None][:0]}
    expected = int(np.bitwise_count(mark(real)[:32] ^ mark(brighter(real))[:32]).sum())
    assert expected < 2
    names = {"car": ["car/1.png", "car/2.png"], "cow": ["cow/deep/1.png"], "bus": []}
    for given, nearest in (
        (GateSettings(real_marks=marks, real_names=names), ("cow/deep/1.png", expected)),
        (GateSettings(real_marks={"car": marks["car"]}, real_names=names), ("car/2.png", 2)),
        (GateSettings(real_marks=marks), (None, expected)),
    ):
        apply_gates(storage, [plan], settings=given)
        table = parquet_table(storage.read(VERDICT_FILE), name="x").to_pylist()
        rows = {row["verdict"]: (row["nearest_real"], row["nearest_real_signs"]) for row in table}
        assert rows == {"leak": nearest, "kept": (None, None)}


def test_gates__real_pictures_that_cannot_be_read__are_named_in_the_report(tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path, count=2)
    list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=BeginFake(address=str(tmp_path))))
    names = tuple(f"cow/{number}.png" for number in range(MAX_UNREADABLE + 3))
    apply_gates(storage, [plan], settings=GateSettings(unreadable=names))
    told = json.loads(storage.read(REPORT_FILE))["unreadable_real"]
    assert told == {"count": MAX_UNREADABLE + 3, "names": list(names[:MAX_UNREADABLE])}
    report = read_report(storage)
    assert report is not None
    assert report.unreadable == list(names[:MAX_UNREADABLE])


def colour_check(embedder: MeanColour) -> ClassCheck:
    check = ClassCheck(embedder, name="mean colour")
    for name in CLASSES:
        check.learn(name, list(FakeGenerator().generate([Prompt(text=f"a {name}")] * 3, seeds=[1, 2, 3])))
    return check


@pytest.mark.parametrize("content", [b"", b"no table", "other column", "too short"], ids=str)
@pytest.mark.parametrize("address", ["folder", "memory"])
def test_gates__damaged_off_class_file__is_judged_again_and_repair_removes_it(
    tmp_path: Path, content: bytes | str, address: str
) -> None:
    MemoryFileSystem.store.clear()
    storage, plan = frozen(tmp_path if address == "folder" else "memory://clone", count=4)
    list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=BeginFake(address=storage.address)))
    embedder = MeanColour()
    settings = GateSettings(class_check=colour_check(embedder))
    apply_gates(storage, [plan], settings=settings)
    assert repair_clone(storage).removed == ()
    report = storage.read(REPORT_FILE)
    (folder,) = {place.rpartition("/")[0] for place in off_class_files(storage)}
    place = f"{folder}/{plan.shard_name(1)}.parquet"
    whole = storage.read(place)
    damaged = {"other column": one_row(names=["x"]), "too short": one_row(names=["is_off_class"])}
    wrong = content if isinstance(content, bytes) else damaged[content]
    storage.write(place, wrong)
    seen = embedder.num_seen
    apply_gates(storage, [plan], settings=settings)
    assert embedder.num_seen == seen + 4  # one shard
    assert (storage.read(place), storage.read(REPORT_FILE)) == (whole, report)
    storage.write(place, wrong)
    removed = () if content == "too short" else (place,)  # that can be read; a run judges it again
    assert repair_clone(storage).removed == removed


def off_class_files(storage: Storage) -> list[str]:
    if storage.is_local:
        return [path.relative_to(storage.folder).as_posix() for path in storage.folder.glob("gates/off-class-*/*")]
    return [name.removeprefix("/clone/") for name in MemoryFileSystem.store if "/gates/off-class-" in name]


def one_row(*, names: list[str]) -> bytes:
    return parquet_bytes(pa.table({name: [True] for name in names}))


def test_gates__storage_that_does_not_answer__is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, plan = frozen(tmp_path, count=2)
    list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=BeginFake(address=str(tmp_path))))
    settings = GateSettings(class_check=colour_check(MeanColour()))
    apply_gates(storage, [plan], settings=settings)
    read = Storage.read

    def fail(self: Storage, name: str) -> bytes:
        if "off-class-" in name:
            raise StorageError(f"'{name}' cannot be read: connection reset")
        return read(self, name)

    monkeypatch.setattr(Storage, "read", fail)
    for act in (lambda: apply_gates(storage, [plan], settings=settings), lambda: repair_clone(storage)):
        with pytest.raises(StorageError, match="connection reset"):
            act()
    assert len(off_class_files(storage)) == plan.num_shards


def test_class_check__rank_2_of_2__lets_all_pass_and_unknown_class_is_refused() -> None:
    check = ClassCheck(MeanColour(), name="mean colour", rank=2)
    images = [np.full((4, 4, 3), value, dtype=np.uint8) for value in ([250, 0, 0], [0, 250, 0])]
    check.learn("red", [images[0]])
    check.learn("green", [images[1]])
    assert not check.is_off_class(images, ["green", "red"]).any()
    with pytest.raises(ConfigError, match="no real pictures of class 'blue'"):
        check.is_off_class(images[:1], ["blue"])


def test_top_up__fills_what_was_left_out_to_the_exact_count(tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path, count=4, sentences=["a cow", BLANK])
    begin = BeginFake(address=str(tmp_path))
    for _ in range(8):
        rounds = load_rounds(storage)
        list(run_missing(storage, rounds, executor=InlineExecutor(), begin_worker=begin))
        report = apply_gates(storage, rounds, settings=GateSettings())
        if not report.num_missing:
            break
        save_plan(make_top_up(rounds[-1], missing=report.missing * 3), storage)
    assert report.num_missing == 0
    assert len(rounds) == 2  # 2 of 4 are blank in each class, then 3 of 6, and one of the other 3 is too many
    verdicts = read_verdicts(storage, rounds)
    assert Counter(verdicts) == {"kept": 4 * len(CLASSES), "blank": 5 * len(CLASSES), "surplus": len(CLASSES)}
    kept = [
        row.class_name
        for row, verdict in zip(
            (row for entry in rounds for shard in entry.shards for row in entry.shard_pictures(shard)),
            verdicts,
            strict=True,
        )
        if verdict == "kept"
    ]
    assert {name: kept.count(name) for name in CLASSES} == dict.fromkeys(CLASSES, 4)
    assert verify_clone(storage).is_whole
    assert plan.digest == load_rounds(storage)[0].digest


def test_read_verdicts__before_the_gates_or_of_an_earlier_round__refused(tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path, count=2)
    with pytest.raises(RecordError, match=r"the gates were not applied in .* Run `rldf clone run`"):
        read_verdicts(storage, [plan])
    list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=BeginFake(address=str(tmp_path))))
    apply_gates(storage, [plan], settings=GateSettings())
    more = save_plan(make_top_up(plan, missing=np.ones((3, 3), dtype=np.int64)), storage)
    with pytest.raises(RecordError, match="are those of an earlier round"):
        read_verdicts(storage, [plan, more])


def test_gates__other_ones_than_before__refused_and_the_verdicts_stay(tmp_path: Path) -> None:
    storage, plan = frozen(tmp_path, count=2)
    list(run_missing(storage, [plan], executor=InlineExecutor(), begin_worker=BeginFake(address=str(tmp_path))))
    strict = GateSettings(real_marks={"cow": mark(scene(1))[None]})
    require_same_gates(storage, GateSettings().about)  # nothing was judged yet
    apply_gates(storage, [plan], settings=strict)
    report = read_report(storage)
    assert report is not None
    assert report.gates == strict.about
    require_same_gates(storage, strict.about)
    other = GateSettings(real_marks={"cow": mark(scene(2))[None]})
    for settings in (GateSettings(), other, GateSettings(real_marks=strict.real_marks, has_duplicate_gate=False)):
        with pytest.raises(RecordError, match=r"was judged by other gates \((leak|duplicates): .*--force to judge all"):
            require_same_gates(storage, settings.about)


def test_status_and_verify__class_counts_are_not_full__said_by_class(tmp_path: Path) -> None:
    storage, plan = planned(tmp_path, {"cow": [BLANK, "a cow"], "car": ["a car"]}, count=4)
    make_all(storage, plan, FakeGenerator())
    assert read_status(storage, [plan]).num_missing is None
    assert verify_clone(storage).missing_pictures == {"train": {"cow": 2}}  # blank ones are none
    apply_gates(storage, [plan], settings=GateSettings())
    status = read_status(storage, [plan])
    assert (status.missing_pictures, status.num_missing, status.is_complete) == ({"train": {"cow": 2}}, 2, True)
