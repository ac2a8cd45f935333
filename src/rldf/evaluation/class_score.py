"""An inception-style score from a scorer's own class probabilities."""

import numpy as np
from jaxtyping import Float


def scorer_class_score(probabilities: Float[np.ndarray, "pictures classes"]) -> float:
    """Exponential of the mean divergence of each picture's class probabilities from their mean over all pictures.

    It is the formula of the Inception Score with the classes of a scorer in the place of Inception's, so its values
    cannot be compared with published ones. It is large where every picture is of one clear class and all classes occur;
    it is 1 where all pictures look the same to the scorer, or unclear.

    Args:
        probabilities: one row per picture, each summing to 1.

    Returns:
        From 1 to the smaller of pictures and classes.

    Example:
        >>> round(scorer_class_score(np.eye(3)), 6), round(scorer_class_score(np.full((2, 4), 0.25)), 6)
        (3.0, 1.0)

    Source: section 4 of arXiv 1606.03498, without its ten splits.
    """
    rows = np.asarray(probabilities, dtype=np.float64)
    mean = rows.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(rows > 0.0, rows * (np.log(rows) - np.log(mean)), 0.0)
    return float(np.exp(terms.sum(axis=1).mean()))
