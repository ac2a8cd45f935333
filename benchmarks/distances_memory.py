"""Measures the memory and time of `rldf evaluate distances`, all metrics, at rising numbers of pictures.

    python benchmarks/distances_memory.py --pictures 1000 10000 --folder /tmp/pictures     # with the embedded scorer
    python benchmarks/distances_memory.py --pictures 1000 4000 --projection                # features for nothing

Each number is measured in a process of its own with an empty cache, so its peak is its own. The pictures are drawn
once, smooth and random, and kept in the folder; a smaller set is the first of a larger one. With --projection a fixed
random projection of 512 numbers stands for the extractor: the metrics are the same, the pass over pictures is short.
"""

# ruff: noqa: T201

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from PIL import Image as PillowImage

from rldf.arrays import Image, ImageBatch
from rldf.evaluation.features import FeatureExtractor
from rldf.jobs.evaluate import evaluate_distances, squeeze

MAX_GIB = 2.0  # our choice: what counts as bounded, with the libraries in it
_CLASSES = 10
_NUM_FEATURES = 512
_SIDE = 32


def write_pictures(folder: Path, *, count: int, seed: int) -> None:
    """Writes the pictures that are missing: coarse random colours, enlarged."""
    for number in range(count):
        place = folder / f"class-{number % _CLASSES}" / f"{number:06d}.jpg"
        if place.is_file():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        coarse = np.random.default_rng([seed, number]).integers(0, 256, size=(6, 6, 3), dtype=np.uint8)
        PillowImage.fromarray(coarse).resize((128, 128), PillowImage.Resampling.BICUBIC).save(place, quality=90)


def linked(folder: Path, place: Path, *, count: int) -> Path:
    """A folder of the first `count` pictures."""
    for path in sorted(folder.glob("*/*.jpg"), key=lambda path: path.name)[:count]:
        link = place / path.parent.name / path.name
        if not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.hardlink_to(path)
    return place


def projection() -> FeatureExtractor:
    """An extractor that costs nothing."""
    weights = np.random.default_rng(0).normal(size=(_SIDE * _SIDE * 3, _NUM_FEATURES)).astype(np.float32)

    def prepare(image: Image) -> Image:
        return squeeze(image, side=_SIDE)

    def extract(images: ImageBatch) -> np.ndarray:
        return np.tanh(images.reshape(len(images), -1).astype(np.float32) / 255 @ weights)

    return FeatureExtractor(
        name="random projection",
        digest="0" * 64,
        resize=f"bilinear to {_SIDE} px",
        size_px=_SIDE,
        num_features=_NUM_FEATURES,
        prepare=prepare,
        extract=extract,
    )


def measure_here(real: str, synthetic: str, *, is_projected: bool) -> None:
    """Measures once in this process and prints one line of JSON."""
    began = perf_counter()
    report = evaluate_distances(real, synthetic, extractor=projection() if is_projected else "embedded")
    told = report.as_json()
    print(
        json.dumps(
            {
                "seconds": perf_counter() - began,
                "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
                "num_real": told["protocol"]["num_real"],
                "num_synthetic": told["protocol"]["num_synthetic"],
                "metrics": {name: value["value"] for name, value in told["metrics"].items()},
            }
        )
    )


def main() -> int:
    """Measures each number; the status is 1 where memory was not bounded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--folder", type=Path, help="of the pictures; a temporary one if left out")
    parser.add_argument("--projection", action="store_true", help="use a projection, not the embedded scorer")
    parser.add_argument("--here", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        measure_here(*args.here, is_projected=args.projection)
        return 0
    largest = 0.0
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pictures" if args.folder is None else args.folder
        for kind, seed in (("real", 0), ("synthetic", 1)):
            write_pictures(folder / kind, count=max(args.pictures), seed=seed)
        for count in sorted(args.pictures):
            kinds = ("real", "synthetic")
            sets = [str(linked(folder / kind, folder / f"{kind}-{count}", count=count)) for kind in kinds]
            command = [sys.executable, __file__, "--here", *sets, *(["--projection"] if args.projection else [])]
            env = {**os.environ, "XDG_CACHE_HOME": f"{scratch}/cache-{count}"}
            done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
            print(done.stdout.strip(), flush=True)
            largest = max(largest, json.loads(done.stdout)["peak_gib"])
    print(f"largest peak {largest:.2f} GiB; at most {MAX_GIB} wanted")
    return int(largest > MAX_GIB)


if __name__ == "__main__":
    sys.exit(main())
