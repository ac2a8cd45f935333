"""From the settings of a model to the generator that draws."""

import pytest

from rldf.errors import BudgetExceededError
from rldf.generators.settings import GenerationSettings
from rldf.presets import generators
from rldf.presets.config import ModelConfig
from rldf.presets.generators import build_generator
from rldf.records import Prompt


class LoadedError(Exception):
    """What was to be loaded, instead of loading it."""


def test_endpoint__is_asked_for_no_more_pictures_than_the_settings_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    config = ModelConfig(id="http://127.0.0.1:9/v1", max_images=1, use_cache=False)
    generator = build_generator(config, announce=lambda _: None).image_generator
    with pytest.raises(BudgetExceededError, match="1"):
        generator.generate([Prompt(text="a cow")] * 2, seeds=[0, 1])


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
