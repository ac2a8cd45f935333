"""Small plots as pictures: curves with bands, heat maps, maps of points, strips of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from rldf.arrays import Image, ImageBatch

PANEL_WIDTH, PANEL_HEIGHT = 520, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 16, 34, 48
FONT_SIZE = 13
INK, PAPER, GRID = (33, 37, 41), (255, 255, 255), (222, 226, 230)
COLOURS = ((11, 110, 79), (193, 68, 14), (34, 87, 122), (142, 68, 173), (184, 134, 11), (214, 51, 108), (73, 80, 87))
LOW, HIGH = np.array([247.0, 251.0, 255.0]), np.array([8.0, 48.0, 107.0])  # ends of the heat maps' colours
BAND_OPACITY = 0.15
CELL_PX = 26
LABEL_PX = 110
NUM_TICKS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A mean over runs along something, with the ends of its band.

    Attributes:
        name: for the legend.
        x: rising.
        mean, low, high: one value for each x.
    """

    name: str
    x: Float[np.ndarray, " points"]
    mean: Float[np.ndarray, " points"]
    low: Float[np.ndarray, " points"]
    high: Float[np.ndarray, " points"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """A matrix with names.

    Attributes:
        title: above it.
        values: rows from top to bottom.
        row_names, column_names: terms.
        marked: row and column of the cell that is framed; None for none.
    """

    title: str
    values: Float[np.ndarray, "rows columns"]
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    marked: tuple[int, int] | None = None


def plot_curves(curves: Sequence[Curve], *, title: str, x_label: str, y_label: str) -> Image:
    """Draws curves with bands and a legend.

    Args:
        curves: at least one, each with two points at least.
        title: above them.
        x_label: what x is.
        y_label: what y is.

    Returns:
        The picture.
    """
    canvas, pen = _blank(PANEL_WIDTH, PANEL_HEIGHT)
    box = _Box(
        x=(min(float(c.x.min()) for c in curves), max(float(c.x.max()) for c in curves)),
        y=(min(0.0, *(float(c.low.min()) for c in curves)), max(float(c.high.max()) for c in curves)),
    )
    _axes(pen, box, title=title, x_label=x_label, y_label=y_label)
    for number, curve in enumerate(curves):
        colour = COLOURS[number % len(COLOURS)]
        upper = [box.at(x, y) for x, y in zip(curve.x, curve.high, strict=True)]
        lower = [box.at(x, y) for x, y in zip(curve.x, curve.low, strict=True)]
        mask = PillowImage.new("L", canvas.size, 0)
        ImageDraw.Draw(mask).polygon([*upper, *reversed(lower)], fill=round(255 * BAND_OPACITY))
        canvas.paste(colour, (0, 0), mask)
    for number, curve in enumerate(curves):
        colour = COLOURS[number % len(COLOURS)]
        pen.line([box.at(x, y) for x, y in zip(curve.x, curve.mean, strict=True)], fill=colour, width=2)
        pen.line([(LEFT + 8, TOP + 12 + 17 * number), (LEFT + 28, TOP + 12 + 17 * number)], fill=colour, width=3)
        pen.text((LEFT + 34, TOP + 4 + 17 * number), curve.name, fill=INK, font=_font())
    return np.asarray(canvas)


def plot_points(
    points: Float[np.ndarray, "points 2"], groups: Sequence[str], *, title: str, x_label: str, y_label: str
) -> Image:
    """Draws a map of points, coloured by group.

    Args:
        points: where they lie.
        groups: name of each point's group.
        title: above them.
        x_label: what x is.
        y_label: what y is.

    Returns:
        The picture.
    """
    canvas, pen = _blank(PANEL_WIDTH, PANEL_HEIGHT)
    box = _Box(
        x=(float(points[:, 0].min()), float(points[:, 0].max())),
        y=(float(points[:, 1].min()), float(points[:, 1].max())),
    )
    _axes(pen, box, title=title, x_label=x_label, y_label=y_label)
    names = list(dict.fromkeys(groups))
    for (x, y), group in zip(points, groups, strict=True):
        across, down = box.at(x, y)
        colour = COLOURS[names.index(group) % len(COLOURS)]
        pen.ellipse((across - 3, down - 3, across + 3, down + 3), fill=colour)
    for number, name in enumerate(names[: len(COLOURS)]):
        pen.text((LEFT + 8, TOP + 4 + 16 * number), name, fill=COLOURS[number], font=_font())
    return np.asarray(canvas)


def plot_heat_map(heat: HeatMap) -> Image:
    """Draws a matrix, dark for its largest value; the marked cell is framed."""
    rows, columns = heat.values.shape
    width, height = LABEL_PX + CELL_PX * columns + RIGHT, TOP + CELL_PX * rows + LABEL_PX
    canvas, pen = _blank(max(width, LABEL_PX + 10 * len(heat.title)), height)
    pen.text((8, 8), heat.title, fill=INK, font=_font())
    low, high = float(heat.values.min()), float(heat.values.max())
    for row in range(rows):
        for column in range(columns):
            share = (float(heat.values[row, column]) - low) / (high - low) if high > low else 0.0
            colour = tuple(round(float(part)) for part in LOW + share * (HIGH - LOW))
            x, y = LABEL_PX + CELL_PX * column, TOP + CELL_PX * row
            pen.rectangle((x, y, x + CELL_PX - 2, y + CELL_PX - 2), fill=colour)
            if (row, column) == heat.marked:
                pen.rectangle((x, y, x + CELL_PX - 2, y + CELL_PX - 2), outline=COLOURS[1], width=3)
        name = heat.row_names[row]
        pen.text((LABEL_PX - 6, TOP + CELL_PX * (row + 0.5)), name, fill=INK, font=_font(), anchor="rm")
    for column, name in enumerate(heat.column_names):
        label = PillowImage.new("RGB", (LABEL_PX - 6, CELL_PX), PAPER)
        ImageDraw.Draw(label).text((LABEL_PX - 8, CELL_PX / 2), name, fill=INK, font=_font(), anchor="rm")
        canvas.paste(label.rotate(90, expand=True), (LABEL_PX + CELL_PX * column, TOP + CELL_PX * rows + 4))
    return np.asarray(canvas)


def plot_strip(pictures: ImageBatch, captions: Sequence[str], *, title: str) -> Image:
    """Lays pictures side by side, each with a caption of a few lines below.

    Args:
        pictures: at least one, all of one size.
        captions: one each; lines are kept.
        title: above them.

    Returns:
        The picture.
    """
    _, height, width, _ = pictures.shape
    lines = max(caption.count("\n") + 1 for caption in captions)
    canvas, pen = _blank((width + 6) * len(pictures) + 10, TOP + height + 18 * lines + 12)
    pen.text((8, 8), title, fill=INK, font=_font())
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        x = 8 + (width + 6) * number
        canvas.paste(PillowImage.fromarray(picture), (x, TOP))
        pen.multiline_text((x, TOP + height + 4), caption, fill=INK, font=_font())
    return np.asarray(canvas)


def side_by_side(pictures: Sequence[Image]) -> Image:
    """Puts pictures of any size next to one another, their upper edges level."""
    height = max(len(picture) for picture in pictures)
    padded = [
        np.pad(picture, ((0, height - len(picture)), (0, 0), (0, 0)), constant_values=255) for picture in pictures
    ]
    return np.concatenate(padded, axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """Where numbers lie in a panel."""

    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / max(self.x[1] - self.x[0], 1e-9)
        up = (y - self.y[0]) / max(self.y[1] - self.y[0], 1e-9)
        return (
            LEFT + (PANEL_WIDTH - LEFT - RIGHT) * float(across),
            PANEL_HEIGHT - BOTTOM - (PANEL_HEIGHT - TOP - BOTTOM) * float(up),
        )


def _axes(pen: ImageDraw.ImageDraw, box: _Box, *, title: str, x_label: str, y_label: str) -> None:
    pen.text((LEFT, 8), title, fill=INK, font=_font())
    for tick in range(NUM_TICKS + 1):
        share = tick / NUM_TICKS
        x, y = box.x[0] + share * (box.x[1] - box.x[0]), box.y[0] + share * (box.y[1] - box.y[0])
        left, right = box.at(box.x[0], y), box.at(box.x[1], y)
        pen.line([left, right], fill=GRID)
        pen.text((LEFT - 6, left[1]), f"{y:.3g}", fill=INK, font=_font(), anchor="rm")
        pen.text((box.at(x, box.y[0])[0], PANEL_HEIGHT - BOTTOM + 10), f"{x:.3g}", fill=INK, font=_font(), anchor="mm")
    pen.text(((LEFT + PANEL_WIDTH) / 2, PANEL_HEIGHT - 12), x_label, fill=INK, font=_font(), anchor="mm")
    pen.text((PANEL_WIDTH - RIGHT, 8), y_label, fill=INK, font=_font(), anchor="ra")


def _blank(width: int, height: int) -> tuple[PillowImage.Image, ImageDraw.ImageDraw]:
    canvas = PillowImage.new("RGB", (width, height), PAPER)
    return canvas, ImageDraw.Draw(canvas)


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(FONT_SIZE)
