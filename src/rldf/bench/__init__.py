"""The search benchmark: every picture drawn once, then any searcher replayed from a table.

- `BenchTable`, `read_table`, `write_table`: what was read in every picture, and in the targets.
- `render_table`: fills a table, interrupted or not; `simulated_table`: one without an image model.
- `Replayer`, `TableFeedback`, `Entry`, `Plan`, `run_plan`: searchers on targets x seeds x budgets.
- `read_rows`, `write_rows`: results as CSV; `write_bench_report`: one HTML page of them.
- `rldf.bench.paper`: the paper's table, figures and claims; `rldf.bench.transfer`, `rldf.bench.confirm`: what they say.
- `rldf.bench.statistics`: intervals and tests.
"""

from rldf.bench.plan import Entry, Plan, run_plan
from rldf.bench.render import TableSources, render_table
from rldf.bench.replay import Replayer, RunResult, TableFeedback
from rldf.bench.report import write_bench_report
from rldf.bench.results import ResultRow, read_rows, write_rows
from rldf.bench.simulated import simulated_table
from rldf.bench.table import BenchTable, BenchTarget, ScorerReadings, read_table, write_table

__all__ = [
    "BenchTable",
    "BenchTarget",
    "Entry",
    "Plan",
    "Replayer",
    "ResultRow",
    "RunResult",
    "ScorerReadings",
    "TableFeedback",
    "TableSources",
    "read_rows",
    "read_table",
    "render_table",
    "run_plan",
    "simulated_table",
    "write_bench_report",
    "write_rows",
    "write_table",
]
