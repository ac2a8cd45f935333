"""A clone through the command line, with tiny models: plan, run, gates, verify, export, and back."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.datasets.clone_fakes import contents
from typer.testing import CliRunner

from rldf.cli.main import commands
from rldf.datasets.class_folder import read_class_folder
from rldf.datasets.executors import ProcessExecutor
from rldf.datasets.recipes import ClassRecipes, read_recipes
from rldf.grammar import Grammar
from rldf.jobs import clone_plan
from rldf.jobs.clone_plan import open_clone
from rldf.jobs.clone_workers import BeginCloneWorker, build_executor
from rldf.presets.loading import config_to_dict
from rldf.records.pictures import encode_png
from rldf.renderer.drawing import draw


def call(*arguments: str | Path, status: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(commands, [*(str(argument) for argument in arguments), "--json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.stderr
    told: dict[str, Any] = json.loads(result.stdout) if result.stdout else {"error": result.stderr}
    return told


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes with three drawn pictures each, and a file that is no picture."""
    for name in ("cow", "bus"):
        for number in range(3):
            place = tmp_path / "photos" / name / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            terms = {"object": name, "count": "two", "density": "no", "scene": "park"}
            place.write_bytes(encode_png(draw(terms, seed=number)))
    (tmp_path / "photos/cow/notes.txt").write_text("no picture")
    return tmp_path / "photos"


@pytest.fixture
def models(tiny_models: Path) -> list[str]:
    names = {"--model": "generator", "--perception": "scorer-a"}
    return [word for option, name in names.items() for word in (option, str(tiny_models / name))]


