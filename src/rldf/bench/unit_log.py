"""UnitLog: what a plan has done so far, one line of JSON for each method and target, so that a killed run goes on."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

from rldf.bench.results import Judged, ResultRow
from rldf.errors import RecordError
from rldf.records.durable_files import write_file

UnitKey = tuple[str, str, int]
"""What the results call the method, its start, the target's position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResult:
    """What one method did on one target.

    Attributes:
        rows: of all its searches.
        seconds: the method's own time.
        steps: tries.
    """

    rows: Sequence[ResultRow]
    seconds: float
    steps: int


@final
class UnitLog:
    """A file that grows by one line for each unit; a line that was cut off is as if it had not been written."""

    def __init__(self, path: Path) -> None:
        """Reads what is there.

        Args:
            path: of the file; made with the first unit.

        Raises:
            RecordError: if a whole line cannot be read.
        """
        self._path = path
        self.done: dict[UnitKey, UnitResult] = {}
        if path.is_file():
            lines = path.read_bytes().split(b"\n")
            try:
                self.done = dict(_read(line) for line in lines[:-1])
            except (ValueError, KeyError, TypeError) as error:
                raise RecordError(
                    f"'{path}' is damaged: {error}; it holds one line of JSON for each unit of a run that was stopped. "
                    "Remove the folder and run again, or choose another --out."
                ) from error
            write_file(path, b"".join(line + b"\n" for line in lines[:-1]))

    def append(self, key: UnitKey, result: UnitResult) -> None:
        """Writes a unit down."""
        told = {"unit": key, "seconds": result.seconds, "steps": result.steps}
        line = json.dumps(told | {"rows": [asdict(row) for row in result.rows]})
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        self.done[key] = result

    def remove(self) -> None:
        """Takes the file away, when the whole plan is done."""
        self._path.unlink(missing_ok=True)


def _read(line: bytes) -> tuple[UnitKey, UnitResult]:
    told = json.loads(line)
    rows = [ResultRow(**(row | {"judged": Judged(**row["judged"])})) for row in told["rows"]]
    label, start, target = told["unit"]
    return (label, start, target), UnitResult(rows=rows, seconds=told["seconds"], steps=told["steps"])
