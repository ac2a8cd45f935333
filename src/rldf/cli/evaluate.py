"""`rldf evaluate`: how good a synthetic set of pictures is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from rldf.cli import workflows
from rldf.cli.manners import print_json, say, well_behaved
from rldf.cli.options import AsJson, Debug, Device, Seed, read_pairs

_MAX_NAMED = 20

group = typer.Typer(
    name="evaluate",
    help="How good a synthetic set of pictures is.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
RealFolder = Annotated[
    Path, typer.Argument(metavar="REAL", help="Real pictures: a folder of class folders.", show_default=False)
]
SyntheticFolder = Annotated[
    Path, typer.Argument(metavar="SYNTHETIC", help="Synthetic pictures, in the same form.", show_default=False)
]


@group.command(epilog="Example: rldf evaluate distances photos clone-pictures/train")
@well_behaved
def distances(
    real: RealFolder,
    synthetic: SyntheticFolder,
    *,
    extractor: Annotated[
        str,
        typer.Option("--extractor", help="What sees features: 'embedded', or a vision model by folder or hub id."),
    ] = "embedded",
    metrics: Annotated[
        list[str] | None,
        typer.Option("--metric", help="Only this metric; may be repeated.", show_default="all"),
    ] = None,
    matches_classes: Annotated[
        bool, typer.Option("--match-classes", help="Use only the classes both have.", show_default=False)
    ] = False,
    max_pictures: Annotated[
        int, typer.Option("--max-pictures", min=0, help="Pictures of each set, drawn by chance; 0 for all.")
    ] = 0,
    device: Device = None,
    seed: Seed = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Measures how far the synthetic pictures are from the real ones, by several metrics."""
    del debug
    report = workflows.evaluate_distances(
        real,
        synthetic,
        extractor=extractor,
        metrics=workflows.METRIC_NAMES if metrics is None else metrics,
        seed=seed,
        matches_classes=matches_classes,
        max_pictures=max_pictures,
        device="auto" if device is None else device,
        announce=say,
        on_pass=lambda kind, progress: say(
            f"{kind}: {progress.files} of {progress.total} files, {progress.failures} unreadable"
        ),
    )
    told = report.as_json()
    if as_json:
        print_json({"real": str(real), "synthetic": str(synthetic), **told})
        return
    for name, value in told["metrics"].items():
        spread = "" if value["spread"] is None else f" +- {value['spread']:.2g}"
        typer.echo(f"{name:<16} {value['value']:.6g}{spread}   {value['protocol']}")
    for warning in told["warnings"]:
        say(f"warning: {warning}")
    _name_files(told["unreadable"], "could not be read")
    _name_files(told["passed_over"], "passed over")


@group.command(epilog="Example: rldf evaluate classifier photos clone-pictures/train --test more-photos")
@well_behaved
def classifier(
    real: RealFolder,
    synthetic: SyntheticFolder,
    *,
    test: Annotated[
        Path, typer.Option("--test", help="Real test pictures, which no training set holds.", show_default=False)
    ],
    baselines: Annotated[
        list[str] | None,
        typer.Option("--baseline", metavar="NAME=DIR", help="Another training set; repeatable.", show_default=False),
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the training pictures.")] = 15,
    size_px: Annotated[int, typer.Option("--size", min=32, help="Side of a picture in pixels.")] = 64,
    num_seeds: Annotated[int, typer.Option("--seeds", min=1, help="Trainings of each set.")] = 3,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of checkpoints; the same command goes on.", show_default=False)
    ] = None,
    device: Device = None,
    seed: Seed = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Trains a ResNet-18 on real, synthetic and mixed pictures and tests all on real ones."""
    del debug
    report = workflows.evaluate_classifier(
        real,
        synthetic,
        test=test,
        baselines=read_pairs(baselines, option="--baseline"),
        recipe=workflows.TrainingRecipe(epochs=epochs, size_px=size_px),
        seeds=range(seed, seed + num_seeds),
        device="auto" if device is None else device,
        out=out,
        on_training=lambda name, number, epoch, loss: say(
            f"{name}, seed {number}: epoch {epoch} of {epochs}, loss {loss:.3f}"
        ),
    )
    told = report.as_json()
    if as_json:
        print_json(told)
        return
    for name, row in told["training_sets"].items():
        share = "" if row["share_of_real"] is None else f"   {row['share_of_real']:.1%} of real"
        spread = "" if row["top1_std"] is None else f" +- {row['top1_std']:.1%}"
        typer.echo(f"{name:<12} top-1 {row['top1']:.1%}{spread}   {row['num_train']} training pictures{share}")
    for warning in told["warnings"]:
        say(f"warning: {warning}")
    _name_files({"training and test": told["unreadable"]}, "could not be read")


def _name_files(found: Mapping[str, list[dict[str, Any]]], what: str) -> None:
    """Names files that were not used; --json names all of them."""
    for kind, rows in found.items():
        for row in rows[:_MAX_NAMED]:
            say(f"{what} ({kind}): {row['file']}: {row['reason']}")
        if len(rows) > _MAX_NAMED:
            say(f"{what} ({kind}): {len(rows) - _MAX_NAMED} more; --json names them all")
