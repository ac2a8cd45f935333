"""Charts as inline SVG, drawn by hand; colours come from the page's style sheet, so they follow dark mode."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from statistics import fmean
from xml.etree import ElementTree as ET

from markupsafe import Markup

from rldf.web.stored_run import AxisResult, StoredTry, Summary
from rldf.web.wording import amount, number

_WIDTH, _HEIGHT = 460.0, 250.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 12.0, 12.0, 40.0
_NUM_TICKS = 5
_STEPS_OF_A_DECADE = (1.0, 2.0, 5.0, 10.0)
_MANY_POINTS = 150
_WINDOWS = 25
_ROW_HEIGHT = 34.0
_LABEL_WIDTH = 118.0
_LINES = {"found": "best-line", "try": "walk-line", "start": "start-line"}


def nice_ticks(low: float, high: float, *, num_ticks: int = _NUM_TICKS) -> list[float]:
    """Chooses round numbers that cover a range.

    Args:
        low: smallest value shown.
        high: largest value shown.
        num_ticks: about how many are wanted, at least 2.

    Returns:
        Evenly spaced numbers, the first at or below low, the last at or above high.

    Example:
        >>> nice_ticks(0.0, 1.0)
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if high <= low:
        high = low + 1
    raw = (high - low) / num_ticks
    decade = 10.0 ** floor(log10(raw))
    gap = next(step * decade for step in _STEPS_OF_A_DECADE if step * decade >= raw * 0.999)
    first, last = floor(low / gap + 1e-9), ceil(high / gap - 1e-9)
    return [round(index * gap, 10) for index in range(first, last + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plane:
    """Turns values into pixels."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, value: float) -> float:
        span = max(self.x_high - self.x_low, 1.0)
        return round(_LEFT + (value - self.x_low) / span * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.y_low) / (self.y_high - self.y_low)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def reward_chart(steps: Sequence[StoredTry]) -> Markup:
    """Draws the reward of every try, the best so far as a line, validation tries as diamonds.

    Args:
        steps: all tries of the run, search and validation.

    Returns:
        An svg element; empty where no try has a reward.
    """
    scored = [(step, step.reward) for step in steps if step.reward is not None]
    if not scored:
        return Markup("")
    rewards = [reward for _, reward in scored]
    ticks = nice_ticks(min(rewards), max(rewards))
    plane = _Plane(x_low=_first(steps), x_high=_last(steps), y_low=ticks[0], y_high=ticks[-1])
    searched = [(step, reward) for step, reward in scored if step.phase == "search"]
    svg = _frame(plane, y_ticks=ticks, title=f"Reward of {len(scored)} tries, best {number(max(rewards))}")
    best = float("-inf")
    points: list[tuple[float, float]] = []
    for step, reward in searched:
        if points:
            points.append((plane.x(float(step.step)), plane.y(best)))
        best = max(best, reward)
        points.append((plane.x(float(step.step)), plane.y(best)))
    if points:
        _path(svg, points, style="line best-line")
    _dots(svg, plane, searched)
    for step, reward in scored:
        if step.phase == "validation":
            _diamond(svg, x=plane.x(float(step.step)), y=plane.y(reward), hint=_hint(step, f"reward {number(reward)}"))
    return _markup(svg)


def distance_chart(steps: Sequence[StoredTry]) -> Markup:
    """Draws how many moves each search try was away from what was read in the input.

    Args:
        steps: all tries of the run.

    Returns:
        An svg element; empty where no try has a distance.
    """
    far = [(step, step.distance) for step in steps if step.distance is not None and step.phase == "search"]
    if not far:
        return Markup("")
    ticks = nice_ticks(0.0, max(2.0, *(distance for _, distance in far)))
    ticks = [tick for tick in ticks if tick.is_integer()]
    plane = _Plane(x_low=_first(steps), x_high=_last(steps), y_low=0.0, y_high=max(ticks[-1], *(d for _, d in far)))
    nearest = min(distance for _, distance in far)
    svg = _frame(plane, y_ticks=ticks, title=f"Distance in moves, nearest {amount(nearest)}")
    _dots(svg, plane, far, unit="moves from the reading")
    means = rolling_means([distance for _, distance in far], window=rolling_window(len(far)))
    points = [(plane.x(float(step.step)), plane.y(mean)) for (step, _), mean in zip(far, means, strict=True)]
    _path(svg, points, style="line walk-line")
    return _markup(svg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line of a chart.

    Attributes:
        points: x and y, in order of x.
        style: "found", "try" or "start": its colour.
        hints: what each point says when it is pointed at.
        marks: places among the points that are drawn as diamonds.
    """

    points: tuple[tuple[float, float], ...]
    style: str
    hints: tuple[str, ...]
    marks: frozenset[int] = frozenset()


def curve_chart(curves: Sequence[Curve], *, title: str, x_label: str) -> Markup:
    """Draws lines with a dot at every point.

    Args:
        curves: those without points are left out.
        title: what the chart shows, for those who cannot see it.
        x_label: what x counts.

    Returns:
        An svg element; empty where there is no point.
    """
    shown = [curve for curve in curves if curve.points]
    if not shown:
        return Markup("")
    across = [x for curve in shown for x, _ in curve.points]
    upward = [y for curve in shown for _, y in curve.points]
    ticks = nice_ticks(min(upward), max(upward))
    plane = _Plane(x_low=min(0.0, *across), x_high=max(across), y_low=ticks[0], y_high=ticks[-1])
    svg = _frame(plane, y_ticks=ticks, title=title, x_label=x_label)
    for curve in shown:
        places = [(plane.x(x), plane.y(y)) for x, y in curve.points]
        _path(svg, places, style=f"line {_LINES[curve.style]}")
        for number_of, ((x, y), hint) in enumerate(zip(places, curve.hints, strict=True)):
            if number_of in curve.marks:
                _diamond(svg, x=x, y=y, hint=hint)
            else:
                _circle(svg, x=x, y=y, radius=3.5, style=f"dot {curve.style}", hint=hint)
    return _markup(svg)


def rolling_window(num_steps: int) -> int:
    """How many tries the line of the distance chart averages over: one, and more only in long runs."""
    return num_steps // _WINDOWS if num_steps > _MANY_POINTS else 1


def rolling_means(values: Sequence[float], *, window: int) -> list[float]:
    """The mean of the last values at every place; fewer at the beginning.

    Args:
        values: in order.
        window: how many, at least 1.

    Returns:
        As many means as values.

    Example:
        >>> rolling_means([2.0, 4.0, 6.0], window=2)
        [2.0, 3.0, 5.0]
    """
    return [fmean(values[max(0, end - window) : end]) for end in range(1, len(values) + 1)]


def score_chart(summary: Summary) -> Markup:
    """Draws the score of the words found and of the start, each with its 95 % interval, from 0 to 1.

    Args:
        summary: of a finished run.

    Returns:
        An svg element; empty where nothing was measured.
    """
    rows = (("these words", summary.score, "found"), ("the start", summary.start_score, "start"))
    measured = [(label, score, style) for label, score, style in rows if score.value is not None]
    if not measured:
        return Markup("")
    title = "; ".join(f"{label} {number(score.value)}" for label, score, _ in measured)
    svg = _row_frame(len(measured), title=f"Scores from 0 to 1: {title}")
    for row, (label, score, style) in enumerate(measured):
        y = _row_y(row)
        _text(svg, label, x=0.0, y=y + 4, style="row-label")
        assert score.value is not None
        if score.low is not None and score.high is not None:
            _line(svg, x1=_share_x(score.low), y1=y, x2=_share_x(score.high), y2=y, style=f"interval {style}")
        _circle(svg, x=_share_x(score.value), y=y, radius=6.0, style=f"dot {style}", hint=f"{label}: {score.value:.3f}")
    return _markup(svg)


def judge_chart(axes: Mapping[str, AxisResult]) -> Markup:
    """Draws, axis by axis, how sure scorer B is of the pictures of the start and of the words found.

    Args:
        axes: axis id to its result.

    Returns:
        An svg element; empty where nothing was measured.
    """
    measured = {axis: result for axis, result in axes.items() if result.found is not None}
    if not measured:
        return Markup("")
    title = "; ".join(f"{axis} {number(r.start)} to {number(r.found)}" for axis, r in measured.items())
    svg = _row_frame(len(measured), title=f"Agreement axis by axis, start to found: {title}")
    for row, (axis, result) in enumerate(measured.items()):
        y = _row_y(row)
        _text(svg, axis, x=0.0, y=y + 4, style="row-label")
        assert result.found is not None
        if result.start is not None:
            _line(svg, x1=_share_x(result.start), y1=y, x2=_share_x(result.found), y2=y, style="interval found")
            hint = f"{axis}, start: {result.start:.3f}"
            _circle(svg, x=_share_x(result.start), y=y, radius=6.0, style="dot start", hint=hint)
        hint = f"{axis}, found: {result.found:.3f}"
        _circle(svg, x=_share_x(result.found), y=y, radius=6.0, style="dot found", hint=hint)
    return _markup(svg)


def _first(steps: Iterable[StoredTry]) -> float:
    return float(min(step.step for step in steps))


def _last(steps: Iterable[StoredTry]) -> float:
    return float(max(step.step for step in steps))


def _svg(*, width: float, height: float, title: str) -> ET.Element:
    svg = ET.Element("svg", {"class": "chart", "viewBox": f"0 0 {width:g} {height:g}", "role": "img"})
    svg.set("aria-label", title)
    return svg


def _frame(plane: _Plane, *, y_ticks: Sequence[float], title: str, x_label: str = "try") -> ET.Element:
    svg = _svg(width=_WIDTH, height=_HEIGHT, title=title)
    gap = y_ticks[1] - y_ticks[0]
    decimals = 0 if all(tick.is_integer() for tick in y_ticks) else max(1, ceil(-log10(gap) - 1e-9))
    for tick in y_ticks:
        _line(svg, x1=_LEFT, y1=plane.y(tick), x2=_WIDTH - _RIGHT, y2=plane.y(tick), style="grid")
        _text(svg, number(tick, decimals=decimals), x=_LEFT - 6, y=plane.y(tick) + 4, style="tick end")
    x_ticks = [tick for tick in nice_ticks(plane.x_low, plane.x_high) if tick.is_integer()]
    for tick in x_ticks:
        if plane.x_low <= tick <= plane.x_high:
            _text(svg, amount(tick), x=plane.x(tick), y=_HEIGHT - _BOTTOM + 17, style="tick middle")
    _text(svg, x_label, x=_WIDTH - _RIGHT, y=_HEIGHT - 6, style="axis-label end")
    return svg


def _row_frame(num_rows: int, *, title: str) -> ET.Element:
    svg = _svg(width=_WIDTH, height=num_rows * _ROW_HEIGHT + 26.0, title=title)
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        _line(svg, x1=_share_x(tick), y1=4.0, x2=_share_x(tick), y2=num_rows * _ROW_HEIGHT + 6, style="grid")
        label = f"{tick:g}"
        _text(svg, label, x=_share_x(tick), y=num_rows * _ROW_HEIGHT + 22, style="tick middle")
    return svg


def _row_y(row: int) -> float:
    return (row + 0.5) * _ROW_HEIGHT + 4


def _share_x(share: float) -> float:
    return round(_LABEL_WIDTH + min(max(share, 0.0), 1.0) * (_WIDTH - _LABEL_WIDTH - _RIGHT), 1)


def _hint(step: StoredTry, fact: str) -> str:
    return f"try {step.step}, {fact}: {step.sentence}"


def _dots(svg: ET.Element, plane: _Plane, values: Sequence[tuple[StoredTry, float]], *, unit: str = "") -> None:
    radius = 4.0
    if len(values) > _MANY_POINTS:
        radius = 2.4
        svg.set("class", "chart many")
    for step, value in values:
        fact = f"{amount(value)} {unit}" if unit else f"reward {number(value)}"
        style = "dot try" if step.is_new_render else "dot try again"
        _circle(svg, x=plane.x(float(step.step)), y=plane.y(value), radius=radius, style=style, hint=_hint(step, fact))


def _circle(svg: ET.Element, *, x: float, y: float, radius: float, style: str, hint: str) -> None:
    circle = ET.SubElement(svg, "circle", {"class": style, "cx": f"{x:g}", "cy": f"{y:g}", "r": f"{radius:g}"})
    ET.SubElement(circle, "title").text = hint


def _diamond(svg: ET.Element, *, x: float, y: float, hint: str) -> None:
    corners = f"{x:g},{y - 5:g} {x + 5:g},{y:g} {x:g},{y + 5:g} {x - 5:g},{y:g}"
    ET.SubElement(ET.SubElement(svg, "polygon", {"class": "validation", "points": corners}), "title").text = hint


def _line(svg: ET.Element, *, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
    ends = {"x1": f"{x1:g}", "y1": f"{y1:g}", "x2": f"{x2:g}", "y2": f"{y2:g}"}
    ET.SubElement(svg, "line", {"class": style, **ends})


def _path(svg: ET.Element, points: Iterable[tuple[float, float]], *, style: str) -> None:
    ET.SubElement(svg, "polyline", {"class": style, "points": " ".join(f"{x:g},{y:g}" for x, y in points)})


def _text(svg: ET.Element, text: str, *, x: float, y: float, style: str) -> None:
    ET.SubElement(svg, "text", {"class": style, "x": f"{x:g}", "y": f"{y:g}"}).text = text


def _markup(svg: ET.Element) -> Markup:
    return Markup(ET.tostring(svg, encoding="unicode"))  # ElementTree has escaped every text
