"""RunRecord: a run folder, read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rldf.errors import RecordError
from rldf.records.json_forms import StoredStep, encoding_from_json, space_from_json, step_from_json
from rldf.records.run_store import read_json, read_step_lines
from rldf.space import Encoding, EncodingSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run with its provenance, as its folder holds it.

    Attributes:
        folder: the run folder.
        run: content of `run.json`.
        steps: every try, in order.
        summary: content of `summary.json`; None while the run is not finished.
        space: the grid of the run, from its own record of the grammar.
    """

    folder: Path
    run: Mapping[str, Any]
    steps: tuple[StoredStep, ...]
    summary: Mapping[str, Any] | None
    space: EncodingSpace

    @property
    def is_finished(self) -> bool:
        """True where the run came to its end."""
        return self.summary is not None

    @property
    def encoding(self) -> Encoding:
        """The encoding found; of an unfinished run, that of the best try so far."""
        if self.summary is not None:
            return self.space.encode(self.summary["encoding"])
        tries = [step for step in self.steps if step.phase == "search"]
        if not tries:
            return encoding_from_json(self.space, self.run["start"])
        return max(tries, key=lambda step: step.reward).encoding

    @property
    def terms(self) -> dict[str, str]:
        """The encoding found as axis id -> term."""
        return self.space.terms(self.encoding)

    @property
    def sentence(self) -> str:
        """The sentence of the encoding found; of an unfinished run, that of the best try so far."""
        if self.summary is not None:
            return str(self.summary["sentence"])
        encoding = self.encoding
        tried = (step.prompt.text for step in self.steps if step.encoding == encoding)
        return next(tried, str(self.run["start"].get("sentence", "")))

    @property
    def score(self) -> float:
        """Scorer B's score of the encoding found, 0 to 1.

        Raises:
            RecordError: if the run is not finished.
        """
        if self.summary is None:
            raise RecordError(
                f"the run '{self.folder}' is not finished after {len(self.steps)} tries; "
                f"finish it with `rldf runs resume {self.folder}`."
            )
        return float(self.summary["score"])

    @property
    def image_paths(self) -> dict[str, list[Path]]:
        """The pictures of the result by kind: "found", "start", "new"; empty while unfinished."""
        if self.summary is None:
            return {}
        return {kind: [self.folder / name for name in names] for kind, names in self.summary["images"].items()}


def read_run(folder: Path) -> RunRecord:
    """Reads a run folder, finished or not.

    Args:
        folder: what `rldf search` wrote.

    Returns:
        The run.

    Raises:
        RecordError: if there is no run, it is damaged, or it is of another schema version.
    """
    if not (folder / "run.json").is_file():
        raise RecordError(
            f"there is no run in '{folder}': it has no run.json. A run folder is what `rldf search` writes; "
            "`rldf runs list` shows them."
        )
    run = read_json(folder / "run.json")
    if _kind_of(run) != "search":
        raise RecordError(
            f"'{folder}' is a run of the kind '{run['kind']}', not a search; `rldf {run['kind']}` reads it. "
            "`rldf runs list` shows the searches."
        )
    space = space_from_json(run["grammar"]["axes"])
    summary_path = folder / "summary.json"
    return RunRecord(
        folder=folder,
        run=run,
        steps=tuple(step_from_json(space, line) for line in read_step_lines(folder)),
        summary=read_json(summary_path) if summary_path.is_file() else None,
        space=space,
    )


def find_runs(folder: Path, *, kinds: Collection[str] = ("search",)) -> list[Path]:
    """Finds the folders of runs directly inside a folder, or the folder itself, oldest name first.

    Args:
        folder: a run folder, or where run folders are.
        kinds: of runs that are wanted: "search", "finetune".

    Returns:
        Their folders; a damaged one among them, so that it is shown and not passed over.
    """
    if (folder / "run.json").is_file():
        return [folder]
    return sorted(path.parent for path in folder.glob("*/run.json") if _may_be(path, kinds=kinds))


def _may_be(path: Path, *, kinds: Collection[str]) -> bool:
    """Tells a run.json of some kinds from others; a damaged one may be of any."""
    try:
        return _kind_of(read_json(path)) in kinds
    except RecordError:
        return True


def _kind_of(run: Mapping[str, Any]) -> str:
    """Tells a search from a run of another kind, such as a fine-tuning."""
    return str(run.get("kind", "search"))
