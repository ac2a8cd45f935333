"""Measures the main job on drawn pictures: is the search a search, and does it help?

    python benchmarks/main_job.py --count 40 --seed 1000 --budget 48
    python benchmarks/main_job.py --count 40 --seed 1000 --budget 48 --conditions beaten --steps 2

Pictures come from `rldf world draw` with seeds never used in training. `warm` starts at the percept of the input;
`random` starts anywhere; `corrupted` has two axes of the start and of what perception read replaced, and the CLIP
reward alone to bring them back; `beaten` is `warm` on those pictures whose true words are not the best ones: all
encodings are drawn beforehand, on seeds of their own, and others score higher by MIN_MARGIN (a careless generator,
of two steps, has many of them). One line a picture goes to OUT/rows.jsonl, the summary to stdout.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image

from rldf.jobs.search import search_events
from rldf.perception.reading import read_image
from rldf.presets.build import build_parts
from rldf.presets.config import GrammarConfig, ModelConfig, SearchConfig
from rldf.presets.shelf import SHELF
from rldf.records import Prompt
from rldf.renderer.examples import draw_example
from rldf.search import RunFinished, SearchParts
from rldf.search.seeds import RunSeeds
from rldf.seeding import child_rng, child_seed
from rldf.space import EncodingSpace

CONDITIONS = ("warm", "random", "corrupted")
NUM_TEST_SEEDS = 16
NUM_TABLE_SEEDS = 8
MIN_MARGIN = 0.05


def corrupt(space: EncodingSpace, terms: Mapping[str, str], *, seed: int) -> dict[str, str]:
    """Replaces the terms of two random axes by random other ones."""
    rng = child_rng(seed, "corrupt")
    replaced = dict(terms)
    for position in rng.permutation(len(space.axes))[:2]:
        axis = space.axes[int(position)]
        others = [term for term in axis.terms if term != terms[axis.id]]
        replaced[axis.id] = others[int(rng.integers(len(others)))]
    return replaced


def base_config(args: argparse.Namespace) -> SearchConfig:
    """Makes what all searches share."""
    model = ModelConfig(use_cache=not args.no_cache, steps=args.steps)
    return SearchConfig(seed=args.root, model=model, grammar=GrammarConfig(name=args.space))


def configure(
    condition: str, *, space: EncodingSpace, terms: Mapping[str, str], args: argparse.Namespace, seed: int
) -> SearchConfig:
    """Makes the settings of one search."""
    config = base_config(args)
    config = replace(config, budget=replace(config.budget, max_renders=args.budget))
    config = replace(config, result=replace(config.result, num_new=0, num_test_seeds=NUM_TEST_SEEDS))
    if condition == "random":
        return replace(config, search=replace(config.search, start="random"))
    if condition == "corrupted":
        wrong = corrupt(space, terms, seed=seed)
        search = replace(config.search, start="given", start_terms=wrong, misread=wrong)
        return replace(config, search=search, reward=replace(config.reward, name="clip"))
    return config


def read_by_judge(
    parts: SearchParts, terms: Mapping[str, str], *, root: int, picture: np.ndarray, truth: Mapping[str, str]
) -> dict[str, Any]:
    """Draws words on the test seeds; the judge's score, and how often it reads the drawn truth, axis by axis."""
    space = parts.space
    encoding = space.encode(terms)
    prompt = Prompt(text=parts.grammar.render(encoding))
    images = parts.image_generator.generate(
        [prompt] * NUM_TEST_SEEDS, seeds=RunSeeds(root=root).first("test", NUM_TEST_SEEDS)
    )
    percepts = parts.judge.perceive(images)
    reading = parts.judge.perceive(picture[None])[0].encoding
    drawn = space.encode(truth)
    agrees = np.array([np.equal(p.encoding.indices, drawn.indices) for p in percepts]).mean(0)
    score = float(np.mean([p.probability_of(reading) for p in percepts]))
    return {"score": score, "agrees": {axis.id: float(v) for axis, v in zip(space.axes, agrees, strict=True)}}


def draw_table(parts: SearchParts, *, root: int) -> Float[np.ndarray, "encodings terms"]:
    """Draws every encoding on seeds of its own; what the judge believes of every term of every axis, on average."""
    seeds = [child_seed(root, "table", number) for number in range(NUM_TABLE_SEEDS)]
    rows = []
    for encoding in parts.space.all_encodings():
        prompt = Prompt(text=parts.grammar.render(encoding))
        images = parts.image_generator.generate([prompt] * NUM_TABLE_SEEDS, seeds=seeds)
        rows.append(np.mean([np.concatenate(p.probabilities) for p in parts.judge.perceive(images)], axis=0))
    return np.stack(rows)


