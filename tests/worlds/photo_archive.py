"""A small archive of made-up photographs, in the form of the real one."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from rldf.worlds.photos import SPLITS, split_of

NUM_OF_A_SPLIT = 2


def wnid_of(place: int) -> str:
    return f"n{place:08d}"


def numbers_of(wnid: str) -> list[int]:
    """Two numbers of each split."""
    chosen: list[int] = []
    for split in SPLITS:
        chosen += [number for number in range(500) if split_of(wnid, number) == split][:NUM_OF_A_SPLIT]
    return sorted(chosen)


def photograph(place: int, number: int, side: int = 64) -> bytes:
    """A smooth picture of a hue of its class, with a little of its own."""
    rng = np.random.default_rng([place, number])
    coarse = rng.uniform(-30, 30, (4, 4, 3)) + np.random.default_rng(place).uniform(40, 215, 3)
    smooth = Image.fromarray(coarse.clip(0, 255).astype(np.uint8)).resize((side, side), Image.Resampling.BILINEAR)
    stream = io.BytesIO()
    smooth.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def write_archive(path: Path, names: Sequence[str]) -> Path:
    """Writes two photographs of each split of each class."""
    with zipfile.ZipFile(path, "w") as archive:
        rows = [f"{place}\t{wnid_of(place)}\t{name}" for place, name in enumerate(names)]
        archive.writestr("classes.tsv", "\n".join(["index\twnid\tname", *rows]) + "\n")
        for place, name in enumerate(names):
            for number in numbers_of(wnid_of(place)):
                folder = name.replace(" ", "_")
                archive.writestr(f"train/{folder}/{wnid_of(place)}_{number}.JPEG", photograph(place, number))
    return path
