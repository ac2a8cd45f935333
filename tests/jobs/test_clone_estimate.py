"""How fast the searches of a clone drew."""

import json
from pathlib import Path

import pytest

from rldf.jobs.clone_estimate import searched_speed


def write_summary(folder: Path, **budget: float) -> None:
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps({"budget": budget}))


def test_searched_speed__counts_what_was_drawn_anew(tmp_path: Path) -> None:
    assert searched_speed(tmp_path / "nowhere") == 0.0
    write_summary(tmp_path / "cow/run-1", renders=10, test_renders=4, cache_hits=2, seconds=20.0)
    write_summary(tmp_path / "car/run-1", renders=8, test_renders=0, cache_hits=0, seconds=20.0)
    write_summary(tmp_path / "car/run-2", renders=8)  # of another version
    (tmp_path / "car/run-3").mkdir()
    assert searched_speed(tmp_path) == pytest.approx(20 / 40)


def test_searched_speed__all_from_the_cache__is_unknown(tmp_path: Path) -> None:
    write_summary(tmp_path / "cow/run-1", renders=10, test_renders=4, cache_hits=14, seconds=2.0)
    assert searched_speed(tmp_path) == 0.0
