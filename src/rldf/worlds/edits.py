"""Edits of one axis: whether only that factor of the picture changes, and whether neighbours on it look alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rldf.contracts import ImageEmbedder, ImageGenerator, Perception
from rldf.grammar import Grammar, measure_locality
from rldf.records.percept import Percept, Prompt
from rldf.renderer.drawing import draw_with_truth
from rldf.seeding import child_rng, child_seed
from rldf.space import Encoding
from rldf.worlds.fidelity import read_terms
from rldf.worlds.trials import UNMENTIONED, Trials, visible_axes

_MAX_TRIES = 20  # other terms, or other words around an axis, that are looked at until one can be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class EditLocality:
    """What a judge reads after the term of one axis was changed and the seed kept.

    Attributes:
        num_edits: pictures that were drawn anew.
        changed: share in which the new term is read, 0 to 1.
        kept: share of the other axes, of those visible before and after, that read as before; None where none is.
    """

    num_edits: int
    changed: float
    kept: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticLocality:
    """How well the order of an axis's terms agrees with how alike their generated pictures look.

    Attributes:
        rank_correlation: Spearman's, over all pairs of terms, -1 to 1.
        neighbour_agreement: share of terms whose most alike other term is a neighbour, 0 to 1.
        chance_agreement: what that share would be by chance.
        pictures_per_term: pictures whose mean features stand for a term.
    """

    rank_correlation: float
    neighbour_agreement: float
    chance_agreement: float
    pictures_per_term: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    """One changed term: which trial, which axis, the new encoding, and what is visible afterwards."""

    trial: int
    axis_index: int
    encoding: Encoding
    visible: np.ndarray


def measure_edits(
    percepts: Sequence[Percept],
    trials: Trials,
    *,
    grammar: Grammar,
    image_generator: ImageGenerator,
    judge: Perception,
    most: int,
    seed: int,
) -> dict[str, EditLocality]:
    """Changes one term at a time and draws again with the same seed.

    Args:
        percepts: what the judge read in the generated pictures, a percept per trial.
        trials: the pictures before the change.
        grammar: of the trials.
        image_generator: what is measured.
        judge: reads the pictures.
        most: edits of each axis.
        seed: of the choice of terms, 0 or larger.

    Returns:
        Axis id to what came of its edits; an axis of which no trial can be edited is missing.
    """
    edits = [
        edit for k in range(len(trials.space.axes)) for edit in _edits_of(trials, axis_index=k, most=most, seed=seed)
    ]
    if not edits:
        return {}
    images = image_generator.generate(
        [Prompt(text=grammar.render(edit.encoding)) for edit in edits], seeds=[trials.seeds[e.trial] for e in edits]
    )
    before, after = read_terms(percepts), read_terms(judge.perceive(images))
    found = {}
    for k, axis in enumerate(trials.space.axes):
        rows = [row for row, edit in enumerate(edits) if edit.axis_index == k]
        if rows:
            changed = [after[row, k] == edits[row].encoding.indices[k] for row in rows]
            same = np.concatenate([(after[r] == before[edits[r].trial])[edits[r].visible] for r in rows])
            kept = float(same.mean()) if len(same) else None
            found[axis.id] = EditLocality(num_edits=len(rows), changed=float(np.mean(changed)), kept=kept)
    return found


def _edits_of(trials: Trials, *, axis_index: int, most: int, seed: int) -> Iterator[_Edit]:
    """Chooses trials that show the axis, and for each another term that can be seen as well."""
    axis = trials.space.axes[axis_index]
    rng = child_rng(seed, "card", "edits", axis.id)
    for trial in np.flatnonzero(trials.counted[:, axis_index])[:most].tolist():
        indices = trials.encodings[trial].indices
        for choice in rng.permutation(len(axis))[:_MAX_TRIES].tolist():
            encoding = Encoding((*indices[:axis_index], choice, *indices[axis_index + 1 :]))
            if choice == indices[axis_index] or not trials.space.allows(encoding):
                continue
            terms = trials.space.terms(encoding)
            size_px = trials.drawn.shape[1]
            seen = draw_with_truth(terms, seed=trials.seeds[trial], size_px=size_px).seen
            if seen.get(axis.id) == terms[axis.id]:
                others = trials.visible[trial] & visible_axes(terms, seen)
                others[axis_index] = False
                yield _Edit(trial=trial, axis_index=axis_index, encoding=encoding, visible=others)
                break


def measure_semantic_locality(
    *, grammar: Grammar, image_generator: ImageGenerator, embedder: ImageEmbedder, pictures_per_term: int, seed: int
) -> dict[str, SemanticLocality]:
    """Measures for each axis whether terms that stand side by side look alike when they are generated.

    The other words and the seeds are the same for all terms of an axis, so that only the term tells pictures apart.

    Args:
        grammar: its terms must be drawable.
        image_generator: what is measured.
        embedder: its features say how alike pictures are.
        pictures_per_term: 1 or more.
        seed: 0 or larger.

    Returns:
        Axis id to its locality; axes with fewer than 3 terms are missing.
    """
    found = {}
    for axis in grammar.space.axes:
        if len(axis) < 3:  # as measure_locality asks
            continue
        prompts, seeds = [], []
        contexts = [_context(grammar, axis.id, seed=seed, index=index) for index in range(pictures_per_term)]
        for term in axis.terms:
            for index, terms in enumerate(contexts):
                text = grammar.render(grammar.space.encode({**terms, axis.id: term}))
                prompts.append(Prompt(text=text))
                seeds.append(child_seed(seed, "card", "locality", axis.id, index))
        features = embedder.embed_images(image_generator.generate(prompts, seeds=seeds)).astype(np.float64)
        means = features.reshape(len(axis), pictures_per_term, -1).mean(axis=1)
        locality = measure_locality(means, positions=np.arange(len(axis))[:, None])
        found[axis.id] = SemanticLocality(
            rank_correlation=locality.rank_correlation,
            neighbour_agreement=locality.neighbour_agreement,
            chance_agreement=locality.chance_agreement,
            pictures_per_term=pictures_per_term,
        )
    return found


def _context(grammar: Grammar, axis_id: str, *, seed: int, index: int) -> Mapping[str, str]:
    """Draws words among which the axis can be seen, or the last ones tried."""
    rng = child_rng(seed, "card", "locality", axis_id, index)
    terms: dict[str, str] = {}
    for _ in range(_MAX_TRIES):
        terms = grammar.space.terms(grammar.space.sample(rng))
        if terms[axis_id] in UNMENTIONED:
            continue
        if draw_with_truth(terms, seed=0, size_px=64).seen.get(axis_id) == terms[axis_id]:
            break
    return terms
