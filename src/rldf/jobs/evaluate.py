"""The jobs of `rldf evaluate`, each one call: distances between two folders, and what a classifier learns of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from rldf.arrays import Image
from rldf.datasets.class_folder import ClassFolder, read_class_folder, show_path
from rldf.errors import ConfigError, ImageError, did_you_mean
from rldf.evaluation.classifier import ClassifierScore, LabelledPictures, train_and_test
from rldf.evaluation.distances import METRIC_NAMES, Comparison, build_metrics, compare
from rldf.evaluation.features import FeatureExtractor, FeatureSet, PassProgress, extract_features
from rldf.evaluation.recipe import TrainingRecipe
from rldf.hub import Announce, say_nothing
from rldf.jobs.feature_cache import features_folder
from rldf.perception.reading import read_image
from rldf.presets.extractors import EMBEDDED, build_extractor
from rldf.presets.generators import choose_device
from rldf.seeding import child_rng


@dataclass(frozen=True, slots=True, kw_only=True)
class DistanceReport:
    """How far a synthetic set is from a real one.

    Attributes:
        comparison: every number with its protocol.
        failures: "real" and "synthetic" to the files that could not be read, each with the reason.
        passed_over: the same to files that are no pictures by their names.
        notes: one line each, such as where the classes differ.
        is_cached: True where no feature had to be computed.
    """

    comparison: Comparison
    failures: dict[str, tuple[tuple[str, str], ...]]
    passed_over: dict[str, tuple[tuple[str, str], ...]]
    notes: tuple[str, ...]
    is_cached: bool

    def as_json(self) -> dict[str, Any]:
        """Writes it as `rldf evaluate distances --json` prints it."""
        return {
            **self.comparison.as_json(),
            "warnings": [*self.notes, *self.comparison.warnings],
            "unreadable": {kind: _pairs(rows) for kind, rows in self.failures.items()},
            "passed_over": {kind: _pairs(rows) for kind, rows in self.passed_over.items()},
            "cached": self.is_cached,
        }


OnPass = Callable[[str, PassProgress], None]
"""Is told where the pass over "real" or "synthetic" stands."""


def evaluate_distances(
    real: str | Path,
    synthetic: str | Path,
    *,
    extractor: str | FeatureExtractor = EMBEDDED,
    metrics: Sequence[str] = METRIC_NAMES,
    seed: int = 0,
    matches_classes: bool = False,
    max_pictures: int = 0,
    device: str = "auto",
    announce: Announce = say_nothing,
    on_pass: OnPass | None = None,
) -> DistanceReport:
    """Compares two folders of pictures; one pass over features, which are kept for the next time.

    Args:
        real: folder of class folders, or of pictures.
        synthetic: the same.
        extractor: name, folder or hub id, see `build_extractor`; or one that is loaded.
        metrics: which, of `METRIC_NAMES`.
        seed: of every random draw, 0 or larger.
        matches_classes: True to use only the classes both have.
        max_pictures: of each set, drawn by chance and evenly over the classes; 0 for all.
        device: where the extractor runs.
        announce: is given one line before anything is downloaded.
        on_pass: is told of progress.

    Returns:
        The numbers, and every file that was not used. Where none of a set can be read, that is an `ImageError`.

    Raises:
        ConfigError: if a metric does not exist.
    """
    for name in metrics:
        if name not in METRIC_NAMES:
            raise ConfigError(
                f"there is no metric '{name}'; there are: {', '.join(METRIC_NAMES)}.{did_you_mean(name, METRIC_NAMES)}"
            )
    folders = {"real": read_folder(real), "synthetic": read_folder(synthetic)}
    notes: list[str] = []
    shared = set(folders["real"].class_names) & set(folders["synthetic"].class_names)
    if set(folders["real"].class_names) != set(folders["synthetic"].class_names):
        if matches_classes:
            folders = {kind: folder.only(shared) for kind, folder in folders.items()}
        else:
            notes.append(
                f"the classes differ: {len(folders['real'].class_names)} real, "
                f"{len(folders['synthetic'].class_names)} synthetic, {len(shared)} in both; distances see that too. "
                "--match-classes compares those in both"
            )
    used = (
        build_extractor(extractor, device=choose_device(device), announce=announce)
        if isinstance(extractor, str)
        else extractor
    )
    sets = {
        kind: _features(folder, kind=kind, extractor=used, seed=seed, max_pictures=max_pictures, on_pass=on_pass)
        for kind, folder in folders.items()
    }
    classes = sorted({*folders["real"].class_names, *folders["synthetic"].class_names})
    comparison = compare(
        sets["real"],
        sets["synthetic"],
        extractor=used,
        metrics=build_metrics(metrics, seed=seed),
        classes=classes,
        seed=seed,
    )
    return DistanceReport(
        comparison=comparison,
        failures={kind: found.failures for kind, found in sets.items()},
        passed_over={kind: folder.passed_over for kind, folder in folders.items()},
        notes=tuple(notes),
        is_cached=all(found.is_cached for found in sets.values()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierReport:
    """What a classifier learned from each training set.

    Attributes:
        scores: training set ("real", "synthetic", "mixed" or the name of another) to one score per seed.
        unreadable: files that could not be read, and why.
    """

    scores: dict[str, tuple[ClassifierScore, ...]]
    unreadable: tuple[tuple[str, str], ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each training set whose share of real compares sets of two sizes."""
        sizes = {name: scores[0].num_train for name, scores in self.scores.items()}
        real = sizes.get("real")
        return tuple(
            f"{name}: {size} training pictures, {real} real ones; the share of real does not compare sets of one size"
            for name, size in sizes.items()
            if real is not None and size != real
        )

    def as_json(self) -> dict[str, Any]:
        """Writes it as `rldf evaluate classifier --json` prints it."""
        rows = {name: _score_row(scores) for name, scores in self.scores.items()}
        real = rows.get("real", {}).get("top1")
        for row in rows.values():
            row["share_of_real"] = None if not real else row["top1"] / real
        return {"training_sets": rows, "warnings": list(self.warnings), "unreadable": _pairs(self.unreadable)}


