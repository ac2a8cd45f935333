"""Extras of a run: what was made of its words later, in a form that the report can show without knowing more."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args

from rldf.errors import RecordError
from rldf.records.durable_files import write_file
from rldf.records.pictures import encode_png, read_png, thumbnail

Layout = Literal["strip", "grid", "pairs"]
FOLDER = "extras"
COPY_PX = 160  # our choice: as large as the report shows pictures of an extra


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


def name_of(run_folder: Path, kind: str, folder: Path) -> str:
    """Names the extra of a folder of pictures: by the folder's name; outside of the run with a digest of its place."""
    place = folder.resolve()
    outside = "" if place.is_relative_to(run_folder.resolve()) else f"-{sha256(str(place).encode()).hexdigest()[:8]}"
    return f"{kind}-{folder.name}{outside}"


def keep_picture(run_folder: Path, picture: Path, *, name: str) -> str:
    """Tells where the report finds a picture; of one outside of the run folder a small copy is kept.

    Args:
        run_folder: the run folder.
        picture: the file.
        name: of the extra it belongs to.

    Returns:
        A path relative to the run folder.
    """
    root, place = run_folder.resolve(), picture.resolve()
    if place.is_relative_to(root):
        return place.relative_to(root).as_posix()
    file = f"{FOLDER}/{name}-{picture.stem}.png"
    (run_folder / FOLDER).mkdir(exist_ok=True)
    write_file(run_folder / file, encode_png(thumbnail(read_png(picture), max_px=COPY_PX)))
    return file


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
