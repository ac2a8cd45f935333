"""`rldf doctor`, `rldf models`, `rldf cache`."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rldf.cli import models
from rldf.generators.cache import render_folder
from rldf.generators.render_store import RenderStore

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def test_doctor__looks_at_everything_a_search_needs(run: "Run", cache_home: Path) -> None:
    findings = {finding["name"]: finding for finding in run("doctor", "--json").told["findings"]}
    assert {"python", "torch", "device", "cache", "runs", "embedded/generator", "[api]"} <= set(findings)
    assert str(cache_home) in findings["cache"]["value"]
    assert findings["python"]["advice"] == ""


def test_doctor__fails_with_advice_where_models_are_missing(
    run: "Run", monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(models, "embedded_folder", lambda: tmp_path)
    ran = run("doctor")
    assert ran.status == 1
    assert "Install rldf again, or make the models with `rldf world train`." in ran.out
    told = run("doctor", "--json").told
    assert told["is_well"] is False


def test_doctor__finds_models_by_their_digest(run: "Run", monkeypatch: pytest.MonkeyPatch, tiny_models: Path) -> None:
    monkeypatch.setattr(models, "embedded_folder", lambda: tiny_models)
    ran = run("doctor", "--json")
    values = {finding["name"]: finding["value"] for finding in ran.told["findings"]}
    assert values["embedded/scorer-b"].startswith("digest ")
    assert ran.status == 0


def test_models__lists_embedded_ones_and_those_of_presets(
    run: "Run", monkeypatch: pytest.MonkeyPatch, tiny_models: Path
) -> None:
    monkeypatch.setattr(models, "embedded_folder", lambda: tiny_models)
    told = {model["id"]: model for model in run("models", "list", "--json").told["models"]}
    assert len(told["embedded/generator"]["digest"]) == 64
    assert told["CompVis/stable-diffusion-v1-4"]["role"] == "image generator"
    assert told["openai/clip-vit-large-patch14"]["digest"] == ""
    assert "CompVis/stable-diffusion-v1-4" in run("models", "list").out


def test_cache__counts_and_clears_the_pictures_of_all_runs(run: "Run", cache_home: Path) -> None:
    store = RenderStore(render_folder())
    store.write("a" * 64, np.zeros((8, 8, 3), dtype=np.uint8))
    told = run("cache", "show", "--json").told
    assert told["pictures"] == 1
    assert told["bytes"] > 0
    assert told["folder"].startswith(str(cache_home))
    features = render_folder().parent / "features"
    features.mkdir(parents=True)
    for name in (f"{'b' * 64}.npy", f"{'b' * 64}.json", f"set-{'c' * 64}.npy", f".{'b' * 64}.npy.12.part"):
        (features / name).write_bytes(b"12345")
    (features / "mine.json").write_bytes(b"{}")
    told = run("cache", "show", "--json").told
    assert told["features"] == {"folder": str(features), "files": 4, "bytes": 20}
    assert "would lose 4 files of features" in run("cache", "clear", "--dry-run").out
    assert "would lose 1 pictures" in run("cache", "clear", "--dry-run").out
    assert run("cache", "show", "--json").told == told
    assert run("cache", "clear", "--json").told["pictures"] == 1
    assert run("cache", "show", "--json").told["pictures"] == 0
    assert [path.name for path in features.iterdir()] == ["mine.json"]


def test_cache__is_empty_where_nothing_was_drawn(run: "Run") -> None:
    assert "holds 0 pictures, 0.0 MiB" in run("cache", "show").out
