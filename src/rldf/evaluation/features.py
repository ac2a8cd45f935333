"""One pass over pictures: features on disk, computed once per extractor and content, whatever happens in between."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from tokenize import TokenError

import numpy as np
from jaxtyping import Float, Float32

from rldf.arrays import Image, ImageBatch
from rldf.errors import ConfigError, ImageError

CHUNK_FILES = 512  # our choice: what a kill can lose, and how often progress is told
BATCH_SIZE = 32  # our choice
CACHE_VERSION = 1

FileFailure = tuple[str, str]
"""Name of a file, and why it could not be read, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureExtractor:
    """A named, hashed choice of what is seen in a picture.

    Attributes:
        name: such as "embedded/scorer-b" or a hub id.
        digest: SHA-256 of the weights, 64 hexadecimal digits.
        resize: how pictures are prepared, in words; results of two ways must not be mixed.
        size_px: side of the square the model looks at.
        num_features: numbers per picture.
        prepare: brings one picture to that square, uint8.
        extract: squares in, one row of features each out.
    """

    name: str
    digest: str
    resize: str
    size_px: int
    num_features: int
    prepare: Callable[[Image], Image]
    extract: Callable[[ImageBatch], Float[np.ndarray, "batch features"]]

    @property
    def identity(self) -> str:
        """Everything that changes features, as one line."""
        return f"{self.name} {self.digest} | {self.resize} | {self.num_features} features"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSet:
    """The features of one set of pictures.

    Attributes:
        rows: one row per picture that could be read, in the order of the files; may lie on disk.
        positions: which file each row belongs to.
        failures: files that could not be read.
        is_cached: True where nothing had to be computed.
    """

    rows: Float32[np.ndarray, "pictures features"]
    positions: tuple[int, ...]
    failures: tuple[FileFailure, ...]
    is_cached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PassProgress:
    """Where a pass over pictures stands.

    Attributes:
        files: how many are done.
        total: how many there are.
        failures: how many of them could not be read.
    """

    files: int
    total: int
    failures: int


ReadPicture = Callable[[Path], Image]
"""Reads one file; an `ImageError` where that does not work."""


def extract_features(
    files: Sequence[Path],
    *,
    extractor: FeatureExtractor,
    read: ReadPicture,
    folder: Path,
    batch_size: int = BATCH_SIZE,
    on_progress: Callable[[PassProgress], None] | None = None,
) -> FeatureSet:
    """Computes features of files in one pass; what is on disk already is not computed again.

    Memory is bounded by one chunk of files: rows are written to disk and come back as a memory map. A cached chunk is
    found by the contents of its files, so a file that was changed or replaced is never mistaken for its former self.

    Args:
        files: pictures; a file that cannot be read is named in the result, left out, and tried again the next time.
        extractor: what to see in them.
        read: reads one file.
        folder: where features are kept; made where it is missing.
        batch_size: pictures that go through the extractor together.
        on_progress: is told after each chunk.

    Returns:
        The features of all files that could be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chunks: list[Path] = []
    positions: list[int] = []
    failures: list[FileFailure] = []
    is_cached = True
    for start in range(0, len(files), CHUNK_FILES):
        chunk = files[start : start + CHUNK_FILES]
        place = folder / _key(extractor, chunk)
        if not _is_whole(place, extractor=extractor) or _has_recovered(place, chunk, extractor=extractor, read=read):
            is_cached = False
            _compute_chunk(chunk, place, extractor=extractor, read=read, batch_size=batch_size)
        about = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))
        positions.extend(start + position for position in about["positions"])
        failures.extend((show_path(chunk[position]), reason) for position, reason in about["failures"])
        chunks.append(place.with_suffix(".npy"))
        if on_progress is not None:
            on_progress(PassProgress(files=start + len(chunk), total=len(files), failures=len(failures)))
    rows = _joined(chunks, folder=folder, num_features=extractor.num_features)
    return FeatureSet(rows=rows, positions=tuple(positions), failures=tuple(failures), is_cached=is_cached)


def show_path(path: Path) -> str:
    """Writes a path as text that every encoding can hold; bytes that are no text become backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _key(extractor: FeatureExtractor, files: Sequence[Path]) -> str:
    """Names a chunk by the extractor and the contents of its files."""
    digest = sha256(f"{CACHE_VERSION} {extractor.identity}\n".encode())
    for file in files:
        digest.update(_content_digest(file) + b"\n")
    return digest.hexdigest()


def _content_digest(file: Path) -> bytes:
    """SHA-256 of a regular file; of anything else, of the fact that it cannot be read."""
    if not file.is_file():  # a pipe or a device would wait for ever
        return sha256(b"not a regular file").digest()
    digest = sha256()
    try:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        return sha256(f"unreadable: {error.strerror}".encode()).digest()
    return digest.digest()


