"""Tuning, live confirmation and transfer, at tiny size."""

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rldf.bench import BenchTable, Entry, Plan, Replayer, simulated_table, write_table
from rldf.bench.confirm import LiveTable, Rows, confirm_plan, summarise_confirmed, write_confirmed
from rldf.bench.paper_bench import PaperBench, PaperSize
from rldf.bench.transfer import TransferSize, transfer_of_pictures, transfer_of_values
from rldf.bench.unit_log import UnitLog
from rldf.errors import ConfigError, RecordError
from rldf.jobs.bench_confirm import bench_confirm
from rldf.jobs.bench_run import BenchRun, bench_run, plan_of, run_of
from rldf.jobs.bench_tune import TuningRun, bench_tune, read_tuned
from rldf.presets.method_settings import candidates, check_settings
from rldf.presets.methods import METHODS, SEARCHER_NAMES
from rldf.presets.searchers import make_searcher
from rldf.space import Axis, EncodingSpace


@pytest.fixture(scope="module")
def table() -> BenchTable:
    axes = {"object": ("cow", "dog", "bus", "car"), "count": ("one", "two"), "scene": ("farm", "park", "kitchen")}
    space = EncodingSpace(axes=tuple(Axis(id=name, terms=terms) for name, terms in axes.items()))
    return simulated_table(space, name="tiny", num_search_seeds=2, num_test_seeds=4, num_targets=8, seed=3)


@pytest.fixture
def path(table: BenchTable, tmp_path: Path) -> Path:
    write_table(table, tmp_path / "tiny.npz")
    return tmp_path / "tiny.npz"


def test_tuning__looks_at_development_targets_alone(table: BenchTable, path: Path, tmp_path: Path) -> None:
    """Other readings of the test targets, the same settings chosen."""
    rng = np.random.default_rng(0)
    is_test = np.array([target.split == "test" for target in table.targets])
    other = table.readings.target_b.copy()
    other[is_test] = rng.permutation(other[is_test])
    write_table(replace(table, readings=replace(table.readings, target_b=other)), tmp_path / "other.npz")
    told = []
    for number, source in enumerate((path, tmp_path / "other.npz")):
        run = TuningRun(
            table=str(source), methods=("genetic", "best-first"), num_settings=4, num_seeds=1, num_workers=1
        )
        bench_tune(replace(run, max_renders=8), tmp_path / f"tuned-{number}")
        told.append(read_tuned(tmp_path / f"tuned-{number}" / "tuned.json"))
    assert told[0] == told[1]


def test_tuning__tries_as_many_settings_of_each_and_takes_the_best(path: Path, tmp_path: Path) -> None:
    run = TuningRun(table=str(path), methods=("genetic", "best-first"), num_settings=5, num_seeds=1, num_workers=1)
    chosen = bench_tune(replace(run, max_renders=8), tmp_path)
    assert [entry.num_tried for entry in chosen.values()] == [5, 5]
    with (tmp_path / "trials.csv").open() as file:
        trials = list(csv.DictReader(file))
    for method, entry in chosen.items():
        areas = [float(trial["area"]) for trial in trials if trial["method"] == method]
        assert entry.area == pytest.approx(max(areas), abs=1e-6)
        assert entry.default_area == pytest.approx(areas[0], abs=1e-6)
        assert entry.area >= entry.default_area


def test_tuned_settings__change_what_a_run_does(table: BenchTable, path: Path, tmp_path: Path) -> None:
    settings = {"genetic": {"population": 3.0, "num_parents": 2.0, "mutation_rate": 0.9, "num_children": 2.0}}
    plain = BenchRun(
        table=str(path), methods=("genetic",), starts=("cold",), num_seeds=4, max_renders=16, num_workers=1
    )
    states = []
    for run in (plain, replace(plain, settings=settings)):
        rows, _ = bench_run(run, tmp_path / "run")
        states.append([row.judged.state for row in rows])
        assert run_of(tmp_path / "run") == replace(run, num_workers=BenchRun().num_workers)
    assert states[0] != states[1]
    assert plan_of(replace(plain, settings=settings), table).entries[0].settings == settings["genetic"]


