"""Makes the glyph atlas of the embedded world from the Noto Color Emoji font.

The atlas ships with the package, so that drawing needs no font. To make it again:

    apt-get install -y fonts-noto-color-emoji
    python tools/make_atlas.py

It writes `glyphs.png`, `glyphs.json` and `LICENSE.txt` to `src/rldf/renderer/data`. The
licence is the one the Debian package states for its fonts, under a notice of what was made.
"""

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONT_PATH = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
COPYRIGHT_PATH = Path("/usr/share/doc/fonts-noto-color-emoji/copyright")
DATA_PATH = Path(__file__).parents[1] / "src/rldf/renderer/data"

FONT_SIZE_PX = 109  # the only size of the bitmaps in this font
MAX_GLYPH_PX = 104  # twice the largest height drawn at 128 px
ATLAS_WIDTH_PX = 1024
GAP_PX = 2  # keeps resampling from picking up a neighbour

OBJECTS = {
    "broccoli": "\U0001f966",
    "corn": "\U0001f33d",
    "carrot": "\U0001f955",
    "banana": "\U0001f34c",
    "lemon": "\U0001f34b",
    "apple": "\U0001f34e",
    "tomato": "\U0001f345",
    "strawberry": "\U0001f353",
    "mushroom": "\U0001f344",
    "pizza": "\U0001f355",
    "cake": "\U0001f382",
    "football": "\u26bd",
    "basketball": "\U0001f3c0",
    "chicken": "\U0001f413",
    "rabbit": "\U0001f407",
    "sheep": "\U0001f411",
    "cow": "\U0001f404",
    "pig": "\U0001f416",
    "horse": "\U0001f40e",
    "giraffe": "\U0001f992",
    "elephant": "\U0001f418",
    "tiger": "\U0001f405",
    "dog": "\U0001f415",
    "cat": "\U0001f408",
    "monkey": "\U0001f412",
    "chair": "\U0001fa91",
    "sofa": "\U0001f6cb\ufe0f",
    "bed": "\U0001f6cf\ufe0f",
    "guitar": "\U0001f3b8",
    "violin": "\U0001f3bb",
    "drum": "\U0001f941",
    "teapot": "\U0001fad6",
    "bowl": "\U0001f963",
    "cup": "\u2615",
    "hammer": "\U0001f528",
    "saw": "\U0001fa9a",
    "bicycle": "\U0001f6b2",
    "motorcycle": "\U0001f3cd\ufe0f",
    "car": "\U0001f699",
    "taxi": "\U0001f695",
    "bus": "\U0001f68c",
    "truck": "\U0001f69a",
    "tractor": "\U0001f69c",
    "train": "\U0001f682",
}
CHARACTERS = {"bruno": "\U0001f9f8"}  # a teddy bear


def glyph_sequences() -> dict[str, str]:
    """Names every glyph of the atlas: the objects, then the characters."""
    return {**OBJECTS, **CHARACTERS}


