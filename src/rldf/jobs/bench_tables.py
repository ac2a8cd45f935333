"""The tables of the search benchmark by name: shipped ones, simulated ones, files."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from rldf.bench import BenchTable, read_table, simulated_table
from rldf.errors import ConfigError
from rldf.grammar import load_grammar
from rldf.hub import Announce, say_nothing
from rldf.presets.build import build_parts
from rldf.presets.config import SearchConfig
from rldf.presets.loading import load_preset, override
from rldf.presets.shelf import SHELF
from rldf.search import SearchParts

SHIPPED = ("base", "wide")
SIMULATED = "simulated-"
SIMULATED_SEEDS = {"base": (8, 16), "wide": (4, 8)}
NAMES = (*SHIPPED, *(SIMULATED + name for name in SIMULATED_SEEDS))


def load_table(name: str, *, announce: Announce = say_nothing) -> BenchTable:
    """Reads a table, or makes a simulated one.

    Searches of a table need no models, so one of other weights than the embedded model has now is still a benchmark; a
    line says so.

    Args:
        name: "base" or "wide", made with the embedded model; "simulated-base" or "simulated-wide", without an image
            model; else the path of a file.
        announce: is given one line where a shipped table was made with other weights than those that ship now.

    Returns:
        The table.

    Raises:
        ConfigError: if there is no such table. A `RecordError` comes up where the file cannot be read.
    """
    if name.startswith(SIMULATED):
        return _simulated(name)
    if name not in SHIPPED:
        if not Path(name).is_file():
            raise ConfigError(
                f"there is no table '{name}'; by name there are {', '.join(NAMES)}. "
                "Name one of these, or a file written by: rldf bench table."
            )
        return read_table(Path(name))
    table = read_table(shipped_path(name))
    if others := table.other_models(models_of(build_parts(table_config(table), shelf=SHELF))):
        announce(others)
    return table


def shipped_path(name: str) -> Path:
    """Where a shipped table lies."""
    return Path(str(files("rldf").joinpath("bench", "tables", f"{name}.npz")))


def models_of(parts: SearchParts) -> dict[str, str]:
    """Digests of the weights a table holds for."""
    return {
        "generator": parts.generator_card.digest,
        "scorer_a": parts.perception_card.digest,
        "scorer_b": parts.judge_card.digest,
    }


def table_config(table: BenchTable) -> SearchConfig:
    """The settings a table is made with: the embedded model, the table's grammar, nothing cached."""
    return override(load_preset("embedded").config, [f"grammar.name={table.name}", "model.use_cache=false"])


def check_table(path: Path, config: SearchConfig) -> None:
    """Refuses a table that was made with other weights than those of the settings."""
    read_table(path).require_models(models_of(build_parts(config, shelf=SHELF)))


def _simulated(name: str) -> BenchTable:
    plain = name.removeprefix(SIMULATED)
    if plain not in SIMULATED_SEEDS:
        raise ConfigError(f"there is no table '{name}'; by name there are {', '.join(NAMES)}. Name one of these.")
    search, test = SIMULATED_SEEDS[plain]
    space = replace(load_grammar(plain).space, exclusions=())
    return simulated_table(space, name=plain, num_search_seeds=search, num_test_seeds=test, num_targets=200)
