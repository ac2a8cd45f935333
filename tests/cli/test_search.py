"""`rldf search`, `runs`, `encode`, `generate` and `cite` with tiny models, and what bad input brings."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from rldf.grammar import load_grammar

if TYPE_CHECKING:
    from tests.cli.conftest import Run

PROMISED = {"run", "sentence", "encoding", "target", "reached", "alarm", "model", "score", "score_ci95", "start_score"}
LEDGER = {"renders", "cache_hits", "test_renders", "encoder_calls", "seconds", "peak_rss_mib"}


def test_search__leaves_a_run_with_a_report_and_prints_one_object(
    run: "Run", tiny: list[str], picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    ran = run("search", picture, *tiny, "--budget", "3", "--out", out, "--json")
    assert ran.status == 0, ran.err
    assert set(ran.told) >= PROMISED
    assert set(ran.told["budget"]) >= LEDGER
    assert ran.told["budget"]["renders"] <= 3
    assert ran.told["reached"] == (ran.told["encoding"] == ran.told["target"])
    grammar = load_grammar("base")
    assert grammar.render(grammar.space.encode(ran.told["encoding"])) == ran.told["sentence"]
    assert json.loads((out / "summary.json").read_text(encoding="utf-8")) == ran.told
    assert (out / "report.html").is_file()

    shown = run("runs", "show", out)
    assert ran.told["sentence"] in shown.out
    assert run("runs", "show", out, "--json").told == ran.told
    listed = run("runs", "list", tmp_path, "--json").told["runs"]
    assert [(row["run"], row["state"]) for row in listed] == [(str(out), "finished")]
    assert "2311.15648" in run("cite", out).out
    assert len(run("cite", out, "--json").told["references"]) >= 1
    page = run("runs", "report", out, "--out", tmp_path / "page.html", "--json").told["report"]
    assert Path(page).read_text(encoding="utf-8").startswith("<!")


def test_search__prints_sentence_renders_and_report_and_keeps_progress_off_stdout(
    run: "Run", tiny: list[str], picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    ran = run("search", picture, *tiny, "--budget", "2", "--out", out)
    assert [line.split()[0] for line in ran.out.splitlines() if not line.startswith("alarm")] == [
        "sentence",
        "score",
        "renders",
        "report",
    ]
    assert f"report    {out / 'report.html'}" in ran.out
    assert "start: a photo of" in ran.err


def test_search__keeps_locks_and_a_corrected_start(run: "Run", tiny: list[str], picture: Path, tmp_path: Path) -> None:
    ran = run("search", picture, *tiny, "--budget", "3", "--out", tmp_path / "run", "--json",
              "--lock", "scene=beach", "--start-at", "object=bus")  # fmt: skip
    assert ran.told["encoding"]["scene"] == "beach"
    stored = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert stored["start"]["terms"]["object"] == "bus"
    assert stored["start"]["source"] == "given"
    assert stored["locked"] == {"scene": "beach"}


def test_search__of_a_folder_gives_one_line_per_file_and_goes_on_after_a_bad_one(
    run: "Run", tiny: list[str], picture: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    shutil.copy(picture, folder / "b.png")
    (folder / "a.png").write_text("no picture", encoding="utf-8")
    ran = run("search", folder, *tiny, "--budget", "2", "--out", tmp_path / "runs", "--json")
    first, second = map(json.loads, ran.out.splitlines())
    assert ran.status == 1
    assert first["image"].endswith("a.png")
    assert "not an image" in first["error"]
    assert second["sentence"].startswith("a photo of")
    assert (tmp_path / "runs" / "b" / "report.html").is_file()
    assert "1 of 2 pictures failed" in ran.err


def test_search__of_several_pictures_together_is_one_run(
    run: "Run", tiny: list[str], picture: Path, tmp_path: Path
) -> None:
    ran = run("search", picture, picture, "--together", *tiny, "--budget", "2", "--out", tmp_path / "run", "--json")
    assert ran.told["run"] == str(tmp_path / "run")
    assert len(json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["inputs"]) == 2


def test_search__dry_run_counts_pictures_and_writes_nothing(run: "Run", picture: Path, tmp_path: Path) -> None:
    ran = run("search", picture, "--budget", "10", "--out", tmp_path / "run", "--dry-run", "--json")
    assert ran.told["max_renders"] == 10
    assert ran.told["max_pictures"] == 10 + ran.told["max_test_renders"] + ran.told["new_pictures"]
    assert not (tmp_path / "run").exists()


def test_resume__of_a_torn_run_ends_with_the_same_result(
    run: "Run", tiny: list[str], picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    whole = run("search", picture, *tiny, "--budget", "6", "--out", out, "--json").told
    (out / "summary.json").unlink()
    steps = (out / "steps.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (out / "steps.jsonl").write_text("".join(steps[:2]) + steps[2][:20], encoding="utf-8")
    shown = run("runs", "show", out, "--json").told
    assert (shown["state"], shown["tries"]) == ("interrupted", 2)
    assert f"rldf runs resume {out}" in run("runs", "show", out).out
    resumed = run("runs", "resume", out, "--json").told
    for told in (whole, resumed):
        for volatile in ("seconds", "peak_rss_mib", "cache_hits"):
            del told["budget"][volatile]
    assert resumed == whole


def test_search__refuses_a_folder_in_use_unless_forced(
    run: "Run", tiny: list[str], picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    ran = run("search", picture, *tiny, "--budget", "2", "--out", out)
    assert ran.status == 1
    assert "is not empty: it holds notes.txt" in ran.err
    assert "--force" in ran.err
    assert run("search", picture, *tiny, "--budget", "2", "--out", out, "--force").status == 0
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["text.png", "truncated.png", "bomb.png", "missing.png"])
@pytest.mark.parametrize("command", ["search", "encode"])
def test_bad_picture__is_one_clear_line(
    run: "Run", tiny: list[str], picture: Path, tmp_path: Path, name: str, command: str
) -> None:
    path = tmp_path / name
    match name:
        case "text.png":
            path.write_text("I am no picture", encoding="utf-8")
        case "truncated.png":
            path.write_bytes(picture.read_bytes()[:2000])
        case "bomb.png":
            Image.new("1", (20_000, 20_000)).save(path)
    out = ["--out", tmp_path / "run", "--judge", tiny[5]] if command == "search" else []
    ran = run(command, path, *tiny[:4], *out)
    assert ran.status == 1
    assert ran.out == ""
    assert len([line for line in ran.err.splitlines() if line.startswith("error: ")]) == 1
    assert str(path) in ran.err


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_unreadable_picture__is_one_clear_line(run: "Run", picture: Path, tmp_path: Path) -> None:
    path = tmp_path / "locked.png"
    shutil.copy(picture, path)
    path.chmod(0)
    ran = run("encode", path)
    assert ran.status == 1
    assert "cannot be read" in ran.err


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--model", "/no/such/model", "there is no model '/no/such/model'"),
        ("--lock", "sceen=park", "there is no axis 'sceen'. The axes are: object, count, density, scene. Did you mean"),
        ("--lock", "scene=parc", "axis 'scene' has no term 'parc'. It has: farm, park, beach, street. Did you mean"),
        ("--grammar", "bass", "there is no grammar 'bass'"),
        ("--preset", "fast", "there is no preset 'fast'"),
        ("--config", "search.discout=1", "there is no setting 'search.discout'"),
        ("--config", "search.discount=3", "the setting search.discount is 3; it must be from 0 to 1"),
        ("--device", "gpu", "model.device is 'gpu'"),
    ],
)
def test_unknown_names__are_told_with_what_is_allowed(
    run: "Run", tiny: list[str], picture: Path, tmp_path: Path, option: str, value: str, message: str
) -> None:
    ran = run("search", picture, *tiny, "--budget", "2", "--out", tmp_path / "run", option, value)
    assert (ran.status, ran.out) == (1, "")
    assert message in ran.err


def test_folder_that_is_no_model__is_told(run: "Run", tiny: list[str], picture: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = run("search", picture, *tiny, "--out", tmp_path / "run", "--model", empty)
    assert ran.status == 1
    assert f"the folder '{empty}' is no model" in ran.err


def test_run_of_another_version__is_told(run: "Run", tiny: list[str], picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run("search", picture, *tiny, "--budget", "2", "--out", out)
    stored = json.loads((out / "run.json").read_text(encoding="utf-8"))
    (out / "run.json").write_text(json.dumps({**stored, "schema_version": 99}), encoding="utf-8")
    for command in (["runs", "show"], ["runs", "resume"], ["runs", "report"], ["cite"], ["generate"]):
        ran = run(*command, out)
        assert ran.status == 1
        assert "version 99" in ran.err
    assert run("runs", "list", tmp_path, "--json").told["runs"][0]["state"] == "unreadable"


@pytest.mark.parametrize("command", [["runs", "show"], ["runs", "resume"], ["runs", "report"], ["cite"]])
def test_folder_that_is_no_run__is_told(run: "Run", tmp_path: Path, command: list[str]) -> None:
    ran = run(*command, tmp_path)
    assert (ran.status, ran.out) == (1, "")
    assert "it has no run.json" in ran.err


def test_encode__prints_encoding_sentence_and_probabilities(run: "Run", tiny: list[str], picture: Path) -> None:
    told = run("encode", picture, *tiny[:4], "--json").told
    assert {"encoding", "sentence", "probabilities"} <= set(told)
    for axis, row in told["probabilities"].items():
        assert sum(row.values()) == pytest.approx(1.0)
        assert max(row, key=row.__getitem__) == told["encoding"][axis]
    assert len(run("encode", picture, picture, *tiny[:4], "--json").told["images"]) == 2
    assert f"{picture}: {told['sentence']}" in run("encode", picture, *tiny[:4]).out


def test_generate__draws_a_sentence_and_the_words_of_a_run(
    run: "Run", tiny: list[str], picture: Path, tmp_path: Path
) -> None:
    sentence = "a photo of two cows and many people in a park"
    ran = run("generate", sentence, "-n", "3", *tiny[:2], "--out", tmp_path / "new", "--set", "scene=beach", "--json")
    assert ran.told["sentence"] == "a photo of two cows and many people in a beach"
    assert len({picture["seed"] for picture in ran.told["pictures"]}) == 3
    assert all(Path(picture["file"]).is_file() for picture in ran.told["pictures"])

    found = run("search", picture, *tiny, "--budget", "2", "--out", tmp_path / "run", "--json").told
    assert run("generate", tmp_path / "run", "-n", "1", "--json").told["sentence"] == found["sentence"]


def test_generate__says_which_words_it_cannot_read(run: "Run", tiny: list[str], tmp_path: Path) -> None:
    ran = run("generate", "a photo of two cowz in a park", *tiny[:2], "--out", tmp_path / "new")
    assert ran.status == 1
    assert "cowz" in ran.err


def test_interrupted_search__exits_with_130_and_says_how_to_go_on(
    tiny: list[str], picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    heeds_interrupts = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a shell may ignore them
    )
    program = [sys.executable, "-c", f"{heeds_interrupts}; from rldf.cli.main import app; app()"]
    search = subprocess.Popen(
        [*program, "search", picture, *tiny, "--budget", "400", "--searcher", "random", "--out", out, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (out / "steps.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    search.send_signal(signal.SIGINT)
    printed, said = search.communicate(timeout=60)
    assert search.returncode == 130
    assert printed == ""
    assert f"Go on with: rldf runs resume {out}" in said
    assert (out / "interrupted.json").is_file()
    assert (out / "steps.jsonl").stat().st_size > 0


def test_search__learns_from_a_run_and_refuses_what_makes_no_sense(
    run: "Run", tiny: list[str], picture: Path, tmp_path: Path
) -> None:
    assert run("search", picture, *tiny, "--budget", "3", "--out", tmp_path / "first").status == 0
    ran = run("search", picture, *tiny, "--budget", "3", "--out", tmp_path / "next", "--learn-from", tmp_path / "first")
    assert ran.status == 0, ran.err
    told = json.loads((tmp_path / "next/run.json").read_text(encoding="utf-8"))
    assert told["config"]["search"]["learn_from"] == [str(tmp_path / "first")]
    alone = run("search", picture, *tiny, "--learn")
    assert (alone.status, "--learn is for several pictures" in alone.err) == (2, True)
    nowhere = run("search", picture, *tiny, "--out", tmp_path / "third", "--learn-from", tmp_path / "nowhere")
    assert (nowhere.status, "not the folder of a finished search" in nowhere.err) == (1, True)
    assert not (tmp_path / "third").exists()
