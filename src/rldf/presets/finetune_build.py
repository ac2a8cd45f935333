"""Builds the parts of a fine-tuning run: concrete classes from settings."""

from dataclasses import dataclass, replace
from importlib.util import find_spec

from rldf.errors import ConfigError, MissingExtraError
from rldf.finetuning.policy import DiffusionPolicy
from rldf.finetuning.processes import AcceleratedProcesses, Processes, SingleProcess
from rldf.finetuning.prompts import PromptSet, grammar_prompts, load_prompt_set
from rldf.finetuning.trainer import ScoreImages, Trainer
from rldf.generators.embedded import embedded_folder
from rldf.generators.pipeline_loading import LoadedPipeline, load_pipeline
from rldf.generators.settings import GenerationSettings
from rldf.grammar import Grammar, load_grammar
from rldf.hub import Announce
from rldf.presets.finetune_config import FinetuneConfig
from rldf.presets.finetune_rewards import Role, RoleScorer, Scorer, ScorerShelf, build_score, check_rewards
from rldf.presets.generators import DTYPES, choose_device
from rldf.presets.world_folder import GENERATOR, find_world

ROLES: tuple[Role, Role] = ("a", "b")


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
    scorer: Scorer | None
    model_card: dict[str, str]
    notes: tuple[str, ...]


def build_finetune_parts(
    config: FinetuneConfig,
    *,
    announce: Announce,
    processes: Processes | None = None,
    has_base: bool = False,
    has_judge: bool = False,
) -> FinetuneParts:
    """Builds the parts of a fine-tuning run.

    Args:
        config: the settings.
        announce: is given one line before anything is downloaded, and the notes, unless they are for a judgement, which
            tells them itself.
        processes: that train together; None for one.
        has_base: True to keep the base model for comparison even where all weights move.
        has_judge: True to load the judge's scorer even where no reward needs one.

    Returns:
        The parts.
    """
    device = processes.device if isinstance(processes, AcceleratedProcesses) else choose_device(config.model.device)
    grammar = load_grammar(config.prompts.grammar)
    prompts = build_prompts(config, grammar=grammar)
    check_rewards(config, prompts=prompts)
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
    shelf = ScorerShelf(grammar=grammar, device=device, announce=announce)
    scorer, judge = (RoleScorer(config, role=role, shelf=shelf) for role in ROLES)
    score = build_score(config.reward.parts, scorer=scorer, prompts=prompts)
    second = None
    if config.reward.second != "":
        second = build_score((config.reward.second,), scorer=judge, prompts=prompts)
    if judge.loaded is not None and judge.loaded is scorer.loaded:
        judge.notes.append(
            f"The second reward reads pictures with the same scorer as the reward, '{judge.name}', and shares its "
            "mistakes: the alarm says less. Give another one by reward.second_perception."
        )
    told = judge.load_to_judge() if has_judge else judge.loaded
    own = [*_precision_notes(config, policy), *_judging_notes(config, prompts, is_judged=has_judge)]
    notes = tuple(dict.fromkeys([*own, *scorer.notes, *judge.notes]))
    for note in () if has_judge else notes:
        announce(note)
    return FinetuneParts(
        policy=policy,
        prompts=prompts,
        score=score,
        second=second,
        scorer=scorer.loaded if told is None else told,
        model_card={"id": config.model.id, "digest": loaded.digest},
        notes=notes,
    )


def _precision_notes(config: FinetuneConfig, policy: DiffusionPolicy) -> list[str]:
    if policy.precision == config.train.precision:
        return []
    return [f"The frozen weights are in {policy.precision}, so the denoiser computes in it, not in train.precision."]


def _judging_notes(config: FinetuneConfig, prompts: PromptSet, *, is_judged: bool) -> list[str]:
    """Says what a run cannot be judged by."""
    notes = []
    if config.reward.second == "":
        notes.append(
            "No second reward: no alarm is possible; give --second."
            if is_judged
            else "No second reward watches this run, so it can raise no alarm; set reward.second, or judge it by one "
            "afterwards: rldf finetune evaluate RUN --second NAME."
        )
    if not prompts.unseen:
        notes.append(
            f"The prompts of '{prompts.name}' are all trained on, so a run is judged on none that it has not seen; "
            "prompts.unseen names others."
        )
    return notes


def build_prompts(config: FinetuneConfig, *, grammar: Grammar) -> PromptSet:
    """Builds the prompt set of a run; sentences of another file than the grammar have no encodings.

    Args:
        config: the settings.
        grammar: spells sentences.

    Returns:
        The set, with the unseen prompts of another one where it has none of its own and the settings name one.

    Raises:
        ConfigError: if all prompts of that other set are trained on.
    """
    wanted = config.prompts
    if wanted.set == "grammar":
        return grammar_prompts(grammar, num_prompts=wanted.num_prompts, num_unseen=wanted.num_unseen, seed=config.seed)
    prompts = load_prompt_set(wanted.set)
    if prompts.unseen or wanted.unseen == "":
        return prompts
    other = load_prompt_set(wanted.unseen)
    trained = set(prompts.trained)
    unseen = tuple(text for text in (other.unseen if other.unseen else other.trained) if text not in trained)
    if not unseen:
        raise ConfigError(
            f"prompts.unseen is '{wanted.unseen}', and all its prompts are trained on, in '{wanted.set}'; others are "
            'needed for judging. Name another set or file, or "" for none.'
        )
    return replace(prompts, unseen=unseen)


def build_trainer(config: FinetuneConfig, parts: FinetuneParts, *, processes: Processes) -> Trainer:
    """Makes a trainer at its beginning, and refuses what could not go on behind it.

    Args:
        config: the settings.
        parts: of the run.
        processes: that train together.

    Returns:
        The trainer.

    Raises:
        MissingExtraError: if the run is to write for TensorBoard, which is not installed.
    """
    if config.run.use_tensorboard and find_spec("tensorboard") is None:
        raise MissingExtraError(
            "run.use_tensorboard is true and the package 'tensorboard' is not installed; epochs.jsonl needs none. "
            "Install it with: pip install 'rldf[train]', or set run.use_tensorboard to false."
        )
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
    """Loads the pipeline of a run; a world gives its generator, without the adapter for few steps."""
    world = find_world(config.model.id)
    source = config.model.id if world is None else world / GENERATOR
    settings = GenerationSettings(size_px=config.model.size_px if config.model.size_px > 0 else None)
    return load_pipeline(
        embedded_folder() if config.model.id == "embedded" else source,
        dtype=DTYPES["float32" if config.model.dtype == "auto" else config.model.dtype],
        settings=settings,
        announce=announce,
        revision=config.model.revision if config.model.revision != "" else None,
    )
