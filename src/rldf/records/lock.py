"""RunLock: one process at a time writes a run folder."""

import json
import os
import sys
from pathlib import Path
from typing import IO, final

from rldf.errors import RecordError

if sys.platform != "win32":
    import fcntl


@final
class RunLock:
    """Holds the file `lock` of a run folder.

    The system's own file lock decides, so the lock of a process that was killed is free at once: a `lock` file left
    behind holds nobody up. The file names the process for those who look.
    """

    def __init__(self, folder: Path) -> None:
        """Takes the lock; a `RecordError` where another process has it, or the folder cannot be written.

        Args:
            folder: the run folder; it exists.
        """
        self._path = folder / "lock"
        self._file: IO[str] | None = None
        while self._file is None:
            self._file = self._take(folder)

    def _take(self, folder: Path) -> IO[str] | None:
        """Opens and locks the file; None where its former holder removed it meanwhile."""
        try:
            file = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            raise RecordError(
                f"the run folder '{folder}' cannot be written: {error.strerror}. Choose another --out."
            ) from error
        try:
            _lock_file(file)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            raise RecordError(
                f"the run folder '{folder}' is being written by another process ({holder or 'unknown'}); "
                "one run at a time writes a folder. Wait for it, or choose another --out."
            ) from error
        if not self._path.exists() or not os.path.samestat(os.fstat(file.fileno()), self._path.stat()):
            file.close()
            return None
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid()}) + "\n")
        file.flush()
        return file

    def release(self) -> None:
        """Gives the lock back and removes its file; doing so twice is harmless."""
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            self._file.close()
            self._file = None


def _lock_file(file: IO[str]) -> None:
    """Takes the system's lock on an open file without waiting; Windows refuses a second opener's removal instead."""
    if sys.platform != "win32":
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
