"""Redraws a whole picture as a pencil sketch, a watercolour, an oil painting or pixel art."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Float32, Int32, UInt8
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from rldf.arrays import frozen
from rldf.errors import UnknownTermError, did_you_mean

STYLES = ("photo", "sketch", "watercolour", "oil painting", "pixel art")
"""Terms of the style axis; a "photo" is the picture as it was drawn."""

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # red, green and blue as an eye weighs them
_VARIANTS = 8  # canvases of strokes kept for each size; mirrored and turned they are 32

# All colours and strengths below are our choice, made by looking at pictures of every scene.
_PAPER = np.array([250, 247, 240], dtype=np.float32)
_GRAPHITE = np.array([52, 50, 54], dtype=np.float32)
_HATCHING_PX = 64  # hatching is made this much larger than the picture and shifted
_LEVEL = 42.5  # distance of neighbouring brightnesses of a channel in pixel art
_BLOCKS = 64  # pixel art has at least as many blocks across: with fewer, faces lose their mouths


def apply_style(
    picture: UInt8[np.ndarray, "height width 3"], style: str, *, rng: np.random.Generator
) -> UInt8[np.ndarray, "height width 3"]:
    """Redraws a picture in a style.

    Args:
        picture: RGB, 0 to 255.
        style: a term of `STYLES`.
        rng: places hatching, washes and strokes.

    Returns:
        The picture in that style, RGB, 0 to 255; as a "photo" the picture itself.

    Raises:
        UnknownTermError: if there is no such style.
    """
    match style:
        case "photo":
            return picture
        case "sketch":
            return _sketch(picture, rng=rng)
        case "watercolour":
            return _watercolour(picture, rng=rng)
        case "oil painting":
            return _oil_painting(picture, rng=rng)
        case "pixel art":
            return _pixel_art(picture)
        case _:
            raise UnknownTermError(
                f"axis 'style' cannot draw '{style}'. It has: {', '.join(STYLES)}. "
                f"Choose one of these.{did_you_mean(style, STYLES)}"
            )


def _sketch(
    picture: UInt8[np.ndarray, "height width 3"], *, rng: np.random.Generator
) -> UInt8[np.ndarray, "height width 3"]:
    """Draws dark pencil lines along edges, and hatching where the picture is dark."""
    height, width = picture.shape[:2]
    unit = height / 128
    image = Image.fromarray(picture)
    around = image.filter(ImageFilter.GaussianBlur(1.5 * unit))
    darker = ImageChops.subtract(around, image.filter(ImageFilter.GaussianBlur(0.4 * unit)))
    lines = np.clip((_largest(darker) - 6) / 30, 0, 1)
    tone = 1 - np.asarray(around.convert("L"), dtype=np.float32) / 255
    one_way, other_way = _hatching(height, width)
    top, left = rng.integers(0, _HATCHING_PX, size=2).tolist()
    light = one_way[top : top + height, left : left + width] * np.clip(3.2 * tone - 1.1, 0, 1)
    heavy = other_way[top : top + height, left : left + width] * np.clip(4.5 * tone - 2.7, 0, 1)
    dark = np.clip(0.28 * tone + 0.26 * light + 0.30 * heavy + 0.9 * lines, 0, 1)[..., None]
    return _as_bytes(_PAPER + (_GRAPHITE - _PAPER) * dark)


def _watercolour(
    picture: UInt8[np.ndarray, "height width 3"], *, rng: np.random.Generator
) -> UInt8[np.ndarray, "height width 3"]:
    """Lays pale washes with wavering, pigmented edges and tide marks on white paper."""
    height, width = picture.shape[:2]
    mirror = _mirroring(rng)
    source, strength = _wash(height, width, int(rng.integers(_VARIANTS)))
    wavering = picture[mirror].reshape(-1, 3)[source]
    image = Image.fromarray(wavering)
    around = image.filter(ImageFilter.GaussianBlur(2.0 * height / 128))
    detail, soft = wavering.astype(np.float32), _as_float(around)
    unlike = _largest(ImageChops.difference(image, around))[..., None]
    wash = soft + (detail - soft) * np.clip((unlike - 6) / 16, 0, 1)
    rims = np.clip(soft - detail - 4, 0, 40)
    grey = wash @ _LUMA[:, None]
    ink = (_PAPER - grey - 1.25 * (wash - grey)) * 0.66 + 0.5 * rims
    return np.ascontiguousarray(_as_bytes(_PAPER - np.maximum(ink, 0) * strength)[mirror])


def _oil_painting(
    picture: UInt8[np.ndarray, "height width 3"], *, rng: np.random.Generator
) -> UInt8[np.ndarray, "height width 3"]:
    """Paints swirling strokes; where a stroke would hide a detail, the detail shows through."""
    height, width = picture.shape[:2]
    mirror = _mirroring(rng)
    source, relief = _strokes(height, width, int(rng.integers(_VARIANTS)))
    original = picture[mirror].astype(np.float32)
    stroke = original.reshape(-1, 3)[source]
    red, green, blue = np.moveaxis(np.abs(stroke - original), 2, 0)
    unlike = np.maximum(np.maximum(red, green), blue)[..., None]
    # In fog or at night details are faint: there a smaller difference is a detail.
    faintness = min(1.0, max(0.35, float((original @ _LUMA).std()) / 55))
    share = np.clip((38 * faintness - unlike) / (18 * faintness), 0, 1)
    painted = original + (stroke - original) * share
    grey = painted @ _LUMA[:, None]
    painted = grey + 1.35 * (painted - grey)
    painted = (painted - 128) * 1.06 + 128
    return np.ascontiguousarray(_as_bytes(painted + relief)[mirror])


def _pixel_art(picture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
    """Builds a picture from square blocks in few colours; dark lines outweigh what is around them."""
    height, width = picture.shape[:2]
    part = max(1, round(height / (2 * _BLOCKS)))
    parts = np.asarray(Image.fromarray(picture).reduce(part))
    parts = np.pad(parts, ((0, parts.shape[0] % 2), (0, parts.shape[1] % 2), (0, 0)), mode="edge")
    one, two, three, four = (parts[row::2, column::2] for row in (0, 1) for column in (0, 1))
    # Between the darkest and the second darkest of four: a line of one part's width is kept, a single part fades.
    least, most = np.minimum, np.maximum
    second = least(most(least(one, two), least(three, four)), least(most(one, two), most(three, four)))
    darkest = least(least(one, two), least(three, four))
    dark = (darkest + second.astype(np.float32)) / np.float32(2)
    mean = (one.astype(np.float32) + two + three + four) / np.float32(4)
    depth = np.clip(((mean - dark) @ _LUMA[:, None] - 10) / 20, 0, 1)
    blocks = mean + (dark - mean) * depth
    grey = blocks @ _LUMA[:, None]
    vivid = grey + 1.2 * (blocks - grey)
    few = _as_bytes(np.round(vivid / _LEVEL) * _LEVEL)
    return np.repeat(np.repeat(few, 2 * part, axis=0), 2 * part, axis=1)[:height, :width]


def _largest(image: Image.Image) -> Float32[np.ndarray, "height width"]:
    """Finds the largest of red, green and blue of each pixel."""
    red, green, blue = image.split()
    return np.asarray(ImageChops.lighter(ImageChops.lighter(red, green), blue), dtype=np.float32)


def _mirroring(rng: np.random.Generator) -> tuple[slice, slice]:
    """Draws whether a canvas is mirrored, up and down and left and right."""
    down, across = rng.choice([-1, 1], size=2).tolist()
    return slice(None, None, down), slice(None, None, across)


@lru_cache(maxsize=8)
def _hatching(height: int, width: int) -> tuple[Float32[np.ndarray, "tall wide"], Float32[np.ndarray, "tall wide"]]:
    """Makes soft pencil lines in two directions, larger than the picture: strength, 0 to 1."""
    step = 2 * np.pi / max(4.0, 5 * height / 128)
    down = np.arange(height + _HATCHING_PX, dtype=np.float32)[:, None]
    across = np.arange(width + _HATCHING_PX, dtype=np.float32)[None, :]
    one_way, other_way = (np.clip(0.5 + np.cos(step * phase), 0, 1) for phase in (across + down, across - down))
    return frozen(one_way), frozen(other_way)


@lru_cache(maxsize=3 * _VARIANTS)
def _wash(
    height: int, width: int, variant: int
) -> tuple[Int32[np.ndarray, "height width"], Float32[np.ndarray, "height width 1"]]:
    """Makes the wavering of the brush, the tide marks of drying water and the bare paper around the picture.

    Returns:
        For each pixel the pixel that is painted there, as an index of the flat picture, and how strong the colour
        is: 0 on bare paper, around 1 elsewhere.
    """
    rng = np.random.default_rng([variant, 1])
    pools = _clouds(height, width, cells=5, rng=rng)
    steps = 1 + 0.13 * np.tanh(9 * pools) + 0.10 * np.exp(-((14 * (pools - 0.08)) ** 2))
    across = (np.arange(width, dtype=np.float32)[None, :] + 0.5) / width
    down = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
    inside = np.minimum(np.minimum(across, 1 - across), np.minimum(down, 1 - down))
    ragged = 0.035 + 0.022 * _clouds(height, width, cells=9, rng=rng)
    painted = np.clip((inside - ragged) / 0.012 + 0.5, 0, 1)
    reach = 1.0 / 128
    columns = np.clip((across + reach * _clouds(height, width, cells=6, rng=rng)) * width, 0, width - 1)
    rows = np.clip((down + reach * _clouds(height, width, cells=6, rng=rng)) * height, 0, height - 1)
    source = rows.astype(np.int32) * np.int32(width) + columns.astype(np.int32)
    source.flags.writeable = False
    return source, frozen((steps * painted)[..., None])


@lru_cache(maxsize=3 * _VARIANTS)
def _strokes(
    height: int, width: int, variant: int
) -> tuple[Int32[np.ndarray, "height width"], Float32[np.ndarray, "height width 3"]]:
    """Lays short brush strokes along a field of swirls.

    Returns:
        For each pixel the pixel where its stroke began, as an index of the flat picture, and what the stroke adds
        to the colour.
    """
    rng = np.random.default_rng([variant, 2])
    scale = 2
    step = 4.0 * height / 128  # distance of strokes
    columns, rows = round(width / step * 1.3), round(height / step * 1.3)
    starts = rng.random((rows * columns, 2))
    starts[:, 0] = (np.tile(np.arange(columns), rows) + starts[:, 0]) / columns * width
    starts[:, 1] = (np.repeat(np.arange(rows), columns) + starts[:, 1]) / rows * height
    rng.shuffle(starts)
    angles = _swirls(height, width, rng=rng)
    owner = Image.new("I", (width * scale, height * scale))
    pen = ImageDraw.Draw(owner)
    for number, (across, down) in enumerate(starts.tolist()):
        path = _follow(angles, across, down, length=14 * height / 128)
        pen.line([(x * scale, y * scale) for x, y in path], fill=number, width=round(step * scale * 0.9), joint="curve")
    owners = np.asarray(owner.resize((width, height), Image.Resampling.NEAREST))
    limits = np.array([width - 1, height - 1])
    centres = np.clip(starts.astype(np.int32), 0, limits)
    source = (centres[:, 1] * width + centres[:, 0]).astype(np.int32)[owners]
    light = rng.normal(0, 1, len(starts)).clip(-1.6, 1.6)
    tint = rng.random(len(starts)) < 0.5
    colours = light[:, None] * np.array([14, 14, 12])
    colours += np.where(tint[:, None], np.array([10, 8, -16]), np.array([-12, -4, 18]))
    source.flags.writeable = False
    return source, frozen(colours[owners])


def _follow(
    angles: Float32[np.ndarray, "height width"], across: float, down: float, *, length: float
) -> list[tuple[float, float]]:
    """Walks along a field of angles from a point."""
    height, width = angles.shape
    path = [(across, down)]
    for _ in range(6):
        angle = angles[min(height - 1, max(0, int(down))), min(width - 1, max(0, int(across)))]
        across += float(np.cos(angle)) * length / 6
        down += float(np.sin(angle)) * length / 6
        path.append((across, down))
    return path


def _swirls(height: int, width: int, *, rng: np.random.Generator) -> Float32[np.ndarray, "height width"]:
    """Makes a calm flow with a few whirls in it: directions, in radians."""
    across = (np.arange(width, dtype=np.float32)[None, :] + 0.5) / width
    down = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
    flow_x = np.full((height, width), 0.6, dtype=np.float32)
    flow_y = np.repeat(0.35 * np.sin(2 * np.pi * (across + rng.random())), height, axis=0).astype(np.float32)
    cells = [(0.22, 0.22), (0.75, 0.2), (0.5, 0.55), (0.15, 0.75), (0.85, 0.75)]
    for column, row in cells:
        x, y = across - column - 0.16 * (rng.random() - 0.5), down - row - 0.16 * (rng.random() - 0.5)
        strength = np.exp(-(x * x + y * y) / 0.028) * (12 if rng.random() < 0.5 else -12)
        flow_x -= strength * y
        flow_y += strength * x
    return np.arctan2(flow_y, flow_x).astype(np.float32)


def _clouds(height: int, width: int, *, cells: int, rng: np.random.Generator) -> Float32[np.ndarray, "height width"]:
    """Makes smooth blots: -1 to 1."""
    coarse = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)


def _as_float(image: Image.Image) -> Float32[np.ndarray, "height width 3"]:
    """Reads an RGB image as numbers, 0 to 255."""
    return np.asarray(image, dtype=np.float32)


def _as_bytes(canvas: Float[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
    """Rounds to whole numbers, 0 to 255."""
    return np.clip(canvas + np.float32(0.5), 0, 255).astype(np.uint8)
