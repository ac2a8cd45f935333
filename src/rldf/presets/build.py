"""Builds the parts of a search from its settings.

Adding a part means one file, one case here, one test and one page; parts from outside come in through `plugins.py`.
Models are loaded by `shelf.py`, methods of search declared in `methods.py`.
"""

from collections.abc import Callable, Sequence

import numpy as np

from rldf.agents import ConstantRate, RobbinsMonroRate
from rldf.arrays import Probabilities
from rldf.contracts import Feedback, ImageEmbedder, ImageGenerator, Perception, Reward, Searcher, Target
from rldf.errors import ConfigError
from rldf.feedback import DiffusionFeedback
from rldf.grammar import Grammar
from rldf.hub import Announce, say_nothing
from rldf.perception.embedded import HeadsPerception
from rldf.presets.agent_methods import Learning, falling_epsilon
from rldf.presets.config import SearchConfig
from rldf.presets.methods import METHODS, SEARCHER_NAMES
from rldf.presets.plugins import find_part
from rldf.presets.searchers import make_for_search
from rldf.presets.shelf import ModelShelf
from rldf.rewards import (
    AgreementReward,
    FeatureCloud,
    MahalanobisDetector,
    MultiSemanticReward,
    PartialSemanticReward,
    PenalisedReward,
    SimilarityReward,
    TerminatingFeedback,
    draw_reward,
)
from rldf.search import SearchParts, Wiring
from rldf.searchers import GridWalk
from rldf.seeding import child_rng
from rldf.space import Encoding, EncodingSpace


def build_parts(config: SearchConfig, *, shelf: ModelShelf, announce: Announce = say_nothing) -> SearchParts:
    """Builds the parts of a search.

    Args:
        config: the settings.
        shelf: models that were loaded already.
        announce: is given one line before anything is downloaded.

    Returns:
        The parts, ready for use.
    """
    grammar = shelf.grammar(config)
    space = grammar.space.lock(config.grammar.locked)
    generator = shelf.generator(config.model, announce=announce)
    perception, perception_card = shelf.perception(config, announce=announce)
    judge = shelf.judge(config, announce=announce)
    is_independent = judge is not None and judge.card.digest != perception_card.digest
    notes = (
        ()
        if is_independent
        else (
            "Scorer A judged itself, since no independent judge was given: the score says less. Give one by --judge.",
        )
    )

    def wire(target: Target) -> Wiring:
        return _wire(
            config, target, grammar=grammar, space=space, generator=generator.image_generator, perception=perception
        )

    def make_searcher(
        space: EncodingSpace, start: Encoding, seed: int, prior: Sequence[Probabilities] | None
    ) -> Searcher:
        return build_searcher(config, space=space, start=start, seed=seed, prior=prior)

    return SearchParts(
        grammar=grammar,
        space=space,
        image_generator=generator.image_generator,
        perception=perception,
        judge=perception if judge is None else judge.perception,
        is_judge_independent=is_independent,
        generator_card=generator.card,
        perception_card=perception_card,
        judge_card=perception_card if judge is None else judge.card,
        wire=wire,
        make_searcher=make_searcher,
        negative_prompt=config.model.negative_prompt,
        evaluations_per_picture=generator.evaluations_per_picture,
        cache_hits=generator.cache_hits,
        device=generator.device,
        dtype=generator.dtype,
        notes=notes,
    )


def build_searcher(
    config: SearchConfig,
    *,
    space: EncodingSpace,
    start: Encoding,
    seed: int,
    prior: Sequence[Probabilities] | None = None,
) -> Searcher:
    """Builds a searcher.

    Args:
        config: the settings.
        space: the grid with its locks.
        start: where the search begins.
        seed: root seed of the run.
        prior: what scorer A read in the input, for each axis one probability per term; None for the start alone.

    Returns:
        The searcher.
    """
    name = config.search.searcher
    if name not in SEARCHER_NAMES:
        make: Callable[..., Searcher] = find_part("searcher", name)
        return make(space=space, start=start, seed=seed)
    make_agent = METHODS[name].make_agent
    if make_agent is None:
        horizon = config.budget.max_renders
        return make_for_search(name, space=space, start=start, seed=seed, horizon=horizon, prior=prior)
    return GridWalk(
        agent=make_agent(_learning(config, num_actions=len(space.moves), seed=seed)),
        space=space,
        start=None if config.search.start == "random" else start,  # Algorithm 1: each episode starts anywhere
        max_episode_steps=config.search.max_episode_moves,
        seed=seed,
    )


