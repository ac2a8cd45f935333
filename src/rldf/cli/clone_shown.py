"""What a clone tells while it is planned and made, as lines."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from rldf.cli import workflows
from rldf.cli.manners import say

if TYPE_CHECKING:
    from rldf.datasets.estimate import Estimate
    from rldf.jobs.clone_plan import ClonePlanEvent
    from rldf.jobs.clone_run import CloneEvent

_GIB = 2**30
_MINUTE_S = 60.0
_NUM_SHOWN = 5


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
        typer.echo(f"storage    about {estimate.num_bytes / _GIB:.2f} GiB")
    if estimate.hours is not None:
        typer.echo(f"time       about {estimate.hours:.1f} hours")
    if estimate.hours is None:
        typer.echo("time       unknown without --speed")
    cost = (
        "unknown without --hour-cost and a speed"
        if estimate.cost_usd is None
        else f"{estimate.cost_usd:.2f} US dollars"
    )
    typer.echo(f"cost       {cost}")


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
            left = "" if event.eta_s is None else f", {event.eta_s / _MINUTE_S:.1f} min left"
            workers = "  ".join(
                f"[{name}] {state.state} {state.shard}, {state.pictures_per_second:.1f}/s"
                for name, state in sorted(event.workers.items())
            )
            say(
                f"shard {event.shards_done} of {event.num_shards}, {event.pictures} pictures, "
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
