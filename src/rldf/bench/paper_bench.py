"""What the paper's experiments share: a table, its grid, its targets, and how large everything is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, final

import numpy as np

from rldf.agents import ConstantEpsilon, QLearningAgent, SarsaAgent, UniformAgent
from rldf.bench.replay import MakeRewards, MakeSearcher, Replayer
from rldf.bench.results import ResultRow
from rldf.bench.summary import is_success
from rldf.bench.table import BenchTable
from rldf.bench.table_rewards import PictureRewards, RewardKind, rewards_of
from rldf.bench.table_walk import TableGrid, Walk, WalkRules, walk
from rldf.contracts import Agent
from rldf.errors import ConfigError
from rldf.seeding import child_rng

AgentName = Literal["Q", "random", "SARSA"]

CENSORED_AT = 2.0
"""A search that never succeeds counts as this multiple of the largest budget; our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSize:
    """How large the experiments are.

    Attributes:
        num_runs: runs of each row, each with a target and a seed of its own.
        num_steps: steps of the paper's table.
        long_steps: steps where agents are given time.
        budgets: renders after which searches are judged.
        state_counts: sizes of spaces, rising, of the experiments on size.
    """

    num_runs: int = 30
    num_steps: int = 100
    long_steps: int = 2000
    budgets: tuple[int, ...] = (4, 8, 12, 16, 24, 32, 48, 64, 96)
    state_counts: tuple[int, ...] = (54, 160, 480, 1440, 4320)


QUICK = PaperSize(num_runs=6, num_steps=100, long_steps=400, budgets=(8, 16, 32, 64), state_counts=(16, 48, 144, 432))
"""A try of all experiments in a minute; its verdicts mean little."""


@final
class PaperBench:
    """Runs agents and searchers on one table, each run with a target and seeds of its own."""

    def __init__(self, table: BenchTable, *, size: PaperSize, make_searcher: MakeSearcher) -> None:
        """Prepares a table.

        Args:
            table: what was read in the pictures.
            size: how large the experiments are.
            make_searcher: makes searchers by name.

        Raises:
            ConfigError: if no target of the table can be said by its grammar.
        """
        self.table = table
        self.size = size
        self.make_searcher = make_searcher
        self.grid = TableGrid(table)
        self.sayable = [place for place in range(len(table.targets)) if table.target_state(place) is not None]
        if not self.sayable:
            raise ConfigError(
                f"none of the {len(table.targets)} targets of the table '{table.name}' can be said by its grammar; the "
                "paper's experiments need one. Make a table with more targets."
            )

    @property
    def runs(self) -> range:
        """Numbers of the runs."""
        return range(self.size.num_runs)

    @cached_property
    def default_runs(self) -> list[list[ResultRow]]:
        """What the default searcher does on the target of every run, rewarded for agreement."""
        return self.search("factored")

    def target_of(self, run: int) -> int:
        """Position of the target of a run."""
        return self.sayable[run % len(self.sayable)]

    def render_seed_of(self, run: int) -> int:
        """Position of the search seed that draws every picture of a run."""
        return run % len(self.table.search_seeds)

    def agent(self, name: AgentName, *, run: int, epsilon: float = 0.1) -> Agent:
        """Makes an agent of the paper at its defaults; epsilon means nothing to the random one."""
        seed, num_actions = run + round(1e4 * epsilon), self.grid.num_actions
        match name:
            case "Q":
                return QLearningAgent(num_actions=num_actions, exploration=ConstantEpsilon(epsilon), seed=seed)
            case "SARSA":
                return SarsaAgent(num_actions=num_actions, exploration=ConstantEpsilon(epsilon), seed=seed)
            case "random":
                return UniformAgent(num_actions=num_actions, seed=seed)

    def learn(
        self,
        agent: Agent,
        *,
        run: int,
        reward: RewardKind | PictureRewards = "multi-semantic",
        rules: WalkRules | None = None,
        is_terminal: np.ndarray | None = None,
    ) -> Walk:
        """Lets an agent learn as in Algorithm 1, on the target of a run.

        Args:
            agent: fresh, or one that has learned before.
            run: number of the run.
            reward: one of the paper's, or one number per picture.
            rules: how the walk goes; None for the paper's number of steps from random starts.
            is_terminal: pictures that end an episode.

        Returns:
            The way it went.
        """
        target = self.target_of(run)
        rewards = rewards_of(self.table, target=target, kind=reward) if isinstance(reward, str) else reward
        return walk(
            self.grid,
            agent,
            rewards=rewards,
            goal=self.grid.wish(target),
            rules=WalkRules(num_steps=self.size.num_steps) if rules is None else rules,
            rng=child_rng(run, "paper-walk"),
            render_seed=self.render_seed_of(run),
            is_terminal=is_terminal,
        )

    def search(
        self,
        method: str,
        *,
        reward: RewardKind | MakeRewards = "agreement",
        make_searcher: MakeSearcher | None = None,
        targets: Sequence[int] | None = None,
    ) -> list[list[ResultRow]]:
        """Replays a method cold on the target of every run, or on others.

        Args:
            method: its name.
            reward: what it is rewarded for.
            make_searcher: makes it; None for the usual way.
            targets: positions of the targets; None for those of the runs.

        Returns:
            For each run its rows, one per budget.
        """
        replayer = Replayer(self.table, reward=reward)
        make = self.make_searcher if make_searcher is None else make_searcher
        chosen = [self.target_of(run) for run in self.runs] if targets is None else targets
        return [
            list(
                replayer.run(make, method=method, start="cold", target=target, seed=run, budgets=self.size.budgets).rows
            )
            for run, target in enumerate(chosen)
        ]


def success_at(rows: Sequence[ResultRow], budget: int) -> float:
    """1 where a search succeeded at the largest of its budgets that is not above a number, else 0."""
    return float(is_success([row for row in rows if row.budget <= budget][-1]))


def share_of_oracle(rows: Sequence[ResultRow]) -> float:
    """Score at the largest budget as a share of the oracle's."""
    return rows[-1].judged.score / max(rows[-1].judged.oracle, 1e-9)


def renders_to_success(rows: Sequence[ResultRow]) -> float:
    """First budget that succeeds; twice the largest where none does."""
    return float(next((row.budget for row in rows if is_success(row)), CENSORED_AT * rows[-1].budget))
