"""Measures a world of photographs: reading, search, clone, memorisation. Each part can be run alone.

    python benchmarks/photo_world.py pack --data photos50.zip --splits test --to test.tar.xz
    python benchmarks/photo_world.py scorers --data photos50.zip --world training/photos --out measured
    python benchmarks/photo_world.py search --data photos50.zip --world training/photos --out measured
    python benchmarks/photo_world.py clone --data photos50.zip --world training/photos --out measured
    python benchmarks/photo_world.py memorisation --data photos50.zip --world training/photos --out measured

Numbers go to OUT/photo-world.json, one section a part, and to stdout; figures lie beside it.
docs/methods/photo-world.md says what each part means.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from photo_clone import measure_clone
from PIL import Image

from rldf.arrays import ImageBatch
from rldf.bench.statistics import bootstrap_mean
from rldf.contracts import Searcher, Target
from rldf.datasets.duplicates import Likeness, alike, mark
from rldf.presets.build import build_parts
from rldf.presets.loading import load_preset, override
from rldf.presets.searchers import make_searcher
from rldf.presets.shelf import SHELF
from rldf.records import Percept, Prompt, StepRecord
from rldf.search import RunSeeds, SearchParts
from rldf.search.select import rank
from rldf.searchers.request import SearcherRequest
from rldf.seeding import child_rng, child_seed
from rldf.space import Encoding
from rldf.worlds.memorisation import nearest_pictures, shrink
from rldf.worlds.misreadings import cohen_kappa
from rldf.worlds.photos import SPLITS, TRAINING, Photos, pack_photos, read_photos
from rldf.worlds.sheets import captioned_sheet

AXIS = "object"
BATCH = 8
METHODS = ("factored", "percept-rerank+confirm")
LIKENESS = Likeness()
NUM_SHOWN = 12


def main() -> None:
    """Runs one part."""
    args = _arguments()
    if args.part == "pack":
        print(pack_photos(args.data, args.to, splits=args.splits.split(",")), "bytes in", args.to)  # noqa: T201
        return
    args.out.mkdir(parents=True, exist_ok=True)
    began = perf_counter()
    parts: Mapping[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
        "scorers": measure_scorers,
        "search": measure_search,
        "clone": measure_clone,
        "memorisation": measure_memorisation,
    }
    told = parts[args.part](args) | {"seconds": round(perf_counter() - began, 1)}
    path = args.out / "photo-world.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(merged(known, {args.part: told}), indent=1) + "\n")
    sys.stdout.write(json.dumps({args.part: told}, indent=1) + "\n")


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Puts new numbers over old ones; those of a part that was run for something else stay."""
    both = {
        key: merged(old[key], value) if isinstance(value, dict) and isinstance(old.get(key), dict) else value
        for key, value in new.items()
    }
    return {**old, **both}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["pack", "scorers", "search", "clone", "memorisation"])
    parser.add_argument("--data", type=Path, required=True, help="the photographs")
    parser.add_argument("--world", type=Path, help="folder with generator, scorer-a and scorer-b")
    parser.add_argument("--out", type=Path, default=Path("measured"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--config", action="append", default=[], help="override a setting, as in rldf")
    parser.add_argument("--draw", type=int, default=256, help="pictures drawn together on a card")
    parser.add_argument("--splits", default=",".join(SPLITS), help="pack: which, by commas")
    parser.add_argument("--to", type=Path, help="pack: the file")
    parser.add_argument("--photos", type=int, default=200, help="search: how many test photographs")
    parser.add_argument("--renders", type=int, default=48, help="search: budget of each")
    parser.add_argument(
        "--sentences", default="search", choices=["search", "read"], help="clone: where words come from"
    )
    parser.add_argument("--inputs", type=int, default=3, help="clone: photographs of a class that are searched")
    parser.add_argument("--per-class", type=int, default=425, help="clone: pictures of a class")
    parser.add_argument("--class-rank", type=int, default=5, help="clone: of how many classes A may find it the first")
    parser.add_argument("--rounds", type=int, default=6, help="clone: how often what the gates left out is drawn anew")
    parser.add_argument("--epochs", type=int, default=30, help="clone: of the classifiers")
    parser.add_argument("--train-on", default="clone,names,real", help="clone: training sets, by commas")
    parser.add_argument("--compared", type=int, default=1250, help="clone: pictures of each compared set")
    parser.add_argument("--generated", type=int, default=500, help="memorisation: pictures looked at")
    return parser.parse_args()


def world_parts(args: argparse.Namespace, *changes: str) -> SearchParts:
    """Loads the world with both its scorers."""
    own = [f"model.id={args.world}", "grammar.name=photos", f"model.device={args.device}", *changes]
    return build_parts(override(load_preset("embedded").config, [*own, *args.config]), shelf=SHELF)


def measure_scorers(args: argparse.Namespace) -> dict[str, Any]:
    """How often each scorer reads the class of photographs it has never seen, and whether the two err together."""
    parts = world_parts(args)
    told: dict[str, Any] = {}
    for split in ("validation", "test"):
        photos = read_photos(args.data, splits=[split])
        truth = true_terms(photos, parts)
        wrong: list[Bool[np.ndarray, " photos"]] = []
        for name, scorer in (("a", parts.perception), ("b", parts.judge)):
            read = np.stack([percept.probabilities[0] for percept in scorer.perceive(photos.images)])
            places = (read > read[np.arange(len(read)), truth][:, np.newaxis]).sum(axis=1)
            wrong.append(places > 0)
            told[f"{split} {name}"] = {"top1": float((places == 0).mean()), "top5": float((places < 5).mean())}
        told[f"{split} kappa"] = cohen_kappa(wrong[0], wrong[1])
        told[f"{split} photographs"] = len(truth)
    return told


def measure_search(args: argparse.Namespace) -> dict[str, Any]:
    """How often the class of a test photograph is found: read without a render, re-ranked, searched."""
    photos = spread(read_photos(args.data, splits=["test"]), count=args.photos)
    told: dict[str, Any] = {"photographs": len(photos.labels), "renders": args.renders, "seed": args.seed}
    rows: list[dict[str, Any]] = []
    for reward in ("agreement", "clip"):
        parts = world_parts(args, f"reward.name={reward}", f"model.max_batch_size={args.draw}")
        truth = true_terms(photos, parts)
        percepts = parts.perception.perceive(photos.images)
        read = np.array([percept.encoding.indices[0] for percept in percepts]) == truth
        told["percept, no render"] = interval(read)
        for method in METHODS:
            found = np.array(
                [
                    find(parts, method, image=image[np.newaxis], percept=percept, renders=args.renders, seed=args.seed)
                    for image, percept in zip(photos.images, percepts, strict=True)
                ]
            )
            name = f"{method}, {reward}"
            told[name] = interval(found == truth) | {"gain over the percept": gain(found == truth, read)}
            rows += [
                {"photo": n, "way": name, "true": int(t), "found": int(f)}
                for n, (t, f) in enumerate(zip(truth, found, strict=True))
            ]
            sys.stderr.write(f"{name}: {told[name]}\n")
    (args.out / "search.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return told


def find(parts: SearchParts, method: str, *, image: ImageBatch, percept: Percept, renders: int, seed: int) -> int:
    """Searches one photograph; the seeds are the same for all, so that a picture is drawn once."""
    feedback = parts.wire(Target(percept=percept, references=(image[0],))).feedback
    seed_of = RunSeeds(root=seed).of("search")
    searcher = make_searcher(
        SearcherRequest(
            name=method,
            space=parts.space,
            start=percept.encoding,
            prior=percept.probabilities,
            sentence_prior=None,
            sentence_likeness=None,
            seed=seed,
            horizon=renders,
        )
    )
    assert isinstance(searcher, Searcher), method
    records: list[StepRecord] = []
    seen: set[tuple[Encoding, int]] = set()
    while len(seen) < renders:
        proposals = searcher.ask(min(BATCH, renders - len(seen)))
        if not proposals:
            break
        seeds = [seed_of(proposal.seed_index) for proposal in proposals]
        told = feedback.try_encodings([proposal.encoding for proposal in proposals], seeds=seeds)
        searcher.tell(told)
        records += told
        seen |= {(record.outcome.encoding, record.outcome.seed) for record in told}
    return rank(searcher, records, count=1)[0].indices[0]


def measure_memorisation(args: argparse.Namespace) -> dict[str, Any]:
    """Whether generations lie nearer to training photographs than test photographs do; the nearest in a figure."""
    parts = world_parts(args, f"model.max_batch_size={args.draw}", "model.use_cache=false")
    training = read_photos(args.data, splits=TRAINING)
    generated = draw_evenly(parts, count=args.generated, seed=args.seed)
    test = spread(read_photos(args.data, splits=["test"]), count=args.generated).images
    known = np.concatenate([training.images, training.images[:, :, ::-1]])  # it learned from mirrored ones too
    rows = shrink(known)
    distances, places = nearest_pictures(shrink(generated), rows)
    usual, _ = nearest_pictures(shrink(test), rows)
    bound = float(np.quantile(usual, 0.01))
    marks = np.stack([mark(image) for image in known])
    closest = np.argsort(distances, kind="stable")[:NUM_SHOWN]
    pairs = np.stack([picture for place in closest for picture in (generated[place], known[places[place]])])
    captions = [text for place in closest for text in ("generated", f"training, {distances[place]:.1f}")]
    figure = captioned_sheet(pairs, captions, columns=8)
    Image.fromarray(figure).save(args.out / "memorisation.png")
    evenly = np.linspace(0, len(generated) - 1, min(100, len(generated))).astype(int)
    sheet = captioned_sheet(generated[evenly], [""] * len(evenly), columns=20)
    Image.fromarray(sheet).save(args.out / "generated.png")
    return {
        "generations": len(generated),
        "training photographs": len(training.images),
        "median distance of generations": float(np.median(distances)),
        "median distance of test photographs": float(np.median(usual)),
        "bound, 1 % of test photographs": bound,
        "share of generations nearer than the bound": float((distances < bound).mean()),
        "share of near-duplicates, generations": share_alike(generated, marks),
        "share of near-duplicates, test photographs": share_alike(test, marks),
        "near-duplicate": {"max_bits": LIKENESS.max_bits, "max_colour": LIKENESS.max_colour},
    }


def share_alike(images: ImageBatch, marks: np.ndarray) -> float:
    """Share of pictures that are nearly the same as one of those marked."""
    own = np.stack([mark(image) for image in images])
    return float(alike(own, marks, likeness=LIKENESS).any(axis=1).mean())


def draw_evenly(parts: SearchParts, *, count: int, seed: int) -> ImageBatch:
    """Draws the sentences of all encodings by turns."""
    sentences = [parts.grammar.render(encoding) for encoding in parts.space.all_encodings()]
    prompts = [Prompt(text=sentences[number * len(sentences) // count]) for number in range(count)]
    return parts.image_generator.generate(prompts, seeds=[child_seed(seed, "drawn", n) for n in range(count)])


def spread(photos: Photos, *, count: int) -> Photos:
    """Draws photographs by chance, equally many of each class as far as they go."""
    order: list[int] = []
    rows = [
        child_rng(0, "spread", label).permutation(np.flatnonzero(photos.labels == label))
        for label in range(len(photos.class_names))
    ]
    for turn in range(max(map(len, rows))):
        order += [int(row[turn]) for row in rows if turn < len(row)]
    chosen = np.sort(order[:count])
    return Photos(
        images=photos.images[chosen],
        labels=photos.labels[chosen],
        splits=photos.splits[chosen],
        numbers=photos.numbers[chosen],
        class_names=photos.class_names,
    )


def true_terms(photos: Photos, parts: SearchParts) -> Int[np.ndarray, " photos"]:
    """The place of each photograph's class on the object axis."""
    terms = parts.space.axis(AXIS).terms
    return np.array([terms.index(name) for name in photos.class_names])[photos.labels]


def interval(right: Bool[np.ndarray, " photos"]) -> dict[str, Any]:
    """A share with its 95 % bootstrap interval."""
    found = bootstrap_mean(right.astype(float))
    return {"top1": found.mean, "ci95": [found.low, found.high]}


def gain(right: Bool[np.ndarray, " photos"], before: Bool[np.ndarray, " photos"]) -> list[float]:
    """The paired difference of two shares with its 95 % bootstrap interval."""
    difference: Float[np.ndarray, " photos"] = right.astype(float) - before.astype(float)
    found = bootstrap_mean(difference)
    return [found.mean, found.low, found.high]


if __name__ == "__main__":
    main()