@pytest.mark.parametrize(
    "method", [name for name in SEARCHER_NAMES if METHODS[name].tunable and not name.endswith("+confirm")]
)
def test_every_candidate__can_be_run(table: BenchTable, method: str) -> None:
    for settings in candidates(method, count=4, rng=np.random.default_rng(1)):
        result = Replayer(table).run(
            make_searcher, method=method, start="warm", target=0, seed=0, budgets=(4,), settings=settings
        )
        assert result.rows[0].renders <= 4


def test_settings__unknown_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'genetic' has no setting 'populaton'.*Did you mean 'population'"):
        check_settings("genetic", {"populaton": 3})
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(RecordError, match=r"cannot be read as tuned settings.*rldf bench tune"):
        read_tuned(tmp_path / "x.json")
    with pytest.raises(ConfigError, match=r"'exhaustive' has no settings to tune.*Name one of these"):
        bench_tune(TuningRun(methods=("exhaustive",)), tmp_path)


def test_run__goes_on_where_it_was_stopped_and_ends_the_same(path: Path, tmp_path: Path) -> None:
    run = BenchRun(table=str(path), methods=("random", "percept"), num_seeds=2, max_renders=8, num_workers=1)
    bench_run(run, tmp_path / "whole")

    def stop(done: int, total: int) -> None:
        assert total > 3
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench_run(run, tmp_path / "cut", on_progress=stop)
    units = tmp_path / "cut/units.jsonl"
    units.write_bytes(units.read_bytes()[:-40])  # the third line is cut off
    seen: list[int] = []
    bench_run(run, tmp_path / "cut", on_progress=lambda done, _: seen.append(done))
    assert seen[0] == 3
    assert sorted(p.name for p in (tmp_path / "cut").iterdir()) == ["plan.json", "results.csv", "timings.csv"]
    for name in ("plan.json", "results.csv"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_run__refuses_to_go_on_with_another(path: Path, tmp_path: Path) -> None:
    run = BenchRun(table=str(path), methods=("random",), num_seeds=1, max_renders=4, num_workers=1)
    tmp_path.joinpath("units.jsonl").touch()
    tmp_path.joinpath("plan.json").write_text("{}")
    with pytest.raises(RecordError, match=r"holds a part of another run.*Choose another --out"):
        bench_run(run, tmp_path)


def test_unit_log__names_a_damaged_line(tmp_path: Path) -> None:
    (tmp_path / "units.jsonl").write_text('{"unit": 3}\n')
    with pytest.raises(RecordError, match=r"units\.jsonl' is damaged.*choose another --out"):
        UnitLog(tmp_path / "units.jsonl")


class Shop:
    """Stands for the models: reads what another table holds."""

    def __init__(self, table: BenchTable) -> None:
        self.table = table
        self.drawn: list[tuple[int, int]] = []

    def pictures(self, states: Sequence[int], seeds: Sequence[int]) -> tuple[Rows, Rows]:
        self.drawn += zip(states, seeds, strict=True)
        readings, table = self.table.readings, self.table
        by_a, by_b = [], []
        for state, seed in zip(states, seeds, strict=True):
            if seed in table.search_seeds:
                place = table.search_seeds.index(seed)
                by_a.append(readings.a_search[state, place])
                by_b.append(readings.a_search[state, place])
            else:
                place = table.test_seeds.index(seed)
                by_a.append(readings.a_test[state, place])
                by_b.append(readings.b_test[state, place])
        return np.stack(by_a), np.stack(by_b)

    def target(self, place: int) -> tuple[Rows, Rows]:
        readings = self.table.readings
        return readings.target_a[[place]], readings.target_b[[place]]


PLAN = Plan(
    entries=(Entry(method="hill-climb", start="cold"), Entry(method="annealing", start="cold", has_horizon=True)),
    targets=(1, 3, 5),
    num_seeds=2,
    budgets=(4, 8),
)


def live_of(table: BenchTable, now: BenchTable) -> tuple[Shop, LiveTable]:
    shop = Shop(now)
    return shop, LiveTable(table, read_pictures=shop.pictures, read_target=shop.target)


def test_confirming__finds_nothing_where_models_draw_what_the_table_holds(table: BenchTable, tmp_path: Path) -> None:
    shop, live = live_of(table, table)
    confirmed = confirm_plan(table, PLAN, share=0.5, make_searcher=make_searcher, live=live)
    summary = summarise_confirmed(confirmed, live=live)
    assert (summary.searches, summary.answers) == (6, 12)
    assert (summary.same_encoding, summary.same_success, summary.same_terms) == (1.0, 1.0, 1.0)
    assert summary.largest_score_difference == 0.0
    assert len(shop.drawn) == len(set(shop.drawn)) == summary.pictures
    write_confirmed(confirmed, tmp_path / "confirmed.csv")
    assert len((tmp_path / "confirmed.csv").read_text().splitlines()) == 13


def test_confirming__gives_what_a_run_on_the_live_pictures_gives(table: BenchTable) -> None:
    """Models that changed since: the live answers are those of a table of the new models."""
    now = simulated_table(table.space, name="tiny", num_search_seeds=2, num_test_seeds=4, num_targets=8, seed=9)
    _, live = live_of(table, replace(now, targets=table.targets))
    confirmed = confirm_plan(table, PLAN, share=1.0, make_searcher=make_searcher, live=live)
    replayer = Replayer(replace(now, targets=table.targets))
    for each in confirmed:
        row = each.live
        budgets = (row.budget,) if row.method == "annealing" else tuple(b for b in PLAN.budgets if b <= row.budget)
        again = replayer.run(
            make_searcher, method=row.method, start="cold", target=row.target, seed=row.seed, budgets=budgets
        ).rows[-1]
        assert (row.judged.state, row.renders) == (again.judged.state, again.renders)
        assert row.judged.score == pytest.approx(again.judged.score)
    assert summarise_confirmed(confirmed, live=live).same_terms < 0.9


def test_confirming__refuses_what_it_cannot_do(table: BenchTable, tmp_path: Path) -> None:
    _, live = live_of(table, table)
    with pytest.raises(ConfigError, match=r"share of 0 of the searches.*Try 0.1"):
        confirm_plan(table, PLAN, share=0, make_searcher=make_searcher, live=live)
    with pytest.raises(ConfigError, match=r"rewarded by 'clip'.*reward 'agreement'"):
        confirm_plan(table, replace(PLAN, reward="clip"), share=1, make_searcher=make_searcher, live=live)
    run = BenchRun(methods=("random",), starts=("cold",), num_targets=1, num_seeds=1, max_renders=1, num_workers=1)
    (tmp_path / "sim").mkdir()
    plan = {"table": "simulated-base", "methods": ["random"], "starts": ["cold"]}
    (tmp_path / "sim/plan.json").write_text(json.dumps(plan))
    assert run_of(tmp_path / "sim").methods == run.methods
    with pytest.raises(ConfigError, match=r"no image model drew.*Run one of these"):
        bench_confirm(tmp_path / "sim", share=0.5)


def test_transfer__tells_a_searcher_pictures_of_the_past_without_charge(table: BenchTable) -> None:
    size = PaperSize(num_runs=3, num_steps=30, long_steps=30, budgets=(4, 8), state_counts=())
    bench = PaperBench(table, size=size, make_searcher=make_searcher)
    finding = transfer_of_pictures(bench, TransferSize(num_sources=2, renders=8))
    with_past = finding.measures[0].interval.mean + finding.measures[1].interval.mean
    assert 0.0 <= with_past <= 1.0
    assert finding.verdict in {"agrees", "disagrees", "undecided"}
    values = transfer_of_values(bench, TransferSize(num_sources=2, renders=16))
    assert values.measures[0].interval.mean == pytest.approx(
        values.measures[2].interval.mean - values.measures[1].interval.mean
    )


def test_transfer__needs_something_before() -> None:
    with pytest.raises(ConfigError, match=r"from 0 targets.*Change these"):
        TransferSize(num_sources=0)
