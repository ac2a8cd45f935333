"""Extras of a run: what was made of its words later, in a form that the report can show without knowing more."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from rldf.errors import RecordError
from rldf.records.durable_files import write_file

Layout = Literal["strip", "grid", "pairs"]
FOLDER = "extras"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraPicture:
    """A picture of an extra: its file, relative to the run folder, and what stands below it."""

    file: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """One thing that was made of a run.

    Attributes:
        kind: what it is, such as "strip", "set", "ablation", "transfer", "caption", "beyond".
        title: its heading.
        text: one or two sentences about it.
        layout: pictures in one row, in a grid, or two and two with the first above the second.
        pictures: in order.
        facts: label and value of each number that was measured.
    """

    kind: str
    title: str
    text: str
    layout: Layout
    pictures: tuple[ExtraPicture, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


def write_extra(run_folder: Path, name: str, extra: Extra) -> Path:
    """Writes an extra into a run folder; an older one of that name is replaced.

    Args:
        run_folder: the run folder.
        name: of its file, without ending.
        extra: what to write.

    Returns:
        The file.
    """
    path = run_folder / FOLDER / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    write_file(path, (json.dumps(asdict(extra), indent=1, ensure_ascii=False) + "\n").encode())
    return path


def read_extras(run_folder: Path) -> Iterator[Extra]:
    """Reads the extras of a run, by name.

    Args:
        run_folder: the run folder.

    Yields:
        Each of them.

    Raises:
        RecordError: if one is damaged.
    """
    for path in sorted((run_folder / FOLDER).glob("*.json")):
        try:
            yield _read(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RecordError(
                f"'{path}' is no extra of a run ({error}); it has kind, title, text, layout, pictures and facts. "
                "Remove the file, and make it again if you need it."
            ) from error


def _read(data: dict[str, Any]) -> Extra:
    layout: Layout = data["layout"]
    if layout not in get_args(Layout):
        raise ValueError(f"the layout '{layout}' is none of {', '.join(get_args(Layout))}")
    return Extra(
        kind=str(data["kind"]),
        title=str(data["title"]),
        text=str(data["text"]),
        layout=layout,
        pictures=tuple(ExtraPicture(file=str(p["file"]), caption=str(p["caption"])) for p in data["pictures"]),
        facts=tuple((str(label), str(value)) for label, value in data["facts"]),
    )
