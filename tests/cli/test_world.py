"""`rldf world draw`."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from rldf.cli import workflows
from rldf.cli.main import commands
from rldf.grammar import load_grammar


def draw(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(commands, ["world", "draw", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


def test_draw__prints_encoding_and_sentence_that_belong_together(tmp_path: Path) -> None:
    status, out, err = draw("--seed", "3", "--out", tmp_path / "a.png", "--json")
    told = json.loads(out)
    grammar = load_grammar("base")
    assert (status, err) == (0, "")
    assert grammar.render(grammar.space.encode(told["encoding"])) == told["sentence"]
    assert pixels(tmp_path / "a.png").shape == (128, 128, 3)


def test_draw__same_seed_same_picture_and_words(tmp_path: Path) -> None:
    first = json.loads(draw("--seed", "5", "--out", tmp_path / "a.png", "--json")[1])
    again = json.loads(draw("--seed", "5", "--out", tmp_path / "b.png", "--json")[1])
    other = json.loads(draw("--seed", "6", "--out", tmp_path / "c.png", "--json")[1])
    assert first["encoding"] == again["encoding"] != other["encoding"]
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png"))


def test_draw__keeps_the_axes_that_are_set(tmp_path: Path) -> None:
    for seed in range(4):
        out = tmp_path / f"{seed}.png"
        told = json.loads(
            draw("--seed", f"{seed}", "--set", "scene=park", "--set", "object=cow", "--out", out, "--json")[1]
        )
        assert (told["encoding"]["scene"], told["encoding"]["object"]) == ("park", "cow")


def test_draw__draws_the_wide_space_and_other_sizes(tmp_path: Path) -> None:
    seen = {
        json.loads(
            draw("--space", "wide", "--seed", f"{seed}", "--out", tmp_path / f"{seed}.png", "--size", "64", "--json")[1]
        )["encoding"]["scene"]
        for seed in range(12)
    }
    assert seen - {"farm", "park", "beach", "street"}
    assert pixels(tmp_path / "0.png").shape == (64, 64, 3)


def test_draw__overwrites_only_with_force(tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    out.write_bytes(b"mine")
    status, _, err = draw("--out", out)
    assert status == 1
    assert "exists already; nothing is overwritten. Choose another --out, or give --force." in err
    assert out.read_bytes() == b"mine"
    assert draw("--out", out, "--force")[0] == 0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("scene=parc", "axis 'scene' has no term 'parc'. It has: farm, park, beach, street. Did you mean 'park'?"),
        ("sceen=park", "there is no axis 'sceen'. The axes are: object, count, density, scene. Did you mean 'scene'?"),
    ],
)
def test_draw__names_an_unknown_axis_or_term(tmp_path: Path, setting: str, message: str) -> None:
    status, out, err = draw("--set", setting, "--out", tmp_path / "a.png")
    assert (status, out, err) == (1, "", f"error: {message}\n")
    assert not (tmp_path / "a.png").exists()


def test_draw__says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    status, _, err = draw("--out", tmp_path / "file" / "a.png")
    assert status == 1
    assert err.startswith(f"error: '{tmp_path / 'file'}")


def test_card__measures_each_axis_with_an_interval() -> None:
    result = CliRunner().invoke(commands, ["world", "card", "--encodings", "2", "--seed", "3", "--json"])
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["num_encodings"], told["seed"]) == (2, 3)
    assert set(told["fidelity"]) == {"object", "count", "density", "scene"}
    for fidelity in told["fidelity"].values():
        assert 0 <= fidelity["ci95"][0] <= fidelity["accuracy"] <= fidelity["ci95"][1] <= 1
    assert told["space"] == "base"
    assert set(told["trials"].values()) == {2}
    assert "kappa" not in told


def test_card__writes_a_page_and_never_over_another(tmp_path: Path) -> None:
    command = ["world", "card", "--encodings", "2", "--config", "model.steps=1", "--out", str(tmp_path / "card")]
    result = CliRunner().invoke(commands, command)
    assert result.exit_code == 0, result.stderr
    assert "2 random encodings of 'base', seed 0, read as asked by scorer B:" in result.stdout
    assert {"card.json", "card.html", "sheet.png"} <= {path.name for path in (tmp_path / "card").iterdir()}
    again = CliRunner().invoke(commands, command)
    assert again.exit_code == 1
    assert "exists already; nothing is overwritten. Choose another --out, or give --force." in again.stderr


@pytest.mark.parametrize(("options", "device"), [([], "the best one"), (["--device", "cpu"], "cpu")])
def test_train__takes_the_best_device_unless_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], device: str
) -> None:
    class PlannedError(Exception):
        pass

    def plan_world(*_: object, **settings: object) -> None:
        raise PlannedError(settings["device"])

    monkeypatch.setattr(workflows, "choose_device", lambda name: "the best one" if name == "auto" else name)
    monkeypatch.setattr(workflows, "plan_world", plan_world)
    words = ["world", "train", "--tiny", "--debug", "--out", str(tmp_path / "training"), *options]
    result = CliRunner().invoke(commands, words)
    assert isinstance(result.exception, PlannedError)
    assert result.exception.args == (device,)
