"""Settings of fine-tuning: frozen dataclasses, one section each, read from TOML as those of a search are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from rldf.errors import ConfigError, did_you_mean
from rldf.finetuning.settings import AdapterSettings, AdvantageSettings, RunSettings, SamplerSettings, TrainSettings
from rldf.hub import Announce, say_nothing
from rldf.presets.config import Device, Dtype
from rldf.presets.loading import ABOUT_KEYS, build_settings, changed, read_text, read_toml


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneModelConfig:
    """The model that is fine-tuned.

    Attributes:
        id: "embedded", a hub id, a local folder or a .safetensors file, of the family of Stable Diffusion 1 and 2.
        revision: branch, tag or commit on the hub; "" for the main branch.
        device: "auto" takes the best one present.
        dtype: of weights that do not move; "auto" is float32, in which replay is exact everywhere.
        size_px: side of a picture in pixels; 0 for the model's own.
        negative_prompt: what the unconditional half is told; "" as in the paper.
    """

    id: str = "embedded"
    revision: str = ""
    device: Device = "auto"
    dtype: Dtype = "auto"
    size_px: int = 0
    negative_prompt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptConfig:
    """What is asked for.

    Attributes:
        set: a prompt set that ships, a .toml or .txt file, or "grammar" for sentences of a grammar.
        grammar: of the sentences, and of what perception reads.
        num_prompts: sentences of the grammar that are trained on, at least 1.
        num_unseen: sentences that are kept for judging, 0 or more.
        unseen: where `set` is no grammar and has no unseen prompts of its own, another set or file whose unseen
            prompts are taken, or all of them where it tells none apart; "" for none.
    """

    set: str = "grammar"
    grammar: str = "base"
    num_prompts: int = 16
    num_unseen: int = 16
    unseen: str = ""

    def __post_init__(self) -> None:
        if self.num_prompts < 1 or self.num_unseen < 0:
            raise ConfigError(
                f"prompts.num_prompts is {self.num_prompts} and prompts.num_unseen {self.num_unseen}; they must be at "
                "least 1 and 0. Change them."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneRewardConfig:
    """What is rewarded.

    Attributes:
        parts: names, each with an optional weight, such as "jpeg-compressibility" or "agreement=0.5"; weighted parts
            are added up. `rewards` in docs/methods/ddpo.md lists the names.
        second: a reward that only judges and raises the alarm where it falls; "" for none.
        perception: scorer of percepts and embeddings: "auto" is the embedded one with the embedded model, scorer A of
            a world, else CLIP; or a CLIP by hub id or folder, or the folder of a scorer with heads.
        second_perception: the same for the second reward and for judging: "auto" is the other embedded one, scorer B
            of a world, else the one of `perception`, which is then no independent judge.
        aesthetic_head: safetensors file of the aesthetic head.
        captioner: hub id or folder of the image-to-text model of "caption". Paper: LLaVA.
        text_encoder: hub id or folder of what compares captions. Paper: microsoft/deberta-xlarge-mnli. Only safetensors
            are loaded; the message of one that has pickled weights alone says how to convert it.
        text_layer: layer of it that is taken. Source: BERTScore takes 40 of the paper's.
        references: pictures the CLIP reward compares with.
        url: address of the reward server.
        url_low, url_high: bounds of its rewards.
        url_timeout_s: seconds one request to it may take, from asking to the last byte of the answer.
    """

    parts: tuple[str, ...] = ("jpeg-compressibility",)
    second: str = ""
    perception: str = "auto"
    second_perception: str = "auto"
    aesthetic_head: str = ""
    captioner: str = ""
    text_encoder: str = "microsoft/deberta-xlarge-mnli"
    text_layer: int = 40
    references: tuple[str, ...] = ()
    url: str = ""
    url_low: float = 0.0
    url_high: float = 1.0
    url_timeout_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneConfig:
    """Everything that fixes a fine-tuning run.

    Attributes:
        seed: root seed, 0 or larger.
        model, sampler, adapter, prompts, reward, advantage, train, run: one section each.
    """

    seed: int = 0
    model: FinetuneModelConfig = field(default_factory=FinetuneModelConfig)
    sampler: SamplerSettings = field(default_factory=SamplerSettings)
    adapter: AdapterSettings = field(default_factory=AdapterSettings)
    prompts: PromptConfig = field(default_factory=PromptConfig)
    reward: FinetuneRewardConfig = field(default_factory=FinetuneRewardConfig)
    advantage: AdvantageSettings = field(default_factory=AdvantageSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    run: RunSettings = field(default_factory=RunSettings)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(f"the seed is {self.seed}; it must be 0 or larger. Give another --seed.")


def finetune_preset_names() -> list[str]:
    """Names of the fine-tuning presets that ship with the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in _data().iterdir() if entry.name.endswith(".toml"))


