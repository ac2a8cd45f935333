"""Facts of the embedded world that need no picture: sizes of its weights, the machine, the licence of its glyphs."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from time import perf_counter
from typing import final

import torch

from rldf.errors import ModelUnavailableError

_BYTES_PER_MB = 1_000_000


@final
class Stopwatch:
    """Measures how long each part of a job takes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def time(self, part: str) -> Iterator[None]:
        """Adds the time of what is done inside to a part."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = round(self.seconds.get(part, 0.0) + perf_counter() - start, 3)


def weight_sizes(folder: Path) -> dict[str, float]:
    """Adds up the weight files of a world.

    Args:
        folder: holds `generator` and the scorers.

    Returns:
        Part, such as "generator/unet" or "scorer-a", to its size in MB of a million bytes; "total" is the sum.

    Raises:
        ModelUnavailableError: if there is none.
    """
    sizes: dict[str, int] = {}
    for path in sorted(folder.rglob("*.safetensors")):
        part = path.parent.relative_to(folder).as_posix()
        part = path.name if part == "." else part
        sizes[part] = sizes.get(part, 0) + path.stat().st_size
    if not sizes:
        raise ModelUnavailableError(
            f"there are no weights in '{folder}'; a world holds *.safetensors files. "
            "Install the package again, or train it with `rldf world train`."
        )
    return {part: size / _BYTES_PER_MB for part, size in {**sizes, "total": sum(sizes.values())}.items()}


def hardware_line(device: str) -> str:
    """Names what the measures ran on: processor, cores and threads, card where there is one, version of torch.

    Args:
        device: such as "cpu" or "cuda".

    Returns:
        One line.
    """
    parts = [f"{_processor_name()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"]
    if device.startswith("cuda"):
        parts.append(torch.cuda.get_device_name(device))
    return ", ".join([*parts, f"torch {torch.__version__}"])


def glyph_licence() -> str:
    """Source and licence of the glyphs that the renderer draws with."""
    described = json.loads(files("rldf").joinpath("renderer", "data", "glyphs.json").read_text(encoding="utf-8"))
    return f"{described['source']}; {described['licence']}"


def _processor_name() -> str:
    """The processor's name; its family where the system does not tell."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
