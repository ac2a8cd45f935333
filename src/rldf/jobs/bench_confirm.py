"""Confirms a share of a benchmark run with pictures drawn now, by the models the table was made with."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from rldf.arrays import ImageBatch
from rldf.bench import BenchTable
from rldf.bench.confirm import ConfirmedSummary, LiveTable, Rows, confirm_plan, summarise_confirmed, write_confirmed
from rldf.bench.render import read_rows_of
from rldf.errors import ConfigError
from rldf.jobs.bench_paper import draw_states
from rldf.jobs.bench_run import plan_of, run_of
from rldf.jobs.bench_tables import SIMULATED, load_table, models_of, table_config
from rldf.jobs.bench_targets import draw_target
from rldf.presets.build import build_parts
from rldf.presets.searchers import make_searcher
from rldf.presets.shelf import SHELF
from rldf.search import SearchParts


def bench_confirm(
    folder: Path, *, share: float, seed: int = 0, on_progress: Callable[[int, int], None] | None = None
) -> ConfirmedSummary:
    """Makes a share of a run's searches again, live, and writes `confirmed.csv` and `confirmed.json`.

    Args:
        folder: of `bench_run`.
        share: of its searches, above 0, at most 1.
        seed: of the draw.
        on_progress: called with searches done and searches in all.

    Returns:
        What the comparison says.

    Raises:
        ConfigError: if the run is of a simulated table, which has no models.
    """
    run = run_of(folder)
    if run.table.startswith(SIMULATED):
        raise ConfigError(
            f"the run in '{folder}' is of the table '{run.table}', which no image model drew; only runs of a table "
            "from rldf bench table can be confirmed. Run one of these."
        )
    table = load_table(run.table)
    parts = build_parts(table_config(table), shelf=SHELF)
    table.require_models(models_of(parts))
    live = live_table(table, parts)
    confirmed = confirm_plan(
        table,
        plan_of(run, table),
        share=share,
        make_searcher=make_searcher,
        live=live,
        seed=seed,
        on_progress=on_progress,
    )
    summary = summarise_confirmed(confirmed, live=live)
    write_confirmed(confirmed, folder / "confirmed.csv")
    told = asdict(summary) | {"share": share, "seed": seed}
    (folder / "confirmed.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return summary


def live_table(table: BenchTable, parts: SearchParts) -> LiveTable:
    """Makes a table that draws with the parts of a search.

    Args:
        table: what was read before, by the same models.
        parts: draw and read.

    Returns:
        Nothing drawn yet.
    """

    def read(images: ImageBatch) -> tuple[Rows, Rows]:
        return read_rows_of(parts.perception, images), read_rows_of(parts.judge, images)

    def read_pictures(states: Sequence[int], seeds: Sequence[int]) -> tuple[Rows, Rows]:
        return read(draw_states(parts, [table.space.encoding(state) for state in states], seeds=seeds))

    def read_target(target: int) -> tuple[Rows, Rows]:
        known = table.targets[target]
        image, _, _ = draw_target(
            parts.grammar, kind=known.kind, seed=known.seed, image_generator=parts.image_generator
        )
        return read(image[np.newaxis])

    return LiveTable(table, read_pictures=read_pictures, read_target=read_target)
