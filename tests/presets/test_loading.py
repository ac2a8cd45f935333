"""Settings: strict, typed, with a suggestion for every slip."""

import json
from pathlib import Path

import pytest

from rldf.errors import ConfigError
from rldf.presets.config import SearchConfig
from rldf.presets.loading import config_from_dict, config_to_dict, load_preset, override, preset_names

ABOUT = 'name = "mine"\ndescription = "d"\nversion = "1"\nsource = "me"\nlicence = "Apache-2.0"\n'


@pytest.mark.parametrize("name", ["embedded", "paper", "quick"])
def test_shipped_preset__loads_under_its_own_name(name: str) -> None:
    preset = load_preset(name)
    assert preset.name == name
    assert preset_names() == ["embedded", "paper", "quick"]


def test_embedded_preset__is_the_default() -> None:
    assert load_preset("embedded").config == SearchConfig()


def test_paper_preset__has_the_paper_s_settings() -> None:
    config = load_preset("paper").config
    model = config.model
    assert (model.id, model.steps, model.size_px) == ("CompVis/stable-diffusion-v1-4", 20, 512)
    assert (model.autoencoder, model.scheduler) == ("stabilityai/sd-vae-ft-mse", "dpm-solver-multistep")
    assert model.use_attention_slicing
    assert model.negative_prompt
    assert (config.search.searcher, config.search.discount, config.search.start) == ("q-learning", 0.9, "random")


def test_settings__survive_the_way_through_json() -> None:
    config = override(
        load_preset("paper").config, ["grammar.locked={scene = 'park'}", "grammar.blocked=['bus']", "seed=7"]
    )
    assert config.grammar.blocked == ("bus",)
    assert config_from_dict(json.loads(json.dumps(config_to_dict(config)))) == config


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("seed=3", 3),
        ("search.discount=0.5", 0.5),
        ("search.discount=1", 1.0),
        ("model.use_cache=false", False),
        ("model.negative_prompt=a=b, 3", "a=b, 3"),
        ("model.id=12", "12"),
        ("search.searcher=sarsa", "sarsa"),
        ("search.searcher=plugin:annealing", "plugin:annealing"),
        ("search.misread={object = 'bus'}", {"object": "bus"}),
    ],
)
def test_override__reads_a_value_as_its_field_s_type(change: str, value: object) -> None:
    data = config_to_dict(override(SearchConfig(), [change]))
    for key in change.partition("=")[0].split("."):
        data = data[key]
    assert data == value
    assert type(data) is type(value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("search.discunt=0.5", r"no setting 'search.discunt'.*search has: searcher, .*Did you mean 'discount'"),
        ("serch.discount=0.5", r"no setting 'serch'.*Did you mean 'search'"),
        ("search.discount", r"'search.discount' is no setting; a setting is section.field=value"),
        ("search.discount=high", r"search.discount is 'high'; it must be a number"),
        ("search.batch_size=2.5", r"search.batch_size is 2.5; it must be a whole number"),
        ("model.use_cache=1", r"model.use_cache is 1; it must be true or false"),
        ("search.batch_size=true", r"search.batch_size is True; it must be a whole number"),
        ("search.searcher=qlearning", r"'qlearning'; it is one of factored, .*Did you mean 'q-learning'"),
        ("search.start=plugin:x", r"search.start is 'plugin:x'; it is one of percept, random, given"),
        ("budget.max_renders=0", r"budget.max_renders is 0; it must be 1 or larger.*--config budget.max_renders="),
        ("search.epsilon=1.5", r"search.epsilon is 1.5; it must be from 0 to 1"),
        ("grammar.locked=park", r"grammar.locked is 'park'; it names terms of axes"),
        ("grammar.blocked=bus", r"grammar.blocked is 'bus'; it is a list of texts"),
        ("model=sd", r"model is 'sd'; it is a section"),
        (
            "search.start_terms={object = 'bus'}",
            r"search.start_terms is \{'object': 'bus'\} but search.start is 'percept'",
        ),
    ],
)
def test_override__refuses_with_advice(change: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        override(SearchConfig(), [change])


def test_unknown_preset__is_refused_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no preset 'papper'. The presets are: embedded, .*Did you mean 'paper'"):
        load_preset("papper")
    with pytest.raises(ConfigError, match=r"none\.toml' cannot be read"):
        load_preset(str(tmp_path / "none.toml"))


def test_preset_file__is_checked(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ABOUT + "[search]\nbatch_size = 2\n")
    assert load_preset(str(path)).config.search.batch_size == 2
    path.write_text(ABOUT + "[search]\nbatch_sise = 2\n")
    with pytest.raises(ConfigError, match=r"mine\.toml: there is no setting 'search.batch_sise'.*'batch_size'"):
        load_preset(str(path))
    path.write_text("[search]\nbatch_size = 2\n")
    with pytest.raises(ConfigError, match="says nothing of name, description, version, source, licence"):
        load_preset(str(path))
    path.write_text("[search\n")
    with pytest.raises(ConfigError, match=r"mine\.toml' is not TOML: .*line 1"):
        load_preset(str(path))
