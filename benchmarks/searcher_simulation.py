"""Measures searchers in simulated worlds: `python benchmarks/searcher_simulation.py [SCENARIO ...] [--worlds N]`.

Each scenario draws its worlds from the seeds 0, 1, 2, ... and prints one line per searcher: how often the encoding it
ranks first is within 0.05 and 0.02 of the best expected reward, the mean loss, how often it is worse than the start by
more than 0.02, renders used, and the processor time of its slowest ask. No image model takes part.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import process_time

import numpy as np

from rldf.contracts import Proposal, Searcher
from rldf.grammar import load_grammar
from rldf.records.percept import StepRecord
from rldf.searchers import FactoredSearcher, RandomSearcher, rank_by_records
from rldf.space import Encoding
from rldf.testing.simulation import SimulatedWorld, cosine_world, percept_world, search_world, simulated_space

BASE = simulated_space((10, 4, 3, 4))
BASE_ERROR_RATES = (0.05, 0.15, 0.15, 0.02)
LARGE = simulated_space((30, 12, 12, 5, 4, 12))  # 1,036,800 states
LARGE_ERROR_RATES = (0.1,) * 6
FULL = replace(load_grammar("full").space, exclusions=())  # as many states as the full grammar


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A kind of world, where the search starts, and what it may use."""

    world: Callable[[int], SimulatedWorld]
    num_wrong_axes: int | None  # of the start; None for a random start
    num_renders: int


SCENARIOS = {
    "cold-percept": Scenario(
        world=lambda seed: percept_world(BASE, error_rates=BASE_ERROR_RATES, seed=seed),
        num_wrong_axes=None,
        num_renders=32,
    ),
    "repair-cosine": Scenario(world=lambda seed: cosine_world(BASE, seed=seed), num_wrong_axes=2, num_renders=40),
    "keep-cosine": Scenario(world=lambda seed: cosine_world(BASE, seed=seed), num_wrong_axes=0, num_renders=48),
    "keep-percept": Scenario(
        world=lambda seed: percept_world(BASE, error_rates=BASE_ERROR_RATES, seed=seed),
        num_wrong_axes=0,
        num_renders=48,
    ),
    "large-percept": Scenario(
        world=lambda seed: percept_world(LARGE, error_rates=LARGE_ERROR_RATES, seed=seed),
        num_wrong_axes=None,
        num_renders=96,
    ),
    "full-percept": Scenario(
        world=lambda seed: percept_world(FULL, error_rates=(0.1,) * len(FULL.axes), seed=seed),
        num_wrong_axes=None,
        num_renders=150,
    ),
}


class Timed(Searcher):
    """Measures the slowest ask of the searcher inside."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        self.slowest_s = 0.0

    def ask(self, max_proposals: int) -> list[Proposal]:
        """Asks the searcher inside."""
        before = process_time()
        proposals = self._searcher.ask(max_proposals)
        self.slowest_s = max(self.slowest_s, process_time() - before)
        return proposals

    def tell(self, records: Sequence[StepRecord]) -> None:
        """Tells the searcher inside."""
        self._searcher.tell(records)


def measure(name: str, scenario: Scenario, *, searcher_name: str, num_worlds: int) -> str:
    """Runs one searcher in the worlds of a scenario.

    Args:
        name: of the scenario.
        scenario: what to run.
        searcher_name: "factored" or "random".
        num_worlds: worlds to draw.

    Returns:
        One line.
    """
    regrets, losses, used, slowest = [], [], [], 0.0
    for seed in range(num_worlds):
        world = scenario.world(seed)
        start = world.space.sample(np.random.default_rng([seed, 3]))
        if scenario.num_wrong_axes is not None:
            start = world.corrupted_target(num_axes=scenario.num_wrong_axes, seed=seed)
        found, num_renders, ask_s = run(world, start, scenario, searcher_name=searcher_name, seed=seed)
        regrets.append(world.regret(found))
        losses.append(world.expected_reward(start) - world.expected_reward(found))
        used.append(num_renders)
        slowest = max(slowest, ask_s)
    regret, loss = np.array(regrets), np.array(losses)
    return (
        f"{name:14} {searcher_name:9} worlds {num_worlds:3}  within 0.05 {np.mean(regret <= 0.05):6.1%}  "
        f"within 0.02 {np.mean(regret <= 0.02):6.1%}  mean regret {regret.mean():.4f}  "
        f"worse than start {np.mean(loss > 0.02):5.1%}  renders {np.mean(used):5.1f}  slowest ask {slowest:.2f} s"
    )


def run(
    world: SimulatedWorld, start: Encoding, scenario: Scenario, *, searcher_name: str, seed: int
) -> tuple[Encoding, int, float]:
    """Searches one world.

    Args:
        world: where.
        start: first proposal.
        scenario: gives the renders.
        searcher_name: "factored" or "random".
        seed: of the searcher.

    Returns:
        The encoding ranked first, renders used, seconds of the slowest ask.
    """
    if searcher_name == "factored":
        factored = FactoredSearcher(space=world.space, start=start, seed=seed)
        timed = Timed(factored)
        records = search_world(world, timed, num_renders=scenario.num_renders)
        return factored.ranking(1)[0].encoding, len(records), timed.slowest_s
    timed = Timed(RandomSearcher(space=world.space, start=start, seed=seed))
    records = search_world(world, timed, num_renders=scenario.num_renders)
    return rank_by_records(records, max_encodings=1)[0].encoding, len(records), timed.slowest_s


def main() -> None:
    """Reads the command line and prints one line per scenario and searcher."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--searchers", default="factored,random")
    arguments = parser.parse_args()
    for name in arguments.scenarios or SCENARIOS:
        for searcher_name in arguments.searchers.split(","):
            line = measure(name, SCENARIOS[name], searcher_name=searcher_name, num_worlds=arguments.worlds)
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
