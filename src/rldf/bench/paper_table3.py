"""Table 3 of the paper over many runs: how near agents come to the target in a hundred steps."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from rldf.bench.paper_bench import AgentName, PaperBench
from rldf.bench.paper_findings import Finding, Measure, judge, measure
from rldf.bench.table_rewards import RewardKind
from rldf.bench.table_walk import Walk, WalkRules

REWARDS: tuple[RewardKind, ...] = ("multi-semantic", "partial-semantic", "clip")
"""Rewards 1, 2 and 3 of the paper."""

EPSILONS = (0.01, 0.1)
COLUMNS = ("D_T", "D_max", "D_min", "std", "var", "converged", "fine", "coarse")
PAPER: dict[tuple[AgentName, int, float], tuple[float, ...]] = {
    ("Q", 1, 0.01): (1, 7, 1, 1.58, 2.51, 0, 33, 43),
    ("Q", 1, 0.1): (10, 12, 8, 0.97, 0.95, 0, 0, 0),
    ("Q", 2, 0.01): (1, 9, 1, 1.61, 2.59, 0, 18, 1),
    ("Q", 2, 0.1): (9, 9, 7, 0.67, 0.45, 0, 0, 52),
    ("Q", 3, 0.01): (9, 10, 7, 0.55, 0.30, 0, 0, 0),
    ("Q", 3, 0.1): (2, 3, 1, 0.26, 0.07, 0, 26, 0),
    ("random", 1, 0.01): (6, 12, 6, 1.51, 2.27, 0, 0, 0),
    ("random", 1, 0.1): (9, 11, 0, 3.15, 9.92, 1, 13, 6),
    ("random", 2, 0.01): (8, 9, 5, 1.04, 1.08, 0, 0, 20),
    ("random", 2, 0.1): (9, 11, 6, 1.05, 1.09, 0, 0, 11),
    ("random", 3, 0.01): (4, 9, 3, 1.58, 2.50, 0, 11, 0),
    ("random", 3, 0.1): (2, 5, 2, 0.79, 0.63, 0, 25, 0),
    ("SARSA", 1, 0.01): (10, 10, 7, 0.85, 0.73, 0, 13, 0),
    ("SARSA", 1, 0.1): (1, 5, 0, 1.51, 2.29, 1, 3, 10),
    ("SARSA", 2, 0.01): (3, 5, 3, 0.57, 0.33, 0, 3, 42),
    ("SARSA", 2, 0.1): (9, 9, 2, 2.08, 4.34, 0, 36, 0),
    ("SARSA", 3, 0.01): (9, 10, 3, 2.84, 8.09, 0, 0, 0),
    ("SARSA", 3, 0.1): (9, 9, 0, 1.64, 2.68, 1, 51, 10),
}
"""Agent, reward and epsilon to the paper's one run. Source: Table 3 of arXiv 2311.15648."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row of Table 3, over many runs.

    Attributes:
        agent, reward, epsilon: which; the reward by its number in the paper.
        num_steps: steps of each run.
        measures: one per column.
        paper: the paper's one run; None where it made none of this length.
    """

    agent: AgentName
    reward: int
    epsilon: float
    num_steps: int
    measures: tuple[Measure, ...]
    paper: tuple[float, ...] | None


def table_3(bench: PaperBench) -> list[TableRow]:
    """Makes the 18 rows at the paper's length, then again with more steps.

    Args:
        bench: where the agents walk.

    Returns:
        36 rows.
    """
    return [
        _row(bench, agent=agent, reward=reward, epsilon=epsilon, num_steps=num_steps)
        for num_steps in (bench.size.num_steps, bench.size.long_steps)
        for agent in get_args(AgentName)
        for reward in (1, 2, 3)
        for epsilon in EPSILONS
    ]


def find_table_3(rows: Sequence[TableRow]) -> Finding:
    """Compares the share of rows that converge with the paper's."""
    short = [row for row in rows if row.paper is not None]
    converged = [row.measures[COLUMNS.index("converged")] for row in short]
    total = sum(entry.count for entry in converged)
    share = float(np.mean([entry.interval.mean for entry in converged]))
    ours = measure(
        "share of runs that converged", [1.0] * round(share * total) + [0.0] * (total - round(share * total))
    )
    paper = float(np.mean([values[COLUMNS.index("converged")] for values in PAPER.values()]))
    holds = ours.interval.low <= paper <= ours.interval.high
    by_agent = [
        measure(
            f"{agent}, {row_steps} steps",
            [r.measures[5].interval.mean for r in rows if r.agent == agent and r.num_steps == row_steps],
        )
        for row_steps in dict.fromkeys(row.num_steps for row in rows)
        for agent in get_args(AgentName)
    ]
    return Finding(
        key="table-3",
        title="Table 3: within its steps, 3 of 18 runs reach the target, and the random agent is one of them",
        rule=f"agrees where the interval of the share of runs that converge holds the paper's {paper:.2f}",
        measures=(ours, *by_agent),
        verdict=judge([holds], opposite=not holds),
        note="Below the first line: share that converged, over the six rows of each agent.",
    )


def write_table_3(rows: Sequence[TableRow], path: Path) -> None:
    """Writes the rows as CSV: mean, ends of the interval and the paper's value for every column."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = [f"{column}{end}" for column in COLUMNS for end in ("", "_low", "_high", "_paper")]
        writer.writerow(["agent", "reward", "epsilon", "steps", "runs", *names])
        for row in rows:
            cells: list[object] = [row.agent, row.reward, row.epsilon, row.num_steps, row.measures[0].count]
            for place, entry in enumerate(row.measures):
                interval = entry.interval
                cells += [f"{value:.4f}" for value in (interval.mean, interval.low, interval.high)]
                cells.append("" if row.paper is None else row.paper[place])
            writer.writerow(cells)


def _row(bench: PaperBench, *, agent: AgentName, reward: int, epsilon: float, num_steps: int) -> TableRow:
    walks = [
        bench.learn(
            bench.agent(agent, run=run, epsilon=epsilon),
            run=run,
            reward=REWARDS[reward - 1],
            rules=WalkRules(num_steps=num_steps),
        )
        for run in bench.runs
    ]
    values = np.array([_values(each) for each in walks])
    return TableRow(
        agent=agent,
        reward=reward,
        epsilon=epsilon,
        num_steps=num_steps,
        measures=tuple(measure(column, values[:, place]) for place, column in enumerate(COLUMNS)),
        paper=PAPER[agent, reward, epsilon] if num_steps == bench.size.num_steps else None,
    )


def _values(each: Walk) -> tuple[float, ...]:
    deviation = float(np.std(each.distances))
    return (
        float(each.distances[-1]),
        float(each.distances.max()),
        float(each.distances.min()),
        deviation,
        deviation**2,
        float(each.has_converged),
        float(each.has_fine.sum()),
        float(each.has_coarse.sum()),
    )
