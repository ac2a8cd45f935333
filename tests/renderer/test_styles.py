"""Styles: each is known at once, and shapes survive in all of them."""

import itertools

import numpy as np
import pytest
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from rldf.errors import UnknownTermError
from rldf.renderer.atlas import aspect_ratio, scaled_glyph
from rldf.renderer.styles import STYLES, apply_style

LUMA = np.array([0.299, 0.587, 0.114])
DRAWN = STYLES[1:]
SKIN = (235, 190, 150)


def picture(size_px: int = 128) -> UInt8[np.ndarray, "h w 3"]:
    """A meadow under a sky, with glyphs in the front."""
    canvas = np.empty((size_px, size_px, 3), dtype=np.float32)
    horizon = round(0.4 * size_px)
    canvas[:horizon] = (120, 180, 240)
    canvas[horizon:] = (110, 165, 70)
    width = round(0.28 * size_px)
    for number, name in enumerate(("cow", "apple", "car")):
        height = round(width / aspect_ratio(name))
        glyph = scaled_glyph(name, angle_deg=0, width_px=width, height_px=height)
        left, top = round((0.04 + 0.32 * number) * size_px), round(0.88 * size_px) - height
        patch = canvas[top : top + height, left : left + width]
        patch *= 1 - glyph[..., 3:]
        patch += glyph[..., :3]
    return canvas.clip(0, 255).astype(np.uint8)


def face(mouth: str) -> UInt8[np.ndarray, "h w 3"]:
    """A face of 24 px in the middle of a picture of 128 px."""
    image = Image.new("RGB", (512, 512), (120, 180, 240))
    pen = ImageDraw.Draw(image)
    pen.ellipse((208, 208, 304, 304), fill=SKIN)
    for across in (238, 274):
        pen.circle((across, 246), 8, fill=(25, 20, 25))
    match mouth:
        case "smile":
            pen.arc((232, 240, 280, 284), 20, 160, fill=(120, 30, 40), width=8)
        case "frown":
            pen.arc((234, 270, 278, 304), 200, 340, fill=(120, 30, 40), width=8)
        case _:
            pen.ellipse((244, 264, 268, 294), fill=(120, 30, 40))
    return np.asarray(image.resize((128, 128), Image.Resampling.LANCZOS))


def styled(image: UInt8[np.ndarray, "h w 3"], style: str, *, seed: int = 0) -> UInt8[np.ndarray, "h w 3"]:
    return apply_style(image, style, rng=np.random.default_rng(seed))


def chroma(image: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w"]:
    spread: Float[np.ndarray, "h w"] = np.ptp(image.astype(np.float32), axis=2)
    return spread


def edges(image: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w"]:
    grey = image @ LUMA
    down, across = np.gradient(grey)
    strength: Float[np.ndarray, "h w"] = np.hypot(down, across)
    return strength


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(STYLES, 2)))
def test_apply_style__two_styles_differ_clearly(one: str, other: str) -> None:
    drawn = [styled(picture(), style).astype(np.float32) for style in (one, other)]
    assert np.abs(drawn[0] - drawn[1]).mean() > 8


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size_px", [16, 64, 100, 128, 256])
def test_apply_style__keeps_size_and_layout(style: str, size_px: int) -> None:
    for seed in range(4):
        drawn = styled(picture(size_px), style, seed=seed)
        assert drawn.shape == (size_px, size_px, 3)
        assert drawn.dtype == np.uint8
        assert drawn.flags.c_contiguous


@pytest.mark.parametrize("style", STYLES)
def test_apply_style__same_seed_gives_the_same_picture_and_the_original_stays(style: str) -> None:
    original = picture()
    first = styled(original, style, seed=5)
    for seed in range(4):
        styled(original, style, seed=seed)
    np.testing.assert_array_equal(styled(original, style, seed=5), first)
    np.testing.assert_array_equal(original, picture())


@pytest.mark.parametrize("style", ["sketch", "watercolour", "oil painting"])
def test_apply_style__another_seed_lays_other_strokes(style: str) -> None:
    assert len({styled(picture(), style, seed=seed).tobytes() for seed in range(12)}) > 6


def test_photo__is_the_picture_itself() -> None:
    original = picture()
    assert styled(original, "photo") is original


def test_sketch__is_dark_on_light_paper_without_colour() -> None:
    drawn = styled(picture(), "sketch")
    assert chroma(drawn).max() < 15
    assert np.quantile(drawn @ LUMA, 0.9) > 220
    assert (drawn @ LUMA).min() < 90


