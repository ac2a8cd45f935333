"""Builds the parts of a fine-tuning run: concrete classes from settings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

from rldf.arrays import ImageBatch
from rldf.contracts import Perception, Reward
from rldf.errors import ConfigError, did_you_mean
from rldf.finetuning.policy import DiffusionPolicy
from rldf.finetuning.processes import AcceleratedProcesses, Processes, SingleProcess
from rldf.finetuning.prompts import PromptSet, grammar_prompts, load_prompt_set
from rldf.finetuning.scoring import PromptScorer
from rldf.finetuning.trainer import ScoreImages, Trainer
from rldf.generators.embedded import embedded_folder
from rldf.generators.pipeline_loading import LoadedPipeline, load_pipeline
from rldf.generators.settings import GenerationSettings
from rldf.grammar import Grammar, load_grammar
from rldf.hub import Announce
from rldf.perception.clip import ZeroShotClip
from rldf.perception.embedded import HeadsPerception, load_embedded_scorer
from rldf.presets.finetune_config import FinetuneConfig
from rldf.presets.generators import DTYPES, choose_device
from rldf.presets.plugins import PREFIX, find_part
from rldf.presets.shelf import CLIP_ID
from rldf.presets.term_sentences import term_sentences
from rldf.rewards import AgreementReward, MultiSemanticReward, PartialSemanticReward, SimilarityReward, WeightedSum
from rldf.rewards.aesthetic import AestheticReward
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneParts:
    """The parts of a fine-tuning run, ready for use.

    Attributes:
        policy: what is trained.
        prompts: to train on and to judge on.
        score: the reward.
        second: the reward that only judges; None for none.
        scorer: reads and embeds pictures, to measure how different they are; None where none is loaded.
        model_card: which model it is.
        notes: one line each, whatever a reader must know.
    """

    policy: DiffusionPolicy
    prompts: PromptSet
    score: ScoreImages
    second: ScoreImages | None
    scorer: HeadsPerception | ZeroShotClip | None
    model_card: dict[str, str]
    notes: tuple[str, ...]


def build_finetune_parts(
    config: FinetuneConfig, *, announce: Announce, processes: Processes | None = None, has_base: bool = False
) -> FinetuneParts:
    """Builds the parts of a fine-tuning run.

    Args:
        config: the settings.
        announce: is given one line before anything is downloaded.
        processes: that train together; None for one.
        has_base: True to keep the base model for comparison even where all weights move.

    Returns:
        The parts.
    """
    device = processes.device if isinstance(processes, AcceleratedProcesses) else choose_device(config.model.device)
    grammar = load_grammar(config.prompts.grammar)
    prompts = build_prompts(config, grammar=grammar)
    loaded = load_finetune_pipeline(config, announce=announce)
    policy = DiffusionPolicy(
        loaded.pipeline,
        sampling=config.sampler,
        adapter=config.adapter,
        precision=config.train.precision,
        device=device,
        seed=config.seed,
        has_base=has_base or config.train.kl_weight > 0,
        size_px=config.model.size_px if config.model.size_px > 0 else None,
        negative_prompt=config.model.negative_prompt,
    )
    scorers = _Scorers(config, grammar=grammar, device=device, announce=announce)
    score = _scorer(config.reward.parts, scorers=scorers, config=config, prompts=prompts)
    second = None
    judge = _Scorers(config, grammar=grammar, device=device, announce=announce, embedded="b")
    if config.reward.second != "":
        second = _scorer((config.reward.second,), scorers=judge, config=config, prompts=prompts)
        scorers.notes += judge.notes
    return FinetuneParts(
        policy=policy,
        prompts=prompts,
        score=score,
        second=second,
        scorer=scorers.loaded if judge.loaded is None else judge.loaded,
        model_card={"id": config.model.id, "digest": loaded.digest},
        notes=tuple(dict.fromkeys(scorers.notes)),
    )


def build_prompts(config: FinetuneConfig, *, grammar: Grammar) -> PromptSet:
    """Builds the prompt set of a run; sentences of another file than the grammar have no encodings."""
    wanted = config.prompts
    if wanted.set == "grammar":
        return grammar_prompts(grammar, num_prompts=wanted.num_prompts, num_unseen=wanted.num_unseen, seed=config.seed)
    return load_prompt_set(wanted.set)


def build_trainer(config: FinetuneConfig, parts: FinetuneParts, *, processes: Processes) -> Trainer:
    """Makes a trainer at its beginning."""
    return Trainer(
        parts.policy,
        prompts=parts.prompts.trained,
        score=parts.score,
        train=config.train,
        advantage=config.advantage,
        processes=processes,
        seed=config.seed,
    )


def build_processes(num_processes: int, *, config: FinetuneConfig) -> Processes:
    """Joins the other processes, where a launcher started several.

    Args:
        num_processes: as the launcher says; 1 for none.
        config: the settings.

    Returns:
        The processes.
    """
    if num_processes == 1:
        return SingleProcess()
    return AcceleratedProcesses(is_on_cpu=choose_device(config.model.device) == "cpu")


def load_finetune_pipeline(config: FinetuneConfig, *, announce: Announce) -> LoadedPipeline:
    """Loads the pipeline of a run."""
    is_embedded = config.model.id == "embedded"
    settings = GenerationSettings(size_px=config.model.size_px if config.model.size_px > 0 else None)
    return load_pipeline(
        embedded_folder() if is_embedded else config.model.id,
        dtype=DTYPES["float32" if config.model.dtype == "auto" else config.model.dtype],
        settings=settings,
        announce=announce,
        revision=config.model.revision if config.model.revision != "" else None,
    )


class _Scorers:
    """Perception and embeddings for rewards, loaded when a reward first needs them."""

    def __init__(
        self, config: FinetuneConfig, *, grammar: Grammar, device: str, announce: Announce, embedded: str = "a"
    ) -> None:
        self.config = config
        self.grammar = grammar
        self.notes: list[str] = []
        self.loaded: HeadsPerception | ZeroShotClip | None = None
        self._device = device
        self._announce = announce
        self._embedded = embedded

    def get(self, *, reward: str) -> HeadsPerception | ZeroShotClip:
        """Gives the scorer."""
        if self.loaded is None:
            self.loaded = self._load()
        if isinstance(self.loaded, HeadsPerception):
            self.notes.append(f"The reward '{reward}' is computed by the embedded scorer, which stands in for CLIP.")
        return self.loaded

    def get_clip(self, *, reward: str) -> ZeroShotClip:
        """Gives the scorer, which must embed texts too."""
        scorer = self.get(reward=reward)
        if not isinstance(scorer, ZeroShotClip):
            raise ConfigError(
                f"the reward '{reward}' compares pictures with texts, and the embedded scorer embeds pictures only; a "
                "CLIP does both. Set reward.perception to a CLIP's hub id or folder, or take 'agreement'."
            )
        return scorer

    def build_caption_reward(self) -> CaptionReward:
        """Loads a captioner and a text encoder."""
        wanted = self.config.reward
        if wanted.captioner == "":
            raise ConfigError(
                "the reward 'caption' needs an image-to-text model and reward.captioner is empty; a hub id or folder "
                "of LLaVA or BLIP is needed. Give one by --config reward.captioner=..."
            )
        embedder = TransformersTokenEmbedder(
            wanted.text_encoder, announce=self._announce, layer=wanted.text_layer, device=self._device
        )
        captioner = TransformersCaptioner(wanted.captioner, announce=self._announce, device=self._device)
        return CaptionReward(captioner, embed_tokens=embedder)

    def _load(self) -> HeadsPerception | ZeroShotClip:
        wanted, space = self.config.reward.perception, self.grammar.space
        if wanted == "auto" and self.config.model.id == "embedded":
            return load_embedded_scorer("a" if self._embedded == "a" else "b", space=space, device=self._device)
        if (Path(wanted) / "heads.json").is_file():
            return HeadsPerception(Path(wanted), space, device=self._device)
        name = CLIP_ID if wanted == "auto" else wanted
        texts = term_sentences(self.grammar)
        return ZeroShotClip(name, space, texts=texts, announce=self._announce, device=self._device)


def _scorer(parts: tuple[str, ...], *, scorers: _Scorers, config: FinetuneConfig, prompts: PromptSet) -> ScoreImages:
    """Makes what scores pictures: one reward, or a weighted sum."""
    weighted = dict(_name_and_weight(part) for part in parts)
    if not weighted:
        raise ConfigError(
            f"reward.parts is empty; at least one reward is needed. There are: {', '.join(REWARD_NAMES)}. Name one."
        )
    needs_reading = [name for name in weighted if name in READING_REWARDS or name.startswith(PREFIX)]
    if needs_reading and not prompts.encodings:
        raise ConfigError(
            f"the reward '{needs_reading[0]}' compares a picture with the words of its prompt, and the prompts of "
            f"'{prompts.name}' are free text; sentences of a grammar are needed. Set prompts.set to 'grammar'."
        )
    rewards = {name: (weight, _reward(name, scorers=scorers)) for name, weight in weighted.items()}
    is_plain = len(rewards) == 1 and next(iter(weighted.values())) == 1.0
    reward = next(iter(rewards.values()))[1] if is_plain else WeightedSum(rewards)
    perception: Perception | None = scorers.loaded if needs_reading else None
    references = [_read_image(Path(path)) for path in config.reward.references]
    return PromptScorer(reward, encodings=prompts.encodings, perception=perception, references=references)


def _reward(name: str, *, scorers: _Scorers) -> Reward:
    wanted, space = scorers.config.reward, scorers.grammar.space
    plain: dict[str, Callable[[], Reward]] = {
        "jpeg-compressibility": lambda: JpegReward(is_small_better=True),
        "jpeg-incompressibility": lambda: JpegReward(is_small_better=False),
        "redness": RednessReward,
        "remote": lambda: RemoteReward(
            RemoteSettings(url=wanted.url, low=wanted.url_low, high=wanted.url_high, timeout_s=wanted.url_timeout_s)
        ),
    }
    reading: dict[str, Callable[[], Reward]] = {
        "agreement": lambda: AgreementReward(space),
        "multi-semantic": lambda: MultiSemanticReward(space),
        "partial-semantic": lambda: PartialSemanticReward(space),
        "clip": lambda: SimilarityReward(scorers.get(reward=name)),
        "aesthetic": lambda: AestheticReward(scorers.get(reward=name), Path(wanted.aesthetic_head)),
    }
    if name in plain:
        return plain[name]()
    if name in reading:
        scorers.get(reward=name)
        return reading[name]()
    if name == "caption":
        return scorers.build_caption_reward()
    if name == "clip-score":
        clip = scorers.get_clip(reward=name)
        return ClipScoreReward(clip, embed_texts=clip.embed_texts)
    if name.startswith(PREFIX):
        scorers.get(reward=name)
        make: Callable[..., Reward] = find_part("reward", name)
        return make(space=space)
    raise ConfigError(
        f"there is no reward '{name}'. There are: {', '.join(REWARD_NAMES)}.{did_you_mean(name, REWARD_NAMES)} "
        "Name one of these."
    )


def _name_and_weight(part: str) -> tuple[str, float]:
    name, equals, text = part.partition("=")
    try:
        return name.strip(), float(text) if equals else 1.0
    except ValueError as error:
        raise ConfigError(
            f"the reward '{part}' has the weight '{text}'; a weight is a number, as in 'agreement=0.5'. Correct it."
        ) from error


def _read_image(path: Path) -> ImageBatch:
    try:
        with PIL.Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))[None]
    except (OSError, SyntaxError) as error:
        raise ConfigError(f"the reference '{path}' cannot be read as a picture: {error}. Give another file.") from error
