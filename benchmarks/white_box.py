"""The white-box noisy diffusion gradient beside the black-box ones, at equal charge: `python benchmarks/white_box.py`.

    python benchmarks/white_box.py --table base --targets 10 --charge 96

A render costs 1, a gradient 1 + 2 x (steps it goes back / denoising steps). Pictures tried are looked up in the table;
gradients are made live, with the models the table was made with. Success is judged as in `rldf bench run`, cold.
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from rldf.bench import Replayer
from rldf.bench.replay import seed_order
from rldf.bench.results import Judged
from rldf.bench.statistics import bootstrap_mean
from rldf.bench.summary import SUCCESS_SHARE
from rldf.gradient import RelaxedSettings, ascend_relaxed
from rldf.jobs.bench_run import targets_of
from rldf.jobs.bench_tables import load_table, models_of, table_config
from rldf.presets.build import build_parts
from rldf.presets.searchers import make_searcher
from rldf.presets.shelf import SHELF
from rldf.presets.white_box import WhiteBoxGradient
from rldf.records import StepRecord
from rldf.search.select import rank
from rldf.searchers import ScriptSearcher
from rldf.seeding import child_rng
from rldf.space import EncodingSpace

BLACK_BOXES = ("gradient", "gradient-guarded", "gradient-guarded+confirm", "spsa", "spsa-guarded", "factored")


def main() -> None:
    """Prints one line per method: success, exact and share of the oracle at three charges."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", default="base")
    parser.add_argument("--targets", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--charge", type=int, default=96)
    parser.add_argument("--steps-back", type=int, default=2)
    parser.add_argument("--gradients", type=int, default=1)
    args = parser.parse_args()
    table = load_table(args.table)
    parts = build_parts(table_config(table), shelf=SHELF)
    table.require_models(models_of(parts))
    targets = targets_of(table, split="test", count=args.targets)
    replayer = Replayer(table)
    budgets = tuple(range(1, args.charge + 1))
    found: dict[str, list[list[tuple[float, Judged]]]] = {"white box": []}
    for target in targets:
        for seed in range(args.seeds):
            gradient = WhiteBoxGradient(
                parts,
                wish=table.percept(table.readings.target_a[target]),
                seed=table.search_seeds[int(seed_order(table, target=target, seed=seed)[0])],
                num_steps_back=args.steps_back,
            )
            found["white box"].append(
                white_box(
                    replayer,
                    gradient,
                    space=table.space,
                    target=target,
                    seed=seed,
                    charge=args.charge,
                    settings=RelaxedSettings(num_gradients=args.gradients),
                )
            )
            for method in BLACK_BOXES:
                rows = replayer.run(
                    make_searcher, method=method, start="cold", target=target, seed=seed, budgets=budgets
                ).rows
                found.setdefault(method, []).append([(float(row.budget), row.judged) for row in rows])
        sys.stderr.write(f"target {target} done\n")
    for method, runs in found.items():
        for charge in (args.charge // 4, args.charge // 2, args.charge):
            last = [at(answers, charge) for answers in runs]
            shares = np.array([judged.score / max(judged.oracle, 1e-9) for judged in last])
            success = bootstrap_mean((shares >= SUCCESS_SHARE).astype(float))
            sys.stdout.write(
                f"{method:26} charge {charge:3}  success {success.mean:.2f} [{success.low:.2f}, {success.high:.2f}]  "
                f"exact {np.mean([judged.is_exact for judged in last]):.2f}  share of the oracle {shares.mean():.3f}\n"
            )


def white_box(
    replayer: Replayer,
    gradient: WhiteBoxGradient,
    *,
    space: EncodingSpace,
    target: int,
    seed: int,
    charge: int,
    settings: RelaxedSettings,
) -> list[tuple[float, Judged]]:
    """Climbs until renders and gradients together are spent.

    Args:
        replayer: looks pictures up and judges.
        gradient: of the target, with the search's first seed.
        space: the grid.
        target: position of the target.
        seed: of the search.
        charge: what may be spent, in renders.
        settings: of the climb.

    Returns:
        After each render what was spent, and what the search answers then.
    """
    table_seed = int(seed_order(replayer.table, target=target, seed=seed)[0])
    start = space.sample(child_rng(seed, "start", target))
    judge = replayer.judge_of(target, start=start)
    feedback = replayer.feedback(target)
    searcher = ScriptSearcher(ascend_relaxed(space=space, gradient=gradient, start=start, seed=seed, settings=settings))
    records: list[StepRecord] = []
    answers = [(0.0, judge(start))]
    while proposals := searcher.ask(1):
        if feedback.num_renders + 1 + gradient.charge > charge:
            break
        told = feedback.try_encodings([proposals[0].encoding], seeds=[table_seed])
        searcher.tell(told)
        records += told
        found = rank(searcher, records, count=1)[0]
        answers.append((feedback.num_renders + gradient.charge, judge(found)))
    return answers


def at(answers: Sequence[tuple[float, Judged]], charge: float) -> Judged:
    """The last answer that cost no more than a charge."""
    return [judged for spent, judged in answers if spent <= charge][-1]


if __name__ == "__main__":
    main()
