"""Pictures of a run folder as data URIs, made small enough to travel inside one page."""

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from warnings import catch_warnings, simplefilter

from PIL import Image, ImageOps

from rldf.errors import RecordError

INPUT_PX = 384
"""Longest side at which the input is embedded (our choice, like all sizes here)."""
MAIN_PX = 320
"""Longest side of a new picture."""
SMALL_PX = 160
"""Longest side of a picture in a comparison."""
_STRIP_PX_BY_COUNT = ((64, 128), (200, 112), (600, 72))
_STRIP_PX_OF_MANY = 56
_MAIN_QUALITY = 88
_STRIP_QUALITY = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture inside the page.

    Attributes:
        source: data URI of a WebP file.
        width_px: width as embedded.
        height_px: height as embedded.
    """

    source: str
    width_px: int
    height_px: int


def strip_px(num_pictures: int) -> int:
    """The longest side of a thumbnail on the film strip: the more pictures, the smaller.

    Args:
        num_pictures: on the whole strip.

    Returns:
        Pixels.

    Example:
        >>> strip_px(16), strip_px(512)
        (128, 72)
    """
    return next((px for limit, px in _STRIP_PX_BY_COUNT if num_pictures <= limit), _STRIP_PX_OF_MANY)


def embed(folder: Path, file: str, *, max_px: int, is_main: bool = True) -> Picture | None:
    """Embeds a picture of a run folder; larger ones are made smaller, small ones are left as they are.

    Args:
        folder: the run folder.
        file: path relative to it.
        max_px: longest side.
        is_main: True for a picture that is looked at closely, False for a thumbnail.

    Returns:
        The picture, or None where the file is gone or is no picture: the page says so in its place.
    """
    path = _inside(folder, file)
    try:
        with catch_warnings():
            simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                image = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    image.thumbnail((max_px, max_px), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    image.save(buffer, format="WEBP", quality=_MAIN_QUALITY if is_main else _STRIP_QUALITY, method=4)
    return Picture(
        source=f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode('ascii')}",
        width_px=image.width,
        height_px=image.height,
    )


def _inside(folder: Path, file: str) -> Path:
    """The path of a picture; one that leads out of the run folder is refused, so no other file gets into a page."""
    root = folder.resolve()
    path = (root / file).resolve()
    if not path.is_relative_to(root):
        raise RecordError(
            f"the run {folder} names the picture '{file}', which lies outside the run folder; only files inside it "
            "are shown. Copy the picture into the folder's images/ and correct the record."
        )
    return path
