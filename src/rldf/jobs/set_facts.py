"""What is measured of a finished set of pictures: its diversity, beside that of the renderer where it can draw it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from rldf.arrays import ImageBatch
from rldf.contracts import ImageEmbedder
from rldf.datasets.tar_files import pack
from rldf.evaluation.density_coverage import NEIGHBOUR, DensityCoverageMetric
from rldf.records.durable_files import write_file
from rldf.renderer.drawing import draw
from rldf.renderer.vocabulary import DRAWABLE
from rldf.sampling.manifest import sidecar_path
from rldf.seeding import child_seed
from rldf.worlds.diversity import Spread, measure_spread
from rldf.worlds.sheets import captioned_sheet, png_bytes

MAX_MEASURED = 512  # our choice: pictures of a set whose likeness is measured, evenly chosen
MAX_SHOWN = 64
SHEET_PX = 128
PER_ARCHIVE = 1000


def measure_set(
    sidecars: Sequence[dict[str, Any]], paths: Sequence[Path], *, embedder: ImageEmbedder, scorer: str, seed: int
) -> dict[str, Any]:
    """Measures how diverse a set is.

    Where the renderer can draw the same encodings it draws each once, with a seed of its own, and the set is compared
    with these pictures.

    Args:
        sidecars: of the pictures.
        paths: of the pictures, in the same order; 2 or more.
        embedder: says how alike two pictures are.
        scorer: its name, for the record.
        seed: of the drawn pictures.

    Returns:
        "vendi_score", "mean_distance" (cosine, 0 to 2), "measured" and "scorer"; with the renderer also the same of the
        drawn pictures, the ratios, and "coverage" where there are enough pictures.
    """
    places = np.linspace(0, len(paths) - 1, num=min(MAX_MEASURED, len(paths)), dtype=int).tolist()
    images = read_pictures([paths[place] for place in places])
    ours = measure_spread([images], embedder=embedder)
    facts: dict[str, Any] = {"scorer": scorer, "measured": len(images), **_spread(ours)}
    terms = [sidecars[place]["encoding"]["terms"] for place in places]
    if not all(_can_draw(each) for each in terms):
        return facts
    drawn = np.stack([draw(each, seed=child_seed(seed, "set", k)) for k, each in enumerate(terms)])
    theirs = measure_spread([drawn], embedder=embedder)
    facts["renderer"] = _spread(theirs)
    facts["vendi_ratio"] = ours.vendi_score / theirs.vendi_score
    facts["distance_ratio"] = ours.mean_distance / theirs.mean_distance if theirs.mean_distance > 0 else None
    if len(images) > NEIGHBOUR:
        features = [embedder.embed_images(each).astype(np.float64) for each in (drawn, images)]
        values = DensityCoverageMetric().compute(*features)
        facts["coverage"] = next(value.value for value in values if value.name == "coverage")
    return facts


def write_sheet(paths: Sequence[Path], captions: Sequence[str], out: Path) -> Path:
    """Writes the contact sheet: the first pictures of a set, each with its words below.

    Args:
        paths: of the pictures.
        captions: one each.
        out: a PNG file.

    Returns:
        Where it is.
    """
    images = read_pictures(paths[:MAX_SHOWN], size_px=SHEET_PX)
    write_file(out, png_bytes(captioned_sheet(images, list(captions[:MAX_SHOWN]))))
    return out


def write_archives(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Packs a set into archives that WebDataset reads: picture and sidecar are one sample.

    Args:
        paths: of the pictures; their sidecars lie beside them.
        folder: receives `pictures-000000.tar` and so on.

    Returns:
        The archives; equal pictures give equal bytes.
    """
    archives = []
    for number, first in enumerate(range(0, len(paths), PER_ARCHIVE)):
        files: dict[str, bytes] = {}
        for path in paths[first : first + PER_ARCHIVE]:
            files[path.name] = path.read_bytes()
            files[sidecar_path(path).name] = sidecar_path(path).read_bytes()
        archives.append(folder / f"pictures-{number:06d}.tar")
        write_file(archives[-1], pack(files))
    return archives


def read_pictures(paths: Sequence[Path], *, size_px: int | None = None) -> ImageBatch:
    """Reads pictures of one size.

    Args:
        paths: of the files.
        size_px: side they are made to have; None leaves them.

    Returns:
        RGB, 0 to 255.
    """
    images = []
    for path in paths:
        with PillowImage.open(path) as picture:
            image = picture.convert("RGB")
            if size_px is not None and image.size != (size_px, size_px):
                image = image.resize((size_px, size_px), PillowImage.Resampling.LANCZOS)
            images.append(np.array(image))
    return np.stack(images)


def _spread(spread: Spread) -> dict[str, float]:
    return {"vendi_score": spread.vendi_score, "mean_distance": spread.mean_distance}


def _can_draw(terms: dict[str, str]) -> bool:
    has_subject = "scene" in terms and "count" in terms and ("object" in terms or "person" in terms)
    return has_subject and all(axis in DRAWABLE and term in DRAWABLE[axis] for axis, term in terms.items())
