"""Writing so that a kill or a full disk never leaves half a file."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rldf.errors import RecordError


def write_file(path: Path, data: bytes) -> None:
    """Writes a whole file or nothing: a neighbour is written, then renamed over it.

    A full disk, or a folder that cannot be written, gives a `RecordError`.

    Args:
        path: where the file shall be; its folder exists.
        data: its content.
    """
    neighbour = path.with_name(f".{path.name}.part")
    with _said_clearly(path), _undone(lambda: neighbour.unlink(missing_ok=True)):
        with neighbour.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        neighbour.replace(path)


def append_file(path: Path, data: bytes) -> None:
    """Appends to a file; where that fails part-way the file keeps its former length.

    A full disk, or a file that cannot be written, gives a `RecordError`.

    Args:
        path: the file; made where it is missing.
        data: what to append.
    """
    with _said_clearly(path), path.open("ab") as file:
        length = os.fstat(file.fileno()).st_size
        with _undone(lambda: os.truncate(path, length)):
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def _undone(undo: Callable[[], None]) -> Iterator[None]:
    """Undoes what was half written where the system complains."""
    try:
        yield
    except OSError:
        undo()
        raise


@contextmanager
def _said_clearly(path: Path) -> Iterator[None]:
    """Turns the system's complaint into one clear line."""
    try:
        yield
    except OSError as error:
        raise RecordError(
            f"'{path}' cannot be written: {error.strerror}. What was written before is whole. "
            "Free space or choose another --out; `rldf runs resume` goes on from here."
        ) from error
