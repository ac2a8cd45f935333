"""Files in, RGB pictures out: every kind of image file is read, or refused in one clear line."""

import warnings
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from rldf.arrays import Image
from rldf.errors import ImageError, did_you_mean
from rldf.perception.pixel_modes import to_rgb

MAX_FILE_BYTES = 512 * 1024**2  # our choice: larger files are no photographs
MAX_PIXELS = 100_000_000  # our choice: a picture above 100 megapixels is taken for a decompression bomb
MAX_SIDE_PX = 4096  # our choice: no perception model looks closer, and memory stays small
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "ICO", "TGA", "JPEG2000", "AVIF")
"""Formats that are read; those that start another program or draw vectors (EPS, PDF, SVG) are not."""
SUFFIXES = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".mpo", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".ico", ".tga", ".jp2", ".avif"}
)
_ORIENTATION_TAG = 0x0112
_TURNS = {  # EXIF orientation to what makes the picture upright
    2: PillowImage.Transpose.FLIP_LEFT_RIGHT,
    3: PillowImage.Transpose.ROTATE_180,
    4: PillowImage.Transpose.FLIP_TOP_BOTTOM,
    5: PillowImage.Transpose.TRANSPOSE,
    6: PillowImage.Transpose.ROTATE_270,
    7: PillowImage.Transpose.TRANSVERSE,
    8: PillowImage.Transpose.ROTATE_90,
}
_ADVICE = "Give a picture such as PNG, JPEG, WebP, GIF, BMP or TIFF."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadImage:
    """One picture read from a file.

    Attributes:
        image: the picture, RGB, 0 to 255; the longer side is at most 4096 px.
        notes: one line for each thing done to it that changes what is seen; empty for a plain RGB picture.
        sha256: digest of the file, 64 hexadecimal digits.
    """

    image: Image
    notes: tuple[str, ...]
    sha256: str


def read_image(path: str | Path) -> ReadImage:
    """Reads one image file as an upright 8-bit RGB picture.

    The EXIF rotation is applied; transparency is laid over white; palettes, grey, CMYK and 16-bit pictures
    are converted; of an animation or a file of several pages the first picture is read; a longer side above
    4096 px is scaled down. Each of these is told in a note. What `pixel_modes` says of pixel forms holds.

    Args:
        path: an image file.

    Returns:
        The picture, the notes and the digest of the file.

    Raises:
        ImageError: if the file is missing, a folder, unreadable, empty, truncated, no picture, or too large.
    """
    path = Path(path)
    content = _read_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata; what matters here is raised below
            image, notes = _decode(content, path)
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(f"'{path}' is not an image that can be read; {_ADVICE}") from None
    except PillowImage.DecompressionBombError:
        raise ImageError(_bomb(path, "too many pixels")) from None
    except Exception as error:  # decoders raise nearly anything on damaged files
        raise ImageError(
            f"'{path}' is a truncated or damaged image ({_first_line(error)}); it must be whole. Copy or save it again."
        ) from error
    return ReadImage(image=image, notes=tuple(notes), sha256=sha256(content).hexdigest())


def digest_of_file(path: str | Path) -> str:
    """Tells the digest of an image file as `read_image` does, without decoding it: 64 hexadecimal digits."""
    return sha256(_read_file(Path(path))).hexdigest()


def list_image_files(folder: str | Path) -> list[Path]:
    """Lists the image files of a folder, by suffix, without its sub-folders and hidden files.

    Args:
        folder: a folder.

    Returns:
        The paths in the order of their names; at least one.

    Raises:
        ImageError: if there is no such folder, or no image file in it.
    """
    folder = Path(folder)
    if not folder.exists():
        raise ImageError(_missing(folder, kind="folder"))
    if not folder.is_dir():
        raise ImageError(
            f"'{folder}' is a file; a folder of pictures is needed. Give the folder, or use the file alone."
        )
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ImageError(f"the folder '{folder}' cannot be listed: {error.strerror}. Check its permissions.") from error
    files = [entry for entry in entries if entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".")]
    files = [entry for entry in files if entry.is_file()]
    if not files:
        raise ImageError(
            f"the folder '{folder}' holds no picture; files ending in {', '.join(sorted(SUFFIXES))} count. "
            "Give another folder."
        )
    return files


def _read_file(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ImageError(f"'{path}' is a folder; one picture is needed. Give a file inside it.")
        if not path.exists():
            raise ImageError(_missing(path, kind="file"))
        if not path.is_file():
            raise ImageError(f"'{path}' is no regular file; one picture is needed. {_ADVICE}")
        num_bytes = path.stat().st_size
        if num_bytes > MAX_FILE_BYTES:
            raise ImageError(_bomb(path, f"{num_bytes / 1e6:.0f} MB"))
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ImageError(f"'{path}' cannot be read: {reason}. Check the path and its permissions.") from error
    if not content:
        raise ImageError(f"'{path}' is empty (0 bytes), not an image. {_ADVICE}")
    return content


def _decode(content: bytes, path: Path) -> tuple[Image, list[str]]:
    notes: list[str] = []
    PillowImage.init()  # loads every decoder of this build; some builds lack AVIF or JPEG 2000
    formats = [name for name in FORMATS if name in PillowImage.OPEN]
    with PillowImage.open(BytesIO(content), formats=formats) as opened:
        width, height = opened.size
        if width * height > MAX_PIXELS:
            raise ImageError(_bomb(path, f"{width} x {height} px"))
        num_frames = getattr(opened, "n_frames", 1)
        if num_frames > 1:
            opened.seek(0)
            notes.append(f"the file holds {num_frames} pictures; only the first is read")
        opened.load()
        rotated = _upright(opened, notes)
        picture = to_rgb(rotated, notes)
    if max(picture.size) > MAX_SIDE_PX:
        picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), PillowImage.Resampling.LANCZOS)
        notes.append(f"scaled down from {width} x {height} px to {picture.width} x {picture.height} px")
    return np.asarray(picture, dtype=np.uint8).copy(), notes


def _upright(picture: PillowImage.Image, notes: list[str]) -> PillowImage.Image:
    turn = _TURNS.get(picture.getexif().get(_ORIENTATION_TAG, 1))
    if turn is None:
        return picture
    notes.append("turned upright as its EXIF orientation says")
    return picture.transpose(turn)


def _missing(path: Path, *, kind: str) -> str:
    siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    return (
        f"there is no {kind} '{path}'; an existing {kind} is needed.{did_you_mean(path.name, siblings)} Check the path."
    )


def _bomb(path: Path, size: str) -> str:
    return (
        f"'{path}' is too large ({size}); at most {MAX_PIXELS // 1_000_000} megapixels and "
        f"{MAX_FILE_BYTES // 1024**2} MB are read, to keep memory safe. Scale it down first."
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
