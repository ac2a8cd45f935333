"""RunLock: one process at a time writes a run folder."""

import json
import os
from pathlib import Path
from typing import final

from filelock import FileLock, Timeout, UnixFileLock

from rldf.errors import RecordError


@final
class RunLock:
    """Holds the file `lock` of a run folder.

    The system's own file lock decides, so the lock of a process that was killed is free at once: a `lock` file left
    behind holds nobody up. The file names the process for those who look; not on Windows, where it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        """Takes the lock.

        Args:
            folder: the run folder; it exists.

        Raises:
            RecordError: if another process has it, or the folder cannot be written.
        """
        self._path = folder / "lock"
        self._lock = FileLock(self._path, thread_local=False)  # another thread may close the run
        try:
            self._lock.acquire(blocking=False)
            if isinstance(self._lock, UnixFileLock):  # other kinds keep something of their own in the file
                self._path.write_text(json.dumps({"pid": os.getpid()}) + "\n", encoding="utf-8")
        except Timeout as error:
            raise RecordError(
                f"the run folder '{folder}' is being written by another process ({_holder(self._path)}); "
                "one run at a time writes a folder. Wait for it, or choose another --out."
            ) from error
        except OSError as error:
            raise RecordError(
                f"the run folder '{folder}' cannot be written: {error.strerror}. Choose another --out."
            ) from error

    def release(self) -> None:
        """Gives the lock back and removes its file; doing so twice is harmless."""
        if self._lock.is_locked and isinstance(self._lock, UnixFileLock):  # other kinds remove the file themselves
            self._path.unlink(missing_ok=True)
        self._lock.release()


def _holder(path: Path) -> str:
    """What the lock file says of its process, in one line."""
    try:
        return " ".join(path.read_text(encoding="utf-8").split()) or "unknown"
    except (OSError, UnicodeDecodeError):
        return "unknown"
