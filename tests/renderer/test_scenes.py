"""Scenes: every scene, weather, time and city shows at a glance; furniture stands where it says."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from jaxtyping import Float

from rldf.arrays import Image
from rldf.errors import UnknownTermError
from rldf.renderer.effects import TIMES, WEATHERS
from rldf.renderer.scenes import CITIES, CITY_SCENES, INDOOR_SCENES, SCENES, paint_scene
from rldf.renderer.supports import SUPPORTS, paint_support, support_surface

OUTDOOR_SCENES = tuple(scene for scene in SCENES if scene not in INDOOR_SCENES)
SIZE_PX = 64


def paint(
    scene: str, *, weather: str = "none", time: str = "none", city: str = "none", seed: int = 0, size_px: int = SIZE_PX
) -> Image:
    return paint_scene(scene, weather=weather, time=time, city=city, rng=np.random.default_rng(seed), size_px=size_px)


def thumbnail(picture: Image) -> Float[np.ndarray, "16 16 3"]:
    step = picture.shape[0] // 16
    return np.asarray(picture.reshape(16, step, 16, step, 3).astype(np.float64).mean(axis=(1, 3)))


def mean_thumbnail(scene: str, *, weather: str = "none", time: str = "none") -> Float[np.ndarray, "16 16 3"]:
    pictures = [paint(scene, weather=weather, time=time, seed=seed) for seed in range(5)]
    return np.asarray(np.mean([thumbnail(picture) for picture in pictures], axis=0))


def smallest_contrast(means: Sequence[Float[np.ndarray, "down across 3"]]) -> float:
    """Smallest difference of two of the pictures: the mean over pixels of the largest channel's difference."""
    pairs = itertools.combinations(means, 2)
    return min(float(np.abs(one - other).max(axis=-1).mean()) for one, other in pairs)


def test_scenes__sixteen_of_which_five_are_indoors() -> None:
    assert len(SCENES) == 16
    assert set(INDOOR_SCENES) == {"kitchen", "living room", "bedroom", "bathroom", "classroom"}
    assert set(CITY_SCENES) == set(OUTDOOR_SCENES) - {"forest"}


@pytest.mark.parametrize("size_px", [16, 64, 128, 256])
def test_paint_scene__any_size__picture_of_that_size(size_px: int) -> None:
    for scene in SCENES:
        picture = paint(scene, size_px=size_px, weather="snowy", time="night", city="london")
        assert picture.shape == (size_px, size_px, 3)
        assert picture.std() > 10


def test_paint_scene__same_seed__same_picture() -> None:
    for scene in SCENES:
        first = paint(scene, seed=3, weather="rainy", time="sunset", city="tokyo")
        np.testing.assert_array_equal(first, paint(scene, seed=3, weather="rainy", time="sunset", city="tokyo"))
        assert (first != paint(scene, seed=4, weather="rainy", time="sunset", city="tokyo")).any()


@pytest.mark.parametrize("weather", WEATHERS)
def test_paint_scene__any_weather__every_two_scenes_differ(weather: str) -> None:
    means = [mean_thumbnail(scene, weather=weather) for scene in SCENES]
    assert smallest_contrast(means) > 12


@pytest.mark.parametrize("scene", OUTDOOR_SCENES)
def test_paint_scene__outdoors__every_two_weathers_and_times_differ_in_the_upper_half(scene: str) -> None:
    weathers = [mean_thumbnail(scene, weather=weather)[:8] for weather in WEATHERS]
    times = [mean_thumbnail(scene, time=time)[:8] for time in TIMES]
    assert smallest_contrast(weathers) > 10
    assert smallest_contrast(times) > 25


@pytest.mark.parametrize("scene", INDOOR_SCENES)
def test_paint_scene__indoors__window_shows_weather_and_time(scene: str) -> None:
    pictures = [paint(scene, weather=weather) for weather in WEATHERS]
    pictures += [paint(scene, time=time) for time in TIMES if time != "none"]
    for one, other in itertools.combinations(pictures, 2):
        change = np.abs(one.astype(int) - other).max(axis=-1)
        assert (change > 20).mean() > 0.02


