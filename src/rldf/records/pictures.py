"""Pictures as PNG: what is written is read back to the same pixels."""

from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image

from rldf.arrays import Image
from rldf.errors import RecordError


def encode_png(image: Image) -> bytes:
    """Encodes a picture; compression is light, since runs write many."""
    buffer = BytesIO()
    PIL.Image.fromarray(image).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


def read_png(path: Path) -> Image:
    """Reads a picture of a run folder.

    Args:
        path: a file under `images/`.

    Returns:
        The picture, RGB, 0 to 255.

    Raises:
        RecordError: if the file is missing or damaged.
    """
    try:
        with PIL.Image.open(path) as picture:
            return np.array(picture.convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise RecordError(
            f"the picture '{path}' of the run cannot be read: {error}. The folder was changed by hand: start a new run."
        ) from error
