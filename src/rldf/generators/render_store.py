"""Pictures on disk by content key: bounded, and safe with many writers, kills and full disks."""

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from time import time
from typing import final
from uuid import uuid4

import numpy as np
from PIL import Image as PillowImage
from PIL.PngImagePlugin import PngImageFile, PngInfo

from rldf.arrays import Image
from rldf.errors import ConfigError

GIB = 2**30
DEFAULT_MAX_BYTES = 2 * GIB
STALE_SECONDS = 3600.0  # our choice: a half-written file this old belongs to a writer that was killed
KEPT_SHARE = 0.9  # our choice: a full store is cut to this share, so that not every picture causes a cut
RECOUNT_SHARE = 0.05  # our choice: after writing this share a store looks at what other processes wrote

_PART_SUFFIX = ".part"
_KEY_FIELD = "rldf-key"
_DIGEST_FIELD = "rldf-pixels"
_UNREADABLE = (OSError, SyntaxError, ValueError, KeyError, EOFError, zlib.error, PillowImage.DecompressionBombError)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreInfo:
    """What a store holds.

    Attributes:
        folder: where it is.
        num_pictures: pictures in it.
        num_bytes: bytes they take.
    """

    folder: Path
    num_pictures: int
    num_bytes: int


@final
class RenderStore:
    """A folder of lossless PNG files named by key; the ones used longest ago go when it is full.

    A picture is written beside its place and renamed into it, so readers see whole files only. Each file carries its
    key and the digest of its pixels; one that does not hold what it says is removed and counts as missing. Nothing is
    locked: two writers of one key write the same picture, and two that make room remove the same old ones.

    Attributes:
        folder: where the pictures are; made with the first one.
        num_damaged: files found damaged so far.
    """

    def __init__(self, folder: Path, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        """Names the folder and its bound.

        Args:
            folder: where the pictures are.
            max_bytes: bound of their size, at least 1.

        Raises:
            ConfigError: if the bound is below 1.
        """
        if max_bytes < 1:
            raise ConfigError(
                f"the cache's max_bytes is {max_bytes}; it must be 1 or larger. Give 2147483648 for 2 GiB."
            )
        self.folder = folder
        self.num_damaged = 0
        self._max_bytes = max_bytes
        self._known_bytes: int | None = None  # None until the folder was looked through
        self._written_since_count = 0

    def read(self, key: str) -> Image | None:
        """Reads a picture and marks it as used.

        Args:
            key: its key, hexadecimal.

        Returns:
            The picture, RGB, 0 to 255; None where it is missing or damaged. An `OSError` tells where the folder cannot
            be read.
        """
        path = self._path(key)
        try:
            with path.open("rb") as stream:
                image = _decode(stream.read(), key=key)
        except FileNotFoundError:
            return None
        if image is None:
            self.num_damaged += 1
            path.unlink(missing_ok=True)
            return None
        try:
            os.utime(path)
        except OSError:
            return image  # another process removed it just now, or may only read: the picture is good
        return image

    def write(self, key: str, image: Image) -> None:
        """Writes a picture, whole or not at all, then makes room where the store is full.

        Args:
            key: its key, hexadecimal.
            image: RGB, 0 to 255. An `OSError` tells where the disk is full or the folder cannot be written.
        """
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{uuid4().hex}{_PART_SUFFIX}")
        try:
            _encode(image, part, key=key)
            num_bytes = part.stat().st_size
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        self._make_room(num_bytes)

    def info(self) -> StoreInfo:
        """Counts what is there."""
        sizes = [size for _, size, _ in self._files()]
        return StoreInfo(folder=self.folder, num_pictures=len(sizes), num_bytes=sum(sizes))

    def clear(self) -> StoreInfo:
        """Removes every picture and what killed writers left; tells what was there."""
        removed = self.info()
        for pattern in ("??/*.png", f"??/.*{_PART_SUFFIX}"):
            for path in self.folder.glob(pattern):
                path.unlink(missing_ok=True)
        for path in self.folder.glob("??"):
            _remove_if_empty(path)
        self._known_bytes = None
        return removed

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.png"

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Time of last use, size and path of every picture."""
        for path in self.folder.glob("??/*.png"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # another process made room
            yield status.st_mtime, status.st_size, path

    def _make_room(self, num_bytes: int) -> None:
        """Counts what was written; looks through the folder, and cuts it, only when that may be needed."""
        self._written_since_count += num_bytes
        if self._known_bytes is not None:
            self._known_bytes += num_bytes
            recount = self._written_since_count > self._max_bytes * RECOUNT_SHARE
            if self._known_bytes <= self._max_bytes and not recount:
                return
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        if total > self._max_bytes:
            for _, size, path in files:
                if total <= self._max_bytes * KEPT_SHARE:
                    break
                path.unlink(missing_ok=True)
                total -= size
        self._remove_stale_parts()
        self._known_bytes = total
        self._written_since_count = 0

    def _remove_stale_parts(self) -> None:
        for path in self.folder.glob(f"??/.*{_PART_SUFFIX}"):
            try:
                if time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink(missing_ok=True)
            except FileNotFoundError:
                continue  # its writer finished


def _encode(image: Image, path: Path, *, key: str) -> None:
    about = PngInfo()
    about.add_text(_KEY_FIELD, key)
    about.add_text(_DIGEST_FIELD, _pixel_digest(image))
    PillowImage.fromarray(np.ascontiguousarray(image)).save(path, format="PNG", pnginfo=about)


def _decode(content: bytes, *, key: str) -> Image | None:
    """The picture in a file's content; None where it is damaged or belongs to another key."""
    try:
        with PillowImage.open(BytesIO(content), formats=["PNG"]) as picture:
            assert isinstance(picture, PngImageFile)
            image = np.array(picture.convert("RGB"))  # (height, width, 3), a copy
            fields = picture.text
    except _UNREADABLE:
        return None
    is_whole = fields.get(_KEY_FIELD) == key and fields.get(_DIGEST_FIELD) == _pixel_digest(image)
    return image if is_whole else None


def _pixel_digest(image: Image) -> str:
    height, width, _ = image.shape
    return sha256(f"{height}x{width}\0".encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # another process is writing there
