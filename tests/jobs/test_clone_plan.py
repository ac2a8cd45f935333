"""Where the sentences of a clone come from, what is refused and what is said; and files that are no pictures."""

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from PIL import Image as PillowImage
from typer.testing import CliRunner

from rldf.cli.main import commands
from rldf.datasets.verdicts import MAX_UNREADABLE
from rldf.errors import ConfigError, ImageError, UnknownTermError
from rldf.grammar import load_grammar
from rldf.grammar.files import DATA_PATH
from rldf.jobs.clone_plan import ClonePlanned, ClonePlanRequest, choose_sentences, foresee_clone, open_clone, plan_clone
from rldf.jobs.clone_run import CloneFinished, RunRequest, run_clone
from rldf.jobs.clone_sentences import Finding, class_axis, trusted
from rldf.jobs.clone_settings import drawing_settings
from rldf.jobs.search import FileFailed
from rldf.perception.reading import read_image
from rldf.presets.config import ModelConfig, SearchConfig
from rldf.presets.loading import override
from rldf.records.pictures import encode_png
from rldf.renderer.drawing import draw

NUM_HOSTILE = 45
COW = {"object": "cow", "count": "two", "density": "no", "scene": "park"}


def pictures(folder: Path, *, names: Iterable[str] = ("cow", "bus"), count: int = 3) -> Path:
    for name in names:
        for number in range(count):
            place = folder / name / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(encode_png(draw({**COW, "object": name}, seed=number)))
    return folder


def finding(number: int, object_: str, *, has_alarm: bool = False) -> Finding:
    terms = {**COW, "object": object_}
    return Finding(path=Path(f"{number}.png"), sentence=f"{object_} {number}", terms=terms, has_alarm=has_alarm)


@pytest.mark.parametrize(
    ("findings", "kept", "reasons"),
    [
        ([("cow", False)], [0], []),
        ([("cow", True)], [0], []),
        ([("cow", True), ("cow", True)], [0, 1], []),
        ([("cow", False), ("cow", True)], [0], ["the judge finds it worse than the start of its search"]),
        ([("cow", False), ("bus", False), ("cow", False)], [0, 2], ["its object is bus, and most .* found cow"]),
        ([("cow", False), ("bus", False)], [0, 1], []),
        ([("bus", True), ("bus", True), ("cow", False)], [2], ["worse", "worse"]),
        ([("cow", True), ("bus", True), ("bus", True)], [1, 2], ["its object is cow, and most .* found bus"]),
    ],
    ids=str,
)
def test_trusted__no_alarm_and_the_usual_object__while_others_are_there(
    findings: list[tuple[str, bool]], kept: list[int], reasons: list[str]
) -> None:
    rows = [finding(number, object_, has_alarm=alarm) for number, (object_, alarm) in enumerate(findings)]
    found, left_out = trusted(rows, axis="object")
    assert found == tuple(rows[number] for number in kept)
    assert len(left_out) == len(reasons)
    for (_, reason), wanted in zip(left_out, reasons, strict=True):
        with pytest.raises(ValueError, match=wanted):
            raise ValueError(reason)
    assert {each.sentence for each in (*found, *(each for each, _ in left_out))} == {each.sentence for each in rows}


def test_trusted__grammar_without_a_class_axis__looks_at_alarms_alone() -> None:
    rows = [finding(0, "cow"), finding(1, "cow"), finding(2, "bus"), finding(3, "bus", has_alarm=True)]
    assert trusted(rows, axis=None)[0] == tuple(rows[:3])


@pytest.mark.parametrize(
    ("name", "axis"),
    [("base", "object"), ("full", "object"), ("botany", "object"), ("people-classes", "person"), ("sports", None)],
)
def test_class_axis__is_the_object_or_who_comes_first(name: str, axis: str | None) -> None:
    assert class_axis(load_grammar(name)) == axis


