"""What the commands that search share: watching a run, writing its report, printing what it found."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from rldf.cli import workflows
from rldf.cli.manners import print_json, say

if TYPE_CHECKING:
    from rldf.jobs.search import FolderEvent
    from rldf.presets.config import SearchConfig
    from rldf.search.events import SearchEvent


def watch_run(events: "Iterator[SearchEvent]", *, folder: Path, again: str = "") -> Mapping[str, Any]:
    """Shows a search while it works.

    Args:
        events: what the search tells; the last one is its end.
        folder: its run folder.
        again: how to go on where it is stopped; "" for `rldf runs resume`.

    Returns:
        The summary of the finished run.
    """
    summary: Mapping[str, Any] = {}
    with _resumable(folder, command=again or f"rldf runs resume {folder}"), workflows.SearchProgress() as progress:
        for event in events:
            progress.show(event)
            summary = getattr(event, "summary", summary)
    return summary


def watch_folder(events: "Iterator[FolderEvent]", *, folder: Path) -> Iterator[dict[str, Any]]:
    """Shows the searches of a folder while they work.

    Args:
        events: what they tell.
        folder: where their run folders are.

    Yields:
        For each picture, its path and the summary, or its path and the error.
    """
    path = folder
    again = f"the same command with --out {folder}"
    with _resumable(folder, command=again), workflows.SearchProgress() as progress:
        for event in events:
            if isinstance(event, workflows.FileBegan):
                path = event.path
                progress.begin(f"{event.position} of {event.count}, {path.name}")
            elif isinstance(event, workflows.FileFailed):
                say(f"error: {event.path}: {event.message}")
                yield {"image": str(event.path), "error": event.message}
            elif isinstance(event, workflows.RunFinished):
                yield {"image": str(path), **event.summary}
            else:
                progress.show(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Further:
    """What follows a search.

    Attributes:
        grammar: the larger grammar whose further axes are searched; None for none.
        captioner: image-to-text model whose captions are judged beside the words found; None for none.
    """

    grammar: str | None
    captioner: str | None


def search_further(
    paths: Sequence[Path], further: Further, *, config: "SearchConfig", out: Path | None, force: bool
) -> Mapping[str, Any]:
    """Does a search and what follows it; interrupted, the same command with its folder goes on.

    Args:
        paths: the picture; several are one concept.
        further: what follows.
        config: the settings.
        out: the run folder; None for a new one.
        force: True to begin anew whatever lies there.

    Returns:
        The summary of the search, with "beyond" and "caption" beside what every search has.
    """
    if further.grammar is not None:
        workflows.check_beyond(config, grammar_name=further.grammar)
    if further.captioner is not None:
        workflows.check_captioner(further.captioner, announce=say)
    if out is None:
        prepared = workflows.prepare_search(paths, config=config)
    else:
        prepared = workflows.begin_or_reopen(paths, out, config=config, force=force)
    run = prepared.store.folder
    again = f"the same command with --out {run}"
    summary = dict(watch_run(workflows.run_prepared(prepared, announce=say), folder=run, again=again))
    if further.grammar is not None:
        record = workflows.read_run(run)
        wider = workflows.prepare_beyond(record, config, grammar_name=further.grammar, force=force)
        watch_run(workflows.run_prepared(wider, announce=say), folder=wider.store.folder, again=again)
        summary["beyond"] = workflows.tell_beyond(run)
    if further.captioner is not None:
        summary["caption"] = workflows.compare_caption(run, further.captioner, announce=say).facts
    return summary


def print_summary(summary: Mapping[str, Any], *, as_json: bool) -> None:
    """Prints what a run found.

    Args:
        summary: content of `summary.json`.
        as_json: True for one JSON object.
    """
    if as_json:
        print_json(summary)
        return
    low, high = summary["score_ci95"]
    budget = summary["budget"]
    typer.echo(f"sentence  {summary['sentence']}")
    typer.echo(
        f"score     {summary['score']:.3f} (95 % interval {low:.3f} to {high:.3f}); start {summary['start_score']:.3f}"
    )
    if summary["alarm"]:
        typer.echo("alarm     the judge finds these words worse than the start: the search has gamed its scorer")
    typer.echo(f"renders   {budget['renders']} of {budget['max_renders']}, and {budget['test_renders']} to judge")
    for label, row in _further(summary):
        typer.echo(f"{label:<9} {row}")
    typer.echo(f"report    {Path(summary['run']) / 'report.html'}")


def _further(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What came of going on and of a caption, where they were asked for."""
    if "beyond" in summary:
        further = summary["beyond"]
        yield "beyond", f"{further['sentence']}   score {further['start_score']:.3f} to {further['score']:.3f}"
    if "caption" in summary:
        caption = summary["caption"]["caption"]
        yield "caption", f"{caption['sentence']}   score {caption['score']:.3f}"


@contextmanager
def _resumable(folder: Path, *, command: str) -> Iterator[None]:
    """Says, where the user stops a search, what was saved and how to go on."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(
            f"interrupted; the best so far is saved in '{folder}'. Go on with: {command}"
        ) from error
