"""What was made of a run later, on its report."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rldf.errors import RecordError
from rldf.records import Extra, ExtraPicture, write_extra
from rldf.records.extras import Layout
from rldf.web import write_report

MakeRun = Callable[..., Path]


def test_report__shows_what_was_made_of_the_run_later(make_run: MakeRun) -> None:
    folder = make_run(num_new=2)
    files = [f"images/new-{number:02d}.png" for number in range(2)]
    pictures = tuple(ExtraPicture(file=file, caption=f"<b>term {file}") for file in files)
    layouts: tuple[Layout, ...] = ("strip", "grid", "pairs")
    for layout in layouts:
        extra = Extra(
            kind=layout,
            title=f"A {layout}",
            text="As <i>measured",
            layout=layout,
            pictures=pictures,
            facts=(("kept", "90 %"),),
        )
        write_extra(folder, layout, extra)
    page = write_report(folder).read_text(encoding="utf-8")
    assert '<a href="#extras">' in page
    assert page.count("As &lt;i&gt;measured") == 3
    assert [page.index(f">A {layout}</h3>") for layout in sorted(layouts)] == sorted(
        page.index(f">A {layout}</h3>") for layout in layouts
    )
    assert '<ul class="slide" tabindex="0"' in page
    assert "<b>term" not in page


def test_report_without_extras__says_nothing_of_them(make_run: MakeRun) -> None:
    page = write_report(make_run()).read_text(encoding="utf-8")
    assert "extras" not in page


def test_damaged_extra__is_named(make_run: MakeRun) -> None:
    folder = make_run()
    write_extra(folder, "strip", Extra(kind="strip", title="A", text="", layout="strip"))
    path = folder / "extras" / "strip.json"
    path.write_text(path.read_text().replace('"layout": "strip"', '"layout": "pile"'))
    with pytest.raises(RecordError, match=r"strip\.json' is no extra of a run.*'pile' is none of strip, grid, pairs"):
        write_report(folder)


def test_report__of_64_pictures_more_stays_small(make_run: MakeRun) -> None:
    folder = make_run(num_new=64, num_test=16)
    pictures = tuple(ExtraPicture(file=f"images/new-{n:02d}.png", caption="a cell") for n in range(64))
    write_extra(folder, "set", Extra(kind="set", title="A set", text="", layout="grid", pictures=pictures))
    assert write_report(folder).stat().st_size < 3_000_000


def test_alternatives__are_shown_with_a_picture(make_run: MakeRun) -> None:
    page = write_report(make_run()).read_text(encoding="utf-8")
    assert 'aria-label="Alternatives of object"' in page
    assert ": the best picture tried with it" in page
