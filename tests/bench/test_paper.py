import csv
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rldf.arrays import ImageBatch
from rldf.bench import BenchTable, simulated_table
from rldf.bench.paper import PaperSources, reproduce
from rldf.bench.paper_bench import PaperBench, PaperSize, renders_to_success
from rldf.bench.paper_claims import claim_2_seeds, claim_4_distance, unrealistic
from rldf.bench.paper_figures import MAX_STRIP, figure_12
from rldf.bench.paper_findings import is_above, is_below, judge, measure, one_sided
from rldf.bench.paper_report import PaperResults, write_paper
from rldf.bench.paper_scale import SizePoint, claim_5_ninefold, claim_6_domains, question_size
from rldf.bench.paper_table3 import PAPER, find_table_3, table_3
from rldf.errors import ConfigError, MissingExtraError
from rldf.presets.searchers import make_searcher
from rldf.space import Axis, Encoding, EncodingSpace

TINY = PaperSize(num_runs=1, num_steps=10, long_steps=20, budgets=(2, 4), state_counts=(8,))


@pytest.fixture(scope="module")
def table() -> BenchTable:
    axes = {"object": ("cow", "dog", "bus", "car"), "count": ("one", "two"), "scene": ("farm", "park", "kitchen")}
    space = EncodingSpace(axes=tuple(Axis(id=name, terms=terms) for name, terms in axes.items()))
    return simulated_table(space, name="tiny", num_search_seeds=2, num_test_seeds=4, num_targets=8, seed=3)


@pytest.fixture(scope="module")
def bench(table: BenchTable) -> PaperBench:
    return PaperBench(table, size=TINY, make_searcher=make_searcher)


def grey(encodings: Sequence[Encoding], seed: int) -> ImageBatch:
    return np.full((len(encodings), 8, 8, 3), seed, dtype=np.uint8)


