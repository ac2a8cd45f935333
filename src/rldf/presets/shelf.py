"""The models of this process: each is loaded at first use and once, whoever asks."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import final

from rldf.contracts import Perception
from rldf.errors import ConfigError
from rldf.grammar import Grammar, load_grammar
from rldf.hub import Announce
from rldf.perception.captioned import CaptionPerception
from rldf.perception.classifier import ClassifierDetectorPerception, DetectionSettings
from rldf.perception.clip import ZeroShotClip
from rldf.perception.embedded import HeadsPerception, load_embedded_scorer
from rldf.presets.config import JudgeConfig, ModelConfig, PerceptionConfig, SearchConfig
from rldf.presets.generators import BuiltGenerator, build_generator, choose_device, shelf_key
from rldf.presets.label_synonyms import LABEL_SYNONYMS
from rldf.presets.plugins import find_part
from rldf.presets.term_sentences import term_sentences
from rldf.presets.term_words import term_words
from rldf.presets.world_folder import find_part as find_world_part
from rldf.rewards.caption_models import TransformersCaptioner
from rldf.search import PartCard

CLIP_ID = "openai/clip-vit-large-patch14"  # the paper's
CAPTIONER_ID = "Salesforce/blip2-opt-2.7b"  # the paper compares with BLIP-2
NUM_CAPTIONS = 4  # of a picture; our choice


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltScorer:
    """A perception, and which model it is."""

    perception: Perception
    card: PartCard


@final
class ModelShelf:
    """Models that were loaded, by their settings: each is loaded once, whoever asks."""

    def __init__(self) -> None:
        self._generators: dict[str, BuiltGenerator] = {}
        self._scorers: dict[str, BuiltScorer] = {}
        self._grammars: dict[str, Grammar] = {}

    def grammar(self, config: SearchConfig) -> Grammar:
        """Gives the grammar of a search; a grammar file is read anew, since it may have been edited."""
        grammar = load_grammar(config.grammar.name)
        grammar = grammar.block(config.grammar.blocked) if config.grammar.blocked else grammar
        return self._grammars.setdefault(grammar.digest, grammar)

    def generator(self, config: ModelConfig, *, announce: Announce) -> BuiltGenerator:
        """Gives the image generator of a search."""
        key = shelf_key(config)
        if key not in self._generators:
            self._generators[key] = build_generator(config, announce=announce)
        return self._generators[key]

    def perception(self, config: SearchConfig, *, announce: Announce) -> tuple[Perception, PartCard]:
        """Gives scorer A of a search, and which model it is."""
        kind, wanted = config.perception.kind, config.perception
        own = find_world_part(config.model.id, "scorer-a") if wanted.id == "" else ""
        if kind == "auto" and own != "":
            kind, wanted = "embedded", replace(wanted, id=own)
        if kind == "auto":
            kind = "embedded" if _is_embedded(config.model) and wanted.id == "" else "clip"
        scorer = self._scorer(kind, wanted, scorer="a", config=config, announce=announce)
        return scorer.perception, scorer.card

    def judge(self, config: SearchConfig, *, announce: Announce) -> BuiltScorer | None:
        """Gives scorer B of a search; None where scorer A is to judge itself."""
        kind, wanted = config.judge.kind, config.judge
        own = find_world_part(config.model.id, "scorer-b") if wanted.id == "" else ""
        if kind == "auto" and own != "":
            kind, wanted = "embedded", replace(wanted, id=own)
        if kind == "auto":
            default = "embedded" if _is_embedded(config.model) else "same"
            kind = default if wanted.id == "" else "clip"
        if kind == "same":
            return None
        return self._scorer(kind, wanted, scorer="b", config=config, announce=announce)

    def _scorer(
        self,
        kind: str,
        wanted: PerceptionConfig | JudgeConfig,
        *,
        scorer: str,
        config: SearchConfig,
        announce: Announce,
    ) -> BuiltScorer:
        grammar = self.grammar(config)
        device = choose_device(config.model.device)
        role = scorer if kind == "embedded" else ""
        key = json.dumps([kind, wanted.id, wanted.detector, role, grammar.digest, device])
        if key not in self._scorers:
            self._scorers[key] = _build_scorer(
                kind, wanted, scorer=scorer, grammar=grammar, device=device, announce=announce
            )
        return self._scorers[key]


SHELF = ModelShelf()
"""Shared by all jobs of this process."""


def _build_scorer(
    kind: str,
    wanted: PerceptionConfig | JudgeConfig,
    *,
    scorer: str,
    grammar: Grammar,
    device: str,
    announce: Announce,
) -> BuiltScorer:
    space = grammar.space
    match kind:
        case "embedded":
            heads = (
                load_embedded_scorer("a" if scorer == "a" else "b", space=space, device=device)
                if wanted.id == ""
                else HeadsPerception(Path(wanted.id), space, device=device)
            )
            name = f"embedded/scorer-{scorer}" if wanted.id == "" else wanted.id
            return BuiltScorer(perception=heads, card=PartCard(id=name, digest=heads.digest, kind="heads"))
        case "clip":
            name = CLIP_ID if wanted.id == "" else wanted.id
            clip = ZeroShotClip(name, space, texts=term_sentences(grammar), announce=announce, device=device)
            return BuiltScorer(perception=clip, card=PartCard(id=name, digest=clip.digest, kind="zero-shot CLIP"))
        case "classifier-detector":
            if wanted.id == "" or wanted.detector == "":
                raise ConfigError(
                    f"a classifier and a detector are two models, and {wanted.id!r} and {wanted.detector!r} are given; "
                    "name both, by hub id or folder, in the settings id and detector."
                )
            pair = ClassifierDetectorPerception(
                space,
                classifier=wanted.id,
                detector=wanted.detector,
                announce=announce,
                settings=DetectionSettings(synonyms=LABEL_SYNONYMS, unknown_terms="ignore"),
                device=device,
            )
            name = f"{wanted.id} + {wanted.detector}"
            return BuiltScorer(perception=pair, card=PartCard(id=name, digest=pair.digest, kind=kind))
        case "captioner":
            return _build_caption_reader(wanted.id, grammar=grammar, device=device, announce=announce)
        case name:
            make: Callable[..., Perception] = find_part("perception", name)
            return BuiltScorer(perception=make(space=space), card=PartCard(id=name, digest="", kind="plugin"))


def _build_caption_reader(model: str, *, grammar: Grammar, device: str, announce: Announce) -> BuiltScorer:
    name = CAPTIONER_ID if model == "" else model
    captioner = TransformersCaptioner(name, announce=announce, device=device)
    reader = CaptionPerception(
        grammar.space,
        words=term_words(grammar),
        describe=partial(captioner.describe_variously, count=NUM_CAPTIONS),
        digest=captioner.digest,
    )
    return BuiltScorer(perception=reader, card=PartCard(id=name, digest=reader.digest, kind="captions"))


def _is_embedded(config: ModelConfig) -> bool:
    return config.kind == "embedded" or (config.kind == "auto" and config.id == "embedded")
