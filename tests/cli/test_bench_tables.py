"""`rldf bench paper --table 1|2`: options reach the study, and the other tables are untouched."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rldf.cli import workflows
from rldf.cli.main import commands
from rldf.jobs.clone_study import CloneStudy
from rldf.jobs.clone_tables import Row, StudyTable


def test_paper__more_classes_than_objects__refused_before_anything_is_drawn(tmp_path: Path) -> None:
    words = ["bench", "paper", "--table", "2", "--classes", "11", "--out", str(tmp_path / "out")]
    ran = CliRunner().invoke(commands, words)
    assert ran.exit_code == 1
    assert "11 classes were asked for, and the grammar 'base' has 10 objects" in " ".join(ran.stderr.split())
    assert not (tmp_path / "out").exists()


SIZES = ["--classes", "7", "--pictures", "30", "--tests", "9", "--epochs", "4", "--runs", "2"]


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (["--table", "1", "--wide", "wide", "--force"], "--wide, --force cannot be given with --table 1; only --out,"),
        (["--table", "2", "--quick", *SIZES[:2]], "--classes cannot be given with --table 2 --quick; only --out,"),
        (["--classes", "7", "--epochs", "4"], "--classes, --epochs cannot be given with --table base; only --out,"),
    ],
)
def test_paper__options_of_other_tables_are_refused(words: list[str], refused: str, tmp_path: Path) -> None:
    ran = CliRunner().invoke(commands, ["bench", "paper", "--out", str(tmp_path / "out"), *words])
    assert ran.exit_code == 2
    assert refused in " ".join(ran.stderr.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("more", "sizes"), [(SIZES, (7, 30, 9, 4, 2)), (["--quick"], (3, 8, 4, 1, 1))])
def test_paper__options_of_the_tables__are_those_of_the_study(
    more: list[str], sizes: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, CloneStudy, Path]] = []

    def make(number: int, study: CloneStudy, folder: Path, *, announce: object) -> StudyTable:
        del announce
        asked.append((number, study, folder))
        row = Row(name="clone", values=(1.5,), spreads=(None,), paper=(2.0,))
        return StudyTable(number=number, columns=("real",), rows=(row,), findings=("found",), notes=("noted",))

    monkeypatch.setattr(workflows, "make_table", make, raising=False)
    words = ["bench", "paper", "--table", "1", "--out", str(tmp_path), "--grammar", "wide", "--workers", "2", *more]
    ran = CliRunner().invoke(commands, [*words, "--json"])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["rows"] == {"clone": {"real": {"value": 1.5, "spread": None, "paper": 2.0}}}
    ((number, study, folder),) = asked
    assert (number, folder, study.num_workers) == (1, tmp_path, 2)
    assert study.config is not None
    assert study.config.grammar.name == "wide"
    assert (study.num_classes, study.num_train, study.num_test, study.epochs, study.num_seeds) == sizes
    shown = CliRunner().invoke(commands, words).stdout
    assert "| clone | 1.5 (2) |" in shown
