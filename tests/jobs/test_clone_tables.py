"""Tables 1 and 2 with tiny models: every cell filled, nothing made twice."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rldf.datasets.run import CloneStatus
from rldf.errors import ConfigError, RecordError
from rldf.jobs import clone_study
from rldf.jobs.clone_run import CloneFinished, RunRequest
from rldf.jobs.clone_study import CloneStudy, StudySets, quick_study
from rldf.jobs.clone_tables import COLUMNS, make_table, table_as_json, table_as_markdown
from rldf.presets.loading import load_preset, override


@pytest.fixture
def study(tiny_models: Path) -> CloneStudy:
    changes = [f"model.id={tiny_models / 'generator'}", f"perception.id={tiny_models / 'scorer-a'}", "model.steps=1"]
    return CloneStudy(
        config=override(load_preset("embedded").config, changes),
        num_classes=2,
        num_train=3,
        num_test=2,
        how="read",
        num_inputs=1,
        num_spaces=2,
        epochs=1,
        size_px=32,
        num_seeds=1,
        class_rank=0,
        extractor=str(tiny_models / "scorer-b"),
    )


def quiet(line: str) -> None:
    del line


def made_files(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.suffix in {".png", ".jpg", ".tar", ".safetensors"}
    }


def test_table_1__measures_every_set_and_goes_on_with_what_is_there(study: CloneStudy, tmp_path: Path) -> None:
    table = make_table(1, study, tmp_path, announce=quiet)
    assert table.columns == COLUMNS
    assert [row.name for row in table.rows] == [
        f"{name}, {metric}"
        for metric in ("Frechet", "kernel")
        for name in ("real pictures", "class names only", "clone")
    ]
    assert all(value is not None for row in table.rows for value in row.values)
    assert table.rows[2].paper == (180.8, 255.3, 227.5, 303.7, 264.1)
    assert any("fewer than 16 features" in note for note in table.notes)
    with (tmp_path / "table-1.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 6 * 5
    before = made_files(tmp_path)
    again = make_table(1, study, tmp_path, announce=quiet)
    assert (again.rows, made_files(tmp_path)) == (table.rows, before)
    with pytest.raises(RecordError, match=r"holds a study with other settings \(num_train\); .* choose another --out"):
        make_table(1, replace(study, num_train=4), tmp_path, announce=quiet)


def test_table_2__has_the_papers_rows_and_a_classifier_for_each_size_of_space(
    study: CloneStudy, tmp_path: Path
) -> None:
    lines: list[str] = []
    table = make_table(2, study, tmp_path, announce=lines.append)
    names = [
        "validation split of the clone",
        "random sample of the real training pictures",
        "real test pictures",
        "pictures from class names",
    ]
    assert [row.name for row in table.rows] == [
        *names,
        *(f"real test pictures, trained on {size}" for size in ("space-1", "space-4")),
    ]
    assert [row.paper[0] for row in table.rows[:4]] == [85.11, 12.42, 13.16, 49.14]
    assert all(value is not None and 0 <= value <= 100 for row in table.rows[:4] for value in row.values)
    assert "90% wanted" in table.findings[0]
    states = sorted(path.name for path in (tmp_path / "classifiers").iterdir())
    assert states == [f"{n}-0.safetensors" for n in ("mixed", "names", "real", "space-1", "space-4", "synthetic")]
    assert len(list((tmp_path / "space-4-pictures/train").glob("*/*"))) == 6
    sentences = json.loads((tmp_path / "space-4-recipes.json").read_text())
    assert {len(rows) for rows in sentences.values()} == {4}
    told = table_as_json(table)
    assert json.loads((tmp_path / "table-2.json").read_text()) == told
    assert (tmp_path / "table-2.md").read_text() == table_as_markdown(table)
    assert sum("epoch" in line for line in lines) == len(states)  # each was trained once, and tested on all four sets


def test_export_that_was_interrupted__is_written_anew(study: CloneStudy, tmp_path: Path) -> None:
    sets = StudySets(study=study, folder=tmp_path, announce=quiet)
    sets.begin()
    pictures = sets.names_clone()
    names = sorted(path.name for path in pictures.rglob("*.jpg"))
    (pictures / "README.md").unlink()
    for path in (pictures / "train").rglob("*.jpg"):
        path.unlink()
    assert sets.names_clone() == pictures
    assert sorted(path.name for path in pictures.rglob("*.jpg")) == names


def test_study__sizes_that_cannot_be__refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the study's num_classes is 1; it must be 2 or larger"):
        CloneStudy(num_classes=1)
    with pytest.raises(ConfigError, match=r"11 classes were asked for, and the grammar 'base' has 10 objects"):
        StudySets(study=CloneStudy(num_classes=11), folder=tmp_path, announce=quiet).begin()


def test_study__whose_settings_are_damaged__is_refused(tmp_path: Path) -> None:
    sets = StudySets(study=CloneStudy(), folder=tmp_path, announce=quiet)
    sets.begin()
    (told,) = tmp_path.iterdir()
    told.write_bytes(told.read_bytes()[:20])
    with pytest.raises(RecordError, match=r"cannot be read .*choose another --out"):
        sets.begin()


def test_quick_study__is_tiny_and_keeps_the_settings() -> None:
    study = CloneStudy(class_rank=2, epochs=9)
    assert quick_study(study).class_rank == 2
    assert quick_study(study).num_train < 10


def test_study__classes_that_stay_short__name_the_command_that_goes_on(
    study: CloneStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = CloneStatus(
        num_rounds=25,
        num_pictures=9,
        num_shards=3,
        pictures_done=9,
        done=(0, 1, 2),
        quarantined={},
        missing=(),
        missing_pictures={"train": {"cow": 2}},
    )
    asked: list[RunRequest] = []

    def run_short(clone: object, request: RunRequest, **_: object) -> Iterator[CloneFinished]:
        del clone
        asked.append(request)
        yield CloneFinished(status=status, report=None, num_missing=2)

    (tmp_path / "names/plan").mkdir(parents=True)
    (tmp_path / "names/plan/round-000.json").touch()
    monkeypatch.setattr(clone_study, "run_clone", run_short)
    monkeypatch.setattr(clone_study, "open_clone", str)
    with pytest.raises(RecordError, match=r"lacks 2 pictures after 24 top-up rounds.*--class-rank 0 --max-rounds 49"):
        StudySets(study=study, folder=tmp_path, announce=quiet).names_clone()
    assert asked[0].max_rounds == 24
