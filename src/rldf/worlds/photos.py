"""Reads a folder of photographs packed in one archive, and splits it for good: training, validation, test."""

import io
import lzma
import re
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Int64
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from rldf.arrays import Image, ImageBatch
from rldf.errors import ImageError
from rldf.seeding import child_rng

Split = Literal["train-a", "train-b", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
TRAINING: tuple[Split, ...] = ("train-a", "train-b")
"""Two halves: a scorer sees only one of them, the generator both."""

PHOTOS_OF_A_CLASS = 500
_PARTS: Mapping[Split, int] = {"train-a": 212, "train-b": 213, "validation": 25, "test": 50}
_CLASSES_FILE = "classes.tsv"
_PHOTO = re.compile(r".*/(?P<wnid>n\d{8})_(?P<number>\d+)\.(?:JPEG|jpg|jpeg|png)$")
_ADVICE = "Give a .zip or .tar.xz with classes.tsv and photographs named as n02099601_0.JPEG."


@dataclass(frozen=True, slots=True, kw_only=True)
class Photos:
    """Photographs of one size with their classes and splits, in order of class and number.

    Attributes:
        images: RGB, 0 to 255.
        labels: place of the class in `class_names`.
        splits: place of the split in `SPLITS`.
        numbers: of each photograph within its class, 0 to 499.
        class_names: in the order of the archive's `classes.tsv`.
    """

    images: ImageBatch
    labels: Int64[np.ndarray, " batch"]
    splits: Int64[np.ndarray, " batch"]
    numbers: Int64[np.ndarray, " batch"]
    class_names: tuple[str, ...]

    def of(self, *splits: Split) -> "Photos":
        """Keeps the photographs of some splits, in the same order."""
        chosen = np.isin(self.splits, [SPLITS.index(split) for split in splits])
        return Photos(
            images=self.images[chosen],
            labels=self.labels[chosen],
            splits=self.splits[chosen],
            numbers=self.numbers[chosen],
            class_names=self.class_names,
        )


def split_of(wnid: str, number: int) -> Split:
    """Says which split a photograph belongs to; it depends on nothing else, so a part of the data is split alike.

    Args:
        wnid: WordNet id of its class.
        number: within its class, 0 to 499.

    Returns:
        The split: 425 of the 500 are for training, in halves of 212 and 213, 25 for validation, 50 for test.
    """
    return _splits_of_class(wnid)[number]


@cache
def _splits_of_class(wnid: str) -> tuple[Split, ...]:
    ranks = child_rng(0, "photos", "split", wnid).permutation(PHOTOS_OF_A_CLASS)
    by_rank = [split for split in SPLITS for _ in range(_PARTS[split])]
    return tuple(by_rank[rank] for rank in ranks.tolist())


def read_photos(path: Path, *, splits: Iterable[Split] = SPLITS) -> Photos:
    """Reads photographs from an archive.

    Args:
        path: a .zip, or a .tar.xz of `pack_photos`.
        splits: which are decoded.

    Returns:
        The photographs, all of one size.

    Raises:
        ImageError: if the archive or a photograph in it cannot be read, or the sizes differ.
    """
    wanted = set(splits)
    found: dict[tuple[str, int], bytes] = {}
    table = ""
    for name, content in _members(path):
        if name.rpartition("/")[2] == _CLASSES_FILE:
            table = content.decode()
        elif (key := _key(name, path)) and split_of(*key) in wanted:
            found[key] = content
    names = _class_names(table, path)
    order = {wnid: place for place, wnid in enumerate(names)}
    unknown = sorted({wnid for wnid, _ in found} - set(order))
    if unknown or not found:
        what = f"the class '{unknown[0]}', which {_CLASSES_FILE} does not name" if unknown else "no photographs wanted"
        raise ImageError(f"'{path}' holds {what}. {_ADVICE}")
    keys = sorted(found, key=lambda key: (order[key[0]], key[1]))
    return Photos(
        images=_stacked([_decode(found[key], key) for key in keys], path),
        labels=np.array([order[wnid] for wnid, _ in keys], dtype=np.int64),
        splits=np.array([SPLITS.index(split_of(*key)) for key in keys], dtype=np.int64),
        numbers=np.array([number for _, number in keys], dtype=np.int64),
        class_names=tuple(names.values()),
    )


def pack_photos(path: Path, out: Path, *, splits: Iterable[Split] = SPLITS) -> int:
    """Packs photographs small, as they are: one .tar.xz, in which what the files' heads share is stored once.

    Args:
        path: an archive that `read_photos` reads.
        out: the .tar.xz, written over.
        splits: which photographs.

    Returns:
        Bytes written.
    """
    wanted = set(splits)
    with lzma.open(out, "wb", preset=6) as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in _members(path):
            key = _key(name, path)
            if name.rpartition("/")[2] == _CLASSES_FILE or (key and split_of(*key) in wanted):
                about = tarfile.TarInfo(name)
                about.size = len(content)
                archive.addfile(about, io.BytesIO(content))
    return out.stat().st_size


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of an archive, in order of name."""
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as packed:
                for name in sorted(packed.namelist()):
                    if not name.endswith("/"):
                        yield name, packed.read(name)
        else:
            with tarfile.open(path, "r:xz") as archive:
                for entry in archive:
                    stream = archive.extractfile(entry)
                    if stream is not None:
                        yield entry.name, stream.read()
    except (OSError, zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError) as error:
        raise ImageError(f"the archive '{path}' cannot be read: {error}. {_ADVICE}") from error


def _key(name: str, path: Path) -> tuple[str, int] | None:
    """Class and number of a photograph; None for other files."""
    match = _PHOTO.match(name)
    if match is None:
        return None
    number = int(match["number"])
    if number >= PHOTOS_OF_A_CLASS:
        raise ImageError(
            f"'{path}' holds '{name}'; photographs of a class are numbered from 0 to {PHOTOS_OF_A_CLASS - 1}, since "
            "the split goes by these numbers. Number them anew."
        )
    return match["wnid"], number


def _class_names(table: str, path: Path) -> dict[str, str]:
    """WordNet id to name, in the order of the table."""
    rows = [line.split("\t") for line in table.splitlines()[1:] if line.strip()]
    if not rows or any(len(row) != 3 for row in rows):
        raise ImageError(f"'{path}' has no {_CLASSES_FILE} of three columns: index, wnid, name. {_ADVICE}")
    return {wnid: name for _, wnid, name in rows}


def _decode(content: bytes, key: tuple[str, int]) -> Image:
    try:
        with PillowImage.open(io.BytesIO(content)) as picture:
            return np.asarray(picture.convert("RGB"), dtype=np.uint8)
    except (OSError, UnidentifiedImageError) as error:
        raise ImageError(
            f"the photograph {key[0]}_{key[1]} cannot be decoded: {error}; every one is a whole JPEG or PNG. "
            "Copy the archive again."
        ) from error


def _stacked(images: list[Image], path: Path) -> ImageBatch:
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise ImageError(
            f"'{path}' holds photographs of different sizes, such as {sorted(shapes)[:2]}; all must be of one size. "
            "Bring them to one size."
        )
    return np.stack(images)