@pytest.mark.parametrize("scene", CITY_SCENES)
def test_paint_scene__every_two_cities__differ_above_the_heads(scene: str) -> None:
    pictures = {city: [paint(scene, seed=seed, city=city).astype(int) for seed in range(6)] for city in CITIES}
    for one, other in itertools.combinations(CITIES, 2):
        changes = [np.abs(a - b)[: SIZE_PX * 2 // 5] for a, b in zip(pictures[one], pictures[other], strict=True)]
        assert min((change.max(axis=-1) > 30).mean() for change in changes) > 0.04


@pytest.mark.parametrize("scene", ["forest", *INDOOR_SCENES])
def test_paint_scene__scene_without_skyline__city_changes_nothing(scene: str) -> None:
    np.testing.assert_array_equal(paint(scene), paint(scene, city="paris"))


def test_paint_scene__snow__whitens_the_ground_outdoors_only() -> None:
    for scene in OUTDOOR_SCENES:
        clear, snowy = (paint(scene, weather=weather)[SIZE_PX * 3 // 5 :] for weather in ("none", "snowy"))
        assert snowy.mean() > 180
        assert snowy.mean() > clear.mean() + 15
    for scene in INDOOR_SCENES:
        below = slice(SIZE_PX * 3 // 5, None)
        np.testing.assert_array_equal(paint(scene, weather="snowy")[below], paint(scene, weather="none")[below])


def test_paint_scene__sun__shows_in_every_outdoor_scene() -> None:
    for scene, seed in itertools.product(OUTDOOR_SCENES, range(5)):
        sky = paint(scene, seed=seed, weather="sunny")[: SIZE_PX // 3].astype(int)
        red, green, blue = sky[..., 0], sky[..., 1], sky[..., 2]
        assert ((red > 220) & (green > 170) & (blue < 110)).mean() > 0.01


@pytest.mark.parametrize(
    ("axis", "term"), [("scene", "beech"), ("weather", "snow"), ("time", "noon"), ("city", "rome")]
)
def test_paint_scene__unknown_term__refused_with_what_is_allowed(axis: str, term: str) -> None:
    terms = {"scene": "beach", "weather": "none", "time": "none", "city": "none"} | {axis: term}
    with pytest.raises(UnknownTermError, match=rf"axis '{axis}' cannot draw '{term}'. It has: .*Choose one of these."):
        paint(terms["scene"], weather=terms["weather"], time=terms["time"], city=terms["city"])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_paint_support__furniture__changes_the_picture_in_place_at_its_surface(dtype: type) -> None:
    for support in SUPPORTS[1:]:
        before: Float[np.ndarray, "_ _ 3"] | Image = paint("kitchen").astype(dtype)
        canvas = before.copy()
        paint_support(canvas, support, rng=np.random.default_rng(0))
        surface = support_surface(support)
        row = round(surface.bottom * SIZE_PX)
        inside = slice(round(surface.left * SIZE_PX), round(surface.right * SIZE_PX))
        assert canvas.dtype == dtype
        assert (canvas[row, inside] != before[row, inside]).any(axis=-1).all()
        np.testing.assert_array_equal(canvas[: SIZE_PX // 2], before[: SIZE_PX // 2])


def test_paint_support__every_two_supports__differ_in_picture_and_height() -> None:
    pictures = []
    for support in SUPPORTS:
        canvas = paint("bedroom")
        paint_support(canvas, support, rng=np.random.default_rng(0))
        pictures.append(thumbnail(canvas))
    assert smallest_contrast(pictures) > 15
    bottoms = sorted(support_surface(support).bottom for support in SUPPORTS)
    assert np.diff(bottoms).min() > 0.06


def test_paint_support__floor__leaves_the_picture_as_it_is() -> None:
    canvas = paint("bathroom")
    paint_support(canvas, "floor", rng=np.random.default_rng(0))
    np.testing.assert_array_equal(canvas, paint("bathroom"))


def test_support_surface__things_fit_above_it__inside_the_picture() -> None:
    for support in SUPPORTS:
        surface = support_surface(support)
        assert 0 <= surface.left < surface.right <= 1
        assert 0.25 < surface.bottom - surface.max_height < surface.bottom < 1


def test_support_surface__unknown__refused_with_what_is_allowed() -> None:
    with pytest.raises(UnknownTermError, match=r"support 'tabel' cannot be painted.*Did you mean 'table'"):
        support_surface("tabel")
