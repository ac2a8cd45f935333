"""The clone of photographs: drawn by `rldf clone`, judged by classifiers and by distances. Part of photo_world.py."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from photo_shifts import recolour, sketch
from PIL import Image

from rldf.arrays import ImageBatch
from rldf.datasets.class_folder import read_class_folder
from rldf.datasets.export import export_clone
from rldf.evaluation.classifier import LabelledPictures, train_and_test
from rldf.evaluation.recipe import TrainingRecipe
from rldf.jobs.clone_plan import ClonePlanRequest, How, open_clone, plan_clone
from rldf.jobs.clone_run import CloneFinished, RunRequest, run_clone
from rldf.jobs.evaluate import evaluate_distances, squeeze
from rldf.perception.reading import read_image
from rldf.presets.config import SearchConfig
from rldf.presets.extractors import build_extractor
from rldf.presets.generators import choose_device
from rldf.presets.loading import load_preset, override
from rldf.worlds.photos import TRAINING, Photos, read_photos

METRICS = ("frechet", "kernel")
SETS = ("clone", "names")


def measure_clone(args: argparse.Namespace) -> dict[str, Any]:
    """Clones the photographs, and tells what a classifier learns of the clone and how far it is from photographs."""
    wanted = args.train_on.split(",")
    folder = args.out / "sets"
    write_real(args.data, folder)
    told: dict[str, Any] = {"seconds of": {}}
    for name in (name for name in SETS if name in wanted):
        began = perf_counter()
        told[name] = draw_set(name, folder, args)
        told["seconds of"][name] = round(perf_counter() - began, 1)
        sys.stderr.write(f"{name}: {told[name]}\n")
    usable = [name for name in wanted if name not in told or told[name]["classes"] == told[name]["of classes"]]
    told["classifier"] = classify(folder, usable, args)
    told["distances"] = compare(folder, [name for name in SETS if name in usable], args)
    return told


def write_real(data: Path, folder: Path) -> None:
    """Writes the photographs that the archive holds as class folders; of the test ones also halves and shifted ones."""
    photos = read_photos(data)
    test = photos.of("test")
    rank = np.array([(test.labels[:row] == test.labels[row]).sum() for row in range(len(test.labels))])
    first, second = chosen(test, rank % 2 == 0), chosen(test, rank % 2 == 1)
    sets = {
        "test": (test, test.images),
        "half-1": (first, first.images),
        "half-2": (second, second.images),
        "sketch": (second, sketch(second.images)),
        "recoloured": (second, recolour(second.images)),
        "validation": (photos.of("validation"), photos.of("validation").images),
        "real": (photos.of(*TRAINING), photos.of(*TRAINING).images),
    }
    for name, (about, images) in sets.items():
        if len(images):
            write_folder(folder / name, about, images)


def real_folder(folder: Path) -> Path:
    """What is cloned: the training photographs, or where the archive has none the validation ones."""
    return folder / "real" if (folder / "real").exists() else folder / "validation"


def chosen(photos: Photos, rows: np.ndarray) -> Photos:
    """Keeps some rows."""
    return Photos(
        images=photos.images[rows],
        labels=photos.labels[rows],
        splits=photos.splits[rows],
        numbers=photos.numbers[rows],
        class_names=photos.class_names,
    )


def write_folder(folder: Path, photos: Photos, images: ImageBatch) -> None:
    """Writes pictures as PNG into folders of their classes; a folder that is there is left alone."""
    if folder.exists():
        return
    partial = folder.with_name(f"{folder.name}.partial")
    for label, number, image in zip(photos.labels.tolist(), photos.numbers.tolist(), images, strict=True):
        place = partial / photos.class_names[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number:03}.png", compress_level=1)
    partial.rename(folder)


def draw_set(name: str, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Draws the clone, from words found and through the gates, or its baseline, from class names and ungated."""
    is_clone = name == "clone"
    how: How = args.sentences if is_clone else "names"
    place = folder / f"{name}-plan"
    if not (place / "clone.json").exists():
        request = ClonePlanRequest(
            folder=real_folder(folder) if is_clone else folder / "test",
            out=str(place),
            how=how,
            num_inputs=args.inputs,
            counts={"train": args.per_class},
            batch_size=args.draw,
            shard_size=2 * args.draw,
        )
        for _ in plan_clone(request, config=search_config(args)):
            pass
    run = RunRequest(has_gates=is_clone, class_rank=args.class_rank, max_rounds=args.rounds)
    *_, last = run_clone(open_clone(str(place)), run)
    assert isinstance(last, CloneFinished)
    if not (folder / name).exists():
        export_clone(open_clone(str(place)).storage, folder / name, form="imagefolder")
    rounds = open_clone(str(place)).rounds
    drawn = list((folder / name).glob("train/*/*"))
    told: dict[str, Any] = {
        "pictures": len(drawn),
        "classes": len({path.parent for path in drawn}),
        "of classes": len(read_class_folder(folder / "test").class_names),
        "sentences": how,
        "planned": int(sum(plan.quotas.sum() for plan in rounds)),
        "rounds": len(rounds),
        "is whole": last.is_whole,
    }
    if last.report is not None:
        told |= {"verdicts": dict(last.report.counts), "missing": last.report.num_missing}
    return told


