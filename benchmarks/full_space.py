"""The default searcher live on the full grammar, cold: `python benchmarks/full_space.py --targets 50 --renders 150`.

Targets are drawn and in-generator by turns. A search begins anywhere, sees pictures of the embedded model read by
scorer A, and is judged by scorer B on test seeds: success is at least 95 % of the score of the true words. One CSV
line per target and budget goes to --out; a summary to stdout.
"""

import argparse
import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from rldf.arrays import Image
from rldf.bench.statistics import bootstrap_mean
from rldf.bench.summary import SUCCESS_SHARE
from rldf.bench.table import TargetKind
from rldf.contracts import Searcher, Target
from rldf.jobs.bench_paper import draw_states
from rldf.jobs.bench_targets import draw_target
from rldf.presets.build import build_parts
from rldf.presets.loading import load_preset, override
from rldf.presets.searchers import make_for_search
from rldf.presets.shelf import SHELF
from rldf.records import StepRecord
from rldf.search import RunSeeds, SearchParts
from rldf.search.select import rank
from rldf.seeding import child_rng, child_seed
from rldf.space import Encoding

BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a search believed after some renders.

    Attributes:
        renders: used.
        encoding: held for best.
        own_ms: processor time of the searcher per try so far, in milliseconds.
    """

    renders: int
    encoding: Encoding
    own_ms: float


def main() -> None:
    """Prints success at each budget."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", type=int, default=50)
    parser.add_argument("--renders", type=int, default=150)
    parser.add_argument("--test-seeds", type=int, default=16)
    parser.add_argument("--method", default="factored")
    parser.add_argument("--grammar", default="full")
    parser.add_argument("--seed", type=int, default=7000)
    parser.add_argument("--out", type=Path, default=Path("full-space.csv"))
    args = parser.parse_args()
    config = override(load_preset("embedded").config, [f"grammar.name={args.grammar}", "model.use_cache=false"])
    parts = build_parts(config, shelf=SHELF)
    budgets = sorted({args.renders // 4, args.renders // 2, args.renders})
    shares: dict[int, list[float]] = {budget: [] for budget in budgets}
    with args.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["target", "kind", "renders", "score", "true_score", "start_score", "right_axes", "own_ms", "seconds"]
        )
        for number in range(args.targets):
            began = perf_counter()
            kind: TargetKind = "drawn" if number % 2 else "in-generator"
            own = child_seed(args.seed, "full-space", number)
            image, _, terms = draw_target(parts.grammar, kind=kind, seed=own, image_generator=parts.image_generator)
            truth = parts.space.encode(terms)
            start = parts.space.sample(child_rng(own, "start"))
            searcher = make_for_search(args.method, space=parts.space, start=start, seed=number, horizon=args.renders)
            answers = search_live(parts, searcher, image=image, budgets=budgets, seed=number)
            scores = score_live(
                parts, [truth, start, *(a.encoding for a in answers)], image=image, count=args.test_seeds
            )
            for answer, score in zip(answers, scores[2:], strict=True):
                shares[answer.renders].append(score / max(scores[0], 1e-9))
                right = sum(a == b for a, b in zip(answer.encoding.indices, truth.indices, strict=True))
                numbers = [f"{value:.4f}" for value in (score, scores[0], scores[1])]
                seconds = f"{perf_counter() - began:.1f}"
                writer.writerow([number, kind, answer.renders, *numbers, right, f"{answer.own_ms:.2f}", seconds])
            file.flush()
            sys.stderr.write(f"target {number} of {args.targets}: {shares[budgets[-1]][-1]:.3f} of the true words\n")
    sys.stdout.write(
        f"{args.method} on '{args.grammar}', {parts.space.size:.3g} states, {args.targets} targets, cold\n"
    )
    for budget, each in shares.items():
        success = bootstrap_mean((np.array(each) >= SUCCESS_SHARE).astype(float))
        sys.stdout.write(
            f"{budget:4} renders: success {success.mean:.2f} [{success.low:.2f}, {success.high:.2f}]  "
            f"share of the true words' score {np.mean(each):.3f}\n"
        )


def search_live(parts: SearchParts, searcher: Searcher, *, image: Image, budgets: list[int], seed: int) -> list[Answer]:
    """Searches until the last budget and tells what it believed at each."""
    target = Target(percept=parts.perception.perceive(image[np.newaxis])[0], references=(image,))
    feedback, seed_of = parts.wire(target).feedback, RunSeeds(root=seed).of("search")
    records: list[StepRecord] = []
    seen: set[tuple[Encoding, int]] = set()
    answers: list[Answer] = []
    own_s, is_finished = 0.0, False
    for budget in budgets:
        while len(seen) < budget and not is_finished:
            began = process_time()
            proposals = searcher.ask(min(BATCH, budget - len(seen)))
            own_s += process_time() - began
            is_finished = not proposals
            if proposals:
                seeds = [seed_of(proposal.seed_index) for proposal in proposals]
                told = feedback.try_encodings([proposal.encoding for proposal in proposals], seeds=seeds)
                began = process_time()
                searcher.tell(told)
                own_s += process_time() - began
                records += told
                seen |= {(record.outcome.encoding, record.outcome.seed) for record in told}
        found = rank(searcher, records, count=1)[0]
        answers.append(Answer(renders=budget, encoding=found, own_ms=1000 * own_s / len(records)))
    return answers


def score_live(parts: SearchParts, encodings: list[Encoding], *, image: Image, count: int) -> list[float]:
    """Mean probability scorer B gives, on test seeds, to the terms it reads in the target."""
    wish = parts.judge.perceive(image[np.newaxis])[0].encoding
    seeds = RunSeeds(root=0).first("test", count)
    known: dict[Encoding, float] = {}
    for encoding in dict.fromkeys(encodings):
        pictures = draw_states(parts, [encoding] * count, seeds=seeds)
        read = [percept.probability_of(wish).mean() for percept in parts.judge.perceive(pictures)]
        known[encoding] = float(np.mean(read))
    return [known[encoding] for encoding in encodings]


if __name__ == "__main__":
    main()
