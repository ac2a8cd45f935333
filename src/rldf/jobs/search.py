"""The jobs of the main workflow, each one call: what the command line and a notebook use.

Jobs that take long are generators of events; `api.py` has the same jobs as plain functions.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from rldf.errors import RldfError
from rldf.hub import Announce, say_nothing
from rldf.jobs.earlier import earlier_pictures
from rldf.jobs.request import PreparedRun, begin_or_reopen, prepare_search, reopen_search
from rldf.perception.reading import read_image
from rldf.presets.build import build_parts
from rldf.presets.config import SearchConfig
from rldf.presets.search_job import budget_of, job_of
from rldf.presets.shelf import SHELF
from rldf.records import Percept, read_json, read_json_lines
from rldf.records.durable_files import append_file, write_file
from rldf.search import InputPicture, RunFinished, SearchEvent, run_search
from rldf.search.wish import abstentions, read_inputs
from rldf.web import write_report

MAX_EARLIER = 8  # our choice: the default searcher looks at 512 tries


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """What perception read in one picture.

    Attributes:
        path: the picture.
        terms: axis id to term.
        sentence: what they spell.
        probabilities: axis id to term to probability, 0 to 1.
        percept: the same as a percept.
        notes: one line each, such as where perception abstained.
    """

    path: Path
    terms: Mapping[str, str]
    sentence: str
    probabilities: Mapping[str, Mapping[str, float]]
    percept: Percept
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Writes it as `rldf encode --json` prints it."""
        return {
            "image": str(self.path),
            "encoding": dict(self.terms),
            "sentence": self.sentence,
            "probabilities": {axis: dict(row) for axis, row in self.probabilities.items()},
            "unsure_axes": list(self.percept.unsure_axes),
            "objects": list(self.percept.objects),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """What a search would make, for `--dry-run`.

    Attributes:
        num_runs: searches.
        max_renders: renders of all searches together, at most.
        max_test_renders: test pictures, at most.
        new_pictures: new pictures.
        max_cost_usd: price of all pictures, at most, in US dollars.
        further_pictures: of going on after the goal and of a caption, at most.
    """

    num_runs: int
    max_renders: int
    max_test_renders: int
    new_pictures: int
    max_cost_usd: float
    further_pictures: int = 0

    @property
    def max_pictures(self) -> int:
        """All pictures together, at most."""
        return self.max_renders + self.max_test_renders + self.new_pictures + self.further_pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBegan:
    """One file of a folder is searched now.

    Attributes:
        path: the picture.
        folder: its run folder.
        position: from 1.
        count: files in all.
    """

    path: Path
    folder: Path
    position: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFailed:
    """One file of a folder could not be searched; the others go on.

    Attributes:
        path: the picture.
        message: why, in one line.
    """

    path: Path
    message: str


FolderEvent = FileBegan | FileFailed | SearchEvent


def plan_search(
    config: SearchConfig, *, num_runs: int = 1, goes_on: bool = False, has_caption: bool = False
) -> SearchPlan:
    """Counts what a search would make, without loading or drawing anything.

    Args:
        config: the settings.
        num_runs: searches.
        goes_on: True where a second search of the same size follows on further axes.
        has_caption: True where captions are drawn with as many renders, and judged.

    Returns:
        The counts.
    """
    budget = budget_of(config)
    once = budget.max_renders + 2 * config.result.num_test_seeds + config.result.num_new
    further = goes_on * once + has_caption * (budget.max_renders + config.result.num_test_seeds)
    pictures = once + further
    return SearchPlan(
        num_runs=num_runs,
        max_renders=num_runs * budget.max_renders,
        max_test_renders=num_runs * 2 * config.result.num_test_seeds,
        new_pictures=num_runs * config.result.num_new,
        max_cost_usd=num_runs * pictures * config.model.picture_cost_usd,
        further_pictures=num_runs * further,
    )


def run_prepared(prepared: PreparedRun, *, announce: Announce = say_nothing) -> Iterator[SearchEvent]:
    """Does a prepared search, or goes on with a reopened one, writes its report and closes its folder.

    Args:
        prepared: from `prepare_search` or `reopen_search`.
        announce: is given one line before anything is downloaded.

    Yields:
        What happens, as it happens; the last event is `RunFinished`.

    Raises:
        RldfError: what stopped it; where nothing was drawn yet, the folder is taken back.
    """
    with prepared.store as store:
        summary_path = store.folder / "summary.json"
        if summary_path.is_file():
            if not (store.folder / "report.html").is_file():  # it was killed just before its last act
                write_report(store.folder)
            yield RunFinished(folder=store.folder, summary=read_json(summary_path))
            return
        try:
            yield from _run(prepared, announce=announce)
        except RldfError:
            if not (store.folder / "run.json").is_file():
                store.discard()  # a wrong picture or model: nothing was drawn, and nothing is left behind
            raise


def _run(prepared: PreparedRun, *, announce: Announce) -> Iterator[SearchEvent]:
    config = prepared.config
    inputs = tuple(_read_input(entry.path, entry.file, sha256=entry.sha256) for entry in prepared.inputs)
    parts = build_parts(config, shelf=SHELF, announce=announce)
    job = replace(job_of(config, inputs), earlier=earlier_pictures(config, parts))
    for event in run_search(parts, job, store=prepared.store, request=prepared.request):
        if isinstance(event, RunFinished):
            write_report(event.folder)
        yield event


def search_events(
    paths: Sequence[str | Path],
    *,
    config: SearchConfig,
    out: str | Path | None = None,
    command: str = "",
    force: bool = False,
    announce: Announce = say_nothing,
) -> Iterator[SearchEvent]:
    """Does one search of one picture, or of several as one concept; `prepare_search` explains the arguments.

    Yields:
        What happens, as it happens; the last event is `RunFinished`.
    """
    prepared = prepare_search(paths, config=config, out=out, command=command, force=force)
    yield from run_prepared(prepared, announce=announce)


def resume_search(folder: str | Path, *, announce: Announce = say_nothing) -> Iterator[SearchEvent]:
    """Goes on with an interrupted search to the same result; of a finished one, tells the result again.

    Yields:
        What happens, as it happens; the last event is `RunFinished`.
    """
    yield from run_prepared(reopen_search(folder), announce=announce)


def search_folder(
    paths: Sequence[str | Path],
    *,
    config: SearchConfig,
    out: str | Path,
    force: bool = False,
    learns: bool = False,
    announce: Announce = say_nothing,
) -> Iterator[FolderEvent]:
    """Searches each picture by itself; one line of `results.jsonl` for each as soon as it is done.

    Called again on the same folder it goes on: finished files are told again, an interrupted one is resumed. Lines
    of `results.jsonl` about pictures that are not searched this time stay.

    Args:
        paths: the pictures, in order.
        config: the settings of every search.
        out: folder that receives one run folder per picture, and `results.jsonl`.
        force: True to search again what is there already.
        learns: True to tell each search the pictures of those before it, the latest `MAX_EARLIER`.
        announce: is given one line before anything is downloaded.

    Yields:
        What happens; a picture that fails gives `FileFailed`, and the others go on.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / "results.jsonl"
    old, new = read_json_lines(results), list[Mapping[str, Any]]()
    finished: list[str] = []
    try:
        for position, (path, name) in enumerate(zip(paths, _run_names(paths), strict=True), start=1):
            run_folder = folder / name
            yield FileBegan(path=Path(path), folder=run_folder, position=position, count=len(paths))
            line: dict[str, Any] = {"image": str(path), "run": str(run_folder)}
            try:
                asked = _learning(config, finished[-MAX_EARLIER:]) if learns else config
                prepared = begin_or_reopen([path], run_folder, config=asked, force=force)
                for event in run_prepared(prepared, announce=announce):
                    yield event
                    if isinstance(event, RunFinished):
                        line |= event.summary
                        finished.append(str(run_folder))
            except RldfError as error:
                line["error"] = str(error)
                yield FileFailed(path=Path(path), message=str(error))
            append_file(results, _line(line))  # a line told before stays until the end
            new.append(line)
    finally:
        if new:
            _write_results(results, old, new)


def encode_images(
    paths: Sequence[str | Path], *, config: SearchConfig | None = None, announce: Announce = say_nothing
) -> list[Encoded]:
    """Reads pictures with scorer A: encoding, sentence and probabilities, without drawing anything.

    Args:
        paths: the pictures.
        config: model, perception and grammar; None for the embedded ones.
        announce: is given one line before anything is downloaded.

    Returns:
        One reading for each picture.
    """
    used = SearchConfig() if config is None else config
    grammar = SHELF.grammar(used)
    perception, _ = SHELF.perception(used, announce=announce)
    readings: list[Encoded] = []
    for path in paths:
        read = read_image(path)
        picture = InputPicture(path=str(path), sha256=read.sha256, image=read.image)
        percept = read_inputs(perception, [picture])
        space = perception.space
        readings.append(
            Encoded(
                path=Path(path),
                terms=space.terms(percept.encoding),
                sentence=grammar.render(percept.encoding),
                probabilities={
                    axis.id: dict(zip(axis.terms, (float(value) for value in row), strict=True))
                    for axis, row in zip(space.axes, percept.probabilities, strict=True)
                },
                percept=percept,
                notes=(*read.notes, *abstentions(percept, space=space)),
            )
        )
    return readings


def _learning(config: SearchConfig, runs: Sequence[str]) -> SearchConfig:
    """The same settings, with further runs to learn from."""
    return replace(config, search=replace(config.search, learn_from=(*config.search.learn_from, *runs)))


def _read_input(path: str, file: Path, *, sha256: str) -> InputPicture:
    """Reads an input; the digest stays that of the user's file where it was read from the run's own copy."""
    read = read_image(file)
    return InputPicture(path=path, sha256=read.sha256 if sha256 == "" else sha256, image=read.image)


def _write_results(path: Path, old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> None:
    """Writes one line for each picture and run: the new one, or the old one where there is none this time."""
    lines = {(Path(line["image"]).resolve(), Path(line["run"]).name): line for line in (*old, *new)}
    write_file(path, b"".join(_line(line) for line in lines.values()))


def _line(told: Mapping[str, Any]) -> bytes:
    return (json.dumps(told, ensure_ascii=False) + "\n").encode()


def _run_names(paths: Sequence[str | Path]) -> list[str]:
    """Names the run folder of each picture: its stem, or its whole name, or that with a digest of its path."""
    names = [Path(path).stem for path in paths]
    for is_last in (False, True):
        taken = Counter(name.casefold() for name in names)  # some file systems do not tell A from a
        names = [
            name if taken[name.casefold()] == 1 else _longer_name(Path(path), has_digest=is_last)
            for path, name in zip(paths, names, strict=True)
        ]
    return names


def _longer_name(path: Path, *, has_digest: bool) -> str:
    name = path.name.replace(".", "-")
    return f"{name}-{sha256(str(path.resolve()).encode()).hexdigest()[:8]}" if has_digest else name
