"""Puts the terms of an axis in an order of visual likeness, and measures how well neighbours look alike."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from rldf.grammar import Grammar, Locality, load_grammar, measure_locality, order_terms, path_length, reordered_text
from rldf.hub import Announce
from rldf.perception.clip import ZeroShotClip
from rldf.perception.embedded import load_embedded_scorer
from rldf.presets.term_sentences import term_sentences
from rldf.renderer.drawing import draw
from rldf.seeding import child_rng, child_seed

PICTURES_PER_TERM = 24  # our choice


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisOrder:
    """An axis before and after its terms were put in order.

    Attributes:
        axis_id: the axis.
        terms: its terms in the new order.
        text: the grammar's file with the new order.
        former_path: sum of the cosine distances between neighbours in the former order.
        path: the same in the new order; never longer.
        former_locality: locality in the former order; None where the axis has fewer than 3 terms.
        locality: the same in the new order.
    """

    axis_id: str
    terms: tuple[str, ...]
    text: str
    former_path: float
    path: float
    former_locality: Locality | None
    locality: Locality | None


def order_axis(
    grammar_name: str, *, axis_id: str, embedder: str, announce: Announce, seed: int = 0, device: str = "cpu"
) -> AxisOrder:
    """Orders the terms of one axis by their embeddings.

    Args:
        grammar_name: name of a grammar, or path of a grammar file.
        axis_id: the axis; where it is optional its first term stays the first.
        embedder: "embedded" embeds drawn pictures of each term; a CLIP hub id or folder embeds its sentences.
        announce: is given one line before anything is downloaded.
        seed: of the drawn pictures.
        device: where the model runs.

    Returns:
        The order, and how good the former and the new one are.

    Source: seriation and locality as in `grammar.order` and `grammar.locality`; one embedding per term is the mean over
    its pictures or sentences.
    """
    grammar = load_grammar(grammar_name)
    axis = grammar.space.axis(axis_id)
    if embedder == "embedded":
        embeddings = _embed_pictures(grammar, axis_id, seed=seed, device=device)
    else:
        embeddings = _embed_sentences(grammar, axis_id, model=embedder, announce=announce, device=device)
    num_fixed = 1 if axis.is_optional else 0
    moved = order_terms(embeddings[num_fixed:]) + num_fixed
    order = np.concatenate([np.arange(num_fixed), moved])
    former = np.arange(len(axis))
    return AxisOrder(
        axis_id=axis_id,
        terms=tuple(axis.terms[index] for index in order),
        text=reordered_text(grammar, axis_id, [int(index) for index in order]),
        former_path=path_length(embeddings, former),
        path=path_length(embeddings, order),
        former_locality=_locality(embeddings, former),
        locality=_locality(embeddings, order),
    )


def _locality(embeddings: Float[np.ndarray, "terms features"], order: Int[np.ndarray, " terms"]) -> Locality | None:
    """Locality of terms in an order; None for too few of them."""
    if len(order) < 3:  # as measure_locality asks
        return None
    return measure_locality(embeddings[order], positions=np.arange(len(order))[:, None])


def _embed_pictures(grammar: Grammar, axis_id: str, *, seed: int, device: str) -> Float[np.ndarray, "terms features"]:
    """Embeds drawn pictures of each term; the other axes vary in the same way for every term."""
    scorer = load_embedded_scorer("a", space=grammar.space, device=device)
    rows = []
    for term in grammar.space.axis(axis_id).terms:
        locked = grammar.space.lock({axis_id: term})
        rng = child_rng(seed, "order", axis_id)
        images = [
            draw(locked.terms(locked.sample(rng)), seed=child_seed(seed, "order", index))
            for index in range(PICTURES_PER_TERM)
        ]
        rows.append(scorer.embed_images(np.stack(images)).mean(axis=0))
    return np.stack(rows).astype(np.float64)


def _embed_sentences(
    grammar: Grammar, axis_id: str, *, model: str, announce: Announce, device: str
) -> Float[np.ndarray, "terms features"]:
    """Embeds sentences that hold each term."""
    sentences = term_sentences(grammar)
    clip = ZeroShotClip(model, grammar.space, texts=sentences, announce=announce, device=device)
    rows = [clip.embed_texts(sentences[axis_id][term]).mean(axis=0) for term in grammar.space.axis(axis_id).terms]
    return np.stack(rows).astype(np.float64)
