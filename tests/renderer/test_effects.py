"""Effects: light and weather change a picture clearly, and leave it readable."""

import itertools

import numpy as np
import pytest
from jaxtyping import Float32

from rldf.errors import UnknownTermError
from rldf.renderer.atlas import aspect_ratio, scaled_glyph
from rldf.renderer.effects import TIMES, WEATHERS, apply_time, apply_weather

LUMA = np.array([0.299, 0.587, 0.114])
SKY, GRASS = (120, 180, 240), (110, 165, 70)
SKINS = {"light": (250, 215, 180), "medium": (205, 150, 105), "dark": (115, 72, 48)}
PAINTS = {"red": (220, 40, 40), "yellow": (250, 210, 40), "green": (40, 160, 60), "blue": (40, 100, 230)}


def picture(size_px: int = 128, *, glyphs: tuple[str, ...] = ("cow", "apple", "car")) -> Float32[np.ndarray, "h w 3"]:
    """A meadow under a sky, with glyphs in the front."""
    canvas = np.empty((size_px, size_px, 3), dtype=np.float32)
    horizon = round(0.4 * size_px)
    canvas[:horizon] = SKY
    canvas[horizon:] = GRASS
    width = round(0.28 * size_px)
    for number, name in enumerate(glyphs):
        height = round(width / aspect_ratio(name))
        glyph = scaled_glyph(name, angle_deg=0, width_px=width, height_px=height)
        left, top = round((0.04 + 0.32 * number) * size_px), round(0.88 * size_px) - height
        patch = canvas[top : top + height, left : left + width]
        patch *= 1 - glyph[..., 3:]
        patch += glyph[..., :3]
    return canvas.clip(0, 255)


def at_time(
    canvas: Float32[np.ndarray, "h w 3"], time: str, *, is_indoors: bool = False
) -> Float32[np.ndarray, "h w 3"]:
    changed = canvas.copy()
    apply_time(changed, time, is_indoors=is_indoors)
    return changed


def in_weather(canvas: Float32[np.ndarray, "h w 3"], weather: str, *, seed: int = 0) -> Float32[np.ndarray, "h w 3"]:
    changed = canvas.copy()
    apply_weather(changed, weather, rng=np.random.default_rng(seed))
    return changed


def brightness(canvas: Float32[np.ndarray, "h w 3"]) -> float:
    return float((canvas @ LUMA).mean())


def plain(colour: tuple[int, int, int]) -> Float32[np.ndarray, "h w 3"]:
    return np.full((32, 32, 3), colour, dtype=np.float32)


def contrast(canvas: Float32[np.ndarray, "h w 3"]) -> float:
    return float((canvas @ LUMA).std())


@pytest.mark.parametrize("is_indoors", [False, True])
@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(TIMES, 2)))
def test_apply_time__two_times_differ_clearly(one: str, other: str, is_indoors: bool) -> None:  # noqa: FBT001
    day = picture()
    changed = [at_time(day, time, is_indoors=is_indoors) for time in (one, other)]
    assert np.abs(changed[0] - changed[1]).mean() > 20


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(WEATHERS, 2)))
def test_apply_weather__two_weathers_differ_clearly(one: str, other: str) -> None:
    day = picture()
    assert np.abs(in_weather(day, one) - in_weather(day, other)).mean() > 9


def test_none__leaves_the_picture_as_it_is() -> None:
    day = picture()
    np.testing.assert_array_equal(at_time(day, "none"), day)
    np.testing.assert_array_equal(in_weather(day, "none"), day)


@pytest.mark.parametrize("size_px", [64, 128, 256])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_effects__stay_between_black_and_white(size_px: int, level: int) -> None:
    for time, weather, is_indoors in itertools.product(TIMES, WEATHERS, (False, True)):
        canvas = np.full((size_px, size_px, 3), level, dtype=np.float32)
        apply_time(canvas, time, is_indoors=is_indoors)
        apply_weather(canvas, weather, rng=np.random.default_rng(0))
        assert canvas.min() >= 0
        assert canvas.max() <= 255


@pytest.mark.parametrize("weather", WEATHERS)
def test_apply_weather__same_seed_gives_the_same_picture(weather: str) -> None:
    day = picture()
    np.testing.assert_array_equal(in_weather(day, weather, seed=3), in_weather(day, weather, seed=3))


@pytest.mark.parametrize("weather", ["rainy", "snowy"])
def test_apply_weather__another_seed_places_streaks_and_flakes_elsewhere(weather: str) -> None:
    day = picture()
    assert np.abs(in_weather(day, weather, seed=1) - in_weather(day, weather, seed=2)).max() > 60