def test_sketch__draws_a_line_between_colours_of_one_brightness() -> None:
    halves = np.empty((128, 128, 3), dtype=np.uint8)
    halves[:, :64] = (200, 60, 60)
    halves[:, 64:] = (60, 131, 60)
    grey = styled(halves, "sketch") @ LUMA
    assert grey[:, 60:68].mean(axis=0).min() < grey.mean() - 40


def test_watercolour__is_pale_with_bare_paper_around() -> None:
    drawn = styled(picture(), "watercolour")
    border = np.concatenate([drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]])
    assert np.median(border.min(axis=1)) > 225
    assert (drawn[8:-8, 8:-8] @ LUMA).mean() > (picture()[8:-8, 8:-8] @ LUMA).mean() + 20


def test_oil_painting__is_vivid_and_lays_strokes_on_flat_ground() -> None:
    flat = np.full((128, 128, 3), (120, 180, 240), dtype=np.uint8)
    drawn = styled(flat, "oil painting")
    assert (drawn @ LUMA).std() > 8
    assert chroma(styled(picture(), "oil painting")).mean() > chroma(picture()).mean() + 10


def test_oil_painting__strokes_run_in_many_directions() -> None:
    flat = np.full((256, 256, 3), 128, dtype=np.uint8)
    down, across = np.gradient(styled(flat, "oil painting") @ LUMA)
    # The structure tensor of a tile tells the direction of the strokes in it.
    tiles = [slice(start, start + 32) for start in range(0, 256, 32)]
    directions = [
        np.arctan2(2 * (across * down)[row, column].sum(), (across**2 - down**2)[row, column].sum())
        for row, column in itertools.product(tiles, tiles)
    ]
    assert np.abs(np.exp(1j * np.array(directions)).mean()) < 0.6


@pytest.mark.parametrize(("size_px", "side"), [(64, 2), (128, 2), (256, 4)])
def test_pixel_art__is_made_of_blocks_in_few_colours(size_px: int, side: int) -> None:
    drawn = styled(picture(size_px), "pixel art")
    np.testing.assert_array_equal(drawn, drawn[::side, ::side].repeat(side, axis=0).repeat(side, axis=1))
    assert len(np.unique(drawn)) <= 7


@pytest.mark.parametrize("style", DRAWN)
@pytest.mark.parametrize("seed", range(3))
def test_styles__keep_the_outlines_of_things(style: str, seed: int) -> None:
    original = edges(picture())[8:-8, 8:-8] > 40
    drawn = edges(styled(picture(), style, seed=seed))[8:-8, 8:-8]
    near = np.max(
        [np.roll(drawn, shift, axis=(0, 1)) for shift in itertools.product((-2, -1, 0, 1, 2), repeat=2)], axis=0
    )
    assert near[original].mean() > 2 * drawn[~original].mean()


@pytest.mark.parametrize("style", DRAWN)
def test_styles__keep_the_mouths_of_small_faces_apart(style: str) -> None:
    mouths = ("smile", "frown", "open")
    region = (slice(63, 77), slice(56, 73))
    drawn = {mouth: [styled(face(mouth), style, seed=seed)[region] @ LUMA for seed in range(6)] for mouth in mouths}
    means = {mouth: np.mean(regions, axis=0) for mouth, regions in drawn.items()}
    for one, other in itertools.combinations(mouths, 2):
        assert np.abs(means[one] - means[other]).mean() > 8
    for mouth, regions in drawn.items():
        for region_seen in regions:
            nearest = min(mouths, key=lambda other: float(np.abs(region_seen - means[other]).mean()))
            assert nearest == mouth


@pytest.mark.parametrize("style", ["watercolour", "oil painting", "pixel art"])
def test_styles_in_colour__keep_skin_tones_apart(style: str) -> None:
    skins = ((250, 215, 180), (205, 150, 105), (115, 72, 48))
    seen = [styled(np.full((64, 64, 3), skin, dtype=np.uint8), style)[8:-8, 8:-8].mean(axis=(0, 1)) for skin in skins]
    for one, other in itertools.pairwise(seen):
        assert np.abs(one - other).max() > 25


def test_unknown_style__says_what_is_allowed_and_what_to_do() -> None:
    with pytest.raises(UnknownTermError) as caught:
        styled(picture(), "skech")
    message = str(caught.value)
    assert "axis 'style' cannot draw 'skech'" in message
    assert ", ".join(STYLES) in message
    assert "Choose one of these." in message
    assert "Did you mean 'sketch'?" in message
