"""The report of a fine-tuning run: curve, sheets, alarm, budget; from records alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.web.test_report import Page

from rldf.errors import RecordError
from rldf.web import write_report
from rldf.web.charts import Curve, curve_chart

NUM_EPOCHS = 5
GAIN = {
    "base": {"mean": -4.0, "error": 0.1},
    "tuned": {"mean": -3.0, "error": 0.1},
    "gain": {"mean": 1.0, "error": 0.2},
}
SPREAD = {"pairwise": 0.25, "vendi": 3.5, "scorer_class_score": {"object": 4.5}}


def write_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def make_run(folder: Path, *, is_finished: bool = True, first_alarm: int = 99, is_judged: bool = False) -> Path:
    """Writes the folder of a run as `rldf finetune` does, with sheets that turn from blue to red."""
    (folder / "images").mkdir(parents=True)
    header = {
        "kind": "finetune",
        "created": "2026-11-01T10:00:00Z",
        "command": "rldf finetune run",
        "config": {
            "seed": 3,
            "reward": {"parts": ["jpeg-compressibility"], "second": "agreement"},
            "train": {"method": "ddpo-is"},
            "run": {"num_samples": 2},
        },
        "model": {"id": "embedded", "digest": "58bd7ae5"},
        "prompts": {"set": "grammar base", "trained": ["a photo of <one> cow", "two cows"], "unseen": []},
        "device": "cpu",
        "notes": ["The reward is computed by a stand-in."],
        "versions": {"torch": "2.13"},
    }
    (folder / "run.json").write_text(json.dumps(header), encoding="utf-8")
    epochs = [
        {
            "epoch": number,
            "queries": 64 * (number + 1),
            "reward_mean": -4.0 + 0.25 * number,
            "reward_std": 0.5,
            "approx_kl": [0.0, 1e-7 * (number + 1)],
            "clip_fraction": [0.0, 0.125],
            "first_deviation": 0.0,
            "seconds": 12.5,
        }
        for number in range(NUM_EPOCHS)
    ]
    write_lines(folder / "epochs.jsonl", epochs)
    looks = [
        {
            "epoch": number,
            "queries": 64 * number,
            "rewards": [-4.0 + 0.25 * number, -4.0 + 0.25 * number],
            "second": [0.75 - 0.05 * number, 0.75],
            "is_alarm": number >= first_alarm,
        }
        for number in range(NUM_EPOCHS + 1)
    ]
    write_lines(folder / "watch.jsonl", looks)
    for number in range(NUM_EPOCHS + 1):
        sheet = np.zeros((32, 64, 3), dtype=np.uint8)
        sheet[..., 0], sheet[..., 2] = 50 * number, 250 - 50 * number
        Image.fromarray(sheet).save(folder / "images" / f"epoch-{number:06d}.png")
    if is_finished:
        summary = {
            "kind": "finetune",
            "result": str(folder / "lora"),
            "stopped": "alarm" if first_alarm <= NUM_EPOCHS else "budget",
            "result_epoch": min(first_alarm - 1, NUM_EPOCHS),
            "budget": {
                "queries": 320,
                "max_queries": 1024,
                "watched": 12,
                "updates": 10,
                "skipped": 3,
                "seconds": 62.5,
            },
        }
        (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    if is_judged:
        found = {
            "pictures": 8,
            "reward": GAIN,
            "second": GAIN,
            "alarm": False,
            "diversity": {"base": SPREAD, "tuned": {**SPREAD, "vendi": 2.5}},
            "drift": {"frechet": 0.125, "kl_nats": 12.5},
            "features": "embeddings of a scorer",
        }
        attacks = {"honest": {"mean": 0.5, "error": 0.1}, "written on another": {"mean": 0.75, "error": 0.1}}
        told = {"is_fooled": True, "tells_apart": False}
        notes = ["The reward is computed by a stand-in.", "Both rewards share a scorer."]
        evaluation = {
            "alarm": False,
            "prompts": {"trained": found},
            "attacks": {**attacks, **told},
            "second_reward": "agreement",
            "notes": notes,
        }
        (folder / "evaluation.json").write_text(json.dumps(evaluation), encoding="utf-8")
    return folder


def page_of(folder: Path) -> Page:
    return Page(write_report(folder).read_text(encoding="utf-8"))


def test_page__holds_everything_runs_no_script_and_loads_nothing(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path / "run", is_judged=True))
    assert not page.unbalanced
    assert not page.open
    assert page.all("script") == []
    assert all(image["src"].startswith("data:image/webp;base64,") for image in page.all("img"))
    assert [each["id"] for each in page.all("section")] == ["curves", "pictures", "judged", "costs", "again"]
    assert "http://" not in page.html.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page.html


def test_page__tells_curve_sheets_judgement_and_budget(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path / "run", is_judged=True))
    assert "jpeg-compressibility: \u22124.000 → \u22123.000" in page.text["page"]
    assert len(page.all("svg")) == 4
    assert len(page.all("img")) == NUM_EPOCHS + 1
    assert "after 5 epochs · reward \u22122.750, second reward 0.625" in page.text["pictures"]
    assert "a photo of <one> cow" in page.text["pictures"]
    assert "1.0000 ± 0.2000" in page.text["judged"]
    assert "second reward: agreement" in page.text["judged"]
    assert "Vendi score 3.5000 2.5000 \u22121.0000" in page.text["judged"]
    assert "scorer class score, object" in page.text["judged"]
    assert page.text["page"].count("The reward is computed by a stand-in.") == 1
    assert "Both rewards share a scorer." in page.text["page"]
    assert "written on another 0.7500" in page.text["judged"]
    assert "Words printed on a picture raise the reward" in page.text["judged"]
    assert "does not lie above that of the same pictures under another prompt" in page.text["judged"]
    assert "distance, Vendi score and drift on embeddings of a scorer" in page.text["judged"]
    assert "320 of at most 1,024" in page.text["costs"]
    assert "updates left out 3" in page.text["costs"]
    assert "because the budget was used up" in page.text["costs"]
    assert "--lora" in page.text["again"]
    assert page.with_class("alarm") == []


def test_alarm__is_told_with_when_it_came_and_what_was_kept(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path / "run", first_alarm=4))
    assert len([box for box in page.with_class("alarm") if "box" in box["class"]]) == 1
    assert "first seen after epoch 4, at 256 queries" in page.text["page"]
    assert "its result is the model after epoch 3" in page.text["page"]
    assert len(page.with_class("validation")) == 2


def test_alarm_of_a_judgement__names_the_second_reward_that_gave_it(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", is_judged=True)
    header = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    header["config"]["reward"]["second"] = ""
    (folder / "run.json").write_text(json.dumps(header), encoding="utf-8")
    evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    evaluation |= {"alarm": True, "second_reward": "clip-score"}
    (folder / "evaluation.json").write_text(json.dumps(evaluation), encoding="utf-8")
    assert "the second reward (clip-score), on which nothing was trained" in page_of(folder).text["page"]


def test_unfinished_run__says_how_to_go_on(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", is_finished=False)
    for epoch in (2, 3):
        (folder / "checkpoints" / f"epoch-{epoch:06d}").mkdir(parents=True)
    (folder / "checkpoints" / "epoch-000002" / "state.json").write_text("{}")
    page = page_of(folder)
    assert "Of 5 epochs, 2 are kept in a checkpoint" in page.text["page"]
    assert "rldf finetune run --resume" in page.text["page"]
    assert "Budget" not in page.text["costs"]


def test_run_before_its_first_epoch__has_a_page(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", is_finished=False)
    for name in ("epochs.jsonl", "watch.jsonl"):
        (folder / name).unlink()
    page = page_of(folder)
    assert [each["id"] for each in page.all("section")] == ["pictures", "costs", "again"]


def test_many_sheets__are_thinned_out_to_the_first_the_last_and_ten_between(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    for number in range(NUM_EPOCHS + 1, 40):
        Image.new("RGB", (8, 8)).save(folder / "images" / f"epoch-{number:06d}.png")
    page = page_of(folder)
    assert len(page.all("img")) == 12
    assert "12 of 40 sheets" in page.text["pictures"]
    assert "the model as it was given" in page.text["pictures"]
    assert "after 39 epochs" in page.text["pictures"]


def test_damaged_line__is_named(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    (folder / "epochs.jsonl").write_text("{\n", encoding="utf-8")
    with pytest.raises(RecordError, match=r"line 1 of '.*epochs.jsonl' is not JSON.*Restore the file"):
        write_report(folder)


def test_chart__of_small_numbers_has_ticks_that_differ() -> None:
    curve = Curve(points=((1.0, 0.001), (2.0, 0.0025)), style="found", hints=("a", "b"), marks=frozenset({1}))
    svg = str(curve_chart([curve], title="small", x_label="queries"))
    assert "0.0010" in svg
    assert "0.0015" in svg
    assert svg.count("<polygon") == 1
    assert curve_chart([Curve(points=(), style="try", hints=())], title="none", x_label="") == ""