def _is_whole(place: Path, *, extractor: FeatureExtractor) -> bool:
    """Tells whether a cached chunk can be used; one that was damaged is computed again."""
    try:
        about = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))
        shape = (len(about["positions"]), extractor.num_features)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return _mapped(place.with_suffix(".npy"), shape=shape) is not None


def _mapped(path: Path, *, shape: tuple[int, int]) -> Float32[np.ndarray, "pictures features"] | None:
    """Rows mapped from disk; None where there are none of that shape, or the file is damaged."""
    try:
        rows = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, TokenError, SyntaxError):  # the last two come of damaged headers
        return None
    return rows if rows.shape == shape and rows.dtype == np.float32 else None


def _has_recovered(place: Path, files: Sequence[Path], *, extractor: FeatureExtractor, read: ReadPicture) -> bool:
    """Tells whether a file can be read that could not be when the chunk was cached: memory may have been short."""
    failed = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))["failures"]
    again: list[tuple[int, str]] = []
    recovered = _read_all([files[position] for position, _ in failed], extractor=extractor, read=read, failures=again)
    return next(recovered, None) is not None


def _compute_chunk(
    files: Sequence[Path], place: Path, *, extractor: FeatureExtractor, read: ReadPicture, batch_size: int
) -> None:
    failures: list[tuple[int, str]] = []
    positions: list[int] = []
    parts = [np.empty((0, extractor.num_features), dtype=np.float32)]
    batch: list[Image] = []
    for position, image in _read_all(files, extractor=extractor, read=read, failures=failures):
        positions.append(position)
        batch.append(image)
        if len(batch) == batch_size:
            parts.append(_features(batch, extractor))
            batch = []
    if batch:
        parts.append(_features(batch, extractor))
    with _written(place.with_suffix(".npy")) as part, part.open("wb") as stream:
        np.save(stream, np.concatenate(parts), allow_pickle=False)
    with _written(place.with_suffix(".json")) as part:  # last: a chunk without it does not count
        about = {"extractor": extractor.identity, "positions": positions, "failures": failures}
        part.write_text(json.dumps(about), encoding="utf-8")


def _read_all(
    files: Sequence[Path], *, extractor: FeatureExtractor, read: ReadPicture, failures: list[tuple[int, str]]
) -> Iterator[tuple[int, Image]]:
    for position, file in enumerate(files):
        try:
            yield position, extractor.prepare(read(file))
        except (ImageError, MemoryError) as error:
            failures.append((position, " ".join(str(error).encode("utf-8", "backslashreplace").decode().split())))


def _features(batch: Sequence[Image], extractor: FeatureExtractor) -> Float32[np.ndarray, "batch features"]:
    rows = np.asarray(extractor.extract(np.stack(batch)), dtype=np.float32)
    if rows.shape != (len(batch), extractor.num_features):
        raise ConfigError(
            f"the extractor '{extractor.name}' gave {rows.shape} numbers for {len(batch)} pictures; it must give "
            f"{extractor.num_features} for each. Choose another extractor."
        )
    return rows


def _joined(chunks: Sequence[Path], *, folder: Path, num_features: int) -> Float32[np.ndarray, "pictures features"]:
    """All chunks as one array: the only chunk itself, or a file of its own, both mapped from disk."""
    if not chunks:
        return np.empty((0, num_features), dtype=np.float32)
    if len(chunks) == 1:
        only: np.ndarray = np.load(chunks[0], mmap_mode="r", allow_pickle=False)
        return only
    parts = [np.load(chunk, mmap_mode="r", allow_pickle=False) for chunk in chunks]
    place = folder / f"set-{_joined_name(chunks)}.npy"
    shape = (sum(len(part) for part in parts), num_features)
    if _mapped(place, shape=shape) is None:
        with _written(place) as part_path:
            joined = np.lib.format.open_memmap(part_path, mode="w+", dtype=np.float32, shape=shape)
            start = 0
            for part in parts:
                joined[start : start + len(part)] = part
                start += len(part)
            joined.flush()
            del joined
    rows: np.ndarray = np.load(place, mmap_mode="r", allow_pickle=False)
    return rows


def _joined_name(chunks: Sequence[Path]) -> str:
    """Names joined chunks by their rows: a file that can be read again changes these, and not the chunk's name."""
    digest = sha256()
    for chunk in chunks:
        with chunk.open("rb") as stream:
            digest.update(file_digest(stream, "sha256").digest())
    return digest.hexdigest()


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    """Gives a neighbour to write to, and renames it over the file at the end."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
