"""Seriation: puts terms in an order in which neighbours look alike."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from rldf.errors import GrammarError

MAX_EXACT_TERMS = 12  # our choice: exact order of 12 terms takes a tenth of a second, each more doubles it

SeriationMethod = Literal["auto", "exact", "spectral"]

_TOLERANCE = 1e-9  # improvements of rounding size are none; keeps the order the same on every machine


def order_terms(
    embeddings: Float[np.ndarray, "terms features"], *, method: SeriationMethod = "auto"
) -> Int[np.ndarray, " terms"]:
    """Orders terms so that neighbours are alike: a short open path through their embeddings.

    Args:
        embeddings: one vector per term; only directions count.
        method: "exact" finds the shortest path by dynamic programming, up to 12 terms; "spectral" starts from the
            Fiedler vector of the similarity graph and shortens the path by 2-opt; "auto" is exact where it can be.

    Returns:
        A permutation: position -> index of the term. Of the two directions, the one whose first term has the lower
        index, so the result does not depend on chance.

    Raises:
        GrammarError: if the embeddings are not finite, have a zero vector, or are too many for "exact".

    Source: Held and Karp, "A dynamic programming approach to sequencing problems", J. SIAM 10(1), 1962; Atkins,
    Boman and Hendrickson, "A spectral algorithm for seriation and the consecutive ones problem", SIAM J. Computing
    28(1), 1998; 2-opt of Croes, Operations Research 6(6), 1958. Similarity is the cosine, moved to 0 to 1.
    """
    distances = cosine_distances(embeddings)
    num_terms = len(distances)
    if method == "exact" and num_terms > MAX_EXACT_TERMS:
        raise GrammarError(
            f"the exact order of {num_terms} terms takes too long; at most {MAX_EXACT_TERMS}. Use method 'spectral'."
        )
    if num_terms <= 2:
        return np.arange(num_terms)
    is_exact = method == "exact" or (method == "auto" and num_terms <= MAX_EXACT_TERMS)
    order = _shortest_path(distances) if is_exact else _two_opt(_fiedler_order(distances), distances)
    return order if order[0] < order[-1] else order[::-1].copy()


def path_length(embeddings: Float[np.ndarray, "terms features"], order: Int[np.ndarray, " terms"]) -> float:
    """Sum of the cosine distances between neighbours in an order; 0 or larger, the smaller the better."""
    distances = cosine_distances(embeddings)
    return float(distances[order[:-1], order[1:]].sum())


def cosine_distances(embeddings: Float[np.ndarray, "terms features"]) -> Float[np.ndarray, "terms terms"]:
    """Measures how unlike the directions of all pairs of vectors are.

    Args:
        embeddings: one vector per term.

    Returns:
        One minus the cosine: 0 (same direction) to 2 (opposite), float64, symmetric.

    Raises:
        GrammarError: if the embeddings are not finite or have a zero vector.
    """
    vectors = np.asarray(embeddings, dtype=np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(vectors).all() or (norms == 0).any():
        raise GrammarError(
            f"the {len(vectors)} embeddings hold a zero vector or numbers that are not finite; a direction needs "
            "neither. Check the model that made them."
        )
    vectors = vectors / norms
    distances: Float[np.ndarray, "terms terms"] = np.clip(1.0 - vectors @ vectors.T, 0.0, 2.0)
    distances = (distances + distances.T) / 2
    np.fill_diagonal(distances, 0.0)
    return distances


def _shortest_path(distances: Float[np.ndarray, "terms terms"]) -> Int[np.ndarray, " terms"]:
    """Finds the shortest open path through all terms, by dynamic programming over sets of terms."""
    num_terms = len(distances)
    num_sets = 1 << num_terms
    best = np.full((num_sets, num_terms), np.inf)  # (set, last term): shortest path through the set
    before = np.zeros((num_sets, num_terms), dtype=np.int64)
    for term in range(num_terms):
        best[1 << term, term] = 0.0
    for members in range(1, num_sets):
        inside = [term for term in range(num_terms) if members >> term & 1]
        for last in inside if len(inside) > 1 else []:
            lengths = best[members ^ (1 << last)] + distances[:, last]
            before[members, last] = np.argmin(lengths)
            best[members, last] = lengths[before[members, last]]
    members = num_sets - 1
    last = int(np.argmin(best[members]))
    order = [last]
    while members != 1 << last:
        members, last = members ^ (1 << last), int(before[members, last])
        order.append(last)
    return np.array(order)


def _fiedler_order(distances: Float[np.ndarray, "terms terms"]) -> Int[np.ndarray, " terms"]:
    """Sorts terms by the Fiedler vector: that of the second smallest eigenvalue of the graph Laplacian."""
    similarities = 1.0 - distances / 2  # 0 to 1
    np.fill_diagonal(similarities, 0.0)
    laplacian = np.diag(similarities.sum(axis=1)) - similarities
    _, vectors = np.linalg.eigh(laplacian)
    order: Int[np.ndarray, " terms"] = np.argsort(np.round(vectors[:, 1], 9), kind="stable")
    return order


def _two_opt(
    order: Int[np.ndarray, " terms"], distances: Float[np.ndarray, "terms terms"]
) -> Int[np.ndarray, " terms"]:
    """Reverses pieces of an open path, always the one that shortens it most, until none does."""
    order = order.copy()
    num_terms = len(order)
    firsts, lasts = np.triu_indices(num_terms, k=1)
    for _ in range(num_terms * num_terms):
        path = distances[order][:, order]
        padded = np.pad(path, 1)  # a place before and after the path, at distance 0
        gains = (
            padded[firsts, firsts + 1]
            + padded[lasts + 1, lasts + 2]
            - padded[firsts, lasts + 1]
            - padded[firsts + 1, lasts + 2]
        )
        best = int(np.argmax(gains))
        if gains[best] <= _TOLERANCE:
            break
        first, last = int(firsts[best]), int(lasts[best])
        order[first : last + 1] = order[first : last + 1][::-1].copy()
    return order