OnTraining = Callable[[str, int, int, float], None]
"""Is told: training set, seed, finished epochs, loss."""


def evaluate_classifier(
    real: str | Path,
    synthetic: str | Path,
    *,
    test: str | Path,
    baselines: Mapping[str, str | Path] | None = None,
    trains_mixed: bool = True,
    recipe: TrainingRecipe | None = None,
    seeds: Sequence[int] = (0,),
    device: str = "auto",
    out: Path | None = None,
    on_training: OnTraining | None = None,
) -> ClassifierReport:
    """Trains a ResNet-18 on real, synthetic and mixed pictures, each from scratch, and tests all on the same real ones.

    Args:
        real: training pictures: folder of class folders.
        synthetic: the same; classes by the same names.
        test: real test pictures that no training set holds.
        baselines: name to further training sets, such as a clone from class names alone.
        trains_mixed: False to leave the mixture of real and synthetic out.
        recipe: how; None for the standard one. Its seed is replaced.
        seeds: one training of each set per seed.
        device: where.
        out: folder of checkpoints, so that an interrupted evaluation goes on; None to keep none.
        on_training: is told of every epoch.

    Returns:
        What each of them got right.

    Raises:
        ConfigError: if a baseline has the name of another set.
    """
    used = TrainingRecipe() if recipe is None else recipe
    others = {} if baselines is None else dict(baselines)
    taken = sorted(set(others) & {"real", "synthetic", "mixed", "test"})
    if taken:
        raise ConfigError(f"the baseline is named '{taken[0]}', which is another set here. Give it another name.")
    failures: list[tuple[str, str]] = []
    folders = {"real": real, "synthetic": synthetic, **others, "test": test}
    names = read_folder(test).class_names
    sets = {
        name: _labelled(read_folder(folder), names, size_px=used.size_px, failures=failures)
        for name, folder in folders.items()
    }
    tested = sets.pop("test")
    if trains_mixed:
        sets["mixed"] = sets["real"].joined(sets["synthetic"])
    scores: dict[str, tuple[ClassifierScore, ...]] = {}
    for name, pictures in sets.items():
        scores[name] = tuple(
            train_and_test(
                pictures,
                tested,
                recipe=replace(used, seed=seed),
                device=choose_device(device),
                checkpoint=None if out is None else out / f"{name}-{seed}.safetensors",
                on_epoch=_telling(on_training, name, seed),
            )
            for seed in seeds
        )
    return ClassifierReport(scores=scores, unreadable=tuple(failures))