def test_clone__from_plan_to_export(photos: Path, models: list[str], tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    choices = ["--sentences", "read", "--inputs", "2", "--vary", "scene", "--train", "6", "--test", "2"]
    small = ["--shard-size", "4", "--batch-size", "2", "--config", "model.steps=1"]
    planned = call("clone", "plan", photos, "--out", clone, *choices, *small, *models, "--speed", "2")
    assert (planned["num_pictures"], planned["num_classes"]) == (16, 2)
    assert planned["hours"] == pytest.approx(16 / 2 / 3600)
    assert planned["num_sentences"] >= 4
    assert planned["cost_usd"] is None  # no price was given
    drawing = json.loads((clone / "clone.json").read_text())["config"]["model"]
    assert (drawing["max_batch_size"], drawing["use_fixed_batches"]) == (2, True)
    assert call("clone", "status", clone)["missing"] == [0, 1, 2, 3]
    assert "holds a plan already" in call("clone", "plan", photos, "--out", clone, *choices, *models, status=1)["error"]
    assert call("clone", "verify", clone, status=1)["is_whole"] is False
    made = call("clone", "run", clone, "--no-gates")
    assert (made["is_whole"], made["pictures_done"], made["verdicts"], made["missing"]) == (True, 16, None, 0)
    gated = call("clone", "run", clone, "--class-rank", "0")
    assert gated["missing"] == 0
    assert gated["verdicts"]["kept"] == 16
    left = call("clone", "run", clone, "--dry-run", "--speed", "2")
    assert (left["num_pictures"], left["num_shards"], left["hours"]) == (0, 0, 0)
    hidden = photos.rename(tmp_path / "elsewhere")
    report = (clone / "gates/report.json").read_bytes()
    assert "was judged by other gates (leak: 6 real" in call("clone", "run", clone, status=1)["error"]
    assert (clone / "gates/report.json").read_bytes() == report
    call("clone", "run", clone, "--force")
    hidden.rename(photos)
    call("clone", "run", clone, "--class-rank", "0", "--force")
    assert (clone / "gates/report.json").read_bytes() == report
    assert call("clone", "verify", clone)["problems"] == {}
    exported = call("clone", "export", clone, "--out", tmp_path / "out")
    assert exported["counts"] == {"train": 12, "test": 4}
    read = read_class_folder(tmp_path / "out/train")
    assert {name: len(files) for name, files in read.files.items()} == {"bus": 6, "cow": 6}
    found = call(
        "evaluate", "distances", photos, tmp_path / "out/train", "--extractor", models[3], "--metric", "frechet"
    )
    assert found["metrics"]["frechet"]["value"] > 0
    assert "fewer than 16 features" in found["metrics"]["frechet"]["warnings"][0]
    assert found["passed_over"]["real"][0]["reason"] == "no picture by its name"


def test_clone_plan__by_search__keeps_its_runs(photos: Path, models: list[str], tmp_path: Path) -> None:
    short = ["--inputs", "1", "--budget", "3", "--config", "result.num_test_seeds=2", "--config", "result.num_new=0"]
    foreseen = call("clone", "plan", photos, "--out", tmp_path / "clone", *short, *models, "--dry-run")
    assert (foreseen["num_searches"], foreseen["num_pictures"]) == (2, 6)
    assert not (tmp_path / "clone").exists()
    planned = call("clone", "plan", photos, "--out", tmp_path / "clone", *short, *models)
    assert planned["counts"] == {"train": 6}
    assert len(list((tmp_path / "clone/search").glob("*/*/summary.json"))) == 2
    assert planned["hours"] > 0  # at the speed of the searches


def test_clone_plan__damaged_pictures__are_told_and_others_take_their_place(
    photos: Path, models: list[str], tmp_path: Path
) -> None:
    for number in range(40):
        (photos / "cow" / f"damaged {number}.png").write_bytes(b"no picture %d" % number)
    plan = ["clone", "plan", str(photos), "--sentences", "read", "--inputs", "2", *models]
    result = CliRunner().invoke(commands, [*plan, "--out", str(tmp_path / "clone"), "--json"])
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("is not an image that can be read") >= 1
    assert json.loads(result.stdout)["num_classes"] == 2
    for path in (photos / "bus").iterdir():
        path.write_bytes(b"")
    told = call(*plan, "--out", tmp_path / "other", status=1)["error"]
    assert "none of the 3 pictures of class 'bus' can be read" in told


def test_clone_plan__from_names__is_the_baseline(photos: Path, models: list[str], tmp_path: Path) -> None:
    planned = call("clone", "plan", photos, "--out", tmp_path / "names", "--sentences", "names", *models)
    assert (planned["num_sentences"], planned["num_pictures"]) == (2, 6)


def test_clone_plan__without_train__keeps_the_other_splits(photos: Path, models: list[str], tmp_path: Path) -> None:
    plan = ["clone", "plan", str(photos), "--sentences", "names", *models, "--validation", "1", "--test", "2"]
    assert call(*plan, "--out", tmp_path / "all", "--dry-run")["num_pictures"] == 2 * (3 + 1 + 2)
    assert call(*plan, "--out", tmp_path / "all")["counts"] == {"train": 6, "validation": 2, "test": 4}
    assert call(*plan, "--out", tmp_path / "none", "--train", "0")["counts"] == {"validation": 2, "test": 4}
    nothing = call("clone", "plan", photos, "--out", tmp_path / "empty", *models, "--train", "0", status=1)
    assert "the clone would hold no picture: train is 0" in nothing["error"]


def test_clone_plan__by_recipes__reads_the_file_once(
    photos: Path, models: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = tmp_path / "recipes.json"
    recipes.write_text(json.dumps({"cow": ["a photo of two cows"], "bus": ["a photo of a bus"]}), encoding="utf-8")
    reads = []

    def counted(path: Path, *, grammar: Grammar) -> list[ClassRecipes]:
        reads.append(path)
        return read_recipes(path, grammar=grammar)

    monkeypatch.setattr(clone_plan, "read_recipes", counted)
    planned = call("clone", "plan", photos, "--out", tmp_path / "clone", "--recipes", recipes, *models)
    assert (planned["num_sentences"], reads) == (2, [recipes])


def test_evaluate_classifier__tells_every_training_set(photos: Path, tmp_path: Path) -> None:
    found = call(
        *("evaluate", "classifier", photos, photos, "--test", photos, "--baseline", f"names={photos}"),
        *("--epochs", "1", "--size", "32", "--seeds", "2", "--out", tmp_path / "states"),
    )
    assert set(found["training_sets"]) == {"real", "synthetic", "names", "mixed"}
    assert found["training_sets"]["mixed"]["num_train"] == 12
    assert found["training_sets"]["real"]["top1_per_seed"].keys() == {"0", "1"}
    assert len(list((tmp_path / "states").glob("*.safetensors"))) == 8


def test_clone__with_a_safety_model__leaves_unsafe_pictures_out(
    photos: Path, models: list[str], tmp_path: Path
) -> None:
    clone, safety = tmp_path / "clone", build_safety_model(tmp_path / "safety", unsafe=0.9)
    plan = ["clone", "plan", str(photos), "--sentences", "names", "--train", "1", *models, "--config", "model.steps=1"]
    assert "there is no model" in call(*plan, "--out", clone, "--safety", tmp_path / "nowhere", status=1)["error"]
    call(*plan, "--out", clone, "--safety", safety)
    build_safety_model(safety, unsafe=0.1)
    told = call("clone", "run", clone, "--no-gates", status=1)["error"]
    assert "a clone has one. Restore that model, or plan anew" in " ".join(told.split())
    build_safety_model(safety, unsafe=0.9)
    told = call("clone", "run", clone, "--no-gates", status=1)
    assert (told["is_whole"], told["missing"]) == (False, 2)  # refused when drawn, whether or not a gate looks
    verified = call("clone", "verify", clone, status=1)
    assert (verified["pictures"], verified["refused"]) == (0, 2)
    assert verified["missing_pictures"] == {"train": {"bus": 1, "cow": 1}}
    call("clone", "run", clone, "--class-rank", "0", "--max-rounds", "0", status=1)
    assert call("clone", "run", clone, "--no-gates", status=1)["missing"] == 2
    assert call("clone", "status", clone)["missing_pictures"] == {"train": {"bus": 1, "cow": 1}}
    told = CliRunner().invoke(commands, ["clone", "export", str(clone), "--out", str(tmp_path / "out")])
    assert "2 pictures of the class counts are missing: 1 train cow, 1 train bus" in told.stdout


@pytest.fixture
def small_clone(photos: Path, models: list[str], tmp_path: Path) -> Path:
    """A plan of four pictures in two shards."""
    choices = ["--sentences", "names", "--train", "2", "--shard-size", "2", "--batch-size", "2"]
    call("clone", "plan", photos, "--out", tmp_path / "clone", *choices, *models, "--config", "model.steps=1")
    return tmp_path / "clone"


def test_clone_run__tells_what_it_does_and_what_comes_next(small_clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rldf.cli.clone_shown._TELL_EVERY_S", 0.0)
    clone, runner = str(small_clone), CliRunner()
    estimate = runner.invoke(commands, ["clone", "run", clone, "--dry-run", "--speed", "2"])
    assert "time       about 2 s" in estimate.stdout
    (small_clone / "quarantine").mkdir()
    (small_clone / "quarantine/000001.json").write_text(json.dumps({"error": "RuntimeError: no"}))
    ran = runner.invoke(commands, ["clone", "run", clone])
    assert ran.exit_code == 1
    assert "note: shards to make: 1, of 2 pictures" in ran.stderr
    assert f"1 shard is in quarantine; `rldf clone repair {clone}` lets the next run try again" in ran.stderr
    assert f"`rldf clone repair {clone}`" in runner.invoke(commands, ["clone", "status", clone]).stdout
    call("clone", "repair", clone)
    ran = runner.invoke(commands, ["clone", "run", clone, "--class-rank", "0"])
    assert ran.exit_code == 0, ran.stderr
    assert f"whole; check it with `rldf clone verify {clone}`, and write it out with `rldf clone export" in ran.stderr
    assert "2 of 2 shards checked" in runner.invoke(commands, ["clone", "verify", clone]).stderr
    export = ["clone", "export", clone, "--out", str(small_clone.with_name("out"))]
    assert "pictures written" in runner.invoke(commands, export).stderr


def test_worker__sent_to_another_process__makes_the_bytes_of_this_one(small_clone: Path) -> None:
    other = open_clone(str(shutil.copytree(small_clone, small_clone.with_name("other"))))
    call("clone", "run", small_clone, "--no-gates")
    begin = BeginCloneWorker(
        address=other.storage.address, config=config_to_dict(other.config), num_workers=2, shares_machine=True
    )
    before = torch.get_num_threads()
    try:
        make = pickle.loads(pickle.dumps(begin))(1)
        assert [make(shard).state for shard in (1, 0)] == ["made", "made"]
    finally:
        torch.set_num_threads(before)
    assert contents(small_clone.with_name("other")) == contents(small_clone)
    executor = build_executor("local", num_workers=2, address="", gpus_per_worker=None, device="cpu")
    assert isinstance(executor, ProcessExecutor)


@pytest.mark.slow  # each worker loads torch and diffusers
def test_clone_run__two_workers__make_the_bytes_of_one(small_clone: Path) -> None:
    other = small_clone.with_name("other")
    shutil.copytree(small_clone, other)
    call("clone", "run", small_clone, "--no-gates")
    assert call("clone", "run", other, "--no-gates", "--workers", "2")["shards_done"] == 2
    assert contents(other) == contents(small_clone)


def build_safety_model(folder: Path, *, unsafe: float) -> Path:
    """A tiny classifier that says the same of every picture."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    labels = {0: "normal", 1: "nsfw"}
    config = ViTConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        image_size=16,
        patch_size=8,
        id2label=labels,
        label2id={label: place for place, label in labels.items()},
    )
    torch.manual_seed(0)
    model = ViTForImageClassification(config)
    head: torch.nn.Module = model.classifier
    assert isinstance(head, torch.nn.Linear)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.tensor([1 - unsafe, unsafe]).log())
    model.save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 16, "width": 16}).save_pretrained(folder)
    return folder
