"""Searches, on purpose, for the words of an ablated grammar whose pictures show a concept most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from rldf.contracts import Perception, Reward, Target
from rldf.feedback import DiffusionFeedback
from rldf.hub import Announce
from rldf.presets.build import build_searcher
from rldf.presets.config import SearchConfig
from rldf.presets.search_job import budget_of
from rldf.presets.shelf import SHELF
from rldf.records import Outcome
from rldf.search import Journal, Ledger, RunFeedback, RunSeeds, search
from rldf.search.select import rank
from rldf.seeding import child_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """What is taken out of a grammar.

    Attributes:
        name: as the user named it.
        terms: axis id to the terms that are gone.
    """

    name: str
    terms: Mapping[str, frozenset[str]]


@final
class ConceptReward(Reward):
    """Rewards pictures that show a concept: the largest probability, over its axes, of one of its terms."""

    bounds = (0.0, 1.0)

    def __init__(self, perception: Perception, concept: Concept) -> None:
        """Sets it up.

        Args:
            perception: a scorer of the whole grammar, which knows the concept.
            concept: what is rewarded.
        """
        self._perception = perception
        self._places = [
            (k, [index for index, term in enumerate(axis.terms) if term in concept.terms[axis.id]])
            for k, axis in enumerate(perception.space.axes)
            if axis.id in concept.terms
        ]

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each outcome by its picture alone."""
        del target
        percepts = self._perception.perceive(np.stack([outcome.image for outcome in outcomes]))
        rows = [
            max(float(np.asarray(percept.probabilities[k])[indices].sum()) for k, indices in self._places)
            for percept in percepts
        ]
        return np.clip(np.array(rows, dtype=np.float64), 0.0, 1.0)


def strongest_sentence(
    concept: Concept,
    *,
    start: Mapping[str, str],
    config: SearchConfig,
    blocked: SearchConfig,
    announce: Announce,
) -> tuple[str, int]:
    """Searches the ablated grammar for the sentence that shows a concept most, by scorer A.

    Args:
        concept: what is blocked.
        start: axis id to term, where it begins: the words found without the concept.
        config: settings of the whole grammar.
        blocked: settings of the ablated one; its budget, searcher and seed are used.
        announce: is given one line before anything is downloaded.

    Returns:
        The sentence, and how many pictures were drawn for it.
    """
    grammar = SHELF.grammar(blocked)
    feedback = DiffusionFeedback(
        grammar=grammar,
        image_generator=SHELF.generator(config.model, announce=announce).image_generator,
        perception=SHELF.perception(blocked, announce=announce)[0],
        reward=ConceptReward(SHELF.perception(config, announce=announce)[0], concept),
        target=Target(),
        negative_prompt=config.model.negative_prompt,
    )
    seed = child_seed(blocked.seed, "ablation")
    begin = grammar.space.encode(start)
    searcher = build_searcher(blocked, space=grammar.space, start=begin, seed=seed)
    seeds, ledger = RunSeeds(root=seed), Ledger(budget_of(blocked))
    counted = RunFeedback(
        feedback, journal=Journal(space=grammar.space), ledger=ledger, seeds=seeds, phase="search", target=begin
    )
    records = list(
        search(searcher, counted, ledger=ledger, seed_of=seeds.of("search"), batch_size=blocked.search.batch_size)
    )
    return grammar.render(rank(searcher, records, count=1)[0]), ledger.renders
