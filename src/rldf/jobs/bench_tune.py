"""Tunes the benchmark's methods on development targets, each with as many settings; test targets stay untouched."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from rldf.bench import BenchTable, Entry, Plan, ResultRow, run_plan
from rldf.bench.plan import budgets_to
from rldf.bench.replay import StartKind
from rldf.bench.statistics import bootstrap_mean
from rldf.bench.summary import areas_of, by_target
from rldf.errors import ConfigError, RecordError, did_you_mean
from rldf.hub import Announce, say_nothing
from rldf.jobs.bench_run import targets_of
from rldf.jobs.bench_tables import load_table
from rldf.presets.method_settings import Values, candidates, tunable
from rldf.presets.methods import METHODS, SEARCHER_NAMES
from rldf.presets.searchers import make_searcher
from rldf.seeding import child_rng

MARK = "#"


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningRun:
    """What `rldf bench tune` does.

    Attributes:
        table: as `load_table` takes it.
        methods: names; empty for all that have settings.
        start: kind of start.
        num_settings: settings tried of each method at most, the defaults among them.
        num_targets: development targets at most; 0 for all.
        num_seeds: searches of each target.
        max_renders: largest budget; the area to 32 renders decides.
        num_workers: processes.
        seed: of the settings drawn.
    """

    table: str = "base"
    methods: tuple[str, ...] = ()
    start: StartKind = "cold"
    num_settings: int = 30
    num_targets: int = 20
    num_seeds: int = 2
    max_renders: int = 32
    num_workers: int = 2
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What tuning chose for a method.

    Attributes:
        settings: the best ones; empty where the defaults are.
        area: mean area to 32 renders with them.
        default_area: with the defaults.
        num_tried: settings tried.
    """

    settings: Values
    area: float
    default_area: float
    num_tried: int


def bench_tune(
    run: TuningRun,
    folder: Path,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    announce: Announce = say_nothing,
) -> dict[str, Tuned]:
    """Tunes methods and writes `tuned.json` and `trials.csv`.

    Args:
        run: what to do.
        folder: where the files go.
        on_progress: called with units done and units in all.
        announce: is given one line where the table was made with other weights than those that ship now.

    Returns:
        Method to what was chosen; ties go to the settings drawn first, the defaults before all.

    Raises:
        ConfigError: if a method has no settings.
    """
    table = load_table(run.table, announce=announce)
    methods = run.methods if run.methods else tuple(name for name in SEARCHER_NAMES if _is_tuned(name, run.start))
    known = tuple(name for name in SEARCHER_NAMES if tunable(name))
    for method in methods:
        if method not in known:
            raise ConfigError(
                f"the method '{method}' has no settings to tune. These have: {', '.join(known)}."
                f"{did_you_mean(method, known)} Name one of these."
            )
    tried = {
        method: candidates(method, count=run.num_settings, rng=child_rng(run.seed, "tune", method))
        for method in methods
    }
    plan = _plan(run, table, tried=tried)
    rows, _ = run_plan(table, plan, make_searcher=make_searcher, num_workers=run.num_workers, on_progress=on_progress)
    areas = _areas(rows)
    chosen = {method: _choose(tried[method], areas=areas, method=method) for method in methods}
    _write(run, table, chosen=chosen, tried=tried, areas=areas, folder=folder)
    return chosen


def read_tuned(path: Path) -> dict[str, Values]:
    """Reads the settings that tuning chose.

    Args:
        path: `tuned.json` of `bench_tune`.

    Returns:
        Method to its settings.

    Raises:
        RecordError: if it is no such file.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {
            method: {name: float(value) for name, value in entry["settings"].items()}
            for method, entry in told["methods"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(
            f"'{path}' cannot be read as tuned settings: {error}. Give a file written by: rldf bench tune."
        ) from error


def _is_tuned(name: str, start: StartKind) -> bool:
    is_shaped = name.endswith("-shaped") and start == "cold"
    return bool(tunable(name)) and not METHODS[name].is_slow and not is_shaped


def _plan(run: TuningRun, table: BenchTable, *, tried: Mapping[str, Sequence[Values]]) -> Plan:
    return Plan(
        entries=tuple(
            Entry(
                method=method,
                start=run.start,
                has_horizon=METHODS[method].has_horizon,
                settings=settings,
                label=f"{method}{MARK}{number}",
            )
            for method, each in tried.items()
            for number, settings in enumerate(each)
        ),
        targets=tuple(targets_of(table, split="development", count=run.num_targets)),
        num_seeds=run.num_seeds,
        budgets=budgets_to(run.max_renders),
    )


def _areas(rows: Sequence[ResultRow]) -> dict[str, np.ndarray]:
    """Label to the areas of its targets."""
    grouped: dict[str, list[ResultRow]] = {}
    for row in rows:
        grouped.setdefault(row.method, []).append(row)
    return {label: np.array([*by_target(areas_of(each)).values()]) for label, each in grouped.items()}


def _choose(tried: Sequence[Values], *, areas: Mapping[str, np.ndarray], method: str) -> Tuned:
    means = [float(areas[f"{method}{MARK}{number}"].mean()) for number in range(len(tried))]
    best = int(np.argmax(means))
    return Tuned(settings=tried[best], area=means[best], default_area=means[0], num_tried=len(tried))


def _write(
    run: TuningRun,
    table: BenchTable,
    *,
    chosen: Mapping[str, Tuned],
    tried: Mapping[str, Sequence[Values]],
    areas: Mapping[str, np.ndarray],
    folder: Path,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    asked = asdict(run)
    asked.pop("num_workers")
    told = {
        "asked": asked,
        "models": dict(table.models),
        "split": "development",
        "methods": {method: asdict(entry) for method, entry in chosen.items()},
    }
    (folder / "tuned.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    with (folder / "trials.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["method", "trial", "area", "area_low", "area_high", "settings"])
        for method, each in tried.items():
            for number, settings in enumerate(each):
                interval = bootstrap_mean(areas[f"{method}{MARK}{number}"])
                ends = [f"{value:.6f}" for value in (interval.mean, interval.low, interval.high)]
                writer.writerow([method, number, *ends, " ".join(f"{n}={v:g}" for n, v in settings.items())])
