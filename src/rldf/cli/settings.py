"""From options to settings: a preset, what the options change, and what `--config` overrides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rldf.cli import workflows

if TYPE_CHECKING:
    from rldf.presets.config import SearchConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was given on the command line; None for what was not.

    Attributes:
        model: the image generator.
        perception: scorer A.
        judge: scorer B.
        device: where models run.
        dtype: number format of their weights.
        grammar: name or file.
        seed: root of all chance.
        use_low_memory: True where it was asked for.
        others: further settings, by dotted name.
        changes: `--config` as it was given; applied last.
    """

    model: str | None = None
    perception: str | None = None
    judge: str | None = None
    device: str | None = None
    dtype: str | None = None
    grammar: str | None = None
    seed: int | None = None
    use_low_memory: bool = False
    others: Mapping[str, object] = field(default_factory=dict)
    changes: Sequence[str] | None = None


def settings(base: "SearchConfig", given: Given) -> "SearchConfig":
    """Changes settings by what was given on the command line.

    Args:
        base: of a preset or a stored run.
        given: the options.

    Returns:
        The settings, checked.
    """
    changed: dict[str, object] = {
        "model.id": given.model,
        "model.kind": None if given.model is None else "auto",
        "model.device": given.device,
        "model.dtype": given.dtype,
        "model.use_low_memory": given.use_low_memory or None,
        "grammar.name": given.grammar,
        "seed": given.seed,
        **_scorer("perception", given.perception),
        **_scorer("judge", given.judge),
        **given.others,
    }
    table: dict[str, Any] = workflows.config_to_dict(base)
    for name, value in changed.items():
        section, _, key = name.rpartition(".")
        if value is not None:
            (table[section] if section else table)[key] = value
    config = workflows.config_from_dict(table, place="the options")
    return workflows.override(config, given.changes if given.changes is not None else [])


def _scorer(section: str, named: str | None) -> dict[str, object]:
    """Tells a kind of scorer from a model: a folder with heads is a scorer like the embedded ones."""
    if named is None:
        return {}
    kinds = {
        "auto": "auto",
        "embedded": "embedded",
        "same": "same",
        "clip": "clip",
        "classifier": "classifier-detector",
        "captioner": "captioner",
    }
    if named in kinds:
        return {f"{section}.kind": kinds[named], f"{section}.id": ""}
    kind = "embedded" if (Path(named) / "heads.json").is_file() else "clip"
    return {f"{section}.kind": kind, f"{section}.id": named}
