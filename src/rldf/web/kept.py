"""Where the report of a run finds pictures that were made of it, also those that lie elsewhere."""

from hashlib import sha256
from io import BytesIO
from pathlib import Path

from PIL import Image

from rldf.records.durable_files import write_file
from rldf.records.extras import FOLDER as EXTRAS
from rldf.web.pictures import SMALL_PX


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
    file = f"{EXTRAS}/{name}-{picture.stem}.png"
    (run_folder / EXTRAS).mkdir(exist_ok=True)
    write_file(run_folder / file, _small(picture))
    return file


def _small(picture: Path) -> bytes:
    """A picture as small as the report shows it, as PNG."""
    buffer = BytesIO()
    with Image.open(picture) as opened:
        image = opened.convert("RGB")
    image.thumbnail((SMALL_PX, SMALL_PX), Image.Resampling.LANCZOS)
    image.save(buffer, format="PNG")
    return buffer.getvalue()
