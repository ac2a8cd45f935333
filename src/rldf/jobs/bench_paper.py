"""The paper's experiments as one call: tables in, results out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rldf.arrays import ImageBatch
from rldf.bench import BenchTable
from rldf.bench.paper import PaperSources, reproduce
from rldf.bench.paper_bench import QUICK, PaperSize
from rldf.bench.paper_figures import DrawStates
from rldf.bench.paper_report import PaperResults, write_paper
from rldf.jobs.bench_tables import SIMULATED, load_table, models_of, table_config
from rldf.presets.build import build_parts
from rldf.presets.searchers import make_searcher
from rldf.presets.shelf import SHELF
from rldf.records import Prompt
from rldf.renderer.scenes import INDOOR_SCENES
from rldf.search import SearchParts
from rldf.space import Encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRun:
    """What `rldf bench paper` does.

    Attributes:
        table: of the paper's space, as `load_table` takes it.
        wide: a larger one, for sizes and domains; "" takes "wide" beside "base", else the same.
        num_runs: runs of each row; 0 for the usual number.
        is_quick: a small try of everything.
    """

    table: str = "base"
    wide: str = ""
    num_runs: int = 0
    is_quick: bool = False


def bench_paper(run: PaperRun, folder: Path, *, announce: Callable[[str], None]) -> tuple[PaperResults, Path]:
    """Makes every experiment of the paper and writes what came of them.

    Args:
        run: what to do.
        folder: where the files go.
        announce: is given one line for each part.

    Returns:
        The results and the page.
    """
    others: list[str] = []
    table = load_table(run.table, announce=others.append)
    wide_name = run.wide or ("wide" if run.table == "base" else "")
    wide = load_table(wide_name, announce=others.append) if wide_name else table
    for line in others:
        announce(line)
    size = QUICK if run.is_quick else PaperSize()
    size = replace(size, num_runs=run.num_runs) if run.num_runs else size
    sources = PaperSources(
        table=table,
        wide=wide,
        indoor=INDOOR_SCENES,
        size=size,
        make_searcher=make_searcher,
        draw=None if run.table.startswith(SIMULATED) else _drawing(table),
        notes=[
            _about(table),
            *([_about(wide)] if run.wide else []),
            _about_size(size, is_quick=run.is_quick),
            *(f"{line[0].upper()}{line[1:]}." for line in others),
        ],
    )
    results: PaperResults | None = None
    for event in reproduce(sources):
        if isinstance(event, PaperResults):
            results = event
        else:
            announce(event)
    assert results is not None, "the results come last"
    return results, write_paper(results, folder)


def _drawing(table: BenchTable) -> DrawStates | None:
    """Draws states with the image model the table was made with; None where its weights are others now."""
    parts = build_parts(table_config(table), shelf=SHELF)
    if table.other_models(models_of(parts)):
        return None

    def draw(encodings: Sequence[Encoding], seed: int) -> ImageBatch:
        return draw_states(parts, encodings, seeds=[table.search_seeds[seed]] * len(encodings))

    return draw


def draw_states(parts: SearchParts, encodings: Sequence[Encoding], *, seeds: Sequence[int]) -> ImageBatch:
    """Draws encodings as the benchmark's table does, one seed each."""
    prompts = [Prompt(text=parts.grammar.render(each), negative=parts.negative_prompt) for each in encodings]
    return parts.image_generator.generate(prompts, seeds=seeds)


def _about(table: BenchTable) -> str:
    digests = ", ".join(f"{part} {digest[:12]}" for part, digest in sorted(table.models.items()))
    return f"Table '{table.name}': {table.space.size} states, {len(table.targets)} targets; {digests}."


def _about_size(size: PaperSize, *, is_quick: bool) -> str:
    text = f"{size.num_runs} runs of each row, {size.num_steps} and {size.long_steps} steps."
    return f"{text} A quick try: its verdicts mean little." if is_quick else text
