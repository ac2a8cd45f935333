"""Makes the picture of the README from a run folder: the input, what was tried on the way, new pictures.

python tools/demo_picture.py runs/demo docs/pictures/demo.png
"""

import json
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

TILE_PX = 128
GAP_PX = 8
LABEL_PX = 26
BACKGROUND, INK = (250, 250, 245), (40, 40, 40)


def tiles_of(folder: Path, files: list[str]) -> list[Image.Image]:
    """Reads pictures of a run at one size."""
    return [Image.open(folder / file).convert("RGB").resize((TILE_PX, TILE_PX)) for file in files]


def main(folder: Path, out: Path) -> None:
    """Draws three rows of pictures, each with its label."""
    run = json.loads((folder / "run.json").read_text())
    summary = json.loads((folder / "summary.json").read_text())
    steps = [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]
    tried = [step["image"] for step in steps if step["phase"] == "search"][:8]
    rows = [
        ("one picture in", tiles_of(folder, [entry["file"] for entry in run["inputs"]])),
        ("what was tried on the way", tiles_of(folder, tried)),
        (
            f"new pictures of the words that were found: {summary['sentence']}",
            tiles_of(folder, summary["images"]["new"]),
        ),
    ]
    columns = max(len(tiles) for _, tiles in rows)
    height = len(rows) * (TILE_PX + LABEL_PX + GAP_PX) + GAP_PX
    canvas = Image.new("RGB", (columns * (TILE_PX + GAP_PX) + GAP_PX, height), BACKGROUND)
    pen = ImageDraw.Draw(canvas)
    for number, (label, tiles) in enumerate(rows):
        top = GAP_PX + number * (TILE_PX + LABEL_PX + GAP_PX)
        pen.text((GAP_PX, top), label, fill=INK, font=ImageFont.load_default(size=16))
        for column, tile in enumerate(tiles):
            canvas.paste(tile, (GAP_PX + column * (TILE_PX + GAP_PX), top + LABEL_PX))
    out.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(out, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