def test_plan__finding_with_an_alarm_or_another_object__is_left_out_and_said(
    config: SearchConfig, tmp_path: Path
) -> None:
    folder = pictures(tmp_path / "photos", names=["cow"], count=4)
    request = ClonePlanRequest(folder=folder, out=str(tmp_path / "a"), num_inputs=4, search_out=tmp_path / "search")
    told: list[str] = []
    list(plan_clone(request, config=config, announce=told.append))
    assert not any("cannot learn" in line for line in told)
    grammar = load_grammar("base")
    for number, (object_, scene, has_alarm) in enumerate(
        [("cow", "park", False), ("bus", "park", False), ("cow", "farm", False), ("cow", "beach", True)]
    ):
        place = tmp_path / "search/cow" / str(number) / "summary.json"
        terms = {**COW, "object": object_, "scene": scene}
        sentence = grammar.render(grammar.space.encode(terms))
        summary = {**json.loads(place.read_text()), "encoding": terms, "sentence": sentence, "alarm": has_alarm}
        place.write_text(json.dumps(summary))
    told.clear()
    *_, last = plan_clone(replace(request, out=str(tmp_path / "b")), config=config, announce=told.append)
    assert isinstance(last, ClonePlanned)
    assert [recipe.terms["scene"] for recipe in last.plan.recipes] == ["park", "farm"]
    assert {recipe.terms["object"] for recipe in last.plan.recipes} == {"cow"}
    left_out = [line for line in told if "is left out" in line]
    assert len(left_out) == 2
    assert "'a photo of two cows and no people in a beach', found for" in left_out[0]
    assert "3.png', is left out: the judge finds it worse" in left_out[0]
    assert "1.png', is left out: its object is bus, and most searches of the class found cow" in left_out[1]


def test_plan__searcher_that_cannot_learn__is_said_once(config: SearchConfig, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "photos", count=1)
    told: list[str] = []
    request = ClonePlanRequest(folder=folder, out=str(tmp_path / "clone"), num_inputs=1)
    list(plan_clone(request, config=override(config, ["search.searcher=random"]), announce=told.append))
    assert [line for line in told if "cannot learn" in line] == [
        "The searcher 'random' cannot learn from earlier searches of a class; 'factored' can. Each search begins anew."
    ]


def test_vary__axis_of_the_class_or_none_of_the_grammar__refused_before_anything_is_searched(
    config: SearchConfig, tmp_path: Path
) -> None:
    folder = pictures(tmp_path / "photos", count=1)
    request = ClonePlanRequest(folder=folder, out=str(tmp_path / "clone"), how="read", vary=("scene", "object"))
    for act in (
        lambda asked: list(plan_clone(asked, config=config)),
        lambda asked: foresee_clone(asked, config=config),
    ):
        with pytest.raises(ConfigError, match=r"--vary object would draw other things .* may vary: count, density, sc"):
            act(request)
        with pytest.raises(UnknownTermError, match="the grammar 'base' has no axis 'weather'"):
            act(replace(request, vary=("weather",)))
        with pytest.raises(ConfigError, match="--vary is scene, and sentences come from class names"):
            act(replace(request, how="names", vary=("scene",)))
        with pytest.raises(ConfigError, match="sentences come from one place"):
            act(replace(request, vary=(), recipes=tmp_path / "recipes.json"))
    assert not (tmp_path / "clone").exists()


def test_choose_sentences__nothing_that_is_typed_is_passed_over() -> None:
    file = Path("recipes.json")
    assert choose_sentences(None, recipes=None, given={"--vary": ["scene"], "--budget": 3}) == "search"
    assert choose_sentences("read", recipes=None, given={"--vary": ["scene"], "--inputs": 3}) == "read"
    assert choose_sentences(None, recipes=file, given={"--vary": None, "--inputs": None}) == "recipes"
    assert choose_sentences("recipes", recipes=file, given={}) == "recipes"
    with pytest.raises(
        ConfigError, match=r"--recipes is 'recipes.json', and --sentences is read; .* Leave one of them"
    ):
        choose_sentences("read", recipes=file, given={})
    with pytest.raises(
        ConfigError, match="--inputs is 3, and sentences come from a file of recipes, which it does not"
    ):
        choose_sentences(None, recipes=file, given={"--inputs": 3})
    with pytest.raises(
        ConfigError, match=r"--vary is scene style, and .* class names.*it is for --sentences search or r"
    ):
        choose_sentences("names", recipes=None, given={"--vary": ["scene", "style"]})
    with pytest.raises(ConfigError, match="--budget is 9, and sentences come from perception"):
        choose_sentences("read", recipes=None, given={"--budget": 9})


