"""What the figures show: axes, lines, labels; and that they are the same to the byte."""

import matplotlib as mpl
import numpy as np
from matplotlib.patches import Rectangle

from rldf.bench.plots import (
    COLOURS,
    MARKERS,
    Curve,
    CurvePanel,
    HeatMap,
    PointMap,
    draw_curves,
    draw_heat_maps,
    draw_space,
    draw_strip,
    picture_of,
)

X = np.array([4.0, 8.0, 96.0])


def panel(title: str) -> CurvePanel:
    curves = [Curve(name=name, x=X, mean=X / 8 + k, low=X / 9 + k, high=X / 7 + k) for k, name in enumerate("ab")]
    return CurvePanel(title=title, curves=curves)


def heat(values: np.ndarray, marked: tuple[int, int] | None = None) -> HeatMap:
    rows, columns = (
        tuple(f"{kind}{place}" for place in range(size)) for kind, size in zip("rc", values.shape, strict=True)
    )
    return HeatMap(title="t", values=values, row_names=rows, column_names=columns, marked=marked)


def test_curves__share_y_and_have_one_legend_outside() -> None:
    figure = draw_curves([panel("one"), panel("two")], title="T", x_label="steps", y_label="moves")
    picture_of(figure)
    left, right = figure.axes
    assert left.get_ylim() == right.get_ylim()
    assert left.get_ylim()[0] == 0.0
    assert [len(axes.lines) for axes in figure.axes] == [2, 2]
    assert (left.get_xlabel(), left.get_ylabel(), right.get_title()) == ("steps", "moves", "two")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]
    assert not any(legend.get_window_extent().overlaps(axes.get_window_extent()) for axes in figure.axes)


def test_curves__have_round_ticks_within_the_picture() -> None:
    figure = draw_curves([panel("")], title="T", x_label="steps", y_label="moves")
    height, width, _ = picture_of(figure).shape
    (axes,) = figure.axes
    assert [tick for tick in axes.get_xticks() if tick <= X[-1]] == [0, 20, 40, 60, 80]
    box = axes.get_tightbbox()
    assert box is not None
    assert 0 <= box.x0 <= box.x1 <= width
    assert 0 <= box.y0 <= box.y1 <= height


def test_heat_maps__are_dark_where_values_are_large_and_frame_the_target() -> None:
    values = np.array([[0.0, 1.0], [0.5, 0.2]])
    figure = draw_heat_maps(
        [heat(values, marked=(0, 1)), heat(values)],
        title="T",
        row_label="object",
        column_label="scene",
        value_label="v",
    )
    picture = picture_of(figure)
    first, second, *bars = figure.axes
    assert len(bars) == 2
    assert [text.get_text() for text in first.get_yticklabels()] == ["r0", "r1"]
    frames = [[patch.get_xy() for patch in axes.patches if isinstance(patch, Rectangle)] for axes in (first, second)]
    assert frames == [[(1, 0)], []]

    def brightness(row: int, column: int) -> int:
        x, y = second.transData.transform((column + 0.5, row + 0.5))
        return int(picture[len(picture) - 1 - int(y), int(x)].astype(int).sum())

    assert brightness(0, 1) < brightness(1, 0) < brightness(1, 1) < brightness(0, 0)


def test_heat_maps__of_one_value_are_drawn() -> None:
    figure = draw_heat_maps([heat(np.ones((3, 2)))], title="T", row_label="r", column_label="c", value_label="v")
    assert picture_of(figure).std() > 0


def test_space__names_every_group_and_tells_them_apart() -> None:
    names = [f"term{place}" for place in range(10)]
    points = PointMap(title="object", points=np.arange(20.0).reshape(10, 2), groups=names, names=names)
    figure = draw_space([points, points], [heat(np.eye(3))] * 3, title="T", labels=("x", "y"), value_label="v")
    upper = figure.axes[0]
    legend = upper.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == names
    assert len({(COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]) for k in range(len(names))}) == len(names)
    picture_of(figure)
    assert not legend.get_window_extent().overlaps(upper.get_window_extent())


def test_strip__marks_what_changed() -> None:
    pictures = np.zeros((3, 8, 8, 3), dtype=np.uint8)
    rows = {"object": ["cow", "dog", "dog"], "scene": ["farm", "farm", "park"]}
    figure = draw_strip(pictures, captions=["2 moves", "1 move", "at the goal"], rows=rows, title="T")
    assert [axes.get_title() for axes in figure.axes] == ["2 moves", "1 move", "at the goal"]
    assert {text.get_text() for text in figure.texts if text.get_fontweight() == "bold"} == {"T", "dog", "park"}


def test_pictures__are_the_same_twice_whatever_the_users_settings() -> None:
    def draw() -> bytes:
        return picture_of(draw_curves([panel("p")], title="T", x_label="x", y_label="y")).tobytes()

    first = draw()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert draw() == first
        assert mpl.rcParams["font.size"] == 30
