"""The measurements of the world of photographs, each at its smallest."""

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rldf.datasets.duplicates import mark
from rldf.worlds.photos import TRAINING, read_photos

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)


@pytest.fixture
def shared(photo_archive: Path, photo_world: Path) -> list[str]:
    return ["--data", str(photo_archive), "--world", str(photo_world), "--device", "cpu"]


def measure(monkeypatch: pytest.MonkeyPatch, out: Path, part: str, arguments: list[str]) -> dict[str, Any]:
    monkeypatch.setattr(sys, "argv", ["photo_world.py", part, "--out", str(out), *arguments])
    runpy.run_path(str(BENCHMARKS / "photo_world.py"), run_name="__main__")
    told: dict[str, Any] = json.loads((out / "photo-world.json").read_text())[part]
    return told


def test_scorers__are_measured_on_photographs_they_never_saw(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shared: list[str]
) -> None:
    told = measure(monkeypatch, tmp_path, "scorers", shared)
    assert told["test photographs"] == told["validation photographs"] == 10
    for name in ("test a", "test b"):
        assert 0 <= told[name]["top1"] <= told[name]["top5"] <= 1


def test_search__tells_every_way_at_the_same_budget(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shared: list[str]
) -> None:
    told = measure(monkeypatch, tmp_path, "search", [*shared, "--photos", "2", "--renders", "3"])
    ways = {key for key, value in told.items() if isinstance(value, dict)}
    assert ways == {
        "percept, no render",
        *(f"{way}, {reward}" for way in ("factored", "percept-rerank+confirm") for reward in ("agreement", "clip")),
    }
    rows = [json.loads(line) for line in (tmp_path / "search.jsonl").read_text().splitlines()]
    assert len(rows) == 2 * 4
    for way in ways - {"percept, no render"}:
        right = [row["true"] == row["found"] for row in rows if row["way"] == way]
        assert told[way]["top1"] == pytest.approx(np.mean(right))


def test_memorisation__compares_generations_with_test_photographs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shared: list[str]
) -> None:
    told = measure(monkeypatch, tmp_path, "memorisation", [*shared, "--generated", "10", "--draw", "2"])
    assert (told["generations"], told["training photographs"]) == (10, 20)
    assert {path.name for path in tmp_path.iterdir()} == {"photo-world.json", "memorisation.png", "generated.png"}
    assert 0 <= told["share of generations nearer than the bound"] <= 1
    assert told["median distance of generations"] > 0


def test_near_duplicates__are_photographs_known_before(photo_archive: Path) -> None:
    share_alike = runpy.run_path(str(BENCHMARKS / "photo_world.py"))["share_alike"]
    photos = read_photos(photo_archive)
    known = photos.of(*TRAINING).images
    marks = np.stack([mark(image) for image in known])
    assert share_alike(known, marks) == 1.0
    assert share_alike(photos.of("test").images, marks) < 0.5


def test_clone__without_classes_is_named_and_photographs_are_judged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shared: list[str]
) -> None:
    small = ["--per-class", "2", "--inputs", "1", "--sentences", "read", "--epochs", "1", "--compared", "5"]
    told = measure(monkeypatch, tmp_path, "clone", [*shared, *small, "--class-rank", "5", "--rounds", "0"])
    # what an untrained generator draws is grey, and grey pictures get no label
    assert told["clone"]["verdicts"]["kept"] == told["clone"]["pictures"] == told["clone"]["classes"] == 0
    assert set(told["classifier"]) == {"epochs", "real"}
    assert (told["classifier"]["real"]["num_train"], told["classifier"]["real"]["num_test"]) == (20, 10)
    assert set(told["distances"]) == {"test photographs", "sketch", "recoloured", "pictures", "features"}
    assert told["distances"]["test photographs"]["times test photographs"] == 1.0
    assert told["distances"]["sketch"]["times test photographs"] > 1.0


def test_pack__needs_no_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, photo_archive: Path) -> None:
    arguments = ["pack", "--data", str(photo_archive), "--to", str(tmp_path / "part.tar.xz"), "--splits", "test"]
    monkeypatch.setattr(sys, "argv", ["photo_world.py", *arguments])
    runpy.run_path(str(BENCHMARKS / "photo_world.py"), run_name="__main__")
    assert (tmp_path / "part.tar.xz").stat().st_size > 0


def test_shifts__change_every_photograph_and_keep_its_size() -> None:
    shifts = runpy.run_path(str(BENCHMARKS / "photo_shifts.py"))
    rng = np.random.default_rng(0)
    images = np.repeat(np.repeat(rng.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8), 8, axis=1), 8, axis=2)
    sketched, recoloured = shifts["sketch"](images), shifts["recolour"](images)
    assert sketched.shape == recoloured.shape == images.shape
    assert (sketched[..., 0] == sketched[..., 1]).all()  # grey
    difference = np.abs(recoloured.astype(int) - images).mean(axis=(1, 2, 3))
    assert (difference > 20).all()
    np.testing.assert_array_equal(recoloured, shifts["recolour"](images))