def load_finetune_preset(name: str) -> FinetuneConfig:
    """Reads a fine-tuning preset.

    Args:
        name: one that ships, or the path of a TOML file.

    Returns:
        The settings, checked.

    Raises:
        ConfigError: if there is no such preset, or something in it is not allowed.
    """
    names = finetune_preset_names()
    if name.endswith(".toml"):
        text = read_text(Path(name))
    elif name in names:
        text = (_data() / f"{name}.toml").read_text(encoding="utf-8")
    else:
        raise ConfigError(
            f"there is no fine-tuning preset '{name}'. The presets are: {', '.join(names)}; or give the path of a "
            f".toml file.{did_you_mean(name, names)}"
        )
    data = read_toml(text, place=name)
    return finetune_from_dict({key: value for key, value in data.items() if key not in ABOUT_KEYS}, place=name)


def finetune_from_dict(data: dict[str, Any], *, place: str = "the settings") -> FinetuneConfig:
    """Makes settings of nested dictionaries, such as those of `run.json`; unknown keys are a `ConfigError`."""
    config = build_settings(FinetuneConfig, data, prefix="", place=place)
    assert isinstance(config, FinetuneConfig)
    return config


def override_finetune(
    config: FinetuneConfig,
    changes: Sequence[str],
    *,
    options: Mapping[str, object] | None = None,
    announce: Announce = say_nothing,
) -> FinetuneConfig:
    """Applies changes such as `train.learning_rate=1e-4`.

    The method "ddpo-sf" takes one update an epoch: what that needs is set too, unless it was changed here, and said.

    Args:
        config: the settings to start from.
        changes: each "section.field=value"; all are applied before the settings are checked.
        options: name to value, applied before the changes; None values change nothing.
        announce: is given one line where a setting was fitted to the method.

    Returns:
        The changed settings.

    A change without "=", of no field, or to a value that is not allowed is a `ConfigError`.
    """
    given = {name: value for name, value in ({} if options is None else options).items() if value is not None}
    table: dict[str, Any] = asdict(config)
    for name, value in given.items():
        section, _, key = name.rpartition(".")
        (table[section] if section else table)[key] = value
    changed(table, changes)
    named = {*given, *(change.partition("=")[0].strip() for change in changes)}
    fitted = _fit_score_function(table["train"], given=named)
    if fitted:
        announce(
            f"The method ddpo-sf takes one update an epoch, of all its pictures: {' and '.join(fitted)} set to fit."
        )
    return finetune_from_dict(table, place="--config" if changes else "the options")


def _fit_score_function(train: Any, *, given: Collection[str]) -> list[str]:  # noqa: ANN401 - may be no table yet
    """Sets what the method ddpo-sf needs and nobody gave; gives what was set."""
    if not isinstance(train, dict) or train["method"] != "ddpo-sf":
        return []
    wanted = {"update_batch_size": train["samples_per_epoch"], "num_passes": 1}
    fitted = {key: value for key, value in wanted.items() if f"train.{key}" not in given and train.get(key) != value}
    train.update(fitted)
    return [f"train.{key} = {value}" for key, value in fitted.items()]


def _data() -> Any:  # noqa: ANN401 - importlib.resources' Traversable moved between Python versions
    return files("rldf.presets") / "data" / "finetune"
