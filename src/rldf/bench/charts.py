"""Line charts as inline SVG, for a page that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log2

WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 190, 16, 44
COLOURS = ("#0b6e4f", "#c1440e", "#22577a", "#8e44ad", "#b8860b", "#d6336c", "#495057", "#2f9e44", "#1864ab", "#e8590c")
DASHES = ("", "6 3", "2 3")
NUM_TICKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One curve.

    Attributes:
        name: what the legend says.
        points: x and y, x rising.
    """

    name: str
    points: tuple[tuple[float, float], ...]


def line_chart(
    lines: Sequence[Line], *, x_label: str, y_label: str, is_log: bool, y_range: tuple[float, float] = (0.0, 1.0)
) -> str:
    """Draws curves with a legend.

    Args:
        lines: at least one, each with a point.
        x_label: what x is.
        y_label: what y is.
        is_log: True for a logarithmic x.
        y_range: lowest and highest y shown.

    Returns:
        An `<svg>` element.
    """
    xs = sorted({x for line in lines for x, _ in line.points})

    def place_x(x: float) -> float:
        low, high = (log2(xs[0]), log2(xs[-1])) if is_log else (xs[0], xs[-1])
        value = log2(x) if is_log else x
        return LEFT + (WIDTH - LEFT - RIGHT) * ((value - low) / (high - low) if high > low else 0.5)

    def place_y(y: float) -> float:
        share = (min(max(y, y_range[0]), y_range[1]) - y_range[0]) / (y_range[1] - y_range[0])
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(y_label)} by {escape(x_label)}">']
    ticks = xs if len(xs) <= 2 * NUM_TICKS else xs[:: -(-len(xs) // (2 * NUM_TICKS))]
    parts += [f'<text x="{place_x(x):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:g}</text>' for x in ticks]
    for tick in range(NUM_TICKS + 1):
        y = y_range[0] + (y_range[1] - y_range[0]) * tick / NUM_TICKS
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{place_y(y):.1f}" y2="{place_y(y):.1f}" class="grid"/>'
            f'<text x="{LEFT - 6}" y="{place_y(y) + 4:.1f}" text-anchor="end">{y:.2g}</text>'
        )
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        dash = DASHES[number // len(COLOURS) % len(DASHES)]
        way = " ".join(f"{place_x(x):.1f},{place_y(y):.1f}" for x, y in line.points)
        style = f'stroke="{colour}" stroke-dasharray="{dash}"'
        height = TOP + 12 * (number + 1)
        parts.append(
            f'<polyline points="{way}" fill="none" stroke-width="2" {style}>'
            f"<title>{escape(line.name)}</title></polyline>"
            f'<line x1="{WIDTH - RIGHT + 10}" x2="{WIDTH - RIGHT + 34}" y1="{height - 4}" y2="{height - 4}" '
            f'stroke-width="2" {style}/>'
            f'<text x="{WIDTH - RIGHT + 40}" y="{height}">{escape(line.name)}</text>'
        )
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>'
        f'<text x="14" y="{(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" '
        f'transform="rotate(-90 14 {(TOP + HEIGHT - BOTTOM) / 2})">{escape(y_label)}</text></svg>'
    )
    return "".join(parts)