def find_beaten(args: argparse.Namespace) -> list[int]:
    """Numbers of the first pictures whose true words score MIN_MARGIN less than other words do."""
    parts = build_parts(base_config(args), shelf=SHELF)
    space = parts.space
    table = draw_table(parts, root=args.root)
    first_terms = np.cumsum([0, *[len(axis) for axis in space.axes[:-1]]])
    beaten: list[int] = []
    for number in range(100 * args.count):
        truth = space.encode(draw_example(parts.grammar, seed=args.seed + number).terms)
        scores = table[:, first_terms + np.array(truth.indices)].mean(1)
        if scores.max() - scores[space.index(truth)] >= MIN_MARGIN:
            beaten.append(number)
        if len(beaten) == args.count:
            break
    if not beaten:
        sys.exit(f"none of {100 * args.count} pictures has true words that others beat by {MIN_MARGIN}; try --steps 2")
    return beaten


def measure(condition: str, *, number: int, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Does one search and compares what it found with the words the picture was drawn from."""
    parts = build_parts(base_config(args), shelf=SHELF)
    example = draw_example(parts.grammar, seed=args.seed + number)
    path = folder / f"drawn-{number}.png"
    Image.fromarray(example.image).save(path)
    config = configure(condition, space=parts.space, terms=example.terms, args=args, seed=args.seed + number)
    events = search_events([path], config=config, out=folder / f"{condition}-{number}", force=True)
    summary = next(event.summary for event in events if isinstance(event, RunFinished))
    picture = read_image(path).image
    row: dict[str, Any] = {"condition": condition, "number": number, "truth": dict(example.terms)}
    row["percept"] = dict(parts.space.terms(parts.perception.perceive(picture[None])[0].encoding))
    row |= {key: summary[key] for key in ("encoding", "start_encoding", "score", "start_score", "alarm")}
    row |= {"renders": summary["budget"]["renders"], "seconds": summary["budget"]["seconds"]}
    row["found"] = read_by_judge(parts, summary["encoding"], root=args.root, picture=picture, truth=example.terms)
    row["true"] = read_by_judge(parts, example.terms, root=args.root, picture=picture, truth=example.terms)
    return row


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums up one condition."""
    gains = np.array([row["score"] - row["start_score"] for row in rows])
    false_words = [row for row in rows if row["true"]["score"] < row["found"]["score"]]
    rng = np.random.default_rng(0)
    means = np.sort(rng.choice(gains, (4000, len(gains))).mean(1)) if len(gains) else np.zeros(4000)
    agreement = {
        axis: {who: round(float(np.mean([row[who]["agrees"][axis] for row in rows])), 4) for who in ("found", "true")}
        for axis in rows[0]["truth"]
    }
    below = [row for row in rows if row["score"] < row["start_score"]]
    return {
        "pictures": len(rows),
        "percept_exact": float(np.mean([row["percept"] == row["truth"] for row in rows])),
        "agreement_with_truth": agreement,
        "success": float(np.mean([row["score"] >= row["true"]["score"] - 0.05 for row in rows])),
        "exact": float(np.mean([row["encoding"] == row["truth"] for row in rows])),
        "score": float(np.mean([row["score"] for row in rows])),
        "start_score": float(np.mean([row["start_score"] for row in rows])),
        "true_score": float(np.mean([row["true"]["score"] for row in rows])),
        "below_start": len(below),
        "below_start_without_alarm": sum(not row["alarm"] for row in below),
        "gain": float(gains.mean()),
        "gain_ci95": [float(means[100]), float(means[3899])],
        "found_better_than_true_words": len(false_words),
        "renders": float(np.mean([row["renders"] for row in rows])),
        "seconds": float(np.mean([row["seconds"] for row in rows])),
    }


def main() -> None:
    """Runs the conditions asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=40, help="pictures")
    parser.add_argument("--seed", type=int, default=1000, help="seed of the first drawn picture")
    parser.add_argument("--root", type=int, default=0, help="root seed of the searches")
    parser.add_argument("--budget", type=int, default=48, help="renders")
    parser.add_argument("--space", default="base", help="grammar")
    parser.add_argument("--conditions", nargs="+", choices=(*CONDITIONS, "beaten"), default=list(CONDITIONS))
    parser.add_argument("--steps", type=int, default=0, help="denoising steps; 0: the model's own")
    parser.add_argument("--no-cache", action="store_true", help="without the render cache")
    parser.add_argument("--out", type=Path, default=None, help="folder of the runs; a temporary one if left out")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="rldf-")) if args.out is None else args.out
    folder.mkdir(parents=True, exist_ok=True)
    result = {}
    for condition in args.conditions:
        rows = []
        for number in find_beaten(args) if condition == "beaten" else range(args.count):
            rows.append(measure(condition, number=number, args=args, folder=folder))
            with (folder / "rows.jsonl").open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
        result[condition] = summarise(rows)
    print(json.dumps(result, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