def test_every_experiment__is_made_and_written_the_same_twice(table: BenchTable, tmp_path: Path) -> None:
    """Once with an image model at hand and once without: only the strip of pictures differs, and that is said."""
    made: dict[str, PaperResults] = {}
    for name, draw in (("one", grey), ("two", None)):
        sources = PaperSources(
            table=table, wide=table, indoor=("kitchen",), size=TINY, make_searcher=make_searcher, draw=draw, notes=["N"]
        )
        (made[name],) = [event for event in reproduce(sources) if isinstance(event, PaperResults)]
        write_paper(made[name], tmp_path / name)
    assert {f.key for f in made["one"].findings} == {
        *(f"claim-{number}" for number in range(1, 9)),
        *(f"question-{q}" for q in ("rewards", "ablation", "out-of-domain", "random-encodings", "locality", "size")),
        "ndg",
        "table-3",
    }
    figures = [f"figure-{number}.png" for number in (11, 12, 3, 5, 6)]
    written = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert written == [*figures, "findings.csv", "paper.html", "paper.md", "table-3.csv"]
    for name in {"findings.csv", "table-3.csv", *figures} - {"figure-12.png"}:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert not (tmp_path / "two/figure-12.png").exists()
    assert "Figure 12 is missing" in made["two"].notes[-1]
    with (tmp_path / "one/table-3.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 36
    assert [line["D_T_paper"] for line in lines[:2]] == ["1", "10"]
    assert all(line["D_T_paper"] == "" for line in lines[18:])


def test_table_3__holds_what_the_walks_did(bench: PaperBench) -> None:
    rows = table_3(bench)
    assert [(row.agent, row.reward, row.epsilon) for row in rows[:18]] == list(PAPER)
    first = rows[0]
    walks = [bench.learn(bench.agent("Q", run=run, epsilon=0.01), run=run) for run in bench.runs]
    assert first.measures[0].interval.mean == pytest.approx(np.mean([each.distances[-1] for each in walks]))
    assert first.measures[5].interval.mean == pytest.approx(np.mean([each.has_converged for each in walks]))


def test_table_3_verdict__follows_its_rule(bench: PaperBench) -> None:
    rows = table_3(bench)
    never = [
        replace(row, measures=tuple(replace(m, interval=measure("", [0.0]).interval) for m in row.measures))
        for row in rows
    ]
    assert find_table_3(never).verdict == "disagrees"


def test_claim_2__without_seeds_to_change_is_undecided(table: BenchTable) -> None:
    """With equal pictures for every seed only chance differs, and no verdict follows from a handful of runs."""
    readings = table.readings
    alike = replace(
        table,
        readings=replace(
            readings,
            a_search=np.repeat(readings.a_search[:, :1], 2, axis=1),
            a_search_vectors=np.repeat(readings.a_search_vectors[:, :1], 2, axis=1),
        ),
    )
    made = claim_2_seeds(PaperBench(alike, size=TINY, make_searcher=make_searcher))
    assert made.verdict == "undecided"


def test_claim_4__distance_that_says_all_disagrees(table: BenchTable) -> None:
    """A scorer B whose score is a function of the distance leaves nothing open."""
    bench = PaperBench(table, size=TINY, make_searcher=make_searcher)
    flat = replace(table, readings=replace(table.readings, b_test=np.zeros_like(table.readings.b_test)))
    assert claim_4_distance(PaperBench(flat, size=TINY, make_searcher=make_searcher)).measures[0].interval.mean == 1.0
    assert 0.0 < claim_4_distance(bench).measures[0].interval.mean < 1.0


def test_unrealistic__are_the_pictures_that_lie_far_out(table: BenchTable) -> None:
    vectors = table.readings.a_search_vectors.copy()
    vectors[5, 1] *= 50
    is_odd = unrealistic(replace(table, readings=replace(table.readings, a_search_vectors=vectors)))
    assert is_odd[5, 1]
    assert is_odd.mean() < 0.2


def point(num_states: int, cost: float) -> SizePoint:
    costs = (cost, 2 * cost)
    return SizePoint(
        num_states=num_states,
        renders=dict.fromkeys(("factored", "hill-climb", "random"), costs),
        random_success=(1.0, 0.0),
        steps={"Q": costs, "random": costs},
        random_reached=(1.0, 0.0),
    )


@pytest.mark.parametrize(("ratio", "verdict"), [(2.2, "agrees"), (1.3, "disagrees"), (9.0, "disagrees")])
def test_claim_5__judges_the_ratio(ratio: float, verdict: str) -> None:
    finding = claim_5_ninefold([point(10, 1.0), point(50, 5.0), point(450, 5.0 * ratio)])
    assert finding.measures[0].interval.mean == pytest.approx(ratio)
    assert finding.verdict == verdict


def test_question_size__fits_the_exponent() -> None:
    finding = question_size([point(10, 10.0), point(100, 100.0**0.5 * 10**0.5), point(1000, 100.0)])
    assert finding.measures[0].interval.mean == pytest.approx(0.5)


def test_claim_6__is_not_measured_without_indoor_scenes(table: BenchTable) -> None:
    made = claim_6_domains(table, indoor=("bathroom",), size=TINY, make_searcher=make_searcher)
    assert (made.verdict, made.note) == ("not measured", "The table 'tiny' has 3 outdoor and 0 indoor scenes.")


def test_renders_to_success__counts_failures_as_twice_the_budget(bench: PaperBench) -> None:
    rows = bench.search("random")[0]
    worst = [replace(row, judged=replace(row.judged, score=0.0, oracle=1.0)) for row in rows]
    best = [replace(row, judged=replace(row.judged, score=1.0, oracle=1.0)) for row in rows]
    assert (renders_to_success(worst), renders_to_success(best)) == (8.0, 2.0)


def test_verdicts__need_intervals_that_exclude_zero() -> None:
    up, down, flat = measure("up", [1.0, 2.0]), measure("down", [-1.0, -2.0]), measure("flat", [-1.0, 1.0])
    assert [is_above(up), is_below(up), is_above(flat), is_below(down)] == [True, False, False, True]
    assert [one_sided([up, flat]), one_sided([down, flat]), one_sided([flat]), one_sided([up, down])] == [
        "agrees",
        "disagrees",
        "undecided",
        "agrees in part",
    ]
    assert judge([True, False]) == "agrees in part"


def test_bench__refuses_a_table_of_nothing_it_can_say(table: BenchTable) -> None:
    mute = replace(table, targets=tuple(replace(target, terms={}) for target in table.targets))
    with pytest.raises(ConfigError, match=r"none of the 8 targets.*Make a table with more targets"):
        PaperBench(mute, size=TINY, make_searcher=make_searcher)


def test_figure_12__shows_distinct_neighbours_up_to_the_goal(bench: PaperBench) -> None:
    """An agent that bounces off a wall leaves equal encodings behind; no picture is like the one before it."""
    drawn: list[Encoding] = []

    def draw(encodings: Sequence[Encoding], seed: int) -> ImageBatch:
        drawn.extend(encodings)
        return grey(encodings, seed)

    long = PaperBench(bench.table, size=replace(TINY, num_runs=4, long_steps=200), make_searcher=make_searcher)
    figure_12(long, draw=draw)
    assert 2 <= len(drawn) <= MAX_STRIP
    assert all(one != two for one, two in pairwise(drawn))
    goals = [long.grid.wish(long.target_of(run)) for run in long.runs]
    assert bench.table.space.index(drawn[-1]) in goals


def test_figures__without_matplotlib_name_the_extra(table: BenchTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first experiment, not after the last."""
    monkeypatch.setattr("rldf.bench.plots.find_spec", lambda _: None)
    sources = PaperSources(
        table=table, wide=table, indoor=(), size=TINY, make_searcher=make_searcher, draw=None, notes=[]
    )
    with pytest.raises(MissingExtraError, match=r"'matplotlib'.*pip install 'rldf\[bench\]'"):
        next(reproduce(sources))
