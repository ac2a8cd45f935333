"""From the settings of a model to the generator that draws."""

import pytest

from rldf.generators.images_api import ImagesApiGenerator
from rldf.generators.settings import GenerationSettings
from rldf.presets import generators
from rldf.presets.config import ModelConfig
from rldf.presets.generators import build_generator


class LoadedError(Exception):
    """What was to be loaded, instead of loading it."""


@pytest.mark.parametrize(("setting", "limit"), [(0, None), (3, 3)])
def test_endpoint__has_the_limit_of_pictures_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, setting: int, limit: int | None
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    config = ModelConfig(id="http://127.0.0.1:9/v1", max_images=setting, use_cache=False)
    generator = build_generator(config, announce=lambda _: None).image_generator
    assert isinstance(generator, ImagesApiGenerator)
    assert generator.settings.max_images == limit


@pytest.mark.parametrize("is_wanted", [True, False])
def test_local_model__is_compiled_and_screened_where_the_settings_say_so(
    monkeypatch: pytest.MonkeyPatch, *, is_wanted: bool
) -> None:
    def load(_: object, *, settings: GenerationSettings, **others: object) -> None:
        del others
        raise LoadedError(settings.compiled, settings.safety_checker)

    monkeypatch.setattr(generators, "load_diffusers_generator", load)
    config = ModelConfig(id="some/model", device="cpu", is_compiled=is_wanted, use_safety_checker=is_wanted)
    with pytest.raises(LoadedError) as loaded:
        build_generator(config, announce=lambda _: None)
    assert loaded.value.args == (is_wanted, is_wanted)
