"""Draws the tiers of `pyproject.toml` as a Mermaid picture."""

import tomllib
from pathlib import Path


def read_layers(pyproject: Path) -> list[list[str]]:
    """Reads the tiers, the highest first; each is the list of its packages."""
    settings = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[name.strip(" ()") for name in layer.split("|")] for layer in layers]


def draw_architecture(pyproject: Path) -> str:
    """Draws one box per tier, each pointing to the tier below it."""
    lines = ["```mermaid", "flowchart TB"]
    for number, names in enumerate(read_layers(pyproject)):
        lines.append(f'  tier{number}["{" &nbsp;|&nbsp; ".join(names)}"]')
        if number > 0:
            lines.append(f"  tier{number - 1} --> tier{number}")
    return "\n".join([*lines, "```"])
