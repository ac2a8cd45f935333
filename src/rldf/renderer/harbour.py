"""Paints the harbour: boats, a lighthouse and a crane behind a stone quay."""

from rldf.renderer.brush import Brush
from rldf.renderer.skies import paint_sky
from rldf.renderer.skylines import paint_skyline


def paint_harbour(brush: Brush) -> None:
    """Paints deep blue water with sailing boats, a lighthouse and a crane before a stone quay."""
    horizon = paint_sky(brush)
    paint_skyline(brush)
    quay = brush.between(0.545, 0.57)
    brush.fade((horizon, quay), (brush.shade((30, 84, 150), 8), brush.shade((22, 62, 118), 8)))
    for _ in range(6):
        x, y = brush.between(0.0, 0.9), brush.between(horizon + 0.05, quay - 0.02)
        brush.line([(x, y), (x + 0.1, y)], (92, 146, 196), width=0.008)
    is_mirrored = brush.rng.random() < 0.5
    side = [brush.between(0.08, 0.14), brush.between(0.78, 0.86)]
    if is_mirrored:
        side = [1 - x for x in side]
    _lighthouse(brush, side[0])
    _crane(brush, side[1], reach=0.2 if is_mirrored else -0.2)
    for x in (brush.between(0.28, 0.4), brush.between(0.5, 0.62)):
        _sailing_boat(brush, x, size=brush.between(0.2, 0.24) * brush.lowered(0.75))
    brush.ground(quay, (brush.shade((176, 156, 136), 6), brush.shade((146, 124, 104), 6)), snow=0.76)
    joint, kerb = brush.snowed(brush.shade((122, 102, 86), 4), 0.55), brush.snowed((206, 190, 168), 0.85)
    brush.rays(quay, pitch=0.3, widths=(0.004, 0.008), colour=joint)
    for y in (0.68, 0.83):
        brush.line([(0.0, y), (1.0, y)], joint, width=0.009)
    brush.rectangle((0.0, quay, 1.0, quay + 0.022), kerb)
    for x in (brush.between(0.1, 0.3), brush.between(0.7, 0.9)):
        brush.rectangle((x - 0.018, quay - 0.035, x + 0.018, quay + 0.012), (50, 52, 60))
        brush.rounded((x - 0.03, quay - 0.05, x + 0.03, quay - 0.028), (50, 52, 60), radius=0.01)


def _sailing_boat(brush: Brush, x: float, *, size: float) -> None:
    """Paints a boat with two sails, afloat."""
    water, hull = brush.horizon + 0.05, brush.shade((178, 58, 46), 14)
    top, half = water - 1.25 * size, 0.42 * size
    brush.rectangle((x - 0.006, top, x + 0.006, water - 0.02), (110, 82, 60))
    brush.polygon([(x + 0.012, top + 0.01), (x + 0.012, water - 0.045), (x + half, water - 0.045)], (252, 250, 242))
    brush.polygon(
        [(x - 0.012, top + 0.05), (x - 0.012, water - 0.045), (x - 0.75 * half, water - 0.045)], (238, 224, 196)
    )
    brush.polygon(
        [
            (x - half, water - 0.03),
            (x + half, water - 0.03),
            (x + 0.65 * half, water + 0.02),
            (x - 0.65 * half, water + 0.02),
        ],
        hull,
    )


def _lighthouse(brush: Brush, x: float) -> None:
    """Paints a red and white lighthouse on a low pier."""
    foot, height = brush.horizon + 0.02, 0.29 * brush.lowered(0.8)
    brush.rectangle((x - 0.16, foot - 0.012, x + 0.16, foot + 0.022), brush.snowed((112, 104, 104), 0.4))
    red = brush.shade((218, 52, 50), 6)
    for band in range(5):
        low, high = band / 6, (band + 1) / 6
        wide, slim = 0.052 - 0.026 * low, 0.052 - 0.026 * high
        corners = [(x - wide, foot - low * height), (x - slim, foot - high * height)]
        colour = (250, 248, 244) if band % 2 else red
        brush.polygon([*corners, (x + slim, foot - high * height), (x + wide, foot - low * height)], colour)
    top = foot - 5 / 6 * height
    brush.rectangle((x - 0.04, top - 0.008, x + 0.04, top + 0.006), (60, 60, 70))
    brush.rectangle((x - 0.02, top - 0.04, x + 0.02, top - 0.008), (255, 226, 120))
    brush.polygon([(x - 0.034, top - 0.036), (x, top - 0.072), (x + 0.034, top - 0.036)], red)


def _crane(brush: Brush, x: float, *, reach: float) -> None:
    """Paints a yellow harbour crane that reaches over the water."""
    foot, yellow = brush.horizon + 0.03, brush.shade((240, 176, 40), 8)
    height = 0.27 * brush.lowered(0.75)
    brush.rectangle((x - 0.15, foot - 0.008, x + 0.15, foot + 0.02), brush.snowed((112, 104, 104), 0.4))
    for leg in (-0.055, 0.055):
        brush.line([(x + leg, foot), (x + 0.5 * leg, foot - 0.6 * height)], yellow, width=0.02)
    brush.rectangle((x - 0.05, foot - 0.75 * height, x + 0.05, foot - 0.52 * height), (48, 92, 160))
    tip = x + reach, foot - 1.15 * height
    brush.line([(x, foot - 0.6 * height), tip], yellow, width=0.024)
    brush.line(
        [tip, (x - 0.25 * reach, foot - 0.95 * height), (x - 0.12 * reach, foot - 0.6 * height)], yellow, width=0.012
    )
    brush.line([tip, (tip[0], foot - 0.55 * height)], (60, 60, 66), width=0.008)