def render_glyph(sequence: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    """Renders one emoji sequence, cropped to what is visible.

    Args:
        sequence: the characters of one emoji.
        font: a colour font at `FONT_SIZE_PX`.

    Returns:
        The glyph with transparency, at most `MAX_GLYPH_PX` wide and high.

    Raises:
        ValueError: if the font joins the sequence to more than one glyph, or to none.
    """
    canvas = Image.new("RGBA", (4 * FONT_SIZE_PX, 2 * FONT_SIZE_PX))
    centre = (canvas.width // 2, canvas.height // 2)
    ImageDraw.Draw(canvas).text(centre, sequence, font=font, embedded_color=True, anchor="mm")
    box = canvas.getchannel("A").point(lambda alpha: 255 * (alpha > 8)).getbbox()
    if box is None or box[2] - box[0] > 1.4 * FONT_SIZE_PX:
        points = " ".join(f"U+{ord(character):04X}" for character in sequence)
        raise ValueError(
            f"the font has no single glyph for {points}. Pillow needs RAQM and the font a "
            "version that knows the sequence; update fonts-noto-color-emoji."
        )
    glyph = canvas.crop(box)
    glyph.thumbnail((MAX_GLYPH_PX, MAX_GLYPH_PX), Image.Resampling.LANCZOS)
    return glyph


def pack(glyphs: Mapping[str, Image.Image]) -> tuple[Image.Image, dict[str, list[int]]]:
    """Packs glyphs into rows, tallest first.

    Args:
        glyphs: pictures with transparency by name.

    Returns:
        The atlas, and each glyph's box in it as left, top, right, bottom in pixels.
    """
    boxes: dict[str, list[int]] = {}
    left, top, row_height = GAP_PX, GAP_PX, 0
    for name in sorted(glyphs, key=lambda name: -glyphs[name].height):
        width, height = glyphs[name].size
        if left + width + GAP_PX > ATLAS_WIDTH_PX:
            left, top, row_height = GAP_PX, top + row_height + GAP_PX, 0
        boxes[name] = [left, top, left + width, top + height]
        left, row_height = left + width + GAP_PX, max(row_height, height)
    atlas = Image.new("RGBA", (ATLAS_WIDTH_PX, top + row_height + GAP_PX))
    for name, box in boxes.items():
        atlas.paste(glyphs[name], (box[0], box[1]))
    return atlas, boxes


def font_licence(copyright_text: str) -> str:
    """Reads the font licence out of a Debian copyright file, which indents it by a space."""
    text = copyright_text[copyright_text.rindex("License:   SIL-1.1") :]
    lines = [line.strip() for line in text.splitlines()[1:]]
    return "\n".join("" if line == "." else line for line in lines) + "\n"


def write_atlas(font_path: Path, copyright_path: Path, out_path: Path) -> None:
    """Writes the atlas, its index and its licence into a folder."""
    font = ImageFont.truetype(font_path, FONT_SIZE_PX, layout_engine=ImageFont.Layout.RAQM)
    sequences = glyph_sequences()
    atlas, boxes = pack({name: render_glyph(text, font) for name, text in sequences.items()})
    index = {
        "name": "noto-color-emoji-excerpt",
        "version": 1,
        "source": "NotoColorEmoji.ttf of the Debian package fonts-noto-color-emoji",
        "made_by": "python tools/make_atlas.py",
        "licence": "SIL Open Font License 1.1, see LICENSE.txt",
        "glyphs": {
            name: {
                "box": boxes[name],
                "unicode": " ".join(f"U+{ord(character):04X}" for character in text),
            }
            for name, text in sequences.items()
        },
    }
    out_path.mkdir(parents=True, exist_ok=True)
    atlas.save(out_path / "glyphs.png", optimize=True)
    # One glyph a line, so that a change of the index can be read in a diff.
    text = re.sub(r"\s*\n {3,}", " ", json.dumps(index, indent=1)).replace("\n  }", " }")
    text = text.replace("[ ", "[").replace(" ]", "]")
    (out_path / "glyphs.json").write_text(text + "\n", encoding="utf-8")
    notice = (
        "The pictures in glyphs.png are glyphs of Noto Color Emoji, rendered, scaled down and\n"
        "packed by `python tools/make_atlas.py` from the Debian package\n"
        "fonts-noto-color-emoji. glyphs.png and glyphs.json are distributed under the font's\n"
        "licence, which follows.\n\n"
        "Copyright 2013-2017 Google Inc.\n"
        "Copyright Arjen Nienhuis <a.g.nienhuis@gmail.com>\n"
        "Source: https://github.com/googlefonts/noto-emoji\n\n"
    )
    licence = font_licence(copyright_path.read_text(encoding="utf-8"))
    (out_path / "LICENSE.txt").write_text(notice + licence, encoding="utf-8")


def main() -> None:
    """Reads the options and writes the atlas."""
    parser = argparse.ArgumentParser(description="Make the glyph atlas of the embedded world.")
    parser.add_argument("--font", type=Path, default=FONT_PATH)
    parser.add_argument("--copyright", type=Path, default=COPYRIGHT_PATH)
    parser.add_argument("--out", type=Path, default=DATA_PATH)
    options = parser.parse_args()
    write_atlas(options.font, options.copyright, options.out)


if __name__ == "__main__":
    main()
