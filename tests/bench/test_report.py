from html.parser import HTMLParser
from pathlib import Path

import pytest

from rldf.bench import BenchTable, Entry, Plan, ResultRow, read_rows, run_plan, write_bench_report, write_rows
from rldf.bench.results import Judged
from rldf.bench.summary import areas_of, ceiling_of, summarise
from rldf.bench.table import TargetKind
from rldf.errors import RecordError
from rldf.presets.searchers import make_searcher


def row(
    budget: int, score: float, *, method: str = "x", target: int = 0, seed: int = 0, kind: TargetKind = "drawn"
) -> ResultRow:
    judged = Judged(
        state=3,
        score=score,
        score_a=score + 0.1,
        start_score=0.25,
        start_score_a=0.25,
        oracle=1.0,
        ceiling=0.96 - 0.2 * (target == 2),
        is_exact=score >= 1.0,
        right_axes="object scene",
    )
    return ResultRow(
        method=method,
        start="cold",
        target=target,
        kind=kind,
        split="test",
        seed=seed,
        budget=budget,
        renders=budget,
        judged=judged,
    )


@pytest.fixture(scope="module")
def rows(small_table: BenchTable) -> list[ResultRow]:
    entries = tuple(Entry(method=name, start="cold") for name in ("factored", "random", "hill-climb"))
    plan = Plan(entries=entries, targets=(1, 3, 5), num_seeds=2, budgets=(1, 4, 8))
    return run_plan(small_table, plan, make_searcher=make_searcher)[0]


def test_rows__come_back_from_csv(rows: list[ResultRow], tmp_path: Path) -> None:
    write_rows(rows, tmp_path / "results.csv")
    back = read_rows(tmp_path / "results.csv")
    write_rows(back, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "results.csv").read_bytes()
    assert [(r.method, r.budget, r.judged.right_axes) for r in back] == [
        (r.method, r.budget, r.judged.right_axes) for r in rows
    ]


def test_read_rows__refuses_another_file(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(RecordError, match=r"x\.csv' cannot be read as results.*rldf bench run"):
        read_rows(tmp_path / "x.csv")


def test_area__by_hand() -> None:
    """The start's 0.25 for renders 1 to 7, 0.5 for 8 to 15, 1 for 16 to 32."""
    areas = areas_of([row(8, 0.5), row(16, 1.0)])
    assert areas == {(0, 0): pytest.approx((7 * 0.25 + 8 * 0.5 + 17 * 1.0) / 32)}


def test_summary__by_hand() -> None:
    rows = [
        row(8, 0.5),
        row(16, 1.0),
        row(8, 0.96, target=1),
        row(16, 1.0, target=1),
        row(8, 0.5, target=2),
        row(16, 0.9, target=2),
    ]
    (summary,) = summarise(rows)
    assert summary.success[8].mean == pytest.approx(1 / 3)
    assert summary.success[16].mean == pytest.approx(2 / 3)
    assert summary.exact[16] == pytest.approx(2 / 3)
    assert summary.renders_to_success == 16
    assert summary.kinds == {"drawn": pytest.approx(2 / 3)}
    assert ceiling_of(rows) == {"drawn": pytest.approx(2 / 3)}
    assert summary.gap == pytest.approx(0.1)
    assert summary.axes == {"object": 1.0, "scene": 1.0}
    assert summary.versus is None


def test_summary__puts_the_best_first_and_compares_the_others_with_it() -> None:
    rows = [row(1, 0.9 + target / 100, method="good", target=target) for target in range(8)]
    rows += [row(1, 0.5 + target / 50, method="bad", target=target) for target in range(8)]
    good, bad = summarise(rows)
    assert (good.method, bad.method) == ("good", "bad")
    assert bad.versus is not None
    assert bad.versus.difference.low > 0
    assert bad.versus.p_value == pytest.approx(2 / 2**8)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag in {"script", "link", "iframe"}:
            self.found.append(tag)


def test_report__is_one_page_that_needs_nothing_else_and_the_same_twice(rows: list[ResultRow], tmp_path: Path) -> None:
    tuned = {"hill-climb": {"first_temperature": 0.5}}
    pages = [
        write_bench_report(rows, tmp_path / name, title="Test <1>", notes=["a & b"], tuned=tuned)
        for name in ("one", "two")
    ]
    text = pages[0].read_text(encoding="utf-8")
    assert text == pages[1].read_text(encoding="utf-8")
    links = _Links()
    links.feed(text)
    assert links.found == []
    assert "Test &lt;1&gt;" in text
    assert text.count("<svg") == 3
    assert "<tr><td>hill-climb</td><td>first_temperature</td><td>0.5</td></tr>" in text
    for method in ("factored", "random", "hill-climb"):
        assert f"<td>{method}</td>" in text
    methods = (tmp_path / "one" / "methods.csv").read_text(encoding="utf-8").splitlines()
    assert len(methods) == 4
    assert len({line.count(",") for line in methods}) == 1


def test_summary__counts_the_true_encoding_only_where_the_grammar_can_say_it() -> None:
    rows = [row(8, 1.0, target=0), row(8, 0.5, target=1), row(8, 0.9, target=2, kind="off-grammar")]
    (summary,) = summarise(rows)
    assert summary.exact == {8: pytest.approx(1 / 2)}
    assert summary.said[8].mean == pytest.approx(1 / 2)
    (unsayable,) = summarise(rows[2:])
    assert unsayable.exact == {} == unsayable.said


def test_summary__compares_with_the_best_of_those_that_ran_on_all_targets() -> None:
    lucky = [row(8, 1.0, method="few", target=0)]
    whole = [row(8, score, method=name, target=target) for name, score in (("a", 0.7), ("b", 0.5)) for target in (0, 1)]
    versus = {each.method: each.versus for each in summarise([*lucky, *whole])}
    assert versus["a"] is None
    few, worse = versus["few"], versus["b"]
    assert few is not None
    assert worse is not None
    assert few.difference.mean < 0.0 < worse.difference.mean
