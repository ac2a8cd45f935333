"""Runs a plan: methods x targets x seeds, from a table, on several processes, always with the same numbers."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread

from rldf.bench.replay import MakeSearcher, Replayer, StartKind
from rldf.bench.results import ResultRow
from rldf.bench.table import BenchTable
from rldf.bench.table_rewards import RewardKind
from rldf.bench.unit_log import UnitKey, UnitLog, UnitResult
from rldf.errors import ConfigError

BUDGETS = (8, 32, 64, 128, 512)
CURVE = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""Renders after which a search is looked at."""


def budgets_to(max_renders: int) -> tuple[int, ...]:
    """Renders after which a search of so many is looked at: those of the curve, and the last.

    Args:
        max_renders: largest budget, at least 1.

    Returns:
        Rising; the last one is the largest budget.

    Example:
        >>> budgets_to(6)
        (1, 2, 4, 6)
    """
    return (*(budget for budget in CURVE if budget < max_renders), max_renders)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A method in a plan.

    Attributes:
        method: its name, as `make_searcher` knows it.
        start: "cold" or "warm".
        has_horizon: True where it plans with its budget, so that every budget is a search of its own.
        max_targets: targets it is run on at most, for slow ones; 0 for all.
        max_seeds: seeds it is run with at most; 0 for all.
        settings: of the method, by name; empty for its defaults.
        label: what the results call it; "" for its name.
    """

    method: str
    start: StartKind
    has_horizon: bool = False
    max_targets: int = 0
    max_seeds: int = 0
    settings: Mapping[str, float] = field(default_factory=dict)
    label: str = ""

    @property
    def name(self) -> str:
        """What the results call it."""
        return self.label if self.label else self.method


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run.

    Attributes:
        entries: the methods.
        targets: positions of the targets.
        num_seeds: searches of each target, at least 1.
        budgets: renders after which a search is judged, rising.
        reward: what searches are rewarded for.
        batch_size: tries at once at most.
    """

    entries: tuple[Entry, ...]
    targets: tuple[int, ...]
    num_seeds: int = 10
    budgets: tuple[int, ...] = CURVE
    reward: RewardKind = "agreement"
    batch_size: int = 8

    def __post_init__(self) -> None:
        is_rising = all(low < high for low, high in zip((0, *self.budgets), self.budgets, strict=False))
        if not self.budgets or not is_rising or self.num_seeds < 1 or not self.targets:
            raise ConfigError(
                f"a plan of {len(self.targets)} targets, {self.num_seeds} seeds and the budgets {self.budgets} cannot "
                "be run; it needs a target, a seed, and budgets that rise from 1. Change these."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Time of a method itself, without what the table takes.

    Attributes:
        method, start: which.
        seconds: in all.
        steps: tries in all.
    """

    method: str
    start: str
    seconds: float
    steps: int

    @property
    def microseconds_per_step(self) -> float:
        """Mean over all tries."""
        return 1e6 * self.seconds / max(self.steps, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """One method on one target."""

    entry: Entry
    target: int

    @property
    def key(self) -> UnitKey:
        return self.entry.name, self.entry.start, self.target


def run_plan(
    table: BenchTable,
    plan: Plan,
    *,
    make_searcher: MakeSearcher,
    num_workers: int = 1,
    log: UnitLog | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[list[ResultRow], list[Timing]]:
    """Runs a plan; the rows are the same whatever the number of workers and however often it was interrupted.

    Args:
        table: what was read in the pictures.
        plan: what to run.
        make_searcher: makes a searcher by its name; a function of a module, so that workers can import it.
        num_workers: processes, at least 1; 1 stays in this one.
        log: units that are done already, of the same plan; takes the others as they are done.
        on_progress: called with units done and units in all.

    Returns:
        Rows in the order of the plan, and the time each entry took.
    """
    units = [
        _Unit(entry=entry, target=target)
        for entry in plan.entries
        for target in plan.targets[: entry.max_targets or None]
    ]
    known = {} if log is None else log.done
    results = {unit.key: known[unit.key] for unit in units if unit.key in known}
    missing = [unit for unit in units if unit.key not in results]
    for unit, result in zip(missing, _work_off(table, plan, make_searcher, missing, num_workers), strict=True):
        results[unit.key] = result
        if log is not None:
            log.append(unit.key, result)
        if on_progress is not None:
            on_progress(len(results), len(units))
    timings = [_timing(entry, [results[unit.key] for unit in units if unit.entry is entry]) for entry in plan.entries]
    return [row for unit in units for row in results[unit.key].rows], timings


def _work_off(
    table: BenchTable, plan: Plan, make_searcher: MakeSearcher, units: Sequence[_Unit], num_workers: int
) -> Iterator[UnitResult]:
    """Runs units, in their order, in this process or in several."""
    if num_workers == 1 or not units:
        replayer = Replayer(table, reward=plan.reward)
        yield from (_run_unit(replayer, plan, make_searcher, unit) for unit in units)
        return
    start = partial(_begin_worker, table, plan, make_searcher)
    try:
        with ProcessPoolExecutor(num_workers, mp_context=get_context("spawn"), initializer=start) as pool:
            yield from pool.map(_work, units)
    except BrokenProcessPool as error:
        raise ConfigError(
            f"one of {num_workers} worker processes was ended from outside, most often for want of memory; each must "
            "last until its work is done. Run the same command again with fewer --workers."
        ) from error


def _timing(entry: Entry, results: Sequence[UnitResult]) -> Timing:
    return Timing(
        method=entry.name,
        start=entry.start,
        seconds=sum(result.seconds for result in results),
        steps=sum(result.steps for result in results),
    )


def _run_unit(replayer: Replayer, plan: Plan, make_searcher: MakeSearcher, unit: _Unit) -> UnitResult:
    entry = unit.entry
    rows: list[ResultRow] = []
    seconds, steps = 0.0, 0
    for seed in range(min(plan.num_seeds, entry.max_seeds or plan.num_seeds)):
        for budgets in [(budget,) for budget in plan.budgets] if entry.has_horizon else [plan.budgets]:
            result = replayer.run(
                make_searcher,
                method=entry.method,
                start=entry.start,
                target=unit.target,
                seed=seed,
                budgets=budgets,
                batch_size=plan.batch_size,
                settings=entry.settings,
                label=entry.name,
            )
            rows += result.rows
            seconds += result.own_seconds
            steps += result.num_steps
    return UnitResult(rows=rows, seconds=seconds, steps=steps)


_WORKER: list[tuple[Replayer, Plan, MakeSearcher]] = []
"""What a worker process was begun with; empty elsewhere."""


def end_with_parent() -> None:
    """Ends this process as soon as the one that began it is gone, however that ended."""
    parent = parent_process()
    if parent is not None:
        Thread(target=_exit_after, args=(parent,), daemon=True).start()


def _exit_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)  # the main thread waits for work that nobody will send


def _begin_worker(table: BenchTable, plan: Plan, make_searcher: MakeSearcher) -> None:
    end_with_parent()
    _WORKER.append((Replayer(table, reward=plan.reward), plan, make_searcher))


def _work(unit: _Unit) -> UnitResult:
    replayer, plan, make_searcher = _WORKER[0]
    return _run_unit(replayer, plan, make_searcher, unit)
