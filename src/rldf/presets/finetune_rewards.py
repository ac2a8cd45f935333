"""Makes what scores pictures in a fine-tuning run: rewards by name, and the scorers behind them."""

from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Literal, final

import numpy as np
import PIL.Image

from rldf.arrays import ImageBatch
from rldf.contracts import Perception, Reward
from rldf.errors import ConfigError, ModelUnavailableError, RldfError, did_you_mean
from rldf.finetuning.prompts import PromptSet
from rldf.finetuning.scoring import PromptScorer, PromptTargets
from rldf.finetuning.trainer import ScoreImages
from rldf.grammar import Grammar
from rldf.hub import Announce
from rldf.perception.clip import ZeroShotClip
from rldf.perception.embedded import HeadsPerception, load_embedded_scorer
from rldf.presets.finetune_config import FinetuneConfig, FinetuneRewardConfig
from rldf.presets.plugins import PREFIX, find_part
from rldf.presets.shelf import CLIP_ID
from rldf.presets.term_sentences import term_sentences
from rldf.presets.world_folder import find_part as find_world_part
from rldf.rewards import AgreementReward, MultiSemanticReward, PartialSemanticReward, SimilarityReward, WeightedSum
from rldf.rewards.aesthetic import AestheticReward, read_aesthetic_head
from rldf.rewards.caption import CaptionReward
from rldf.rewards.caption_models import TransformersCaptioner, TransformersTokenEmbedder
from rldf.rewards.colour import RednessReward
from rldf.rewards.jpeg import JpegReward
from rldf.rewards.remote import RemoteReward, RemoteSettings
from rldf.rewards.text_similarity import ClipScoreReward

READING_REWARDS = ("agreement", "multi-semantic", "partial-semantic")  # these compare what perception reads
REWARD_NAMES = (
    *READING_REWARDS,
    "aesthetic",
    "caption",
    "clip",
    "clip-score",
    "jpeg-compressibility",
    "jpeg-incompressibility",
    "redness",
    "remote",
)
NEEDED = {
    "aesthetic": ("aesthetic_head", "needs a head on CLIP's embedding", "a .safetensors file of its weights"),
    "caption": ("captioner", "needs an image-to-text model", "a hub id or folder of LLaVA or BLIP"),
    "clip": ("references", "compares with pictures", "a list of files such as ['cow.png']"),
    "remote": ("url", "asks a reward server", "an address that begins with http:// or https://"),
}
"""Reward to the setting it cannot do without, why, and what is needed there."""

EMBEDDED = {"a": "embedded/scorer-a", "b": "embedded/scorer-b"}
Scorer = HeadsPerception | ZeroShotClip
Role = Literal["a", "b"]
CONVERT = (
    "python -c \"from transformers import AutoModel as M, AutoTokenizer as T; [kind.from_pretrained('{model}')"
    ".save_pretrained('text-encoder') for kind in (M, T)]\""
)
"""Saves a text encoder with safetensors, whatever its weights were; reading pickled ones is the user's decision."""


@final
class ScorerShelf:
    """The scorers of one run, each loaded once, whoever asks."""

    def __init__(self, *, grammar: Grammar, device: str, announce: Announce) -> None:
        """Keeps how they are loaded.

        Args:
            grammar: whose words they read.
            device: where they run.
            announce: is given one line before anything is downloaded.
        """
        self.grammar = grammar
        self.device = device
        self.announce = announce
        self._loaded: dict[str, Scorer] = {}

    def load(self, name: str) -> Scorer:
        """Gives a scorer by name: an embedded one, a folder with heads, or a CLIP by folder or hub id."""
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> Scorer:
        space = self.grammar.space
        if name in EMBEDDED.values():
            return load_embedded_scorer("a" if name == EMBEDDED["a"] else "b", space=space, device=self.device)
        if is_with_heads(name):
            return HeadsPerception(Path(name), space, device=self.device)
        texts = term_sentences(self.grammar)
        return ZeroShotClip(name, space, texts=texts, announce=self.announce, device=self.device)


