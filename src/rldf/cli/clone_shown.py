"""What a clone tells while it is planned, made, verified and exported, as lines."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, final

import typer

from rldf.cli import workflows
from rldf.cli.manners import say

if TYPE_CHECKING:
    from rldf.datasets.estimate import Estimate
    from rldf.jobs.clone_plan import ClonePlanEvent
    from rldf.jobs.clone_run import CloneEvent

_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))
_MINUTE_S, _HOUR_S = 60.0, 3600.0
_NUM_SHOWN = 5
_TELL_EVERY_S = 5.0  # our choice: of a count that goes on


def show_plan_event(event: "ClonePlanEvent") -> None:
    """Shows one event of the planning."""
    match event:
        case workflows.ClassPlanned():
            say(
                f"class {event.position} of {event.count}, {event.name}: {event.num_recipes} sentences: {event.example}"
            )
        case workflows.FileFailed():
            say(f"{event.path}: {event.message}")
        case workflows.ClonePlanned():
            for file, reason in event.passed_over:
                say(f"passed over: {file}: {reason}")
            say(f"plan {event.plan.digest[:12]} is frozen")
        case _:
            pass


def show_estimate(estimate: "Estimate") -> None:
    """Prints what a clone will take."""
    sizes = ", ".join(f"{number} {split}" for split, number in estimate.counts.items())
    typer.echo(f"pictures   {estimate.num_pictures}: {sizes}")
    typer.echo(f"classes    {estimate.num_classes}, {estimate.num_sentences} sentences")
    typer.echo(f"shards     {estimate.num_shards}")
    if estimate.num_bytes is not None:
        typer.echo(f"storage    about {bytes_in_words(estimate.num_bytes)}")
    told = "unknown without --speed" if estimate.hours is None else f"about {time_in_words(estimate.hours * _HOUR_S)}"
    typer.echo(f"time       {told}")
    cost = (
        "unknown without --hour-cost and a speed"
        if estimate.cost_usd is None
        else f"{estimate.cost_usd:.2f} US dollars"
    )
    typer.echo(f"cost       {cost}")


def bytes_in_words(num_bytes: int) -> str:
    """Writes a size in the largest unit it has one of."""
    for unit, size in _UNITS:
        if num_bytes >= size:
            return f"{num_bytes / size:.1f} {unit}"
    return f"{num_bytes} bytes"


def time_in_words(seconds: float) -> str:
    """Writes a duration in seconds, minutes or hours; what takes any time takes a second at least."""
    if seconds >= 2 * _HOUR_S:
        return f"{seconds / _HOUR_S:.1f} hours"
    if seconds >= 2 * _MINUTE_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{max(1, round(seconds)) if seconds > 0 else 0} s"


@final
class CountShown:
    """Tells on stderr how far a count is: a line now and then, and none where it is over soon."""

    def __init__(self, what: str, *, clock: Callable[[], float] = monotonic) -> None:
        """Sets what is counted, such as "pictures written", and seconds that never go back."""
        self._what = what
        self._clock = clock
        self._told_at = clock()

    def tell(self, number: int, total: int | None = None) -> None:
        """Counts up to a number, of a total where that is known."""
        if self._clock() >= self._told_at + _TELL_EVERY_S:
            self._told_at = self._clock()
            say(f"{number}{'' if total is None else f' of {total}'} {self._what}")


def repair_line(clone: str, quarantined: Mapping[Any, str]) -> str:
    """Says how shards leave the quarantine."""
    shards = "1 shard is" if len(quarantined) == 1 else f"{len(quarantined)} shards are"
    return f"{shards} in quarantine; `rldf clone repair {clone}` lets the next run try again"


def closing_line(clone: str, finished: Mapping[str, Any]) -> str:
    """Says what comes after a run.

    Args:
        clone: the clone, as it was given.
        finished: what `show_event` told of the end.

    Returns:
        One line that names the next command.
    """
    if finished["is_whole"]:
        return (
            f"the clone is whole; check it with `rldf clone verify {clone}`, and write it out with "
            f"`rldf clone export {clone} --out pictures`"
        )
    begin = f"the clone is not whole yet; `rldf clone status {clone}` says what is missing"
    if finished["quarantined"]:
        return f"{begin}. {repair_line(clone, finished['quarantined'])}"
    if finished["verdicts"] is None:
        return f"{begin}. {finished['missing']} pictures were left out; a run without --no-gates draws others"
    return f"{begin}. A larger --max-rounds goes on"


def missing_line(missing: Mapping[str, Mapping[str, int]]) -> str:
    """Says in one line which classes lack pictures: split to class to number."""
    lacking = [(number, split, name) for split, row in missing.items() for name, number in row.items()]
    total = sum(number for number, _, _ in lacking)
    largest = [f"{number} {split} {name}" for number, split, name in sorted(lacking, reverse=True)[:_NUM_SHOWN]]
    rest = f" and {len(lacking) - _NUM_SHOWN} more" if len(lacking) > _NUM_SHOWN else ""
    return f"{total} pictures of the class counts are missing: {', '.join(largest)}{rest}"


def show_event(event: "CloneEvent") -> dict[str, Any] | None:
    """Shows one event of a run.

    Args:
        event: what happened.

    Returns:
        What `--json` prints, at the last event; None before.
    """
    match event:
        case workflows.CloneProgress():
            left = "" if event.eta_s is None else f", {time_in_words(event.eta_s)} left"
            refused = f" and {event.num_refused} left out" if event.num_refused else ""
            workers = "  ".join(
                f"[{name}] {state.state} {state.shard}, {state.pictures_per_second:.1f}/s"
                for name, state in sorted(event.workers.items())
            )
            say(
                f"shard {event.shards_done} of {event.num_shards}, {event.pictures} pictures{refused}, "
                f"{event.pictures_per_second:.2f} a second{left}  {workers}"
            )
        case workflows.GatesApplied():
            counts = ", ".join(f"{number} {name}" for name, number in event.report.counts.items() if number)
            say(f"gates, round {event.round_number}: {counts}; {event.report.num_missing} missing")
        case workflows.Note():
            say(f"note: {event.text}")
        case workflows.CloneFinished():
            return {
                "is_whole": event.is_whole,
                "pictures_done": event.status.pictures_done,
                "shards_done": len(event.status.done),
                "quarantined": {str(shard): text for shard, text in event.status.quarantined.items()},
                "verdicts": None if event.report is None else dict(event.report.counts),
                "missing": event.num_missing,
            }
    return None
