"""Figures for a document: curves with bands, heat maps, maps of points, strips; needs the extra `rldf[bench]`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from rldf.arrays import Image, ImageBatch
from rldf.errors import MissingExtraError

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.collections
    import matplotlib.figure

DPI = 150
WIDTH = 9.0  # inches, as every length here
COLOURS = (  # the first seven of Okabe and Ito, the others of Tol: told apart by all eyes
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#882255", "#888888", "#332288",
)  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "*", ">")
DASHES = ("-", "--", "-.", ":")
FRAME = "#D55E00"
BAND_OPACITY = 0.18
MARKS_PER_CURVE = 10
MANY_NAMES = 12  # beyond which names are written small
LONG_LEGEND = 60  # letters that fit in one line
STYLE = {
    "figure.dpi": DPI,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "figure.constrained_layout.wspace": 0.05,
    "grid.color": "#DDDDDD",
}


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
class CurvePanel:
    """Curves that share axes.

    Attributes:
        title: above them; "" for none.
        curves: at least one.
    """

    title: str
    curves: Sequence[Curve]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointMap:
    """Points on a plane, each of a group.

    Attributes:
        title: of the legend: what the groups are.
        points: where they lie.
        groups: name of each point's group.
        names: of all groups, in the legend's order.
    """

    title: str
    points: Float[np.ndarray, "points 2"]
    groups: Sequence[str]
    names: Sequence[str]


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


def require_matplotlib() -> None:
    """Checks that figures can be drawn.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtraError(
            "the paper's figures need the package 'matplotlib', which is not installed. "
            "Install it with: pip install 'rldf[bench]'."
        )


@contextmanager
def _style() -> Iterator[None]:
    """Sets matplotlib's own defaults and ours, whatever the user's settings are, and puts them back."""
    require_matplotlib()
    import matplotlib.style

    with matplotlib.style.context(STYLE, after_reset=True):
        yield


@_style()
def draw_curves(panels: Sequence[CurvePanel], *, title: str, x_label: str, y_label: str) -> "matplotlib.figure.Figure":
    """Draws panels side by side with one scale of y, and one legend below them.

    Args:
        panels: at least one, all with curves of the same names in the same order.
        title: above them.
        x_label: what x counts.
        y_label: what y counts.

    Returns:
        The figure.
    """
    figure = _new_figure(WIDTH, 3.6 if len(panels) > 1 else 4.4, title=title)
    every_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(every_axes, panels, strict=True):
        for number, curve in enumerate(panel.curves):
            colour = COLOURS[number % len(COLOURS)]
            axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=BAND_OPACITY, linewidth=0)
            axes.plot(
                curve.x,
                curve.mean,
                color=colour,
                linestyle=DASHES[number % len(DASHES)],
                marker=MARKERS[number % len(MARKERS)],
                markersize=4,
                markevery=ceil(len(curve.x) / MARKS_PER_CURVE),
                label=curve.name,
                clip_on=False,
            )
        axes.set_title(panel.title)
        axes.set_xlabel(x_label)
        axes.set_xlim(0, max(float(curve.x[-1]) for curve in panel.curves))
        axes.locator_params(nbins=6, steps=(1, 2, 5, 10), integer=True)
        axes.grid(visible=True, axis="y")
    lowest = min(float(curve.low.min()) for panel in panels for curve in panel.curves)
    every_axes[0].set_ylim(bottom=min(0.0, lowest))
    every_axes[0].set_ylabel(y_label)
    handles, names = every_axes[0].get_legend_handles_labels()
    num_columns = 4 if sum(len(name) for name in names) < LONG_LEGEND else 2
    figure.legend(handles, names, loc="outside lower center", ncols=num_columns)
    return figure


@_style()
def draw_heat_maps(
    heats: Sequence[HeatMap], *, title: str, row_label: str, column_label: str, value_label: str
) -> "matplotlib.figure.Figure":
    """Draws matrices of the same rows and columns side by side, dark for the largest value of each.

    Args:
        heats: at least one; only the first is given the rows' names.
        title: above them.
        row_label: what the rows are.
        column_label: what the columns are.
        value_label: what the values are, with their unit.

    Returns:
        The figure.
    """
    num_rows = len(heats[0].row_names)
    figure = _new_figure(WIDTH, 1.7 + 0.25 * num_rows, title=title)
    every_axes = figure.subplots(1, len(heats), sharey=True, squeeze=False)[0]
    for axes, heat in zip(every_axes, heats, strict=True):
        mesh = _fill(axes, heat, colours="Blues")
        axes.set_xlabel(column_label)
        bar = figure.colorbar(mesh, ax=axes, label=value_label)
        bar.ax.locator_params(nbins=5)
    every_axes[0].set_ylabel(row_label)
    return figure


