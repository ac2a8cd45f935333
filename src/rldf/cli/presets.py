"""`rldf presets`: named settings."""

import json
from typing import Annotated

import typer

from rldf.cli import workflows
from rldf.cli.manners import print_json, well_behaved
from rldf.cli.options import AsJson, Debug, Setting

group = typer.Typer(
    name="presets", help="Presets: named settings of a search.", no_args_is_help=True, rich_markup_mode=None
)


@group.command("list", epilog="Example: rldf presets list")
@well_behaved
def list_all(*, as_json: AsJson = False, debug: Debug = False) -> None:
    """Lists the presets that ship with the package."""
    del debug
    presets = [workflows.load_preset(name) for name in workflows.preset_names()]
    if as_json:
        print_json({"presets": [{"name": preset.name, "description": preset.description} for preset in presets]})
        return
    for preset in presets:
        typer.echo(f"{preset.name:<16} {preset.description}")


@group.command(epilog="Example: rldf presets show paper --config search.discount=0.8")
@well_behaved
def show(
    name: Annotated[str, typer.Argument(metavar="PRESET", help="Name of a preset, or a preset file.")],
    *,
    changes: Setting = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Shows every setting that a search with this preset would use."""
    del debug
    preset = workflows.load_preset(name)
    config = workflows.config_to_dict(workflows.override(preset.config, changes if changes is not None else []))
    if as_json:
        print_json({"name": preset.name, "description": preset.description, "config": config})
        return
    typer.echo(f"# {preset.name}: {preset.description}")
    for key, value in config.items():
        if isinstance(value, dict):
            typer.echo(f"\n[{key}]")
            for field, content in value.items():
                typer.echo(f"{field} = {_toml(content)}")
        else:
            typer.echo(f"{key} = {_toml(value)}")


def _toml(value: object) -> str:
    """Writes a setting as TOML would."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(content)}" for key, content in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(content) for content in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
