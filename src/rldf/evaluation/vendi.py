"""Vendi score: how many clearly different pictures a set holds."""

from typing import final

import numpy as np
from jaxtyping import Float

from rldf.contracts import Metric, MetricValue
from rldf.evaluation.rows import blocks, require_comparable


@final
class VendiMetric(Metric):
    """Exponential of the entropy of the eigenvalues of the similarity matrix divided by the number of pictures.

    Similarity is the cosine. Its eigenvalues are those of the features' second moments, so the number of pictures does
    not matter for memory. The score goes from 1 (all alike) to the smaller of pictures and features, and it grows with
    the number of pictures: scores of two numbers of pictures cannot be compared.

    Source: Friedman & Dieng 2023, arXiv 2210.02410, definition 3.1, and its section 3 for the smaller matrix.
    """

    def compute(
        self, real: Float[np.ndarray, "real _features"], generated: Float[np.ndarray, "generated _features"]
    ) -> tuple[MetricValue, ...]:
        """Describes each set; one row per picture."""
        require_comparable(real, generated, min_rows=1)
        sizes = f"{len(real)} and {len(generated)}"
        differ = (f"the sets differ in size ({sizes}): the score grows with the number of pictures",)
        return tuple(
            MetricValue(
                name=name,
                value=vendi_score(rows),
                better="none",
                settings={"num_pictures": len(rows)},
                warnings=(*(differ if len(real) != len(generated) else ()), *_too_few(rows)),
            )
            for name, rows in (("vendi_real", real), ("vendi_synthetic", generated))
        )


def _too_few(rows: Float[np.ndarray, "rows features"]) -> tuple[str, ...]:
    count, features = rows.shape
    text = (
        f"{count} pictures are fewer than {features} features: the score is {count} at most, however different they "
        "are; compare it with sets of the same size alone, or give more pictures"
    )
    return (text,) if count < features else ()


def vendi_score(rows: Float[np.ndarray, "rows features"]) -> float:
    """Computes the score of one set.

    Args:
        rows: one row per picture.

    Returns:
        From 1 to the smaller of pictures and features.

    Example:
        >>> round(vendi_score(np.eye(3)), 6), round(vendi_score(np.ones((3, 1))), 6)
        (3.0, 1.0)
    """
    moments = np.zeros((rows.shape[1], rows.shape[1]))
    for block in blocks(rows):
        unit = block / np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-12)
        moments += unit.T @ unit
    shares = np.linalg.eigvalsh(moments / len(rows))
    shares = shares[shares > 0.0]
    return float(np.exp(-(shares * np.log(shares)).sum()))
