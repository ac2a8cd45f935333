"""What `rldf finetune` and `rldf runs` print of a fine-tuning run: its plan, its epochs, its end, its judgement."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from rldf.cli import workflows
from rldf.cli.manners import print_json, say

if TYPE_CHECKING:
    from rldf.finetuning.session import FinetuneEvent
    from rldf.jobs.finetune import FinetunePlan
    from rldf.web.finetune_run import StoredFinetune


def train_and_report(events: "Iterator[FinetuneEvent]", *, folder: Path, as_json: bool) -> None:
    """Shows a fine-tuning while it works, writes its report and prints what came of it.

    Args:
        events: what it tells; the last one is its end.
        folder: its run folder.
        as_json: True for one JSON object.

    Raises:
        KeyboardInterrupt: if it was interrupted; says how to go on.
    """
    summary: Any = {}
    try:
        for event in events:
            summary = getattr(event, "summary", summary)
            _show(event)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(
            f"interrupted; '{folder}' keeps the last checkpoint. Go on with: {resume_command(folder)}"
        ) from error
    if summary:
        workflows.write_report(folder)
        print_summary(summary, as_json=as_json)


def resume_command(folder: Path) -> str:
    """Tells how an interrupted run goes on."""
    return f"rldf finetune run --resume {shlex.quote(str(folder))}"


def print_unfinished(run: "StoredFinetune", *, as_json: bool) -> None:
    """Prints what an unfinished run has so far.

    Args:
        run: as its folder tells it.
        as_json: True for one JSON object.
    """
    reward = run.epochs[-1].reward_mean if run.epochs else None
    if as_json:
        print_json(
            {
                "run": str(run.folder),
                "kind": "finetune",
                "state": "interrupted",
                "epochs": run.kept_epochs,
                "reward": reward,
            }
        )
        return
    typer.echo(f"epochs       {run.kept_epochs} are kept")
    typer.echo(f"reward       {'none yet' if reward is None else f'{reward:.4f} (mean of the last epoch)'}")
    typer.echo(f"go on with   {resume_command(run.folder)}")


def print_judgement(report: dict[str, Any]) -> None:
    """Prints what was found on each set of prompts, and what the attacks gave.

    Args:
        report: content of `evaluation.json`.
    """
    for name, found in report["prompts"].items():
        gain = found["reward"]["gain"]
        typer.echo(
            f"{name:<8} reward {found['reward']['base']['mean']:.4f} -> {found['reward']['tuned']['mean']:.4f}, gain "
            f"{gain['mean']:.4f} (standard error {gain['error']:.4f}) on {found['pictures']} pictures"
        )
        if found["second"] is not None:
            judged = found["second"]
            typer.echo(
                f"         {report['second_reward']} {judged['base']['mean']:.4f} -> {judged['tuned']['mean']:.4f}"
            )
        spread = found["diversity"]
        typer.echo(
            f"         diversity {spread['base']['pairwise']:.4f} -> {spread['tuned']['pairwise']:.4f}, Frechet "
            f"distance {found['drift']['frechet']:.4f}, divergence {found['drift']['kl_nats']:.2f} nats"
        )
        typer.echo(f"         both measured on {found['features']}")
        scores = spread["tuned"].get("scorer_class_score", {})
        for axis, score in scores.items():
            before = spread["base"]["scorer_class_score"][axis]
            typer.echo(f"         scorer class score of {axis} {before:.3f} -> {score:.3f}")
    if report["alarm"]:
        typer.echo(f"alarm    '{report['second_reward']}' fell while the reward rose: it was over-optimised")
    for note in report["notes"]:
        typer.echo(f"note     {note}")
    if report["attacks"] is not None:
        _print_attacks(report["attacks"])


def _print_attacks(found: dict[str, Any]) -> None:
    rows = [f"{name} {row['mean']:.4f}" for name, row in found.items() if isinstance(row, dict)]
    typer.echo(f"attacks  {', '.join(rows)}")
    typer.echo(f"         words printed on a picture {'RAISE' if found['is_fooled'] else 'do not raise'} the reward")
    apart = "lies above" if found["tells_apart"] else "does NOT lie above"
    typer.echo(f"         the reward of honest pictures {apart} that of the same pictures under another prompt")


def print_plan(plan: "FinetunePlan", *, as_json: bool, num_done: int | None = None) -> None:
    """Says what a run would do in all, and how much of it is done where it goes on.

    Args:
        plan: what it would do.
        as_json: True for one JSON object.
        num_done: epochs that are kept; None for a new run.
    """
    if as_json:
        print_json(asdict(plan) | ({} if num_done is None else {"epochs_done": num_done}))
        return
    if num_done is not None:
        typer.echo(f"goes on after {num_done} epochs of the run")
    typer.echo(
        f"{plan.epochs} epochs: {plan.queries} reward queries, at most {plan.updates} updates, "
        f"{plan.denoiser_evaluations} evaluations of the denoiser, {plan.sample_pictures} pictures on sheets"
    )


def _show(event: object) -> None:
    result = getattr(event, "result", None)
    if result is not None:
        rewards = result.rewards
        say(
            f"epoch {result.epoch + 1}: reward {rewards.mean():.4f} (from {rewards.min():.4f} to {rewards.max():.4f}), "
            f"{result.num_queries} of {getattr(event, 'max_queries', '?')} queries, {result.seconds:.1f} s"
        )


def print_summary(summary: Mapping[str, Any], *, as_json: bool) -> None:
    """Prints what came of a run.

    Args:
        summary: content of `summary.json`.
        as_json: True for one JSON object.
    """
    if as_json:
        print_json(summary)
        return
    budget = summary["budget"]
    if summary["reward"] is None:
        typer.echo(f"reward    no epoch was done; the run stopped: {summary['stopped']}")
    else:
        typer.echo(
            f"reward    {summary['start_reward']:.4f} -> {summary['reward']:.4f} (means of the first and last epoch)"
        )
    typer.echo(f"queries   {budget['queries']} of {budget['max_queries']}, {budget['updates']} updates")
    if summary["alarm"]:
        typer.echo(f"alarm     the second reward fell while the reward rose; the run stopped: {summary['stopped']}")
    typer.echo(f"result    {summary['result']}")
    typer.echo(f"report    {Path(summary['run']) / 'report.html'}")
    typer.echo(f"judge it  rldf finetune evaluate {summary['run']}")
