"""The LAION aesthetic score: a small head on CLIP's embedding of a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.numpy import load_file

from rldf.contracts import ImageEmbedder, Reward, Target
from rldf.errors import ModelUnavailableError
from rldf.records.percept import Outcome

WIDTHS = (768, 1024, 128, 64, 16, 1)  # Source: LAION's improved-aesthetic-predictor; its first width is CLIP ViT-L/14's
BOUNDS = (-100.0, 100.0)  # our choice: trained on ratings from 1 to 10, and linear, so it may leave them


@final
class AestheticReward(Reward):
    """Rewards what people rate as beautiful: linear layers, without activations, on a unit-length embedding.

    Since nothing lies between the layers, they are one linear map, which is computed once. Dropout of the original
    acts while it is trained only.

    Source: section 5.1 of arXiv 2305.13301; LAION's improved-aesthetic-predictor.
    """

    def __init__(self, embedder: ImageEmbedder, head: Path) -> None:
        """Reads the head.

        Args:
            embedder: the CLIP the head was trained on; LAION's is openai/clip-vit-large-patch14.
            head: its weights, as one safetensors file; layers are named as in the original: "layers.0.weight" and so
                on, and any number of them.
        """
        self._embedder = embedder
        self._weight, self._bias = read_aesthetic_head(head)
        self.bounds = BOUNDS

    def score(self, outcomes: Sequence[Outcome], *, target: Target) -> Float[np.ndarray, " outcomes"]:
        """Scores each picture; the target is not looked at.

        Args:
            outcomes: tries, their pictures of one size.
            target: may be empty.

        Returns:
            About 1 to 10.

        Raises:
            ModelUnavailableError: if head and embedder do not fit.
        """
        del target
        if not outcomes:
            return np.zeros(0)
        embedded = np.asarray(
            self._embedder.embed_images(np.stack([outcome.image for outcome in outcomes])), dtype=np.float64
        )
        if embedded.shape[1] != len(self._weight):
            raise ModelUnavailableError(
                f"the aesthetic head reads {len(self._weight)} features and the embedder gives {embedded.shape[1]}; "
                "both must fit. Name the CLIP the head was trained on."
            )
        lengths = np.maximum(np.linalg.norm(embedded, axis=1, keepdims=True), 1e-12)
        scores = np.array([row @ self._weight + self._bias for row in embedded / lengths])  # row by row: exact
        return np.asarray(np.clip(scores, *self.bounds))


def read_aesthetic_head(path: Path) -> tuple[Float[np.ndarray, " features"], float]:
    """Reads the layers of a head and joins them into one linear map.

    Args:
        path: a safetensors file.

    Returns:
        Weight and bias of the joined map, float64.

    Raises:
        ModelUnavailableError: if the file is no such head.
    """
    if path.suffix != ".safetensors":
        raise ModelUnavailableError(
            f"the aesthetic head '{path}' is no .safetensors file; pickled weights (.pth) are not loaded because they "
            "can run code. Where you trust it, convert it once with safetensors.torch.save_file."
        )
    try:
        layers = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelUnavailableError(
            f"the aesthetic head '{path}' cannot be read: {error}. Give a whole .safetensors file."
        ) from error
    numbers = sorted(int(name.split(".")[-2]) for name in layers if name.endswith(".weight"))
    prefix = next((name.rpartition(".")[0].rpartition(".")[0] for name in layers), "")
    start = f"{prefix}." if prefix else ""
    try:
        weight = np.eye(layers[f"{start}{numbers[0]}.weight"].shape[1])
        bias = np.zeros(len(weight))
        for number in numbers:
            matrix = layers[f"{start}{number}.weight"].astype(np.float64)
            weight, bias = matrix @ weight, matrix @ bias + layers[f"{start}{number}.bias"].astype(np.float64)
    except (IndexError, KeyError, ValueError) as error:
        raise ModelUnavailableError(
            f"the aesthetic head '{path}' has no chain of linear layers ({error!r}); weights and biases named such as "
            "layers.0.weight are needed. Convert the original again."
        ) from error
    if weight.shape[0] != 1:
        raise ModelUnavailableError(
            f"the aesthetic head '{path}' gives {weight.shape[0]} numbers; a score is one. Give another head."
        )
    return weight[0], float(bias[0])