def search_config(args: argparse.Namespace) -> SearchConfig:
    """The settings of the searches and of drawing."""
    changes = [
        f"seed={args.seed}",
        f"model.id={args.world}",
        f"model.device={args.device}",
        f"model.max_batch_size={args.draw}",
        "grammar.name=photos",
        f"budget.max_renders={args.renders}",
        "result.num_test_seeds=4",
        "result.num_new=0",
        *args.config,
    ]
    return override(load_preset("embedded").config, changes)


def classify(folder: Path, wanted: Sequence[str], args: argparse.Namespace) -> dict[str, Any]:
    """Trains a ResNet-18 on each set, from scratch, and tests all on the same real test photographs."""
    recipe = TrainingRecipe(epochs=args.epochs, batch_size=256, size_px=64)
    test = labelled(folder / "test", size_px=recipe.size_px)
    told: dict[str, Any] = {"epochs": args.epochs}
    for name in wanted:
        score = train_and_test(
            labelled(folder / name if name == "real" else folder / name / "train", size_px=recipe.size_px),
            test,
            recipe=recipe,
            device=choose_device(args.device),
            checkpoint=args.out / "classifiers" / f"{name}.safetensors",
        )
        told[name] = {"top1": score.top1, "top5": score.top5, "num_train": score.num_train, "num_test": score.num_test}
        sys.stderr.write(f"classifier on {name}: {told[name]}\n")
    return told


def labelled(folder: Path, *, size_px: int) -> LabelledPictures:
    """Reads a folder of class folders, a little larger than the network sees, so that crops lose little."""
    found = read_class_folder(folder)
    side = size_px + size_px // 4
    rows = [(label, path) for label, name in enumerate(found.class_names) for path in found.files[name]]
    return LabelledPictures(
        images=np.stack([squeeze(read_image(path).image, side=side) for _, path in rows]),
        labels=np.array([label for label, _ in rows], dtype=np.int64),
        class_names=found.class_names,
    )


def compare(folder: Path, drawn: Sequence[str], args: argparse.Namespace) -> dict[str, Any]:
    """Frechet and kernel distance of every set to the first half of the test photographs, in scorer B's features."""
    others = {"test photographs": folder / "half-2"}
    others |= {name: folder / name for name in ("sketch", "recoloured")} | {n: folder / n / "train" for n in drawn}
    extractor = build_extractor(
        str(args.world / "scorer-b"), device=choose_device(args.device), announce=lambda _: None
    )
    told: dict[str, Any] = {}
    for name, path in others.items():
        report = evaluate_distances(
            folder / "half-1", path, extractor=extractor, metrics=METRICS, seed=args.seed, max_pictures=args.compared
        )
        numbers = report.as_json()["metrics"]
        told[name] = {metric: [numbers[metric]["value"], numbers[metric]["spread"]] for metric in METRICS}
    floor = told["test photographs"]["frechet"][0]
    for row in told.values():
        row["times test photographs"] = row["frechet"][0] / floor
    return told | {"pictures": args.compared, "features": extractor.num_features}
