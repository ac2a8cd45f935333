"""`rldf finetune`: trains a model on the feedback of rewards, checks it beforehand, judges it afterwards."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rldf.cli import workflows
from rldf.cli.manners import FAILED, print_json, say, well_behaved
from rldf.cli.options import (
    AsJson,
    ContextCommand,
    Debug,
    Device,
    DryRun,
    Dtype,
    Force,
    OptionalSeed,
    RunFolder,
    Setting,
    refuse_others,
)

if TYPE_CHECKING:
    from rldf.jobs.finetune import FinetunePlan
    from rldf.presets.finetune_config import FinetuneConfig

group = typer.Typer(
    name="finetune", help="Train a model on the feedback of rewards.", no_args_is_help=True, rich_markup_mode=None
)

Preset = Annotated[str, typer.Option("--preset", help="Settings to start from: a fine-tuning preset, or a file.")]
Model = Annotated[
    str | None,
    typer.Option("--model", help="'embedded', a hub id, a local folder or a file.", show_default="the preset's"),
]
Rewards = Annotated[
    list[str] | None,
    typer.Option("--reward", metavar="NAME[=WEIGHT]", help="What is rewarded; may be repeated.", show_default=False),
]
Method = Annotated[
    str | None, typer.Option("--method", help="ddpo-is, ddpo-sf, rwr or rwr-sparse.", show_default="the preset's")
]
Prompts = Annotated[
    str | None,
    typer.Option("--prompts", help="A prompt set, a file, or 'grammar'.", show_default="the preset's"),
]


@group.command(
    cls=ContextCommand, epilog="Example: rldf finetune run --reward jpeg-compressibility --budget 1024 --out runs/small"
)
@well_behaved
def run(
    context: typer.Context,
    *,
    preset: Preset = "embedded",
    model: Model = None,
    rewards: Rewards = None,
    method: Method = None,
    prompts: Prompts = None,
    budget: Annotated[
        int | None, typer.Option("--budget", min=1, help="Reward queries it may ask.", show_default="the preset's")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The run folder.", show_default="runs/<time>-finetune")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", help="Go on with this run instead, with its own settings.", show_default=False),
    ] = None,
    device: Device = None,
    dtype: Dtype = None,
    seed: OptionalSeed = None,
    changes: Setting = None,
    is_dry_run: DryRun = False,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Fine-tunes a model; leaves a run folder with the weights, which plain diffusers loads."""
    del debug
    if resume is not None:
        refuse_others(context, "--resume", allowed=("resume", "is_dry_run", "as_json", "debug"))
        if is_dry_run:
            plan, num_done = workflows.plan_resume(resume)
            _print_plan(plan, as_json=as_json, num_done=num_done)
            return
        folder = resume
        events = workflows.resume_finetune(folder, announce=say)
    else:
        config = _config(
            preset,
            {
                "model.id": model,
                "model.device": device,
                "model.dtype": dtype,
                "reward.parts": rewards,
                "train.method": method,
                "prompts.set": prompts,
                "run.max_queries": budget,
                "seed": seed,
            },
            changes,
        )
        if is_dry_run:
            _print_plan(workflows.plan_finetune(config), as_json=as_json)
            return
        folder = Path("runs") / f"{_stamp()}-finetune" if out is None else out
        events = workflows.run_finetune(config, out=folder, force=force, command="rldf finetune run", announce=say)
    summary: Any = {}
    try:
        for event in events:
            summary = getattr(event, "summary", summary)
            _show(event)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(
            f"interrupted; '{folder}' keeps the last checkpoint. Go on with: rldf finetune run --resume {folder}"
        ) from error
    if summary:
        workflows.write_report(folder)
        _print_summary(summary, as_json=as_json)


