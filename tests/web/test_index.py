from collections.abc import Callable
from pathlib import Path

import pytest

from rldf.errors import RecordError
from rldf.web import write_index, write_report

MakeRun = Callable[..., Path]


def test_index__lists_runs_in_order_with_links_scores_and_alarms(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run("first run"), make_run("second", is_alarm=True), make_run("third", is_finished=False)]
    write_report(runs[0])
    page = write_index(runs, tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'href="./runs/first%20run/report.html"' in page
    assert page.count("href=") == 1  # only where there is a report
    assert "Mean score 0.68. 1 alarm. 1 unfinished." in " ".join(page.split())
    assert page.index("(0.90 to 0.96)") < page.index("(0.39 to 0.45)") < page.index(">unfinished</td>")
    assert page.count('src="data:image/webp') == 6
    assert page.count("src=") == 6


def test_index__tells_an_unreadable_run_in_its_row(make_run: MakeRun, tmp_path: Path) -> None:
    page = write_index([tmp_path / "<b>none</b>", make_run()], tmp_path / "index.html").read_text(encoding="utf-8")
    assert "is no run folder: it has no run.json" in page
    assert "<b>none" not in page
    assert "1 unreadable" in page
    assert "a photo of three cow" in page


def test_index_of_nothing__says_so(tmp_path: Path) -> None:
    assert "0 pictures" in write_index([], tmp_path / "index.html").read_text(encoding="utf-8")


def test_index_in_a_missing_folder__is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"index\.html' cannot be written: .*choose another --out"):
        write_index([], tmp_path / "nowhere" / "index.html")
