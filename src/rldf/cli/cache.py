"""`rldf cache`: the pictures and features that all runs share."""

from typing import TYPE_CHECKING

import typer

from rldf.cli import workflows
from rldf.cli.manners import print_json, well_behaved
from rldf.cli.options import AsJson, Debug, DryRun

if TYPE_CHECKING:
    from rldf.generators.render_store import StoreInfo
    from rldf.jobs.feature_cache import FeatureInfo

group = typer.Typer(
    name="cache", help="The pictures and features that all runs share.", no_args_is_help=True, rich_markup_mode=None
)


@group.command(epilog="Example: rldf cache show")
@well_behaved
def show(*, as_json: AsJson = False, debug: Debug = False) -> None:
    """Shows where the render cache and the features of evaluations are, and how much they hold."""
    del debug
    _print(workflows.cache_info(), workflows.features_info(), verb="holds", as_json=as_json)


@group.command(epilog="Example: rldf cache clear --dry-run")
@well_behaved
def clear(*, is_dry_run: DryRun = False, as_json: AsJson = False, debug: Debug = False) -> None:
    """Removes every picture of the render cache and all features; no result depends on them."""
    del debug
    if is_dry_run:
        _print(workflows.cache_info(), workflows.features_info(), verb="would lose", as_json=as_json)
    else:
        _print(workflows.clear_cache(), workflows.clear_features(), verb="lost", as_json=as_json)


def _print(info: "StoreInfo", features: "FeatureInfo", *, verb: str, as_json: bool) -> None:
    """Prints what the caches hold, or what was removed."""
    if as_json:
        kept = {"folder": str(features.folder), "files": features.num_files, "bytes": features.num_bytes}
        told = {"folder": str(info.folder), "pictures": info.num_pictures, "bytes": info.num_bytes}
        print_json({**told, "features": kept})
        return
    typer.echo(f"{info.folder} {verb} {info.num_pictures} pictures, {info.num_bytes / 2**20:.1f} MiB")
    typer.echo(f"{features.folder} {verb} {features.num_files} files of features, {features.num_bytes / 2**20:.1f} MiB")