@group.command(epilog="Example: rldf finetune check --model embedded")
@well_behaved
def check(
    given: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="As --model.", show_default="the preset's")
    ] = None,
    *,
    preset: Preset = "embedded",
    model: Model = None,
    rewards: Rewards = None,
    prompts: Prompts = None,
    device: Device = None,
    dtype: Dtype = None,
    seed: OptionalSeed = None,
    changes: Setting = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Measures the method's invariants on a model, and says go or why not."""
    del debug
    config = _config(
        preset,
        {
            "model.id": model if given is None else given,
            "model.device": device,
            "model.dtype": dtype,
            "reward.parts": rewards,
            "prompts.set": prompts,
            "seed": seed,
        },
        changes,
    )
    findings = []
    for finding in workflows.check_finetune(config, announce=say):
        findings.append(finding)
        if not as_json:
            typer.echo(f"{'ok' if finding.is_kept else 'NO':<3} {finding.name}: {finding.measured}")
            if not finding.is_kept:
                typer.echo(f"    allowed: {finding.allowed}. {finding.advice}")
    is_go = all(finding.is_kept for finding in findings)
    if as_json:
        print_json({"go": is_go, "findings": [asdict(finding) for finding in findings]})
    else:
        typer.echo("go" if is_go else "no go")
    if not is_go:
        raise typer.Exit(FAILED)


@group.command(epilog="Example: rldf finetune evaluate runs/small --count 4")
@well_behaved
def evaluate(
    folder: RunFolder,
    *,
    count: Annotated[int, typer.Option("-n", "--count", min=2, help="Pictures per prompt and model.")] = 4,
    num_prompts: Annotated[int, typer.Option("--prompts", min=1, help="Prompts of each set, at most.")] = 8,
    second: Annotated[
        str | None, typer.Option("--second", help="The reward that only judges.", show_default="the run's")
    ] = None,
    has_attacks: Annotated[
        bool,
        typer.Option(
            "--attacks", help="Attack the reward: words printed on pictures, other prompts.", show_default=False
        ),
    ] = False,
    seed: OptionalSeed = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Judges a run against its base model: unseen prompts, a second reward, diversity, drift."""
    del debug
    settings = workflows.JudgeSettings(
        max_prompts=num_prompts, pictures_per_prompt=count, seed=0 if seed is None else seed
    )
    report = workflows.evaluate_finetune(
        folder, settings=settings, second=second, announce=say, has_attacks=has_attacks
    )
    page = workflows.write_report(folder)
    if as_json:
        print_json(report)
        return
    _print_judgement(report)
    typer.echo(f"report   {page}")


def _print_judgement(report: dict[str, Any]) -> None:
    """Prints what was found on each set of prompts, and what the attacks gave."""
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
        scores = spread["tuned"].get("scorer_class_score", {})
        for axis, score in scores.items():
            before = spread["base"]["scorer_class_score"][axis]
            typer.echo(f"         scorer class score of {axis} {before:.3f} -> {score:.3f}")
    if report["alarm"]:
        typer.echo(f"alarm    '{report['second_reward']}' fell while the reward rose: it was over-optimised")
    if report["attacks"] is not None:
        _print_attacks(report["attacks"])


def _print_attacks(found: dict[str, Any]) -> None:
    rows = [f"{name} {row['mean']:.4f}" for name, row in found.items() if isinstance(row, dict)]
    typer.echo(f"attacks  {', '.join(rows)}")
    typer.echo(f"         words printed on a picture {'RAISE' if found['is_fooled'] else 'do not raise'} the reward")


def _config(preset: str, options: dict[str, Any], changes: list[str] | None) -> "FinetuneConfig":
    """A preset, what the options change, and what --config overrides."""
    base = workflows.load_finetune_preset(preset)
    table: dict[str, Any] = asdict(base)
    for name, value in options.items():
        section, _, key = name.rpartition(".")
        if value is not None:
            (table[section] if section else table)[key] = value
    config = workflows.finetune_from_dict(table, place="the options")
    return workflows.override_finetune(config, [] if changes is None else changes)


def _stamp() -> str:
    return workflows.utc_now()[:19].replace(":", "").replace("-", "").replace("T", "-")


def _print_plan(plan: "FinetunePlan", *, as_json: bool, num_done: int | None = None) -> None:
    """Says what a run would do in all, and how much of it is done where it goes on."""
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


def _print_summary(summary: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(summary)
        return
    budget = summary["budget"]
    typer.echo(
        f"reward    {summary['start_reward']:.4f} -> {summary['reward']:.4f} (means of the first and last epoch)"
    )
    typer.echo(f"queries   {budget['queries']} of {budget['max_queries']}, {budget['updates']} updates")
    if summary["alarm"]:
        typer.echo(f"alarm     the second reward fell while the reward rose; the run stopped: {summary['stopped']}")
    typer.echo(f"result    {summary['result']}")
    typer.echo(f"report    {Path(summary['run']) / 'report.html'}")
    typer.echo(f"judge it  rldf finetune evaluate {summary['run']}")
