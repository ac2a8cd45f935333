"""Sheets of captioned pictures, and pictures inside pages."""

from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from textwrap import wrap

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from rldf.arrays import Image, ImageBatch

_GAP = 10
_LINE = 13
_FONT_PX = 11
_PAPER, _INK = (250, 248, 243), (29, 27, 24)


def captioned_sheet(images: ImageBatch, captions: Sequence[str], *, columns: int = 8, most_lines: int = 4) -> Image:
    """Lays pictures out in rows, with a caption below each.

    Args:
        images: 1 or more.
        captions: one each; what does not fit into `most_lines` is cut off.
        columns: pictures in a row.
        most_lines: lines below each picture.

    Returns:
        The sheet, RGB, 0 to 255.
    """
    font = ImageFont.load_default(size=_FONT_PX)
    side = images.shape[1]
    lines = [wrap(caption, width=max(8, side * 2 // (_FONT_PX + 1)))[:most_lines] for caption in captions]
    width, height = side + _GAP, side + _GAP + _LINE * max(map(len, lines)) + 4
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    sheet = PillowImage.new("RGB", (columns * width + _GAP, rows * height + _GAP), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for place, (image, caption) in enumerate(zip(images, lines, strict=True)):
        x, y = _GAP + place % columns * width, _GAP + place // columns * height
        sheet.paste(PillowImage.fromarray(image), (x, y))
        for number, line in enumerate(caption):
            pen.text((x, y + side + 3 + number * _LINE), line, fill=_INK, font=font)
    return np.array(sheet)


def png_bytes(image: Image) -> bytes:
    """Encodes a picture as PNG."""
    buffer = BytesIO()
    PillowImage.fromarray(image).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def data_address(image: Image) -> str:
    """Encodes a picture as JPEG inside an address, so that a page needs no other file."""
    buffer = BytesIO()
    PillowImage.fromarray(image).save(buffer, format="JPEG", quality=90)
    return "data:image/jpeg;base64," + b64encode(buffer.getvalue()).decode("ascii")
