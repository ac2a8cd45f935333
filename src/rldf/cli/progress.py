"""Live progress on stderr: a bar at a terminal, a line for each thing worth knowing elsewhere."""

from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from rldf.search.events import InputRead, PictureDrawn, RunFinished, SearchEvent, Tried

if TYPE_CHECKING:
    from rldf.worlds.training import StageProgress

_MINUTE_S = 60
_TELL_EVERY_S = 30  # our choice: of a training, where no bar is drawn


@final
class SearchProgress:
    """Shows the events of a search: renders, best sentence, reward, time left."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._prefix = ""
        self._bar = _bar(self._console)
        self._task: TaskID | None = None
        self._best = ""

    def __enter__(self) -> "SearchProgress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, name: str) -> None:
        """Begins one search of several; what follows is shown under its name."""
        self._prefix = f"{name}: "
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task, self._best = None, ""

    def show(self, event: SearchEvent) -> None:
        """Shows one event."""
        match event:
            case InputRead():
                self._show_input(event)
            case Tried():
                self._show_try(event)
            case PictureDrawn():
                if event.position == event.count:
                    self._say(f"{event.count} pictures drawn: {_KINDS[event.kind]}")
            case RunFinished():
                self._say(f"finished: {event.folder}")

    def _show_input(self, event: InputRead) -> None:
        for note in event.notes:
            self._say(f"note: {note}")
        self._say(f"start: {event.start_sentence}")
        if event.num_stored_steps:
            self._say(f"going on after {event.num_stored_steps} tries that are on disk")

    def _show_try(self, event: Tried) -> None:
        if self._task is None:
            self._task = self._bar.add_task("", total=event.max_renders, left="")
        left = event.eta_s
        self._bar.update(
            self._task,
            completed=event.renders,
            description=f"{self._prefix}reward {event.best.reward:.3f}  {event.best.prompt.text}",
            left="" if left is None else f"{_duration(left)} left",
        )
        if event.best.prompt.text != self._best and not self._console.is_terminal:
            self._say(
                f"render {event.renders} of {event.max_renders}, reward {event.best.reward:.3f}: "
                f"{event.best.prompt.text}"
            )
        self._best = event.best.prompt.text

    def _say(self, text: str) -> None:
        """Shows a line above the bar."""
        self._console.print(f"{self._prefix}{text}", markup=False, soft_wrap=True)


_KINDS = {
    "found": "the found words, for the judgement",
    "start": "the start, for the judgement",
    "new": "new pictures of the found words",
}


@final
class TrainingProgress:
    """Shows the stages of a training: pictures seen, loss."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bar = _bar(self._console)
        self._tasks: dict[str, TaskID] = {}
        self._told_at = monotonic()

    def __enter__(self) -> "TrainingProgress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, progress: "StageProgress") -> None:
        """Shows where the training stands."""
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self._bar.add_task(progress.stage, total=progress.num_pictures, left="")
            if not self._console.is_terminal:
                self._console.print(f"training {progress.stage}: {progress.num_pictures} pictures", markup=False)
        if not self._console.is_terminal and monotonic() > self._told_at + _TELL_EVERY_S:
            self._told_at = monotonic()
            self._console.print(
                f"{progress.stage}: {progress.pictures} pictures, loss {progress.loss:.4f}", markup=False
            )
        self._bar.update(
            self._tasks[progress.stage],
            completed=progress.pictures,
            description=f"{progress.stage}  loss {progress.loss:.4f}",
        )


def _bar(console: Console) -> Progress:
    """A bar that is drawn at a terminal only."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _duration(seconds: float) -> str:
    """Writes a duration, to the second."""
    minutes, rest = divmod(round(seconds), _MINUTE_S)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