@pytest.mark.parametrize("is_indoors", [False, True])
def test_night__is_darker_than_day(is_indoors: bool) -> None:  # noqa: FBT001
    day = picture()
    assert 0.4 < brightness(at_time(day, "night", is_indoors=is_indoors)) / brightness(day) < 0.75


def test_night__is_blue_outdoors_and_warm_indoors() -> None:
    grey = plain((160, 160, 160))
    outdoors, indoors = (at_time(grey, "night", is_indoors=value).mean(axis=(0, 1)) for value in (False, True))
    assert outdoors[2] > outdoors[0] + 20
    assert indoors[0] > indoors[2] + 20


def test_night__lamp_lights_the_middle_and_leaves_the_corners_dark() -> None:
    room = at_time(plain((160, 160, 160)), "night", is_indoors=True) @ LUMA
    assert room[8:20, 12:20].mean() > 1.7 * room[-3:, :3].mean()


def test_sunset__is_warm_and_its_shadows_are_red() -> None:
    for level in (40, 128, 220):
        red, green, blue = at_time(plain((level, level, level)), "sunset")[20:].mean(axis=(0, 1)).tolist()
        assert red > blue + 10
        assert red > green + 10


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("colours", [SKINS, PAINTS], ids=["skins", "paints"])
def test_times__leave_colours_apart(time: str, colours: dict[str, tuple[int, int, int]]) -> None:
    seen = {name: at_time(plain(colour), time)[20].mean(axis=0) for name, colour in colours.items()}
    for one, other in itertools.combinations(seen, 2):
        assert np.abs(seen[one] - seen[other]).max() > 25, (one, other)


def test_sunny__is_brighter_warmer_and_of_higher_contrast() -> None:
    day = picture()
    sunny = in_weather(day, "sunny")
    assert brightness(sunny) > brightness(day) + 5
    assert contrast(sunny) > contrast(day)
    assert (sunny - day)[..., 0].mean() > (sunny - day)[..., 2].mean() + 5


def test_rainy__is_darker_but_for_bright_streaks() -> None:
    day = plain((128, 128, 128)).repeat(4, axis=0).repeat(4, axis=1)
    rain = in_weather(day, "rainy") @ LUMA
    assert np.median(rain) < 115
    assert 0.02 < (rain > 160).mean() < 0.2


def test_snowy__has_white_flakes_in_every_part() -> None:
    day = plain((100, 100, 100)).repeat(4, axis=0).repeat(4, axis=1)
    white = (in_weather(day, "snowy") > 240).all(axis=2)
    assert white.reshape(4, 32, 4, 32).any(axis=(1, 3)).all()
    assert white.mean() < 0.12


def test_foggy__is_thicker_around_the_horizon_than_in_the_foreground() -> None:
    stripes = np.zeros((100, 100, 3), dtype=np.float32)
    stripes[:, ::2] = 200
    left = np.array([contrast(in_weather(stripes, "foggy")[row : row + 10]) for row in range(0, 100, 10)])
    assert left[2:6].max() < 0.7 * left[8:].min()
    assert left[8:].min() > 0.6 * contrast(stripes)


def test_foggy__does_not_glow_at_night() -> None:
    night = at_time(picture(), "night")
    assert brightness(in_weather(night, "foggy")) < 0.75 * brightness(in_weather(picture(), "foggy"))


def check_message(message: str, *, axis: str, term: str, allowed: tuple[str, ...], meant: str) -> None:
    assert f"axis '{axis}' cannot draw '{term}'" in message
    assert ", ".join(allowed) in message
    assert "Choose one of these." in message
    assert f"Did you mean '{meant}'?" in message


@pytest.mark.parametrize("is_indoors", [False, True])
def test_unknown_time__says_what_is_allowed_and_what_to_do(is_indoors: bool) -> None:  # noqa: FBT001
    with pytest.raises(UnknownTermError) as caught:
        apply_time(picture(), "nigth", is_indoors=is_indoors)
    check_message(str(caught.value), axis="time", term="nigth", allowed=TIMES, meant="night")


def test_unknown_weather__says_what_is_allowed_and_what_to_do() -> None:
    with pytest.raises(UnknownTermError) as caught:
        apply_weather(picture(), "snowing", rng=np.random.default_rng(0))
    check_message(str(caught.value), axis="weather", term="snowing", allowed=WEATHERS, meant="snowy")
