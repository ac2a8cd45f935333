"""RunStore: the one writer of a run folder. What the files hold stands in `docs/run-folder.md`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, final

from rldf.errors import RecordError
from rldf.records.durable_files import append_file, write_file
from rldf.records.json_forms import Json
from rldf.records.lock import RunLock

SCHEMA_VERSION = 1
OWN_FILES = ("request.json", "run.json", "steps.jsonl", "summary.json", "interrupted.json", "report.html")


@final
class RunStore:
    """Writes one run folder, as the run goes; a context manager that holds the folder's lock.

    Every file is written whole or not at all, except `steps.jsonl`, which grows by whole batches and whose torn last
    line, after a kill, is dropped by every reader.
    """

    def __init__(self, folder: Path, *, lock: RunLock) -> None:
        self.folder = folder
        self._lock = lock

    @classmethod
    def create(cls, folder: Path, *, request: Mapping[str, Any], force: bool = False) -> "RunStore":
        """Makes a new run folder and writes down what was asked for.

        Args:
            folder: where; parents are made.
            request: what is needed to begin the run again, before `run.json` exists.
            force: True to remove an older run that lies there.

        Returns:
            The store, holding the folder's lock.

        Raises:
            RecordError: if the folder cannot be made, holds something already or is being written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecordError(
                f"the run folder '{folder}' cannot be made: {error.strerror}. Choose another --out."
            ) from error
        lock = RunLock(folder)
        try:
            if not force:
                _require_empty(folder)
            _remove_run(folder)
            (folder / "images").mkdir(exist_ok=True)
            store = cls(folder, lock=lock)
            store._write_json("request.json", {"schema_version": SCHEMA_VERSION, **request})
        except BaseException:
            lock.release()
            raise
        return store

    @classmethod
    def reopen(cls, folder: Path) -> "RunStore":
        """Takes up a run folder again, to go on with it.

        Args:
            folder: a run folder that no process writes.

        Returns:
            The store, holding the folder's lock.

        Raises:
            RecordError: if there is no run, another process writes it, or it is of another version.
        """
        if not any((folder / name).is_file() for name in ("run.json", "request.json")):
            raise RecordError(
                f"there is no run in '{folder}': it has no run.json. A run folder is what `rldf search` writes; "
                "`rldf runs list` shows them."
            )
        lock = RunLock(folder)
        (folder / "images").mkdir(exist_ok=True)
        for half_written in (*folder.glob(".*.part"), *folder.glob("images/.*.part")):
            half_written.unlink()
        return cls(folder, lock=lock)

    def __enter__(self) -> "RunStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the folder's lock back; doing so twice is harmless."""
        self._lock.release()

    def discard(self) -> None:
        """Takes back a run that came to nothing before `run.json`: its files, and the folder where it is empty."""
        _remove_run(self.folder)
        self.close()
        for folder in (self.folder / "images", self.folder):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def write_run(self, data: Mapping[str, Any]) -> None:
        """Writes `run.json`, once, before the first try."""
        self._write_json("run.json", {"schema_version": SCHEMA_VERSION, **data})
        (self.folder / "request.json").unlink(missing_ok=True)

    def write_image(self, name: str, png: bytes) -> str:
        """Writes a picture.

        Args:
            name: file name, such as "000000.png".
            png: the encoded picture.

        Returns:
            Its path relative to the run folder.
        """
        write_file(self.folder / "images" / name, png)
        return f"images/{name}"

    def append_steps(self, steps: Sequence[Json]) -> None:
        """Appends one batch of tries to `steps.jsonl` and flushes it to the disk."""
        lines = "".join(_one_line(step) + "\n" for step in steps)
        append_file(self.folder / "steps.jsonl", lines.encode())

    def keep_steps(self, count: int) -> None:
        """Cuts `steps.jsonl` after so many lines; what follows, torn or whole, is done again."""
        path = self.folder / "steps.jsonl"
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        if len(lines) > count:
            write_file(path, b"".join(lines[:count]))

    def write_summary(self, data: Mapping[str, Any]) -> None:
        """Writes `summary.json`, once, at the end; the run is finished with it."""
        self._write_json("summary.json", data)
        (self.folder / "interrupted.json").unlink(missing_ok=True)

    def write_interrupted(self, data: Mapping[str, Any]) -> None:
        """Writes `interrupted.json`: the best so far of a run that can be resumed."""
        self._write_json("interrupted.json", data)

    def _write_json(self, name: str, data: Mapping[str, Any]) -> None:
        text = json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False)
        write_file(self.folder / name, (text + "\n").encode())


def read_json(path: Path) -> Json:
    """Reads one JSON object of a run folder.

    Args:
        path: a file such as `run.json`.

    Returns:
        The object.

    Raises:
        RecordError: if the file is missing, is not JSON, or is of another schema version.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordError(f"'{path}' cannot be read: {error.strerror}. Give the folder of a run.") from error
    except ValueError as error:
        raise RecordError(f"'{path}' is not JSON ({error}). The file was changed by hand: start a new run.") from error
    if not isinstance(data, dict):
        raise RecordError(f"'{path}' holds no JSON object. The file was changed by hand: start a new run.")
    version = data.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise RecordError(
            f"the run folder '{path.parent}' has schema version {version}; this rldf reads version {SCHEMA_VERSION}. "
            "Use the rldf that wrote it (run.json names it under versions), or start a new run."
        )
    return data


def read_step_lines(folder: Path) -> list[Json]:
    """Reads `steps.jsonl` of a run folder, as `read_json_lines` does; empty where there is no such file yet."""
    return read_json_lines(folder / "steps.jsonl")


def read_json_lines(path: Path) -> list[Json]:
    """Reads a file that grows by lines of JSON; a torn last line, which a kill leaves, is dropped.

    Args:
        path: a file such as `steps.jsonl`.

    Returns:
        One object per line; empty where there is no such file.

    Raises:
        RecordError: if any other line is not JSON.
    """
    if not path.exists():
        return []
    *lines, torn = path.read_bytes().split(b"\n")
    del torn  # whatever follows the last line end: nothing, or half a line
    read: list[Json] = []
    for number, line in enumerate(lines, start=1):
        try:
            read.append(json.loads(line))
        except ValueError as error:
            raise RecordError(
                f"'{path}' line {number} is not JSON ({error}). The file was changed by hand: start a new run."
            ) from error
    return read


def _one_line(step: Json) -> str:
    return json.dumps(step, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def _require_empty(folder: Path) -> None:
    """Refuses a folder that holds anything but the lock."""
    content = sorted(path.name for path in folder.iterdir() if path.name != "lock")
    if content:
        raise RecordError(
            f"the folder '{folder}' is not empty: it holds {', '.join(content[:3])}. A run has a folder of its "
            f"own. Choose another --out, go on with `rldf runs resume {folder}`, or give --force."
        )


def _remove_run(folder: Path) -> None:
    """Removes the files of an older run, and no others."""
    for name in OWN_FILES:
        (folder / name).unlink(missing_ok=True)
    for old in [*(folder / "images").glob("*.png"), *(folder / "extras").glob("*.*")]:
        old.unlink()
