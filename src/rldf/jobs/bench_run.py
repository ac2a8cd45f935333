"""The jobs of the search benchmark, each one call: make a table, run a plan on it."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from rldf.bench import (
    BenchTable,
    Entry,
    Plan,
    ResultRow,
    TableSources,
    read_rows,
    render_table,
    run_plan,
    write_bench_report,
    write_rows,
    write_table,
)
from rldf.bench.plan import Timing, budgets_to
from rldf.bench.render import BlockDone
from rldf.bench.replay import StartKind
from rldf.bench.table_rewards import RewardKind
from rldf.bench.unit_log import UnitLog
from rldf.errors import ConfigError, RecordError, did_you_mean
from rldf.hub import Announce, say_nothing
from rldf.jobs.bench_sentences import embed_sentences
from rldf.jobs.bench_tables import load_table, models_of
from rldf.jobs.bench_targets import draw_targets, kinds_of
from rldf.presets.build import build_parts
from rldf.presets.config import SearchConfig
from rldf.presets.method_settings import Values, check_settings
from rldf.presets.methods import METHODS, NO_TRIES, SEARCHER_NAMES
from rldf.presets.searchers import make_searcher
from rldf.presets.shelf import SHELF
from rldf.records.durable_files import write_file

QUICK_METHODS = (
    "factored",
    "random",
    "hill-climb",
    "genetic",
    "best-first+confirm",
    "thompson+confirm",
    "gradient-guarded+confirm",
    "percept",
    "percept-rerank",
    "random-encoding",
)
QUICK_TARGETS, QUICK_SEEDS, QUICK_RENDERS = 10, 2, 32
SLOW_TARGETS, SLOW_SEEDS = 20, 2  # the stated subset for slow methods

SplitChoice = Literal["development", "test", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRun:
    """What `rldf bench run` does.

    Attributes:
        table: as `load_table` takes it.
        methods: names; empty for all.
        starts: kinds of start.
        split: which targets.
        num_targets: at most; 0 for all of the split.
        num_seeds: searches of each target.
        max_renders: largest budget.
        reward: what searches are rewarded for.
        batch_size: tries at once at most.
        num_workers: processes.
        settings: method to its settings, as tuned; methods that are not here keep their defaults.
    """

    table: str = "base"
    methods: tuple[str, ...] = ()
    starts: tuple[StartKind, ...] = ("cold", "warm")
    split: SplitChoice = "test"
    num_targets: int = 0
    num_seeds: int = 10
    max_renders: int = 128
    reward: RewardKind = "agreement"
    batch_size: int = 8
    num_workers: int = 2
    settings: Mapping[str, Values] = field(default_factory=dict)


def quick(run: BenchRun, *, kept: Collection[str] = ()) -> BenchRun:
    """The same run, cut down to what takes less than two minutes on two cores.

    Args:
        run: what to do.
        kept: names of fields that stay as they are.

    Returns:
        The smaller run; methods that were named stay.
    """
    return replace(
        run,
        methods=run.methods if run.methods else QUICK_METHODS,
        num_targets=run.num_targets if "num_targets" in kept else QUICK_TARGETS,
        num_seeds=run.num_seeds if "num_seeds" in kept else QUICK_SEEDS,
        max_renders=run.max_renders if "max_renders" in kept else QUICK_RENDERS,
    )


def plan_of(run: BenchRun, table: BenchTable) -> Plan:
    """Makes the plan of a run on a table."""
    methods = run.methods if run.methods else (*NO_TRIES, *SEARCHER_NAMES)
    known = (*NO_TRIES, *SEARCHER_NAMES)
    for method in methods:
        if method not in known:
            raise ConfigError(
                f"there is no method '{method}'. There are: {', '.join(known)}.{did_you_mean(method, known)} "
                "Name one of these."
            )
        check_settings(method, run.settings.get(method, {}))
    chosen = targets_of(table, split=run.split, count=run.num_targets)
    entries = tuple(
        Entry(
            method=method,
            start=start,
            has_horizon=METHODS[method].has_horizon,
            max_targets=SLOW_TARGETS if METHODS[method].is_slow else 0,
            max_seeds=SLOW_SEEDS if METHODS[method].is_slow else 0,
            settings=run.settings.get(method, {}),
        )
        for start in run.starts
        for method in methods
        if start in METHODS[method].starts
    )
    return Plan(
        entries=entries,
        targets=tuple(chosen),
        num_seeds=run.num_seeds,
        budgets=budgets_to(run.max_renders),
        reward=run.reward,
        batch_size=run.batch_size,
    )


def targets_of(table: BenchTable, *, split: SplitChoice, count: int) -> list[int]:
    """Positions of the targets of a split.

    Args:
        table: holds them.
        split: which.
        count: at most; 0 for all.

    Returns:
        At least one position.

    Raises:
        ConfigError: if there is none.
    """
    chosen = [place for place, target in enumerate(table.targets) if split in {"all", target.split}]
    if not chosen:
        raise ConfigError(
            f"the table '{table.name}' has no {split} targets; it has {len(table.targets)} targets. "
            "Choose another --split."
        )
    return chosen[: count or None]


def bench_run(
    run: BenchRun,
    folder: Path,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    announce: Announce = say_nothing,
) -> tuple[list[ResultRow], list[Timing]]:
    """Runs the benchmark and writes `results.csv`, `plan.json` and `timings.csv`; an interrupted run goes on.

    All but the timings are the same whenever the same run is made.

    Args:
        run: what to do.
        folder: where the files go.
        on_progress: called with units done and units in all.
        announce: is given one line where the table was made with other weights than those that ship now.

    Returns:
        Rows and timings.
    """
    table = load_table(run.table, announce=announce)
    plan = plan_of(run, table)
    log = _claim(run, table, folder)
    rows, timings = run_plan(
        table, plan, make_searcher=make_searcher, num_workers=run.num_workers, log=log, on_progress=on_progress
    )
    write_rows(rows, folder / "results.csv")
    lines = ["method,start,microseconds_per_step,steps"]
    lines += [f"{t.method},{t.start},{t.microseconds_per_step:.1f},{t.steps}" for t in timings]
    (folder / "timings.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    log.remove()
    return rows, timings


def _claim(run: BenchRun, table: BenchTable, folder: Path) -> UnitLog:
    """Writes down what is run, and finds what is done of it; a folder with a part of another run is refused."""
    told = asdict(run) | {"models": dict(table.models), "grammar": table.grammar_digest, "table_name": table.name}
    told.pop("num_workers")
    text = json.dumps(told, indent=1, sort_keys=True) + "\n"
    plan, units = folder / "plan.json", folder / "units.jsonl"
    if units.is_file() and not (plan.is_file() and plan.read_text(encoding="utf-8") == text):
        raise RecordError(
            f"'{folder}' holds a part of another run; only the same run goes on there, with the same options and the "
            "same table. Choose another --out, or remove the folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_file(plan, text.encode())
    return UnitLog(units)


def bench_table(
    config: SearchConfig,
    *,
    out: Path,
    num_targets: int = 200,
    num_search_seeds: int = 8,
    num_test_seeds: int = 16,
    width: int = 64,
    command: str = "rldf bench table",
    announce: Announce = say_nothing,
) -> Iterator[BlockDone | BenchTable]:
    """Makes a table of the models as they are now; an interrupted one goes on.

    Args:
        config: model, perception, judge and grammar.
        out: the file; its blocks lie beside it in a folder of the same name with `.blocks`.
        num_targets: targets.
        num_search_seeds: pictures of each state to search on.
        num_test_seeds: pictures of each state to judge by.
        width: numbers kept of an embedding.
        command: what makes the table again.
        announce: is given one line before anything is downloaded.

    Yields:
        `BlockDone` after each block, the table at last, when it is written.
    """
    parts = build_parts(config, shelf=SHELF, announce=announce)
    if "off-grammar" not in kinds_of(parts.grammar):
        announce(f"the grammar '{parts.grammar.name}' has a word for every object: no targets are off the grammar")
    targets = draw_targets(parts.grammar, image_generator=parts.image_generator, count=num_targets, seed=config.seed)
    sources = TableSources(
        name=config.grammar.name,
        grammar=parts.grammar,
        image_generator=parts.image_generator,
        scorer_a=parts.perception,
        scorer_b=parts.judge,
        models=models_of(parts),
        targets=tuple(targets),
        command=command,
        negative_prompt=config.model.negative_prompt,
        sentence_vectors=embed_sentences(parts, announce=announce),
        seed=config.seed,
        num_search_seeds=num_search_seeds,
        num_test_seeds=num_test_seeds,
        width=width,
    )
    for event in render_table(sources, out.with_name(f"{out.name}.blocks")):
        if isinstance(event, BenchTable):
            write_table(event, out)
        yield event


def read_plan(folder: Path) -> dict[str, object]:
    """Reads what a run was asked for.

    Args:
        folder: of `bench_run`.

    Returns:
        What `plan.json` holds.

    Raises:
        RecordError: if it cannot be read.
    """
    try:
        told: dict[str, object] = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(
            f"'{folder}' holds no plan.json that can be read: {error}. Give a folder written by: rldf bench run."
        ) from error
    return told


def run_of(folder: Path) -> BenchRun:
    """Reads back what `bench_run` was asked for; processes are as many as usual."""
    told = read_plan(folder)
    known = {entry.name for entry in fields(BenchRun)}
    try:
        values: dict[str, Any] = {name: value for name, value in told.items() if name in known}
        values |= {"methods": tuple(values["methods"]), "starts": tuple(values["starts"])}
        return BenchRun(**values)
    except (KeyError, TypeError) as error:
        raise RecordError(
            f"'{folder / 'plan.json'}' lacks {error}; it has to say what was run. Run rldf bench run again."
        ) from error


def report_of(folder: Path) -> Path:
    """Writes the report of a run, without the timings: equal results give an equal page.

    Args:
        folder: of `bench_run`.

    Returns:
        The page.
    """
    told = read_plan(folder)
    slow = (name for name, method in METHODS.items() if method.is_slow)
    models = told["models"]
    assert isinstance(models, dict)
    digests = ", ".join(f"{part} {str(digest)[:12]}" for part, digest in sorted(models.items()))
    notes = [
        f"Table '{told['table_name']}' ({told['table']}); {digests}.",
        f"Reward: {told['reward']}; targets: {told['split']}.",
        f"Slow methods ({', '.join(slow)}) run on at most {SLOW_TARGETS} targets with {SLOW_SEEDS} seeds.",
    ]
    tuned = told.get("settings", {})
    assert isinstance(tuned, dict)
    rows = read_rows(folder / "results.csv")
    return write_bench_report(rows, folder, title="Search benchmark", notes=notes, tuned=tuned)