@pytest.mark.parametrize(
    "options",
    [
        ["--sentences", "names", "--vary", "scene"],
        ["--sentences", "names", "--inputs", "2"],
        ["--recipes", "recipes.json", "--budget", "2"],
        ["--sentences", "search", "--recipes", "recipes.json"],
    ],
    ids=" ".join,
)
def test_command__options_that_contradict_each_other__refused(tmp_path: Path, options: list[str]) -> None:
    folder = pictures(tmp_path / "photos", count=1)
    told = CliRunner().invoke(commands, ["clone", "plan", str(folder), "--out", str(tmp_path / "clone"), *options])
    assert told.exit_code == 1
    assert options[2] in told.stderr
    assert not (tmp_path / "clone").exists()


def test_plan__relative_paths__are_absolute_in_the_clone_and_a_run_from_elsewhere_finds_them(
    config: SearchConfig, tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = pictures(here / "photos")
    for name in ("generator", "scorer-a", "scorer-b"):
        shutil.copytree(tiny_models / name, here / name)
    shutil.copy(DATA_PATH / "base.toml", here / "mine.toml")
    monkeypatch.chdir(here)
    changes = ["model.id=generator", "perception.id=scorer-a", "judge.id=./scorer-b", "grammar.name=mine.toml"]
    request = ClonePlanRequest(folder=folder, out=str(tmp_path / "clone"), how="names", counts={"train": 1})
    asked = override(config, [*changes, "model.steps=1"])
    *_, last = plan_clone(request, config=asked)
    assert isinstance(last, ClonePlanned)
    assert last.plan.settings.about["model"].startswith("generator ")  # as it was given: cards are published
    stored = json.loads((tmp_path / "clone/clone.json").read_text())["config"]
    places = [stored[part][key] for part, key in (("model", "id"), ("perception", "id"), ("judge", "id"))]
    assert places == [str(here / name) for name in ("generator", "scorer-a", "scorer-b")]
    assert stored["grammar"]["name"] == str(here / "mine.toml")
    monkeypatch.chdir(elsewhere)
    *_, done = run_clone(open_clone(str(tmp_path / "clone")), RunRequest(max_rounds=0))
    assert isinstance(done, CloneFinished)
    assert done.status.is_complete


def test_drawing_settings__names_that_are_no_paths__stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("embedded", "base", "none", "lora", "key"):
        (tmp_path / name).mkdir()
    kept = drawing_settings(SearchConfig(model=ModelConfig(adapter="none")), batch_size=4)
    assert (kept.model.id, kept.grammar.name, kept.model.adapter) == ("embedded", "base", "none")
    assert (kept.perception.id, kept.model.autoencoder) == ("", "")
    model = ModelConfig(id="owner/name", adapter="lora", autoencoder="stabilityai/sd-vae-ft-mse", key_file="key")
    found = drawing_settings(SearchConfig(model=model), batch_size=4).model
    assert (found.id, found.autoencoder) == ("owner/name", "stabilityai/sd-vae-ft-mse")
    assert (found.adapter, found.key_file) == (str(tmp_path / "lora"), str(tmp_path / "key"))
    assert (found.max_batch_size, found.use_cache, found.use_fixed_batches) == (4, False, True)
    endpoint = drawing_settings(SearchConfig(model=ModelConfig(id="https://host/v1")), batch_size=4)
    assert endpoint.model.id == "https://host/v1"


def hostile(folder: Path) -> list[str]:
    """Files that were valid pictures once, or never, under names of pictures."""
    rng = np.random.default_rng(3)
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    kinds = [("png", "PNG"), ("jpg", "JPEG"), ("gif", "GIF"), ("webp", "WEBP"), ("bmp", "BMP")]
    for number in range(NUM_HOSTILE):
        suffix, kind = kinds[number % len(kinds)]
        place = folder / f"{number:04d}.{suffix}"
        PillowImage.fromarray(rng.integers(0, 256, size=(16, 16, 3), dtype=np.uint8)).save(place, format=kind)
        place.write_bytes(damaged(place.read_bytes(), way=number % 9, rng=rng))
        names.append(place.name)
    os.mkfifo(folder / "pipe.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "nowhere.jpg").symlink_to(folder / "missing.jpg")
    (folder / "notes.txt").write_text("no picture")
    (folder / os.fsdecode(b"\xff\xfe strange.png")).write_bytes(b"no picture")
    return [*names, "pipe.png", "loop.png", "nowhere.jpg", os.fsdecode(b"\xff\xfe strange.png")]


def damaged(valid: bytes, *, way: int, rng: np.random.Generator) -> bytes:
    """A valid file cut, changed, turned or replaced."""
    content = bytearray(valid)
    match way:
        case 0:
            return valid[: 1 + int(rng.integers(len(valid) // 2))]
        case 1:
            content[:4] = rng.bytes(4)
        case 2:
            for place in rng.integers(0, len(content), size=12):
                content[place] ^= int(rng.integers(1, 256))
        case 3:
            content = content[8:] + content[:8]
        case _:
            header = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
            bomb = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + header + crc32(header).to_bytes(4, "big")
            others = (b"", bomb, rng.bytes(200), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\0" * len(content))
            return others[way - 4]
    return bytes(content)


def is_readable(path: Path) -> bool:
    try:
        read_image(path)
    except ImageError:
        return False
    return True


@pytest.fixture
def odd(tmp_path: Path) -> tuple[Path, set[str]]:
    """A class of pictures and a class of odd files; and the names of those that cannot be read."""
    folder = pictures(tmp_path / "photos", names=["cow"])
    names = hostile(folder / "odd")
    for path in list((folder / "cow").iterdir()):
        shutil.copy(path, folder / "odd" / path.name)
    unreadable = {name for name in names if not is_readable(folder / "odd" / name)}
    assert len(unreadable) > NUM_HOSTILE * 3 // 4
    return folder, unreadable


def test_plan__hostile_files__each_that_cannot_be_read_is_named_and_nothing_crashes(
    config: SearchConfig, odd: tuple[Path, set[str]], tmp_path: Path
) -> None:
    folder, unreadable = odd
    request = ClonePlanRequest(folder=folder, out=str(tmp_path / "clone"), how="read", num_inputs=1000)
    events = list(plan_clone(request, config=config))
    failed = {event.path.name: event.message for event in events if isinstance(event, FileFailed)}
    assert set(failed) == unreadable
    assert all(failed.values())
    assert isinstance(events[-1], ClonePlanned)
    assert [Path(file).name for file, _ in events[-1].passed_over] == ["notes.txt"]


@pytest.mark.parametrize("how", ["read", "names"])
def test_command__hostile_files__are_named_when_read_and_when_compared_with(
    odd: tuple[Path, set[str]], tiny_models: Path, tmp_path: Path, how: str
) -> None:
    folder, unreadable = odd
    clone, models = tmp_path / "clone", [str(tiny_models / name) for name in ("generator", "scorer-a")]
    options = ["--sentences", how, "--train", "2", "--model", models[0], "--perception", models[1]]
    inputs = ["--inputs", "1000"] if how == "read" else []
    steps = ["--config", "model.steps=1"]
    arguments = ["clone", "plan", str(folder), "--out", str(clone), *options, *inputs, *steps]
    told = CliRunner(charset="utf-8").invoke(commands, arguments)
    assert told.exit_code == 0, told.stderr
    named = [name for name in unreadable if name.rpartition(" ")[2] in told.stderr]  # what is no text shows as "?"
    assert len(named) == (len(unreadable) if how == "read" else 0)
    CliRunner().invoke(commands, ["clone", "run", str(clone), "--class-rank", "0", "--max-rounds", "0"])
    report: dict[str, Any] = json.loads((clone / "gates/report.json").read_text(encoding="utf-8"))
    assert len(unreadable) <= MAX_UNREADABLE
    assert report["unreadable_real"]["count"] == len(unreadable)
    assert set(report["unreadable_real"]["names"]) == {f"odd/{shown(name)}" for name in unreadable}


def shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")
