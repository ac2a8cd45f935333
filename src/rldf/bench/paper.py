"""All experiments of the paper, one after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rldf.arrays import Image
from rldf.bench.paper_bench import PaperBench, PaperSize
from rldf.bench.paper_claims import claim_1_start, claim_2_seeds, claim_3_clip, claim_4_distance, claim_8_realism
from rldf.bench.paper_figures import DrawStates, figure_3, figure_5, figure_6, figure_11, figure_12
from rldf.bench.paper_findings import Finding
from rldf.bench.paper_questions import (
    question_ablation,
    question_locality,
    question_ndg,
    question_random_encodings,
    question_rewards,
    question_strange_pictures,
)
from rldf.bench.paper_report import PaperResults
from rldf.bench.paper_scale import claim_5_ninefold, claim_6_domains, claim_7_random, measure_sizes, question_size
from rldf.bench.paper_table3 import TableRow, find_table_3, table_3
from rldf.bench.plots import require_matplotlib
from rldf.bench.replay import MakeSearcher
from rldf.bench.table import BenchTable

EXPERIMENTS: Mapping[str, Callable[[PaperBench], Finding]] = {
    "start": claim_1_start,
    "seeds": claim_2_seeds,
    "likeness as reward": claim_3_clip,
    "distance as reward": claim_4_distance,
    "unrealistic pictures": claim_8_realism,
    "accuracy and diversity": question_rewards,
    "parts of the reward": question_ablation,
    "pictures outside the domain": question_strange_pictures,
    "random encodings": question_random_encodings,
    "locality": question_locality,
    "noisy diffusion gradient": question_ndg,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSources:
    """What the experiments are made with.

    Attributes:
        table: the paper's space.
        wide: a larger space, for sizes and domains; the same table where there is none.
        indoor: scenes that are indoors.
        size: how large everything is.
        make_searcher: makes searchers by name; a function of a module.
        draw: draws states, for the strip; None where there is no image model at hand.
        notes: one paragraph each, such as which tables and weights.
    """

    table: BenchTable
    wide: BenchTable
    indoor: Sequence[str]
    size: PaperSize
    make_searcher: MakeSearcher
    draw: DrawStates | None
    notes: Sequence[str]


def reproduce(sources: PaperSources) -> Iterator[str | PaperResults]:
    """Makes every experiment; a `MissingExtraError` comes up at once where figures cannot be drawn.

    Args:
        sources: what with.

    Yields:
        The name of each part before it begins, the results at last.
    """
    require_matplotlib()
    bench = PaperBench(sources.table, size=sources.size, make_searcher=sources.make_searcher)
    yield "table 3"
    rows: list[TableRow] = table_3(bench)
    findings = [find_table_3(rows)]
    for name, experiment in EXPERIMENTS.items():
        yield name
        findings.append(experiment(bench))
    yield "sizes"
    points = measure_sizes(sources.wide, size=sources.size, make_searcher=sources.make_searcher)
    findings += [claim_5_ninefold(points), claim_7_random(points), question_size(points)]
    yield "domains"
    findings.append(
        claim_6_domains(sources.wide, indoor=sources.indoor, size=sources.size, make_searcher=sources.make_searcher)
    )
    yield "figures"
    figures: dict[str, Image] = {
        "figure-3": figure_3(bench),
        "figure-5": figure_5(bench),
        "figure-6": figure_6(bench),
        "figure-11": figure_11(bench),
    }
    notes = list(sources.notes)
    if sources.draw is None:
        notes.append("Figure 12 is missing: it needs the image model that the table was made with.")
    else:
        figures["figure-12"] = figure_12(bench, draw=sources.draw)
    yield PaperResults(
        table_3=rows, findings=sorted(findings, key=lambda finding: finding.key), figures=figures, notes=notes
    )
