"""Storage: files in a folder or anywhere fsspec reaches; whole or none in folders and object stores."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, final
from uuid import uuid4

import fsspec

from rldf.errors import ConfigError, MissingExtraError, StorageError

PhaseHook = Callable[[str], None]
"""Is told of each phase of a commit: "begun", "half written", "written", "committed"."""

LEFT_OVER_SUFFIX = ".part"
PAUSES_S = (1.0, 4.0, 16.0)  # our choice: before each further try of remote storage
ATOMIC = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "oci", "tos", "memory"})
"""fsspec's object stores: a file appears there once its upload is over, and never before."""
LASTING = (FileNotFoundError, PermissionError, FileExistsError, IsADirectoryError, NotADirectoryError)


def ignore_phase(phase: str) -> None:
    """Takes a phase and does nothing with it."""
    del phase


@final
@dataclass(frozen=True, slots=True)
class Storage:
    """A place for files, by its address: a folder, or an fsspec URL such as `s3://bucket/clone` or `memory://clone`.

    A local file is written beside its place, flushed to the disk and renamed, so a kill leaves the old file, the new
    one or none. Elsewhere a file is written under its name: object stores show it as a whole or not at all; others,
    such as sftp, hdfs and smb, may keep the beginning of it after a kill. What fails for a moment there is tried again
    a few times.

    Attributes:
        address: folder or URL.
    """

    address: str

    @property
    def is_local(self) -> bool:
        """True for a folder of this machine, `file://` included."""
        return "://" not in self.address or self.address.startswith(("file://", "local://"))

    @property
    def is_atomic(self) -> bool:
        """True where a kill leaves whole files only: in folders of this machine and in object stores."""
        return self.is_local or self.address.partition("://")[0] in ATOMIC

    @property
    def folder(self) -> Path:
        """The folder, where the storage is local."""
        assert self.is_local
        return Path(fsspec.core.strip_protocol(self.address) if "://" in self.address else self.address)

    @property
    def absolute(self) -> "Storage":
        """The same place by an address that holds in every working folder."""
        return Storage(str(self.folder.resolve())) if self.is_local else self

    def write(self, name: str, data: bytes, *, on_phase: PhaseHook = ignore_phase) -> None:
        """Writes a file, whole or not at all where the storage is atomic; one that is there already is replaced.

        Args:
            name: relative, with "/" between folders.
            data: its content.
            on_phase: is told of each phase.

        Raises:
            StorageError: if it cannot be written.
        """
        try:
            if self.is_local:
                self._write_local(name, data, on_phase=on_phase)
            else:
                on_phase("begun")
                filesystem, root = self._filesystem()
                persistently(lambda: filesystem.pipe_file(f"{root}/{name}", data))
                on_phase("committed")
        except OSError as error:
            raise StorageError(
                f"'{name}' cannot be written to '{self.address}': {error.strerror or error}. What was written "
                "before is whole. Free space or check the permissions, and run the same command again."
            ) from error

    def read(self, name: str) -> bytes:
        """Reads a file.

        Args:
            name: relative, with "/" between folders.

        Returns:
            Its content; a `StorageError` tells where it is not there or cannot be read.
        """
        with self._named(name):
            if self.is_local:
                return (self.folder / name).read_bytes()
            filesystem, root = self._filesystem()
            data: bytes = persistently(lambda: filesystem.cat_file(f"{root}/{name}"))
        return data

    def has(self, name: str) -> bool:
        """Tells whether a file is there; storage that does not answer is a `StorageError`, not a no."""
        if self.is_local:
            return (self.folder / name).is_file()
        filesystem, root = self._filesystem()
        with self._named(name):
            try:
                return bool(persistently(lambda: filesystem.info(f"{root}/{name}"))["type"] == "file")
            except FileNotFoundError:
                return False

    def names(self, folder: str) -> list[str]:
        """Lists the files of one folder by name, left-overs of killed writers included; [] where there is none."""
        if self.is_local:
            place = self.folder / folder
            return sorted(entry.name for entry in place.iterdir() if entry.is_file()) if place.is_dir() else []
        filesystem, root = self._filesystem()
        filesystem.invalidate_cache()
        with self._named(folder):
            try:
                entries = persistently(lambda: filesystem.ls(f"{root}/{folder}", detail=True))
            except FileNotFoundError:
                return []
        return sorted(entry["name"].rpartition("/")[2] for entry in entries if entry["type"] == "file")

    def remove(self, name: str) -> None:
        """Removes a file; one that is not there is no error."""
        if self.is_local:
            (self.folder / name).unlink(missing_ok=True)
        elif self.has(name):
            filesystem, root = self._filesystem()
            with self._named(name), suppress(FileNotFoundError):
                persistently(lambda: filesystem.rm_file(f"{root}/{name}"))

    @contextmanager
    def _named(self, name: str) -> Iterator[None]:
        """Says which file could not be read, and where."""
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"'{name}' cannot be read from '{self.address}': {error.strerror or error}. Check the place; "
                "`rldf clone verify` lists what is missing."
            ) from error

    def _write_local(self, name: str, data: bytes, *, on_phase: PhaseHook) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{uuid4().hex}{LEFT_OVER_SUFFIX}")
        on_phase("begun")
        try:
            with part.open("wb") as file:
                file.write(data[: len(data) // 2])
                on_phase("half written")
                file.write(data[len(data) // 2 :])
                file.flush()
                os.fsync(file.fileno())
            on_phase("written")
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        on_phase("committed")

    def _filesystem(self) -> tuple[fsspec.AbstractFileSystem, str]:
        try:
            filesystem, root = fsspec.core.url_to_fs(self.address)
        except ImportError as error:
            raise MissingExtraError(
                f"the storage '{self.address}' needs a plug-in of fsspec that is not installed: {error}. Install it "
                "with pip, or use a folder."
            ) from error
        except ValueError as error:
            raise ConfigError(
                f"'{self.address}' is no storage that fsspec knows: {error}. Give a folder, or an address such as "
                "s3://bucket/clone."
            ) from error
        return filesystem, str(root).rstrip("/")


Answer = TypeVar("Answer")


def persistently(ask: Callable[[], Answer]) -> Answer:
    """Asks remote storage, again after growing pauses where it fails; what another try cannot mend is raised at once.

    Args:
        ask: asks; doing so twice is harmless.

    Returns:
        The answer.
    """
    for pause_s in PAUSES_S:
        try:
            return ask()
        except LASTING:
            raise
        except OSError:
            time.sleep(pause_s)
    return ask()