@final
class RoleScorer:
    """The scorer of the reward ("a") or of the second reward ("b"), loaded when a reward first needs it.

    Attributes:
        config: the settings.
        shelf: loads it.
        name: which one it is.
        notes: one line each, whatever a reader must know.
        loaded: the scorer; None before it is needed.
    """

    def __init__(self, config: FinetuneConfig, *, role: Role, shelf: ScorerShelf) -> None:
        """Chooses the scorer, and loads nothing.

        Args:
            config: the settings.
            role: whose scorer it is.
            shelf: loads it.
        """
        self.config = config
        self.shelf = shelf
        self.name = scorer_name(config, role=role)
        self.notes: list[str] = []
        self.loaded: Scorer | None = None

    def load(self) -> Scorer:
        """Gives the scorer."""
        if self.loaded is None:
            self.loaded = self.shelf.load(self.name)
        return self.loaded

    def get(self, *, reward: str) -> Scorer:
        """Gives the scorer to a reward, and notes where one with heads stands in for CLIP."""
        scorer = self.load()
        if isinstance(scorer, HeadsPerception):
            self.notes.append(f"The reward '{reward}' is computed by the embedded scorer, which stands in for CLIP.")
        return scorer

    def get_clip(self, *, reward: str) -> ZeroShotClip:
        """Gives the scorer, which embeds texts too; `check_rewards` refuses one that does not."""
        scorer = self.get(reward=reward)
        assert isinstance(scorer, ZeroShotClip)
        return scorer

    def load_to_judge(self) -> Scorer | None:
        """Gives the scorer that tells how different pictures are; None, with a note, where none can be had."""
        try:
            return self.load()
        except RldfError as error:
            if self.config.reward.second_perception != "auto":
                raise
            self.notes.append(
                f"Diversity and drift are those of small copies of the pictures, since the scorer '{self.name}' could "
                f"not be loaded: {error} Give one by reward.second_perception."
            )
            return None

    def build_caption_reward(self) -> CaptionReward:
        """Loads a captioner and a text encoder."""
        wanted, announce, device = self.config.reward, self.shelf.announce, self.shelf.device
        try:
            embedder = TransformersTokenEmbedder(
                wanted.text_encoder, announce=announce, layer=wanted.text_layer, device=device
            )
        except ModelUnavailableError as error:
            if "pickle" not in str(error):
                raise
            raise ModelUnavailableError(
                f"{error} Where you trust it, convert it once by {CONVERT.format(model=wanted.text_encoder)} and set "
                "reward.text_encoder to the folder text-encoder; or name another one there, and its reward.text_layer."
            ) from error
        captioner = TransformersCaptioner(wanted.captioner, announce=announce, device=device)
        return CaptionReward(captioner, embed_tokens=embedder)


def scorer_name(config: FinetuneConfig, *, role: Role) -> str:
    """Chooses a scorer: the one that is named; else that of the model's world; else CLIP.

    Args:
        config: the settings.
        role: "a" for the reward's, "b" for the second reward's, another one than "a" where the world has two.

    Returns:
        Its name.
    """
    wanted = config.reward.perception if role == "a" else config.reward.second_perception
    if wanted != "auto":
        return wanted
    if config.model.id == "embedded":
        return EMBEDDED[role]
    own = find_world_part(config.model.id, f"scorer-{role}")
    if own != "":
        return own
    return CLIP_ID if role == "a" else scorer_name(config, role="a")


def is_with_heads(name: str) -> bool:
    """True for a scorer with heads, which embeds pictures only; a CLIP embeds texts too."""
    return name in EMBEDDED.values() or (Path(name) / "heads.json").is_file()


def check_rewards(config: FinetuneConfig, *, prompts: PromptSet) -> None:
    """Refuses rewards that cannot be computed, before any model is loaded.

    Args:
        config: the settings.
        prompts: what the pictures are asked for by.

    Raises:
        ConfigError: if there is no such reward, a setting it needs is missing or wrong, or it cannot be computed for
            these prompts.
    """
    if not config.reward.parts:
        raise ConfigError(
            f"reward.parts is empty; at least one reward is needed. There are: {', '.join(REWARD_NAMES)}. Name one."
        )
    _read_references(config.reward)
    roles: dict[Role, list[str]] = {"a": [_name_and_weight(part)[0] for part in config.reward.parts]}
    roles["b"] = [] if config.reward.second == "" else [_name_and_weight(config.reward.second)[0]]
    for role, names in roles.items():
        for name in names:
            if name.startswith(PREFIX):
                find_part("reward", name)
            elif name not in REWARD_NAMES:
                raise ConfigError(
                    f"there is no reward '{name}'. There are: {', '.join(REWARD_NAMES)}."
                    f"{did_you_mean(name, REWARD_NAMES)} Name one of these."
                )
            if needs_reading(name) and not prompts.encodings:
                raise ConfigError(
                    f"the reward '{name}' compares a picture with the words of its prompt, and the prompts of "
                    f"'{prompts.name}' are free text; sentences of a grammar are needed. Set prompts.set to 'grammar'."
                )
            _check_settings(name, config=config, role=role)


def needs_reading(name: str) -> bool:
    """True for a reward that compares what a scorer reads in a picture with the words of its prompt."""
    return name in READING_REWARDS or name.startswith(PREFIX)