def build_reward(
    config: SearchConfig, *, space: EncodingSpace, target: Target, perception: Perception
) -> tuple[Reward, tuple[str, ...]]:
    """Builds the reward for one target.

    Args:
        config: the settings.
        space: the grid with its locks.
        target: what is known of the wish.
        perception: scorer A; its embeddings serve the CLIP reward.

    Returns:
        The reward, and notes where another one than asked for had to be taken or one was drawn.
    """
    name = config.reward.name
    if name == "random":
        makers = {
            "multi-semantic": MultiSemanticReward(space),
            "partial-semantic": PartialSemanticReward(space),
            "clip": _similarity(perception),
        }
        drawn, reward = draw_reward(makers, child_rng(config.seed, "reward"))
        return reward, (f"The reward of this run was drawn: {drawn}.",)
    match name:
        case "agreement":
            return _agreement(space, target=target, perception=perception)
        case "multi-semantic":
            return MultiSemanticReward(space), ()
        case "partial-semantic":
            return PartialSemanticReward(space), ()
        case "clip":
            return _similarity(perception), ()
        case other:
            make: Callable[..., Reward] = find_part("reward", other)
            return make(space=space), ()


def _wire(
    config: SearchConfig,
    target: Target,
    *,
    grammar: Grammar,
    space: EncodingSpace,
    generator: ImageGenerator,
    perception: Perception,
) -> Wiring:
    """Makes the feedback for one target."""
    reward, notes = build_reward(config, space=space, target=target, perception=perception)
    if config.reward.realism == "penalise":
        reward = PenalisedReward(reward, _detector(perception), penalty=reward.bounds[0])
    drawing = DiffusionFeedback(
        grammar=grammar,
        image_generator=generator,
        perception=perception,
        reward=reward,
        target=target,
        negative_prompt=config.model.negative_prompt,
    )
    feedback: Feedback = drawing
    if config.reward.realism == "terminate":
        feedback = TerminatingFeedback(feedback, _detector(perception))
    return Wiring(feedback=feedback, reward_bounds=reward.bounds, reward_again=drawing.reward_again, notes=notes)


def _agreement(space: EncodingSpace, *, target: Target, perception: Perception) -> tuple[Reward, tuple[str, ...]]:
    """The agreement reward on the axes that are free and sure; likeness where there are none."""
    free = [axis.id for axis in space.axes if axis.id not in space.locked]
    unsure = target.percept.unsure_axes if target.percept is not None else ()
    if set(free) <= set(unsure) and target.references:
        note = "Nothing of the input could be read for certain, so pictures are compared by likeness (the CLIP reward)."
        return _similarity(perception), (note,)
    return AgreementReward(space, weights=dict.fromkeys(space.locked, 0.0) if free else None), ()


def _similarity(perception: Perception) -> SimilarityReward:
    if not isinstance(perception, ImageEmbedder):
        raise ConfigError(
            f"the CLIP reward compares embeddings, and {type(perception).__name__} makes none; the embedded scorer and "
            "zero-shot CLIP do. Set perception.kind to 'clip', or choose another reward."
        )
    return SimilarityReward(perception)


def _detector(perception: Perception) -> MahalanobisDetector:
    """What calls a picture unrealistic: its features lie far from those of the pictures scorer A was trained on."""
    if not isinstance(perception, HeadsPerception):
        raise ConfigError(
            "unrealistic pictures are told by the features of a scorer with heads, and "
            f"{type(perception).__name__} has none. "
            "Set reward.realism to 'off', or perception.kind to 'embedded'."
        )
    heads = perception.heads
    cloud = FeatureCloud(
        mean=np.asarray(heads.outlier_mean, dtype=np.float64),
        precision=np.asarray(heads.outlier_precision, dtype=np.float64),
        threshold=heads.outlier_threshold,
    )
    return MahalanobisDetector(perception.features, cloud)


def _learning(config: SearchConfig, *, num_actions: int, seed: int) -> Learning:
    """What an agent learns by in a search run."""
    settings, budget = config.search, config.budget
    is_decreasing = settings.step_size == "robbins-monro"
    return Learning(
        num_actions=num_actions,
        discount=settings.discount,
        learning_rate=RobbinsMonroRate() if is_decreasing else ConstantRate(settings.learning_rate),
        exploration=falling_epsilon(
            first=settings.epsilon,
            last=settings.final_epsilon,
            num_tries=budget.max_steps if budget.max_steps > 0 else budget.max_renders,
        ),
        seed=seed,
    )
