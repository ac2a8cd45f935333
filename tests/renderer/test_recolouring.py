"""Recolouring: a glyph takes the asked hue and keeps its shape, light and shadow."""

from colorsys import rgb_to_hsv

import numpy as np
import pytest
from jaxtyping import Float

from rldf.errors import UnknownTermError
from rldf.renderer.atlas import aspect_ratio, scaled_glyph
from rldf.renderer.recolouring import COLOURS, looks_natural, recolour

LUMA = np.array([0.299, 0.587, 0.114])
GLYPHS = (
    "apple",
    "banana",
    "broccoli",
    "sheep",
    "cow",
    "dog",
    "elephant",
    "football",
    "car",
    "guitar",
    "chair",
    "train",
)
HUES = {"red": 0, "yellow": 48, "green": 135, "blue": 218, "purple": 275}
PAINTED = COLOURS[1:]


def glyph(name: str, height_px: int = 40) -> Float[np.ndarray, "height width 4"]:
    width_px = round(height_px * aspect_ratio(name))
    return scaled_glyph(name, angle_deg=0, width_px=width_px, height_px=height_px)


def mean_colour(image: Float[np.ndarray, "height width 4"]) -> tuple[float, float, float]:
    """Mean of the visible pixels, 0 to 255."""
    red, green, blue = (image[..., :3].sum(axis=(0, 1)) / image[..., 3].sum()).tolist()
    return red, green, blue


@pytest.mark.parametrize("name", GLYPHS)
@pytest.mark.parametrize(("colour", "degrees"), HUES.items())
def test_recolour__gives_the_asked_hue(name: str, colour: str, degrees: int) -> None:
    hue, saturation, value = rgb_to_hsv(*(channel / 255 for channel in mean_colour(recolour(glyph(name), colour))))
    assert abs((360 * hue - degrees + 180) % 360 - 180) < 14
    assert saturation > 0.45
    assert value > 0.4


@pytest.mark.parametrize("name", GLYPHS)
def test_recolour__white_is_bright_black_is_dark_and_both_are_grey(name: str) -> None:
    white, black = (mean_colour(recolour(glyph(name), colour)) for colour in ("white", "black"))
    assert min(white) > 165
    assert max(black) < 90
    assert max(white) - min(white) < 15
    assert max(black) - min(black) < 15


@pytest.mark.parametrize("name", GLYPHS)
@pytest.mark.parametrize("colour", PAINTED)
def test_recolour__keeps_shape_light_and_shadow(name: str, colour: str) -> None:
    natural = glyph(name)
    painted = recolour(natural, colour)
    assert painted.dtype == np.float32
    np.testing.assert_array_equal(painted[..., 3], natural[..., 3])
    visible = natural[..., 3] > 0.98
    before, after = natural[visible][:, :3] @ LUMA, painted[visible][:, :3] @ LUMA
    assert np.corrcoef(before, after)[0, 1] > 0.75


@pytest.mark.parametrize("name", GLYPHS)
@pytest.mark.parametrize("colour", PAINTED)
def test_recolour__stays_weighted_by_opacity(name: str, colour: str) -> None:
    painted = recolour(glyph(name), colour)
    assert painted[..., :3].min() >= 0
    assert (painted[..., :3] <= 255 * painted[..., 3:] + 1e-3).all()


@pytest.mark.parametrize("name", GLYPHS)
def test_recolour__two_colours_differ_clearly(name: str) -> None:
    colours = [np.array(mean_colour(recolour(glyph(name), colour))) for colour in PAINTED]
    distances = [np.linalg.norm(one - other) for place, one in enumerate(colours) for other in colours[:place]]
    assert min(distances) > 60


def test_recolour__keeps_eyes_and_outlines_dark() -> None:
    face = np.full((20, 20, 4), 1.0, dtype=np.float32)
    face[..., :3] = 200
    face[8:12, 8:12, :3] = 10
    for colour in PAINTED:
        assert recolour(face, colour)[8:12, 8:12, :3].max() < 20


def test_recolour__none_gives_the_glyph_itself() -> None:
    assert recolour(glyph("cow"), "none") is glyph("cow")


def test_recolour__does_not_change_what_it_was_given_and_repeats_itself() -> None:
    natural = glyph("cow")
    before = natural.copy()
    np.testing.assert_array_equal(recolour(natural, "red"), recolour(natural, "red"))
    np.testing.assert_array_equal(natural, before)


def test_recolour__accepts_a_glyph_that_is_not_visible() -> None:
    empty = np.zeros((4, 4, 4), dtype=np.float32)
    np.testing.assert_array_equal(recolour(empty, "blue"), empty)


@pytest.mark.parametrize("height_px", [12, 24, 40, 80])
@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("apple", "red"),
        ("tomato", "red"),
        ("lemon", "yellow"),
        ("banana", "yellow"),
        ("sheep", "white"),
        ("car", "blue"),
    ],
)
def test_looks_natural__holds_for_the_natural_colour_at_any_size(name: str, colour: str, height_px: int) -> None:
    natural = glyph(name, height_px)
    assert [other for other in PAINTED if looks_natural(natural, other)] == [colour]


@pytest.mark.parametrize("name", ["cow", "elephant", "football", "train", "guitar"])
def test_looks_natural__fails_where_every_colour_shows(name: str) -> None:
    assert not any(looks_natural(glyph(name), colour) for colour in PAINTED)


def test_looks_natural__holds_when_no_colour_is_asked_for() -> None:
    assert looks_natural(glyph("cow"), "none")


@pytest.mark.parametrize("function", [recolour, looks_natural])
def test_unknown_colour__says_what_is_allowed_and_what_to_do(function: object) -> None:
    assert callable(function)
    with pytest.raises(UnknownTermError) as caught:
        function(glyph("cow"), "purpel")
    message = str(caught.value)
    assert "axis 'colour' cannot draw 'purpel'" in message
    assert ", ".join(COLOURS) in message
    assert "Choose one of these." in message
    assert "Did you mean 'purple'?" in message
