"""Measures what `rldf clone run` costs beside the bare generator: the plan is made, the gates are off, one worker.

    python benchmarks/clone_overhead.py --pictures 128 --batch 16 --repeats 5

Both sides draw the same batches of the same plan with one loaded model; the bare side throws the pictures away, the
clone reads its plan, encodes, hashes, packs and commits them. They take turns, the order changing from round to round;
ratios are taken within a round, of the seconds and, which a busy machine disturbs less, of the processor's seconds.
Every picture of the clone is then compared with a bare one by its digest.
"""

# ruff: noqa: T201

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import torch

from rldf.contracts import ImageGenerator
from rldf.datasets.plan import Plan
from rldf.datasets.shards import SHARD_FOLDER, encode_picture, read_shard_table
from rldf.hub import say_nothing
from rldf.jobs.clone_plan import ClonePlanRequest, OpenClone, open_clone, plan_clone
from rldf.jobs.clone_run import CloneFinished, RunRequest, run_clone
from rldf.presets.loading import load_preset, override
from rldf.presets.shelf import SHELF
from rldf.records.percept import Prompt
from rldf.records.pictures import encode_png
from rldf.renderer.drawing import draw

CLASSES = ("cow", "car", "apple", "bus")


def plan(folder: Path, args: argparse.Namespace) -> OpenClone:
    """Freezes a plan of sentences that perception read in a few drawn pictures."""
    for name in CLASSES:
        place = folder / "photos" / name / "0.png"
        place.parent.mkdir(parents=True)
        place.write_bytes(encode_png(draw({"object": name, "count": "two", "density": "no", "scene": "park"}, seed=0)))
    request = ClonePlanRequest(
        folder=folder / "photos",
        out=str(folder / "clone"),
        how="read",
        vary=("scene", "count"),
        counts={"train": -(-args.pictures // len(CLASSES))},
        shard_size=args.shard,
        batch_size=args.batch,
    )
    list(plan_clone(request, config=override(load_preset("embedded").config, args.config)))
    return open_clone(request.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds that went by, and seconds that the processor's cores worked."""

    seconds: float
    cpu_s: float


def measured(work: Callable[[], None]) -> Spent:
    """Does something and tells what it took."""
    began, cpu_began = perf_counter(), process_time()
    work()
    return Spent(seconds=perf_counter() - began, cpu_s=process_time() - cpu_began)


def bare(plan: Plan, generator: ImageGenerator, *, digests: list[str] | None = None) -> None:
    """Draws all batches of the plan and keeps nothing; with `digests`, notes what they would be stored as."""
    for shard in plan.shards:
        pictures = plan.shard_pictures(shard)
        for first in range(0, len(pictures), plan.settings.batch_size):
            batch = pictures[first : first + plan.settings.batch_size]
            prompts = [Prompt(text=p.recipe.sentence, negative=plan.settings.negative_prompt) for p in batch]
            images = generator.generate(prompts, seeds=[p.seed for p in batch])
            if digests is not None:
                digests += [sha256(encode_picture(image, settings=plan.settings)).hexdigest() for image in images]


def cloned(clone: OpenClone) -> None:
    """Makes all shards anew by `clone run --no-gates`, from opening the clone to its last shard."""
    rmtree(clone.storage.folder / SHARD_FOLDER, ignore_errors=True)
    *_, last = run_clone(open_clone(clone.storage.address), RunRequest(has_gates=False))
    if not isinstance(last, CloneFinished) or not last.is_whole:
        raise SystemExit("the clone is not whole")


def require_same(clone: OpenClone, digests: list[str]) -> None:
    """Ends the program where the clone did not draw what the bare generator draws."""
    (plan,) = clone.rounds
    rows = [row for s in plan.shards for row in read_shard_table(clone.storage, plan.shard_name(s)).to_pylist()]
    if any(row["state"] == "kept" and row["sha256"] != digest for row, digest in zip(rows, digests, strict=True)):
        raise SystemExit("the clone drew other pictures than the bare generator; the comparison would mean nothing")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--shard", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--config", action="append", default=[], help="such as model.device=cuda; repeatable")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with TemporaryDirectory() as place:
        clone = plan(Path(place), args)
        (frozen,) = clone.rounds
        generator = SHELF.generator(clone.config.model, announce=say_nothing).image_generator
        digests: list[str] = []
        bare(frozen, generator, digests=digests)  # warms up
        rounds: list[dict[str, Spent]] = []
        for number in range(args.repeats):
            pair = [("bare", partial(bare, frozen, generator)), ("clone", partial(cloned, clone))]
            rounds.append({name: measured(work) for name, work in (pair if number % 2 == 0 else pair[::-1])})
            told = [f"{name} {spent.seconds:.2f} s ({spent.cpu_s:.2f})" for name, spent in sorted(rounds[-1].items())]
            print(", ".join(told), flush=True)
        require_same(clone, digests)
    ratios = [each["clone"].seconds / each["bare"].seconds for each in rounds]
    added = [each["clone"].cpu_s - each["bare"].cpu_s for each in rounds]
    found = {
        "pictures": len(frozen),
        "batch": args.batch,
        "threads": torch.get_num_threads(),
        "bare_pictures_per_s": len(frozen) / median(each["bare"].seconds for each in rounds),
        "clone_pictures_per_s": len(frozen) / median(each["clone"].seconds for each in rounds),
        "clone_over_bare_s": median(ratios),
        "range": [min(ratios), max(ratios)],
        "clone_over_bare_cpu": median(each["clone"].cpu_s / each["bare"].cpu_s for each in rounds),
        "added_cpu_ms_per_picture": 1000 * median(added) / len(frozen),
        "rounds": [{name: asdict(spent) for name, spent in each.items()} for each in rounds],
    }
    print(json.dumps({name: value for name, value in found.items() if name != "rounds"}))
    if args.json is not None:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
