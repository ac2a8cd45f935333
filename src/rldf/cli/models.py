"""`rldf models`: which models can be used."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from rldf.cli import workflows
from rldf.cli.manners import print_json, well_behaved
from rldf.cli.options import AsJson, Debug
from rldf.errors import RldfError

EMBEDDED = {"generator": "image generator", "scorer-a": "scorer A", "scorer-b": "scorer B"}

group = typer.Typer(name="models", help="Models that can be used.", no_args_is_help=True, rich_markup_mode=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """A model that a preset names, or that ships with the package.

    Attributes:
        id: what --model, --perception or --judge take.
        role: what it does.
        digest: of its files, 64 hexadecimal digits; "" where they are not at hand.
        place: where its files are.
    """

    id: str
    role: str
    digest: str
    place: str


@group.command("list", epilog="Example: rldf models list")
@well_behaved
def list_all(*, as_json: AsJson = False, debug: Debug = False) -> None:
    """Lists the models that ship with the package and those the presets name; --model takes many more."""
    del debug
    models = [*embedded_models(), *preset_models()]
    if as_json:
        print_json({"models": [asdict(model) for model in models]})
        return
    for model in models:
        typer.echo(f"{model.id:<34} {model.role:<16} {model.digest[:12]:<13} {model.place}")


def embedded_models() -> Iterator[KnownModel]:
    """The models that ship with the package."""
    for name, role in EMBEDDED.items():
        folder = embedded_folder() / name
        try:
            workflows.require_safetensors(folder)
            digest, place = workflows.folder_digest(folder), "in the package"
        except (RldfError, OSError):
            digest, place = "", "missing: install rldf again, or make it with `rldf world train`"
        yield KnownModel(id=f"embedded/{name}", role=role, digest=digest, place=place)


def preset_models() -> Iterator[KnownModel]:
    """The models of the hub that presets name."""
    seen: set[tuple[str, str]] = set()
    for preset in map(workflows.load_preset, workflows.preset_names()):
        config = preset.config
        named = (
            (config.model.id, "image generator"),
            (config.model.autoencoder, "autoencoder"),
            (config.perception.id, "scorer A"),
            (config.judge.id, "scorer B"),
        )
        for model, role in named:
            if model not in {"", "embedded"} and (model, role) not in seen:
                seen.add((model, role))
                yield KnownModel(id=model, role=role, digest="", place=_hub_place(model))


def embedded_folder() -> Path:
    """Where the models that ship with the package are."""
    return Path(__file__).parents[1] / "weights" / "embedded"


def _hub_place(model: str) -> str:
    """Tells whether a model of the hub was downloaded already."""
    for name in ("model_index.json", "config.json"):
        found = workflows.try_to_load_from_cache(model, name)
        if isinstance(found, str):
            return str(Path(found).parent)
    return "downloaded when first used, after saying its size and place"