def _telling(on_training: OnTraining | None, name: str, seed: int) -> Callable[[int, float], None] | None:
    return None if on_training is None else lambda epoch, loss: on_training(name, seed, epoch, loss)


def _score_row(scores: Sequence[ClassifierScore]) -> dict[str, Any]:
    first = scores[0]
    recipe = asdict(first.recipe)
    recipe.pop("seed")
    return {
        "top1": float(np.mean([score.top1 for score in scores])),
        "top1_std": float(np.std([score.top1 for score in scores], ddof=1)) if len(scores) > 1 else None,
        "top1_per_seed": {str(score.recipe.seed): score.top1 for score in scores},
        "top5": None if first.top5 is None else float(np.mean([score.top5 or 0.0 for score in scores])),
        "num_train": first.num_train,
        "num_test": first.num_test,
        "num_parameters": first.num_parameters,
        "recipe": recipe,
    }


def _labelled(
    folder: ClassFolder, names: tuple[str, ...], *, size_px: int, failures: list[tuple[str, str]]
) -> LabelledPictures:
    """Reads pictures at a quarter more than the network's size, so that crops lose little."""
    missing = sorted(set(names) ^ set(folder.class_names))
    if missing:
        raise ConfigError(
            f"the class '{missing[0]}' is in '{folder.folder}' or in the test folder, not in both; all sets have the "
            "same classes. Give folders with classes of the same names."
        )
    side = size_px + size_px // 4
    images: list[Image] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        for path in folder.files[name]:
            try:
                images.append(squeeze(read_image(path).image, side=side))
                labels.append(label)
            except ImageError as error:
                failures.append((show_path(path), str(error)))
    stacked = np.stack(images) if images else np.empty((0, side, side, 3), dtype=np.uint8)
    return LabelledPictures(images=stacked, labels=np.array(labels, dtype=np.int64), class_names=names)


def squeeze(image: Image, *, side: int) -> Image:
    """Brings a picture to a square by a bilinear, antialiased filter."""
    resized = PillowImage.fromarray(image).resize((side, side), PillowImage.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.uint8)


def read_folder(folder: str | Path) -> ClassFolder:
    """Lists a folder of class folders; the folder of a clone itself is refused with advice.

    Args:
        folder: the folder.

    Returns:
        Its pictures, by class.

    Raises:
        ImageError: if the folder is that of a clone.
    """
    if (Path(folder) / "plan" / "round-000.json").is_file():
        raise ImageError(
            f"'{folder}' is the folder of a clone; its pictures lie in archives. Write them out first: "
            f"rldf clone export {folder} --out PICTURES --form imagefolder, and give PICTURES/train."
        )
    return read_class_folder(folder)


def _features(
    folder: ClassFolder,
    *,
    kind: str,
    extractor: FeatureExtractor,
    seed: int,
    max_pictures: int,
    on_pass: OnPass | None,
) -> FeatureSet:
    files = folder.all_files() if max_pictures <= 0 else _drawn(folder, max_pictures=max_pictures, seed=seed)
    found = extract_features(
        files,
        extractor=extractor,
        read=_read,
        folder=features_folder(),
        on_progress=None if on_pass is None else lambda progress: on_pass(kind, progress),
    )
    if len(found.rows) == 0:
        raise ImageError(
            f"none of the {len(files)} files in '{folder.folder}' could be read as a picture; the first: "
            f"{found.failures[0][1]} Give another folder."
        )
    return found


def _drawn(folder: ClassFolder, *, max_pictures: int, seed: int) -> list[Path]:
    """Draws files by chance, evenly over the classes as far as these go."""
    turns = [
        (position, name, path)
        for name in folder.class_names
        for position, path in enumerate(_shuffled(folder.files[name], seed=seed, name=name))
    ]
    chosen = sorted(turns, key=lambda turn: turn[:2])[:max_pictures]
    return sorted(path for _, _, path in chosen)


def _shuffled(paths: Sequence[Path], *, seed: int, name: str) -> list[Path]:
    order = child_rng(seed, "evaluate", name).permutation(len(paths))
    return [paths[position] for position in order]


def _read(path: Path) -> Image:
    return read_image(path).image


def _pairs(rows: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"file": file, "reason": reason} for file, reason in rows]
