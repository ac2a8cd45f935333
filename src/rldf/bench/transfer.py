"""Whether what was learned on some targets helps with the next one: pictures told again, and values kept.

Two things pass from one target to the next. A reward model shared between targets: the pictures of earlier searches,
rewarded anew for the next target, which costs no render. And action values: an agent goes on with those it has learned.
"""

from dataclasses import dataclass

import numpy as np

from rldf.bench.paper_bench import PaperBench, success_at
from rldf.bench.paper_findings import Finding, is_above, is_below, judge, measure
from rldf.bench.replay import MakeSearcher, Replayer
from rldf.bench.table_rewards import RewardKind
from rldf.bench.table_walk import WalkRules
from rldf.contracts import Searcher
from rldf.errors import ConfigError
from rldf.searchers.request import SearcherRequest
from rldf.seeding import child_rng

METHOD = "factored"
CHECKED = (8, 16, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferSize:
    """How transfer is measured.

    Attributes:
        num_sources: earlier targets.
        renders: of each earlier search.
    """

    num_sources: int = 5
    renders: int = 32

    def __post_init__(self) -> None:
        if self.num_sources < 1 or self.renders < 1:
            raise ConfigError(
                f"transfer from {self.num_sources} targets of {self.renders} renders each cannot be measured; both are "
                "1 at least. Change these."
            )


def transfer_of_pictures(bench: PaperBench, size: TransferSize) -> Finding:
    """Measures what the pictures of earlier searches are worth to the default searcher.

    Args:
        bench: the table and the runs; each run has a target, earlier targets and seeds of its own.
        size: how much went before.

    Returns:
        Success with and without what went before, at the same renders.
    """
    replayer = Replayer(bench.table)
    fresh = bench.default_runs
    primed = [
        list(
            replayer.run(
                _primed(replayer, bench, run=run, size=size),
                method=METHOD,
                start="cold",
                target=bench.target_of(run),
                seed=run,
                budgets=bench.size.budgets,
            ).rows
        )
        for run in bench.runs
    ]
    budgets = [budget for budget in CHECKED if budget <= bench.size.budgets[-1]]
    gains = [
        measure(
            f"success at {budget} renders, with less without",
            [success_at(b, budget) - success_at(a, budget) for a, b in zip(fresh, primed, strict=True)],
        )
        for budget in budgets
    ]
    alone = [
        measure(f"success at {budget} renders, without", [success_at(a, budget) for a in fresh]) for budget in budgets
    ]
    return Finding(
        key="transfer-pictures",
        title=f"Does a reward model shared with {size.num_sources} earlier targets help the next?",
        rule="agrees where success at one of the budgets is clearly higher with what went before, disagrees where it "
        "is clearly lower at one and higher at none",
        measures=(*gains, *alone),
        verdict=judge([any(map(is_above, gains))], opposite=any(map(is_below, gains))),
        note=f"Cold default searches; {size.renders} renders of each earlier target are told again, rewarded for the "
        "next one: renders of the past, none of the present budget.",
    )


def transfer_of_values(bench: PaperBench, size: TransferSize, *, reward: RewardKind = "multi-semantic") -> Finding:
    """Measures whether Q-learning that goes on with its values reaches the next target sooner.

    Args:
        bench: the table and the runs.
        size: how much went before.
        reward: of the paper.

    Returns:
        How often the target was reached, with and without values from before.
    """
    rules = WalkRules(num_steps=bench.size.num_steps)
    fresh, kept = [], []
    for run in bench.runs:
        fresh.append(float(bench.learn(bench.agent("Q", run=run), run=run, reward=reward, rules=rules).has_converged))
        agent = bench.agent("Q", run=run)
        for number in range(1, size.num_sources + 1):
            bench.learn(agent, run=run + number, reward=reward, rules=rules)
        kept.append(float(bench.learn(agent, run=run, reward=reward, rules=rules).has_converged))
    gain = measure("reached, values kept less fresh", np.array(kept) - np.array(fresh))
    return Finding(
        key="transfer-values",
        title=f"Do action values learned on {size.num_sources} earlier targets help the next?",
        rule="agrees where the target is clearly reached more often with values from before; disagrees where less",
        measures=(gain, measure("reached, fresh", fresh), measure("reached, values kept", kept)),
        verdict=judge([is_above(gain)], opposite=is_below(gain)),
        note=f"{rules.num_steps} steps on every target, the same agent; the targets differ, so old values mislead too.",
    )


def _primed(replayer: Replayer, bench: PaperBench, *, run: int, size: TransferSize) -> MakeSearcher:
    """Makes a searcher that was told the pictures of earlier searches, rewarded for the present target."""

    def make(request: SearcherRequest) -> Searcher:
        searcher = bench.make_searcher(request)
        assert isinstance(searcher, Searcher), "it tries something"
        now = replayer.feedback(bench.target_of(run))
        for source in _sources(bench, run=run, count=size.num_sources):
            before = replayer.run(
                bench.make_searcher, method=METHOD, start="cold", target=source, seed=run, budgets=[size.renders]
            )
            encodings = [bench.table.space.encoding(state) for state, _ in before.pictures]
            searcher.tell(now.try_encodings(encodings, seeds=[seed for _, seed in before.pictures]))
        return searcher

    return make


def _sources(bench: PaperBench, *, run: int, count: int) -> list[int]:
    """Earlier targets of a run: others than its own, drawn by its number."""
    others = [place for place in bench.sayable if place != bench.target_of(run)]
    order = child_rng(run, "transfer").permutation(len(others))[:count]
    return [others[int(place)] for place in order]
