"""`rldf grammar` and `rldf presets`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rldf.cli.main import commands
from rldf.grammar import load_grammar
from rldf.presets.loading import config_from_dict, load_preset, preset_names


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(commands, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_list__counts_the_states() -> None:
    told = json.loads(run("grammar", "list", "--json")[1])
    states = {grammar["name"]: grammar["states"] for grammar in told["grammars"]}
    assert states["base"] == 480
    assert states["wide"] == 4320
    assert "480 states" in run("grammar", "list")[1]


def test_show__lists_terms_in_order_and_sentences_that_parse() -> None:
    status, out, _ = run("grammar", "show", "base", "--json")
    told = json.loads(out)
    grammar = load_grammar("base")
    assert status == 0
    assert [axis["terms"] for axis in told["axes"]] == [list(axis.terms) for axis in grammar.space.axes]
    assert [grammar.render(grammar.parse(sentence)) for sentence in told["sentences"]] == told["sentences"]


def test_show__says_what_grammars_there_are() -> None:
    status, _, err = run("grammar", "show", "bass")
    assert status == 1
    assert "there is no grammar 'bass'" in err
    assert "Did you mean 'base'?" in err


def test_check__passes_a_good_grammar() -> None:
    assert run("grammar", "check", "base") == (0, "base: nothing is wrong\n", "")


def test_check__names_file_line_and_advice(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('name = "bad"\naxes = 3\n', encoding="utf-8")
    status, out, err = run("grammar", "check", path)
    assert (status, out) == (1, "")
    assert all(line.startswith(f"{path}:") for line in err.splitlines())
    told = json.loads(run("grammar", "check", path, "--json")[1])
    assert told["is_valid"] is False
    assert len(told["problems"]) == len(err.splitlines())


def test_presets_list__names_every_preset() -> None:
    told = json.loads(run("presets", "list", "--json")[1])
    assert [preset["name"] for preset in told["presets"]] == preset_names()


@pytest.mark.parametrize("name", preset_names())
def test_presets_show__prints_what_would_run(name: str) -> None:
    told = json.loads(run("presets", "show", name, "--config", "search.discount=0.5", "--json")[1])
    assert told["config"]["search"]["discount"] == 0.5
    told["config"]["search"]["discount"] = load_preset(name).config.search.discount
    assert config_from_dict(told["config"]) == load_preset(name).config


def test_presets_show__prints_toml_that_reads_back() -> None:
    import tomllib

    out = run("presets", "show", "embedded")[1]
    assert config_from_dict(tomllib.loads(out)) == load_preset("embedded").config


def test_presets_show__suggests_the_setting_that_was_meant() -> None:
    status, _, err = run("presets", "show", "embedded", "--config", "search.discout=0.5")
    assert status == 1
    assert "there is no setting 'search.discout'" in err
    assert "Did you mean 'discount'?" in err


def test_order__puts_terms_of_drawn_pictures_in_a_path_that_is_no_longer(tmp_path: Path) -> None:
    out = tmp_path / "ordered.toml"
    status, printed, err = run("grammar", "order", "base", "--axis", "scene", "--out", out, "--json")
    assert status == 0, err
    told = json.loads(printed)
    ordered = load_grammar(out).space.axis("scene").terms
    assert list(ordered) == told["terms"]
    assert sorted(ordered) == sorted(load_grammar("base").space.axis("scene").terms)
    assert told["new"]["path"] <= told["former"]["path"]
    assert -1 <= told["new"]["rank_correlation"] <= 1
    assert run("grammar", "order", "base", "--axis", "scene", "--out", out)[0] == 1  # nothing is overwritten


def test_order__embeds_sentences_with_a_clip_folder(tiny_models: Path) -> None:
    status, printed, err = run("grammar", "order", "base", "--axis", "object", "--perception", tiny_models / "scorer-a")
    assert status == 0, err
    assert printed.startswith("object: ")
    assert "rank_correlation" in printed


def test_order__names_an_unknown_axis() -> None:
    status, _, err = run("grammar", "order", "base", "--axis", "colour")
    assert status == 1
    assert "there is no axis 'colour'. The axes are: object, count, density, scene." in err
