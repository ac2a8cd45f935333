"""The heads of a scorer folder: one linear read-out per axis, and a test for pictures outside the grammar."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors.numpy import load_file

from rldf.arrays import Probabilities
from rldf.errors import ModelUnavailableError, PerceptionError, did_you_mean, first_line
from rldf.perception.percepts import softmax
from rldf.space import Axis


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisHead:
    """A linear read-out of one axis: softmax((weight . features + bias) / temperature).

    Attributes:
        terms: what it tells apart, in the order of its rows.
        weight: one row per term.
        bias: one number per term.
        temperature: above 0; calibrates the probabilities.
    """

    terms: tuple[str, ...]
    weight: Float[np.ndarray, "terms features"]
    bias: Float[np.ndarray, " terms"]
    temperature: float

    def probabilities(self, features: Float[np.ndarray, " features"]) -> Probabilities:
        """Reads one picture's features: one probability per term of the head."""
        return softmax((self.weight @ features + self.bias) / self.temperature)

    def columns(self, axis: Axis) -> list[int]:
        """Finds the rows of an axis's terms by name; the head may know more, in another order.

        Args:
            axis: an axis of the space read into.

        Returns:
            For each of its terms, the row in this head.

        Raises:
            PerceptionError: if the head does not know a term.
        """
        unknown = [term for term in axis.terms if term not in self.terms]
        if unknown:
            raise PerceptionError(
                f"this perception cannot read {', '.join(repr(term) for term in unknown)} on axis '{axis.id}'. It "
                f"reads: {', '.join(self.terms)}.{did_you_mean(unknown[0], self.terms)} Use a grammar of "
                "these terms, or zero-shot CLIP for any vocabulary."
            )
        return [self.terms.index(term) for term in axis.terms]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerHeads:
    """What stands in heads.json and heads.safetensors.

    Attributes:
        image_size_px: side of the square the scorer looks at.
        axes: axis id to its head.
        outlier_mean: mean features of pictures of the grammar.
        outlier_precision: inverse covariance of those features.
        outlier_threshold: squared Mahalanobis distance above which a picture lies outside the grammar.
    """

    image_size_px: int
    axes: Mapping[str, AxisHead]
    outlier_mean: Float[np.ndarray, " features"]
    outlier_precision: Float[np.ndarray, "features features"]
    outlier_threshold: float

    def outlier_distance(self, features: Float[np.ndarray, " features"]) -> float:
        """Squared Mahalanobis distance of one picture's features, 0 or larger."""
        difference = features - self.outlier_mean
        return float(difference @ self.outlier_precision @ difference)

    def head(self, axis: Axis) -> AxisHead:
        """Finds the head of an axis.

        Args:
            axis: an axis of the space read into.

        Returns:
            Its head.

        Raises:
            PerceptionError: if there is none.
        """
        if axis.id not in self.axes:
            raise PerceptionError(
                f"this perception cannot read axis '{axis.id}'. It reads: {', '.join(self.axes)}."
                f"{did_you_mean(axis.id, self.axes)} Use a grammar of these axes, or zero-shot "
                "CLIP for any vocabulary."
            )
        return self.axes[axis.id]


def read_heads(folder: Path) -> ScorerHeads:
    """Reads the heads of a scorer folder.

    Args:
        folder: holds heads.json and heads.safetensors.

    Returns:
        The heads, in float64.

    Raises:
        ModelUnavailableError: if a file is missing, damaged, or the two do not fit together.
    """
    try:
        described = json.loads((folder / "heads.json").read_text(encoding="utf-8"))
        arrays = {name: array.astype(np.float64) for name, array in load_file(folder / "heads.safetensors").items()}
        size = arrays["outlier.mean"].size
        return ScorerHeads(
            image_size_px=int(described["image_size"]),
            axes={
                axis_id: _axis_head(
                    axis_id, terms=terms, temperature=described["temperature"][axis_id], arrays=arrays, size=size
                )
                for axis_id, terms in described["axes"].items()
            },
            outlier_mean=_shaped(arrays, "outlier.mean", (size,)),
            outlier_precision=_shaped(arrays, "outlier.precision", (size, size)),
            outlier_threshold=float(described["outlier_threshold"]),
        )
    except KeyError as error:
        raise ModelUnavailableError(_damaged(folder, f"{error} is missing")) from error
    except Exception as error:  # damaged files raise many kinds
        raise ModelUnavailableError(_damaged(folder, first_line(error))) from error


def _axis_head(
    axis_id: str, *, terms: object, temperature: object, arrays: Mapping[str, np.ndarray], size: int
) -> AxisHead:
    if not isinstance(terms, list) or not isinstance(temperature, int | float) or temperature <= 0:
        raise ValueError(f"axis '{axis_id}' needs a list of terms and a temperature above 0")
    return AxisHead(
        terms=tuple(map(str, terms)),
        weight=_shaped(arrays, f"{axis_id}.weight", (len(terms), size)),
        bias=_shaped(arrays, f"{axis_id}.bias", (len(terms),)),
        temperature=float(temperature),
    )


def _shaped(arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    if arrays[name].shape != shape:
        raise ValueError(f"'{name}' has the shape {arrays[name].shape} where {shape} is needed")
    return arrays[name]


def _damaged(folder: Path, reason: str) -> str:
    return (
        f"'{folder}' is no scorer: {reason}. A scorer folder holds heads.json and heads.safetensors that fit together. "
        "Copy it again, or train it with `rldf world train`."
    )
