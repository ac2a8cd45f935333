"""`rldf generate`, `slide`, `ablate` and `runs transfer` with tiny models."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rldf.cli.controls import read_shares
from rldf.presets.config import SearchConfig
from rldf.presets.loading import config_to_dict

if TYPE_CHECKING:
    from tests.cli.conftest import Run

SENTENCE = "a photo of two cows and many people in a park"

SMALLER = """\
name = "smaller"
version = "1"
productions = ["S -> 'a photo of' Noun 'in' Scene"]

[[axes]]
id = "object"
symbol = "Noun"
terms = [{ term = "cow", surface = "a cow" }, { term = "car", surface = "a car" }]

[[axes]]
id = "scene"
symbol = "Scene"
terms = [{ term = "park", surface = "a park" }, { term = "beach", surface = "a beach" }]
"""


def test_generate__balances_and_draws_again_from_the_manifest(run: "Run", tiny: list[str], tmp_path: Path) -> None:
    out = tmp_path / "set"
    told = run(
        "generate", SENTENCE, "-n", "6", "--balance", "count", "--tries", "2", *tiny, "--out", out, "--json"
    ).told
    assert sorted(row["count"] for row in told["cells"]) == [1, 1, 2, 2]
    assert told["drawn"] >= 6
    again = run("generate", out / "manifest.json", "--out", tmp_path / "again", "--json").told
    assert again == {"folder": str(tmp_path / "again"), "pictures": 6, "equal": 6}


def test_generate__tells_of_pictures_that_differ_from_the_manifest(run: "Run", tiny: list[str], tmp_path: Path) -> None:
    out = tmp_path / "set"
    run("generate", SENTENCE, "-n", "1", *tiny[:2], "--out", out)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    manifest["pictures"][0]["seed"] += 1
    (out / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    ran = run("generate", out / "manifest.json")
    assert ran.status == 1
    assert "1 pictures" in ran.out
    assert "0 equal to the bit" in ran.out
    assert "differ from the manifest" in ran.err


def test_generate__plans_without_drawing(run: "Run", tmp_path: Path) -> None:
    told = run("generate", SENTENCE, "-n", "10", "--tries", "3", "--dry-run", "--json").told
    assert told == {"pictures": 10, "max_drawn": 30, "max_cost_usd": 0.0}
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.json"
    told = {"kind": "generate", "schema_version": 2, "config": config_to_dict(SearchConfig()), "pictures": [{}, {}]}
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


def test_generate__plans_a_manifest_without_drawing(run: "Run", manifest: Path) -> None:
    told = run("generate", manifest, "--dry-run", "--json").told
    assert told == {"pictures": 2, "max_drawn": 2, "max_cost_usd": 0.0}
    assert list(manifest.parent.iterdir()) == [manifest]


def test_generate__refuses_options_a_manifest_fixes(run: "Run", manifest: Path) -> None:
    ran = run("generate", manifest, "-n", "8", "--set", "scene=park")
    assert ran.status == 2
    assert "--count, --set cannot be given with a manifest; only --out," in " ".join(ran.err.split())


def test_generate__draws_a_manifest_over_no_pictures_without_force(run: "Run", manifest: Path) -> None:
    old = manifest.parent / "again" / "000000.png"
    old.parent.mkdir()
    old.write_bytes(b"mine")
    ran = run("generate", manifest)
    assert ran.status == 1
    assert "nothing is overwritten. Choose another --out, or give --force." in ran.err
    assert old.read_bytes() == b"mine"


@pytest.mark.parametrize("text", ["age", "age=young", "age=young:x", "=young:1"])
def test_share_of_another_form__is_wrong_usage(run: "Run", text: str) -> None:
    ran = run("generate", SENTENCE, "--share", text)
    assert ran.status == 2
    assert "axis=term:number" in " ".join(ran.err.split())


def test_slide_and_transfer__show_on_the_report(run: "Run", tiny: list[str], picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run("search", picture, *tiny, "--budget", "2", "--out", out)
    strip = run("slide", out, "--axis", "scene", "--json").told
    assert [step["term"] for step in strip["steps"]] == ["farm", "park", "beach", "street"]
    assert Path(strip["picture"]).is_file()
    moved = run("runs", "transfer", out, "--config", "model.steps=1")
    assert moved.status == 0
    assert "elsewhere" in moved.out
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "One axis: scene" in page
    assert "The same words, drawn by" in page


def test_dry_runs__count_pictures_and_draw_nothing(run: "Run", tiny: list[str], picture: Path, tmp_path: Path) -> None:
    assert run("slide", SENTENCE, "--axis", "scene", "--dry-run", "--json").told["pictures"] == 4
    told = run("ablate", "cow", "--grammar", "base", "--budget", "2", "--dry-run", "--json").told
    assert told["max_drawn"] == 3 * 2 + 2 * (2 * 16 + 8) + 2 * 16  # searches, their test and new pictures, comparison
    assert run("ablate", "unicorn", "--dry-run").status == 1
    table = tmp_path / "table.npz"
    assert run("bench", "table", "--out", table, "--dry-run", "--json").told["pictures"] == 480 * (8 + 16)
    out = tmp_path / "run"
    run("search", picture, *tiny, "--budget", "2", "--out", out)
    before = sorted(out.rglob("*"))
    told = run("runs", "transfer", out, "--dry-run", "--json").told
    assert told["pictures"] in (2, 4)  # two test seeds; the start too, where it was not the best
    assert sorted(out.rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_slide__names_an_unknown_axis(run: "Run", tiny: list[str], tmp_path: Path) -> None:
    ran = run("slide", SENTENCE, "--axis", "scenery", *tiny[:2], *tiny[4:6], "--out", tmp_path / "strip")
    assert ran.status == 1
    assert "no axis 'scenery'" in ran.err
    assert "Did you mean 'scene'?" in ran.err


def test_axis_of_other_grammars__is_refused_with_their_names(run: "Run", tiny: list[str], tmp_path: Path) -> None:
    set_of_ages = run("generate", SENTENCE, "-n", "4", "--balance", "age", *tiny[:2], "--out", tmp_path / "set")
    strip = run("slide", SENTENCE, "--axis", "weather", *tiny[:2], "--out", tmp_path / "strip")
    snow = run("generate", SENTENCE, "--set", "weather=snow", *tiny[:2], "--out", tmp_path / "set")
    for ran, axis in ((set_of_ages, "age"), (strip, "weather"), (snow, "weather")):
        assert ran.status == 1
        assert f"the grammar 'base' has no axis '{axis}'" in ran.err
        assert "Grammars that have it: " in ran.err
        assert "control, full" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_ablate__says_what_is_left(run: "Run", tiny: list[str], picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = run("ablate", "animals", picture, "--grammar", "base", "--budget", "2", *tiny, "--out", out)
    assert ran.status == 0
    assert "strongest sentence left" in ran.out
    assert "class kept in" in ran.out
    facts = json.loads((out / "ablation.json").read_text(encoding="utf-8"))
    assert facts["terms"] == {"object": ["cow", "monkey", "sheep"]}
    assert (out / "after" / "report.html").is_file()


def test_share__of_one_axis_may_come_in_parts_and_is_a_number() -> None:
    assert read_shares(["age=young:2", "age=old:1"]) == {"age": {"young": 2.0, "old": 1.0}}


def test_share_that_is_no_number__is_refused(run: "Run", tiny: list[str], tmp_path: Path) -> None:
    ran = run(
        "generate", SENTENCE, *tiny[:2], *tiny[4:6], "--share", "scene=park:nan,farm:1", "--out", tmp_path / "set"
    )
    assert ran.status == 1
    assert "the share of scene=park is nan; a share is a number above 0" in ran.err


def test_what_follows_a_search__goes_on_by_the_same_command(
    run: "Run", tiny: list[str], picture: Path, tmp_path: Path
) -> None:
    smaller = tmp_path / "smaller.toml"
    smaller.write_text(SMALLER, encoding="utf-8")
    further = ["--grammar", smaller, "--continue-after-goal", "--beyond", "base"]
    command = ["search", picture, *tiny, *further, "--budget", "2", "--out", tmp_path / "run"]
    first = run(*command, "--json").told
    steps = (tmp_path / "run" / "steps.jsonl").read_bytes()
    (tmp_path / "run" / "beyond" / "summary.json").unlink()
    again = run(*command, "--json").told
    assert again["beyond"]["encoding"] == first["beyond"]["encoding"]
    assert (tmp_path / "run" / "steps.jsonl").read_bytes() == steps
    other = run(*command, "--budget", "3")
    assert other.status == 1
    assert "was made with other settings" in other.err


def test_what_follows_a_search__is_planned_and_checked_before_it(run: "Run", picture: Path, tmp_path: Path) -> None:
    plain = run("search", picture, "--dry-run", "--json").told
    further = run("search", picture, "--continue-after-goal", "--dry-run", "--json").told
    assert further["max_pictures"] == 2 * plain["max_pictures"]
    people = run("search", picture, "--grammar", "people-classes", "--continue-after-goal", "--out", tmp_path / "run")
    assert people.status == 1
    assert "has no axis 'person', which is searched first" in people.err
    assert not (tmp_path / "run").exists()
    words = run("search", picture, "--captioner", tmp_path / "nowhere", "--out", tmp_path / "run")
    assert words.status == 1
    assert not (tmp_path / "run").exists()


def test_going_on__needs_one_picture_and_a_larger_grammar(run: "Run", picture: Path) -> None:
    several = run("search", picture, picture, "--continue-after-goal")
    assert several.status == 2
    assert "belongs to one search" in " ".join(several.err.split())
    same = run("search", picture, "--grammar", "full", "--continue-after-goal")
    assert same.status == 2
    assert "both are 'full'" in " ".join(same.err.split())