def _check_settings(name: str, *, config: FinetuneConfig, role: Role) -> None:
    """Checks what one reward needs beside the prompts."""
    wanted = config.reward
    if name in NEEDED:
        setting, why, what = NEEDED[name]
        if len(getattr(wanted, setting)) == 0:
            raise ConfigError(
                f"the reward '{name}' {why} and reward.{setting} is empty; {what} is needed. Give it by --config "
                f"reward.{setting}=..."
            )
    if name == "aesthetic":
        read_aesthetic_head(Path(wanted.aesthetic_head))
    elif name == "remote":
        _remote_settings(wanted)
    elif name == "clip-score" and is_with_heads(scorer_name(config, role=role)):
        perception = "perception" if role == "a" else "second_perception"
        raise ConfigError(
            f"the reward '{name}' compares pictures with texts, and the embedded scorer embeds pictures only; a "
            f"CLIP does both. Set reward.{perception} to a CLIP's hub id or folder, or take 'agreement'."
        )


def build_score(parts: tuple[str, ...], *, scorer: RoleScorer, prompts: PromptSet) -> ScoreImages:
    """Makes what scores pictures: one reward, or a weighted sum.

    Args:
        parts: names, each with an optional weight, which `check_rewards` has let pass.
        scorer: of rewards that need one.
        prompts: what the pictures are asked for by.

    Returns:
        It scores pictures.
    """
    weighted = dict(_name_and_weight(part) for part in parts)
    rewards: dict[str, tuple[float, Reward]] = {}
    for name, weight in weighted.items():
        reward = _reward(name, scorer=scorer)
        if needs_reading(name):
            reward = PromptTargets(reward, encodings=prompts.encodings, space=scorer.shelf.grammar.space)
        rewards[name] = (weight, reward)
    is_plain = len(rewards) == 1 and next(iter(weighted.values())) == 1.0
    whole = next(iter(rewards.values()))[1] if is_plain else WeightedSum(rewards)
    perception: Perception | None = scorer.loaded if any(needs_reading(name) for name in weighted) else None
    references = _read_references(scorer.config.reward)
    return PromptScorer(whole, encodings=prompts.encodings, perception=perception, references=references)


def _reward(name: str, *, scorer: RoleScorer) -> Reward:
    wanted, space = scorer.config.reward, scorer.shelf.grammar.space
    plain: dict[str, Callable[[], Reward]] = {
        "jpeg-compressibility": lambda: JpegReward(is_small_better=True),
        "jpeg-incompressibility": lambda: JpegReward(is_small_better=False),
        "redness": RednessReward,
        "remote": lambda: RemoteReward(_remote_settings(wanted)),
        "caption": scorer.build_caption_reward,
    }
    if name in plain:
        return plain[name]()
    if name == "clip-score":
        clip = scorer.get_clip(reward=name)
        return ClipScoreReward(clip, embed_texts=clip.embed_texts)
    reading: dict[str, Callable[[Scorer], Reward]] = {
        "agreement": lambda _: AgreementReward(space),
        "multi-semantic": lambda _: MultiSemanticReward(space),
        "partial-semantic": lambda _: PartialSemanticReward(space),
        "clip": SimilarityReward,
        "aesthetic": lambda embedder: AestheticReward(embedder, Path(wanted.aesthetic_head)),
    }
    found = scorer.get(reward=name)
    if name in reading:
        return reading[name](found)
    make: Callable[..., Reward] = find_part("reward", name)
    return make(space=space)


def _remote_settings(wanted: FinetuneRewardConfig) -> RemoteSettings:
    try:
        return RemoteSettings(url=wanted.url, low=wanted.url_low, high=wanted.url_high, timeout_s=wanted.url_timeout_s)
    except ConfigError as error:
        raise ConfigError(
            f"{error} The settings are reward.url, reward.url_low, reward.url_high and reward.url_timeout_s."
        ) from error


def _name_and_weight(part: str) -> tuple[str, float]:
    name, equals, text = part.partition("=")
    try:
        weight = float(text) if equals else 1.0
    except ValueError:
        weight = float("nan")
    if not isfinite(weight):
        raise ConfigError(
            f"the reward '{part}' has the weight '{text}'; a weight is a number, as in 'agreement=0.5'. Correct it."
        )
    return name.strip(), weight


def _read_references(wanted: FinetuneRewardConfig) -> list[ImageBatch]:
    return [_read_image(Path(path)) for path in wanted.references]


def _read_image(path: Path) -> ImageBatch:
    try:
        with PIL.Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))[None]
    except (OSError, SyntaxError) as error:
        raise ConfigError(
            f"the picture '{path}' of reward.references cannot be read: {error}. Give another file."
        ) from error
