"""Reads settings from TOML presets, dictionaries and `a.b=c` overrides, strictly: nothing unknown is passed over."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from rldf.errors import ConfigError, did_you_mean
from rldf.presets.config import SearchConfig
from rldf.presets.plugins import PREFIX

Table = Mapping[str, Any]
ABOUT_KEYS = ("name", "description", "version", "source", "licence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Named settings from a TOML file.

    Attributes:
        name: how it is asked for.
        description: one line.
        version: of the file.
        source: where the values come from.
        licence: of the file.
        config: the settings.
    """

    name: str
    description: str
    version: str
    source: str
    licence: str
    config: SearchConfig


def preset_names() -> list[str]:
    """Names of the presets that ship with the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in _data().iterdir() if entry.name.endswith(".toml"))


def load_preset(name: str) -> Preset:
    """Reads a preset.

    Args:
        name: a shipped preset, or the path of a TOML file.

    Returns:
        The preset, checked.

    Raises:
        ConfigError: if there is no such preset, or something in it is not allowed.
    """
    if name.endswith(".toml"):
        return _parse(read_text(Path(name)), place=name)
    if name not in preset_names():
        raise ConfigError(
            f"there is no preset '{name}'. The presets are: {', '.join(preset_names())}; or give the path of a .toml "
            f"file.{did_you_mean(name, preset_names())}"
        )
    return _parse((_data() / f"{name}.toml").read_text(encoding="utf-8"), place=f"{name}.toml")


def config_from_dict(data: Table, *, place: str = "the settings") -> SearchConfig:
    """Makes settings of nested dictionaries, such as those of `run.json`; unknown keys are a `ConfigError`.

    Args:
        data: section to field to value.
        place: where they stand, for messages.

    Returns:
        The settings, checked; what is left out keeps its default.
    """
    config = build_settings(SearchConfig, data, prefix="", place=place)
    assert isinstance(config, SearchConfig)
    return config


def config_to_dict(config: SearchConfig) -> dict[str, Any]:
    """Writes settings as nested dictionaries that JSON can hold; the inverse of `config_from_dict`."""
    return asdict(config)


def override(config: SearchConfig, changes: Sequence[str]) -> SearchConfig:
    """Applies changes such as `search.discount=0.9`.

    Args:
        config: the settings to start from.
        changes: each "section.field=value"; a value is read as the field's type.

    Returns:
        The changed settings.

    A change without "=", of no field, or to a value that is not allowed is a `ConfigError`.
    """
    return config_from_dict(changed(config_to_dict(config), changes), place="--config")


def changed(data: dict[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """Writes changes into the nested dictionaries of settings.

    Args:
        data: of settings; changed in place.
        changes: each "section.field=value"; a value is read as the field's type.

    Returns:
        The same dictionaries, not checked yet.

    Raises:
        ConfigError: if a change has no "=" or names no section.
    """
    for change in changes:
        name, equals, text = change.partition("=")
        *path, key = name.strip().split(".")
        if not equals or not key:
            raise ConfigError(
                f"--config {change!r} is no setting; a setting is section.field=value, such as search.discount=0.9."
            )
        table = data
        for depth, part in enumerate(path):
            if not isinstance(table.get(part), dict):
                _refuse_key(part, list(table), prefix=".".join(path[:depth]), place="--config")
            table = table[part]
        table[key] = _read_value(text.strip(), old=table.get(key))
    return data


def read_toml(text: str, *, place: str) -> dict[str, Any]:
    """Reads the TOML of a preset; what is no TOML is a `ConfigError`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the preset '{place}' is not TOML: {error}. Correct that line.") from error


def _parse(text: str, *, place: str) -> Preset:
    data = read_toml(text, place=place)
    about = {key: data.pop(key) for key in ABOUT_KEYS if isinstance(data.get(key), str)}
    missing = [key for key in ABOUT_KEYS if key not in about]
    if missing:
        raise ConfigError(
            f"the preset '{place}' says nothing of {', '.join(missing)}; a preset begins with the texts "
            f"{', '.join(ABOUT_KEYS)}. Add them."
        )
    return Preset(
        name=about["name"],
        description=about["description"],
        version=about["version"],
        source=about["source"],
        licence=about["licence"],
        config=config_from_dict(data, place=place),
    )


