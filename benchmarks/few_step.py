"""Measures the embedded generator in its few steps beside the same generator in many, in turn, in one run.

    python benchmarks/few_step.py --rounds 5 --json few_step.json

Both draw the same prompts from the same seeds; the ratio is taken within a round, and the median over the rounds is
reported. How faithful each is, `rldf world card` measures (with and without `--config model.adapter=none`).
"""

# ruff: noqa: T201

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import torch

from rldf.generators.diffusers_local import DiffusersGenerator
from rldf.generators.embedded import load_embedded_generator
from rldf.generators.settings import GenerationSettings
from rldf.grammar import load_grammar
from rldf.records.percept import Prompt
from rldf.seeding import child_rng


def main() -> None:
    """Measures seconds a picture, round after round, and prints the medians."""
    parser = argparse.ArgumentParser(description="Few steps beside many, in one run.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--many", type=int, default=20, help="steps of the profile without the adapter")
    parser.add_argument("--space", default="full")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    few = load_embedded_generator(announce=_say)
    many = load_embedded_generator(settings=GenerationSettings(adapter="", steps=given.many), announce=_say)
    report: dict[str, object] = {"threads": torch.get_num_threads(), "few": few.numerics, "many": many.numerics}
    for batch in given.batches:
        prompts = _prompts(given.space, batch)
        _seconds(few, prompts), _seconds(many, prompts)  # warm
        rounds = [(_seconds(few, prompts), _seconds(many, prompts)) for _ in range(given.rounds)]
        row = {
            "few, seconds a picture": median(quick for quick, _ in rounds),
            "many, seconds a picture": median(slow for _, slow in rounds),
            "few, pictures a second": 1 / median(quick for quick, _ in rounds),
            "ratio": median(slow / quick for quick, slow in rounds),
        }
        report[f"batch {batch}"] = row
        print(f"batch {batch}: " + ", ".join(f"{name} {value:.3f}" for name, value in row.items()))
    if given.json is not None:
        given.json.write_text(json.dumps(report, indent=2) + "\n")


def _prompts(space: str, count: int) -> list[Prompt]:
    grammar = load_grammar(space)
    rng = child_rng(0, "few_step")
    return [Prompt(text=grammar.render(grammar.space.sample(rng))) for _ in range(count)]


def _seconds(generator: DiffusersGenerator, prompts: list[Prompt]) -> float:
    """Seconds a picture of one call with all prompts."""
    started = perf_counter()
    generator.generate(prompts, seeds=range(len(prompts)))
    return (perf_counter() - started) / len(prompts)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
