"""Storage: whole files or none, in a folder or anywhere fsspec reaches."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final
from uuid import uuid4

import fsspec

from rldf.errors import RecordError

PhaseHook = Callable[[str], None]
"""Is told of each phase of a commit: "begun", "half written", "written", "committed"."""

LEFT_OVER_SUFFIX = ".part"


def ignore_phase(phase: str) -> None:
    """Takes a phase and does nothing with it."""
    del phase


@final
@dataclass(frozen=True, slots=True)
class Storage:
    """A place for files, by its address: a folder, or an fsspec URL such as `s3://bucket/clone` or `memory://clone`.

    A local file is written beside its place, flushed to the disk and renamed, so a kill leaves the old file, the new
    one or none. On other storage a file is one single upload, which object stores show as a whole or not at all.

    Attributes:
        address: folder or URL.
    """

    address: str

    @property
    def is_local(self) -> bool:
        """True for a folder of this machine."""
        return "://" not in self.address

    @property
    def folder(self) -> Path:
        """The folder, where the storage is local."""
        assert self.is_local
        return Path(self.address)

    def write(self, name: str, data: bytes, *, on_phase: PhaseHook = ignore_phase) -> None:
        """Writes a whole file or nothing; one that is there already is replaced.

        Args:
            name: relative, with "/" between folders.
            data: its content.
            on_phase: is told of each phase.

        Raises:
            RecordError: if it cannot be written.
        """
        try:
            if self.is_local:
                self._write_local(name, data, on_phase=on_phase)
            else:
                on_phase("begun")
                filesystem, root = self._filesystem()
                filesystem.pipe_file(f"{root}/{name}", data)
                on_phase("committed")
        except OSError as error:
            raise RecordError(
                f"'{name}' cannot be written to '{self.address}': {error.strerror or error}. What was written "
                "before is whole. Free space or check the permissions, and run the same command again."
            ) from error

    def read(self, name: str) -> bytes:
        """Reads a file.

        Args:
            name: relative, with "/" between folders.

        Returns:
            Its content.

        Raises:
            RecordError: if it is not there or cannot be read.
        """
        try:
            if self.is_local:
                return (self.folder / name).read_bytes()
            filesystem, root = self._filesystem()
            data: bytes = filesystem.cat_file(f"{root}/{name}")
        except OSError as error:
            raise RecordError(
                f"'{name}' cannot be read from '{self.address}': {error.strerror or error}. Check the place; "
                "`rldf clone verify` lists what is missing."
            ) from error
        return data

    def has(self, name: str) -> bool:
        """Tells whether a file is there."""
        if self.is_local:
            return (self.folder / name).is_file()
        filesystem, root = self._filesystem()
        return bool(filesystem.isfile(f"{root}/{name}"))

    def names(self, folder: str) -> list[str]:
        """Lists the files of one folder by name, left-overs of killed writers included; [] where there is none."""
        if self.is_local:
            place = self.folder / folder
            return sorted(entry.name for entry in place.iterdir() if entry.is_file()) if place.is_dir() else []
        filesystem, root = self._filesystem()
        filesystem.invalidate_cache()
        if not filesystem.isdir(f"{root}/{folder}"):
            return []
        entries = filesystem.ls(f"{root}/{folder}", detail=True)
        return sorted(entry["name"].rpartition("/")[2] for entry in entries if entry["type"] == "file")

    def remove(self, name: str) -> None:
        """Removes a file; one that is not there is no error."""
        if self.is_local:
            (self.folder / name).unlink(missing_ok=True)
            return
        filesystem, root = self._filesystem()
        if filesystem.isfile(f"{root}/{name}"):
            filesystem.rm_file(f"{root}/{name}")

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
        filesystem, root = fsspec.core.url_to_fs(self.address)
        return filesystem, str(root).rstrip("/")