def build_settings(kind: type, data: Table, *, prefix: str, place: str) -> object:
    """Makes a dataclass of settings, and those inside it, from a table.

    Args:
        kind: the dataclass.
        data: field to value, section to table.
        prefix: section that the table is, for messages; "" at the top.
        place: where it stands, for messages.

    Returns:
        The dataclass, checked; what is left out keeps its default.

    Raises:
        ConfigError: if a key is unknown or a value not allowed.
    """
    hints = get_type_hints(kind)
    known = {entry.name: entry for entry in fields(kind)}
    names = list(known)
    values: dict[str, object] = {}
    for key, value in data.items():
        if key not in names:
            _refuse_key(key, names, prefix=prefix, place=place)
        full = f"{prefix}.{key}" if prefix else key
        if is_dataclass(hints[key]):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{place}: {full} is {value!r}; it is a section. Write [{full}] and fields under it.")
            values[key] = build_settings(hints[key], value, prefix=full, place=place)
        else:
            reasons: Mapping[object, str] = known[key].metadata.get("refused", {})
            values[key] = _checked(value, hints[key], name=full, place=place, reasons=reasons)
    built: object = kind(**values)
    return built


def _checked(
    value: object,
    hint: Any,  # noqa: ANN401 - a type form
    *,
    name: str,
    place: str,
    reasons: Mapping[object, str],
) -> object:
    """Checks one value against the type of its field; `reasons` say why values that exist elsewhere are not taken."""
    choices = [option for option in (hint, *get_args(hint)) if get_origin(option) is Literal]
    if choices:
        allowed = [str(choice) for choice in get_args(choices[0])]
        is_plugin = choices[0] is not hint and isinstance(value, str) and value.startswith(PREFIX)
        if value in allowed or is_plugin:
            return value
        raise ConfigError(
            f"{place}: {name} is {value!r}; {f'{reasons[value]}; ' if value in reasons else ''}it is one of "
            f"{', '.join(allowed)}.{did_you_mean(str(value), allowed)}"
        )
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if get_origin(hint) is Mapping or hint is Mapping:
        if isinstance(value, Mapping) and all(isinstance(term, str) for term in value.values()):
            return dict(value)
        raise ConfigError(f"{place}: {name} is {value!r}; it names terms of axes, such as {{scene = 'beach'}}.")
    if get_origin(hint) is tuple:
        if isinstance(value, list | tuple) and all(isinstance(entry, str) for entry in value):
            return tuple(value)
        raise ConfigError(f"{place}: {name} is {value!r}; it is a list of texts, such as ['beach']. Write it as such.")
    if isinstance(value, hint) and isinstance(value, bool) == (hint is bool):
        return value
    kinds = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    raise ConfigError(f"{place}: {name} is {value!r}; it must be {kinds[hint]}. Write it as such.")


def _read_value(text: str, *, old: object) -> object:
    """Reads the text of an override: as it is for a text field, else as TOML."""
    if isinstance(old, str):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _refuse_key(key: str, names: Sequence[str], *, prefix: str, place: str) -> None:
    full = f"{prefix}.{key}" if prefix else key
    raise ConfigError(
        f"{place}: there is no setting '{full}'. {prefix or 'The top level'} has: {', '.join(names)}."
        f"{did_you_mean(key, names)}"
    )


def read_text(path: Path) -> str:
    """Reads the file of a preset; where that fails it is a `ConfigError`."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the preset '{path}' cannot be read: {error}. Give a TOML file.") from error


def _data() -> Any:  # noqa: ANN401 - importlib.resources' Traversable moved between Python versions
    return files("rldf.presets") / "data"