@_style()
def draw_space(
    maps: Sequence[PointMap], heats: Sequence[HeatMap], *, title: str, labels: tuple[str, str], value_label: str
) -> "matplotlib.figure.Figure":
    """Draws maps of points one above the other, and beside them matrices of likeness between -1 and 1.

    Args:
        maps: at least one.
        heats: at least one.
        title: above all.
        labels: what x and y of the maps are.
        value_label: what the matrices' values are.

    Returns:
        The figure.
    """
    figure = _new_figure(WIDTH + 1, 6.4, title=title)
    left, right = figure.subfigures(1, 2, squeeze=False)[0]
    for axes, points in zip(left.subplots(len(maps), 1, squeeze=False)[:, 0], maps, strict=True):
        _scatter(axes, points, labels=labels)
    grid = right.subplots(ceil(len(heats) / 2), min(len(heats), 2), squeeze=False)
    for axes, heat in zip(grid.flat, heats, strict=False):
        mesh = _fill(axes, heat, colours="RdBu_r", limits=(-1.0, 1.0))
        axes.set_aspect("equal")
    for axes in grid.flat[len(heats) :]:
        axes.set_axis_off()
    right.colorbar(mesh, ax=grid, location="bottom", shrink=0.8, aspect=40, label=value_label)
    return figure


@_style()
def draw_strip(
    pictures: ImageBatch, *, captions: Sequence[str], rows: Mapping[str, Sequence[str]], title: str
) -> "matplotlib.figure.Figure":
    """Lays pictures side by side, each with a caption above it and a column of a table below it.

    Args:
        pictures: at least one, all of one size.
        captions: one each.
        rows: name of each row to its entries, one for each picture; what differs from the entry before is bold.
        title: above them.

    Returns:
        The figure.
    """
    left, gap, above, line = 0.85, 0.08, 0.75, 0.2
    side = min((WIDTH + 1 - left) / len(pictures) - gap, 1.6)
    width, height = max(left + (side + gap) * len(pictures), 6.0), above + side + line * (len(rows) + 0.8)
    figure = _new_figure(width, height, title=title)
    figure.set_layout_engine("none")
    lines = [1 - (above + side + line * (place + 0.8)) / height for place in range(len(rows))]
    for y, name in zip(lines, rows, strict=True):
        figure.text((left - gap) / width, y, name, ha="right", va="center", color="#555555")
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        x = left + (side + gap) * number
        axes = figure.add_axes((x / width, 1 - (above + side) / height, side / width, side / height))
        axes.imshow(picture)
        axes.set_axis_off()
        axes.set_title(caption, pad=4)
        for y, entries in zip(lines, rows.values(), strict=True):
            is_new = number > 0 and entries[number] != entries[number - 1]
            weight = "bold" if is_new else "normal"
            figure.text((x + side / 2) / width, y, entries[number], ha="center", va="center", weight=weight)
    return figure


@_style()
def picture_of(figure: "matplotlib.figure.Figure") -> Image:
    """Draws a figure as a picture; equal figures give equal pictures."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def _new_figure(width: float, height: float, *, title: str) -> "matplotlib.figure.Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def _scatter(axes: "matplotlib.axes.Axes", points: PointMap, *, labels: tuple[str, str]) -> None:
    groups = np.array(points.groups)
    for number, name in enumerate(points.names):
        x, y = points.points[groups == name].T
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        axes.scatter(x, y, s=16, color=colour, marker=marker, linewidths=0, alpha=0.8, label=name)
    axes.locator_params(nbins=5)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    legend = axes.legend(
        title=points.title, loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.2, alignment="left"
    )
    legend.get_title().set_fontweight("bold")


def _fill(
    axes: "matplotlib.axes.Axes", heat: HeatMap, *, colours: str, limits: tuple[float, float] | None = None
) -> "matplotlib.collections.QuadMesh":
    """Fills axes with a matrix, its first row at the top."""
    from matplotlib.patches import Rectangle

    low, high = (None, None) if limits is None else limits
    mesh = axes.pcolormesh(heat.values, cmap=colours, vmin=low, vmax=high, edgecolors="white", linewidth=1)
    rows, columns = heat.values.shape
    size = 9 if max(rows, columns) <= MANY_NAMES else 7
    axes.set_ylim(rows, 0)
    axes.set_xticks(np.arange(columns) + 0.5, heat.column_names, rotation=90, fontsize=size)
    axes.set_yticks(np.arange(rows) + 0.5, heat.row_names, fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(heat.title)
    if heat.marked is not None:
        row, column = heat.marked
        axes.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=FRAME, linewidth=2.5, clip_on=False))
    return mesh
