import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rldf.bench import read_rows, read_table, simulated_table, tables, write_table
from rldf.cli.main import commands
from rldf.jobs.bench_tables import models_of
from rldf.presets.build import build_parts
from rldf.presets.config import GrammarConfig, SearchConfig
from rldf.presets.shelf import SHELF
from rldf.testing.simulation import simulated_space


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "small.npz"
    table = simulated_table(
        simulated_space((4, 3, 3)), name="small", num_search_seeds=2, num_test_seeds=2, num_targets=4
    )
    write_table(table, path)
    return path


def run(table: Path, out: Path, *more: str) -> dict[str, object]:
    words = ["bench", "run", "--table", str(table), "--out", str(out), "--methods", "random,percept,hill-climb"]
    ran = CliRunner().invoke(commands, [*words, "--workers", "1", "--budget", "8", "--seeds", "2", "--json", *more])
    assert ran.exit_code == 0, ran.output
    told: dict[str, object] = json.loads(ran.stdout)
    return told


def test_run__writes_the_same_results_and_report_twice(table: Path, tmp_path: Path) -> None:
    told = [run(table, tmp_path / name) for name in ("one", "two")]
    assert told[0]["rows"] == told[1]["rows"]
    for file in ("results.csv", "methods.csv", "plan.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert (tmp_path / "one/report.html").read_bytes() == (tmp_path / "two/report.html").read_bytes()
    rows = read_rows(tmp_path / "one/results.csv")
    assert {(row.method, row.start) for row in rows} == {
        ("random", "cold"),
        ("random", "warm"),
        ("percept", "warm"),
        ("hill-climb", "cold"),
        ("hill-climb", "warm"),
    }
    assert {row.split for row in rows} == {"test"}


def test_run__quick_keeps_what_is_given_and_looks_at_the_largest_budget(table: Path, tmp_path: Path) -> None:
    run(table, tmp_path / "one", "--quick", "--budget", "6", "--start", "cold")
    asked = json.loads((tmp_path / "one" / "plan.json").read_text(encoding="utf-8"))
    assert (asked["max_renders"], asked["num_seeds"], asked["num_targets"]) == (6, 2, 10)
    rows = read_rows(tmp_path / "one/results.csv")
    assert {row.budget for row in rows} == {1, 2, 4, 6}


def test_run__overwrites_nothing_without_force(table: Path, tmp_path: Path) -> None:
    run(table, tmp_path / "one")
    words = ["bench", "run", "--table", str(table), "--out", str(tmp_path / "one")]
    ran = CliRunner().invoke(commands, words)
    assert ran.exit_code == 1
    assert "holds results already" in ran.output
    run(table, tmp_path / "one", "--force")


def test_run__names_an_unknown_method(table: Path, tmp_path: Path) -> None:
    words = ["bench", "run", "--table", str(table), "--out", str(tmp_path / "one"), "--methods", "anneal"]
    ran = CliRunner().invoke(commands, words)
    assert ran.exit_code == 1
    assert "no method 'anneal'" in ran.output
    assert "Did you mean 'annealing'" in ran.output


def test_run__names_an_unknown_table(tmp_path: Path) -> None:
    ran = CliRunner().invoke(commands, ["bench", "run", "--table", "simulated-full", "--out", str(tmp_path)])
    assert ran.exit_code == 1
    assert "simulated-base" in ran.output


def test_report__is_written_again_from_the_results(table: Path, tmp_path: Path) -> None:
    run(table, tmp_path / "one")
    page = tmp_path / "one/report.html"
    before = page.read_bytes()
    page.unlink()
    ran = CliRunner().invoke(commands, ["bench", "report", str(tmp_path / "one")])
    assert ran.exit_code == 0, ran.output
    assert page.read_bytes() == before


def test_report__refuses_a_folder_without_results(tmp_path: Path) -> None:
    ran = CliRunner().invoke(commands, ["bench", "report", str(tmp_path)])
    assert ran.exit_code == 1
    assert "no plan.json" in ran.output


def test_table__overwrites_nothing_without_force(table: Path) -> None:
    ran = CliRunner().invoke(commands, ["bench", "table", "--out", str(table)])
    assert ran.exit_code == 1
    assert "exists already" in ran.output


def invoke(*words: str) -> dict[str, object]:
    ran = CliRunner().invoke(commands, ["bench", *words, "--json"])
    assert ran.exit_code == 0, ran.output
    told: dict[str, object] = json.loads(ran.stdout)
    return told


def test_tune__chooses_settings_that_a_run_takes(table: Path, tmp_path: Path) -> None:
    tuned = tmp_path / "tuned"
    words = ["tune", "--table", str(table), "--out", str(tuned), "--methods", "best-first", "--settings", "3"]
    told = invoke(*words, "--targets", "1", "--seeds", "1", "--workers", "1")
    assert isinstance(told["methods"], dict)
    assert list(told["methods"]) == ["best-first"]
    out = tmp_path / "run"
    words = ["run", "--table", str(table), "--out", str(out), "--methods", "best-first", "--start", "cold"]
    invoke(*words, "--workers", "1", "--budget", "4", "--seeds", "1", "--tuned", str(tuned / "tuned.json"))
    plan = json.loads((out / "plan.json").read_text())
    chosen = json.loads((tuned / "tuned.json").read_text())["methods"]["best-first"]["settings"]
    assert plan["settings"] == {"best-first": chosen}
    again = CliRunner().invoke(commands, ["bench", "tune", "--table", str(table), "--out", str(tuned)])
    assert again.exit_code == 1
    assert "holds tuned settings already" in again.output


def test_transfer__takes_whole_numbers_of_earlier_targets(table: Path) -> None:
    ran = CliRunner().invoke(commands, ["bench", "transfer", "--table", str(table), "--earlier", "one"])
    assert ran.exit_code == 1
    assert "--earlier is 'one'" in ran.output


def test_paper__needs_the_grammar_its_table_was_made_with(table: Path, tmp_path: Path) -> None:
    ran = CliRunner().invoke(commands, ["bench", "paper", "--quick", "--table", str(table), "--out", str(tmp_path)])
    assert ran.exit_code == 1
    assert "no grammar 'small'" in ran.output


@pytest.mark.parametrize(("file", "words"), [("transfer.json", ["transfer", "--out"]), ("confirmed.csv", ["confirm"])])
def test_transfer_and_confirm__overwrite_nothing_without_force(tmp_path: Path, file: str, words: list[str]) -> None:
    (tmp_path / file).write_text("mine")
    ran = CliRunner().invoke(commands, ["bench", *words, str(tmp_path)])
    assert ran.exit_code == 1
    assert "nothing is overwritten" in ran.output
    assert "--force" in ran.output
    assert (tmp_path / file).read_text() == "mine"


def test_paper__overwrites_nothing_without_force(tmp_path: Path) -> None:
    (tmp_path / "findings.csv").write_text("")
    ran = CliRunner().invoke(commands, ["bench", "paper", "--out", str(tmp_path)])
    assert ran.exit_code == 1
    assert "holds results already" in ran.output


def test_table_check__tells_as_json_that_a_table_fits(tmp_path: Path) -> None:
    present = models_of(build_parts(SearchConfig(grammar=GrammarConfig(name="base")), shelf=SHELF))
    fitting = tmp_path / "base.npz"
    write_table(replace(read_table(Path(tables.__path__[0]) / "base.npz"), models=present), fitting)
    assert invoke("table", "--out", str(fitting), "--check") == {
        "table": str(fitting),
        "space": "base",
        "fits_present_weights": True,
    }
