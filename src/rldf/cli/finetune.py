"""`rldf finetune`: trains a model on the feedback of rewards, checks it beforehand, judges it afterwards."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rldf.cli import workflows
from rldf.cli.finetune_shown import print_judgement, print_plan, train_and_report
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
    command_line,
    refuse_others,
)

if TYPE_CHECKING:
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
            print_plan(plan, as_json=as_json, num_done=num_done)
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
            print_plan(workflows.plan_finetune(config), as_json=as_json)
            return
        folder = Path("runs") / f"{_stamp()}-finetune" if out is None else out
        events = workflows.run_finetune(config, out=folder, force=force, command=command_line(context), announce=say)
    train_and_report(events, folder=folder, as_json=as_json)


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
            mark = "NO" if not finding.is_kept else "ok" if finding.is_measured else "-"
            typer.echo(f"{mark:<3} {finding.name}: {finding.measured}")
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
    num_prompts: Annotated[int, typer.Option("--num-prompts", min=1, help="Prompts of each set, at most.")] = 8,
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
    print_judgement(report)
    typer.echo(f"report   {page}")


def _config(preset: str, options: dict[str, Any], changes: list[str] | None) -> "FinetuneConfig":
    """A preset, what the options change, and what --config overrides."""
    return workflows.override_finetune(
        workflows.load_finetune_preset(preset), [] if changes is None else changes, options=options, announce=say
    )


def _stamp() -> str:
    return workflows.utc_now()[:19].replace(":", "").replace("-", "").replace("T", "-")
