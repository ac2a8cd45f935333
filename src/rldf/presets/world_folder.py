"""Worlds that `rldf world train` made: a generator with its two scorers in one folder, named by `--model`."""

from pathlib import Path

GENERATOR = "generator"
ADAPTER = "few-step"


def find_world(model: str) -> Path | None:
    """Finds the folder of a world.

    Args:
        model: what the settings name as the model.

    Returns:
        The folder, where it holds a generator with parts of a world around it; else None.
    """
    folder = Path(model).expanduser()
    return folder if (folder / GENERATOR / "model_index.json").is_file() else None


def find_part(model: str, part: str) -> str:
    """Finds a part of a world.

    Args:
        model: what the settings name as the model.
        part: such as "scorer-a" or "few-step".

    Returns:
        Its folder; "" where the model is no world, or the world has no such part.
    """
    world = find_world(model)
    return str(world / part) if world is not None and (world / part).is_dir() else ""
