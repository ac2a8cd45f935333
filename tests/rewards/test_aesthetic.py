"""The aesthetic head: layers joined, unit-length embeddings, safe files only."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from rldf.arrays import ImageBatch
from rldf.contracts import ImageEmbedder, Reward, Target
from rldf.errors import ModelUnavailableError
from rldf.rewards.aesthetic import AestheticReward, read_aesthetic_head
from rldf.rewards.text_similarity import ClipScoreReward
from rldf.testing.rewards import PictureRewardSuite, example_outcomes

WIDTHS = (3, 5, 2, 1)


class MeanColour(ImageEmbedder):
    """Embeds a picture as its mean colour, not of unit length."""

    def embed_images(self, images: ImageBatch) -> np.ndarray:
        return np.asarray(images.mean(axis=(1, 2)), dtype=np.float32)


def layers_of(seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=(after, before)).astype(np.float32), rng.normal(size=after).astype(np.float32))
        for before, after in pairwise(WIDTHS)
    ]


def head_of(folder: Path, numbers: Sequence[int] = (0, 2, 4)) -> Path:
    """Writes a head whose layers are numbered with gaps, as dropout leaves them."""
    arrays: dict[str, np.ndarray] = {}
    for number, (weight, bias) in zip(numbers, layers_of(0), strict=True):
        arrays |= {f"layers.{number}.weight": weight, f"layers.{number}.bias": bias}
    save_file(arrays, folder / "head.safetensors")
    return folder / "head.safetensors"


class TestAesthetic(PictureRewardSuite):
    @pytest.fixture(autouse=True)
    def _write_head(self, tmp_path: Path) -> None:
        self.head = tmp_path / "head.safetensors"
        layer = {"layers.0.weight": np.array([[1.0, 2.0, 3.0]]), "layers.0.bias": np.array([1.0])}
        save_file({name: values.astype(np.float32) for name, values in layer.items()}, self.head)

    def make_reward(self) -> Reward:
        return AestheticReward(MeanColour(), self.head)


class TestClipScore(PictureRewardSuite):
    def make_reward(self) -> Reward:
        return ClipScoreReward(MeanColour(), embed_texts=lambda texts: np.array([[len(t), 2.0, 1.0] for t in texts]))


def test_head__scores_as_its_layers_one_after_the_other(tmp_path: Path) -> None:
    outcomes = example_outcomes()[:4]
    scores = AestheticReward(MeanColour(), head_of(tmp_path, (0, 2, 10))).score(outcomes, target=Target())
    expected = []
    for outcome in outcomes:
        hidden = outcome.image.mean(axis=(0, 1))
        hidden = hidden / np.linalg.norm(hidden)
        for weight, bias in layers_of(0):
            hidden = weight @ hidden + bias
        expected.append(float(hidden[0]))
    np.testing.assert_allclose(scores, expected, rtol=1e-4)


def test_pickled_head__is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"head.pth' is no .safetensors file; pickled weights"):
        read_aesthetic_head(tmp_path / "head.pth")


def test_head_of_another_embedder__is_refused(tmp_path: Path) -> None:
    class Two(ImageEmbedder):
        def embed_images(self, images: ImageBatch) -> np.ndarray:
            return np.ones((len(images), 2), dtype=np.float32)

    with pytest.raises(ModelUnavailableError, match=r"reads 3 features and the embedder gives 2"):
        AestheticReward(Two(), head_of(tmp_path)).score(example_outcomes()[:1], target=Target())


def test_file_without_layers__is_refused(tmp_path: Path) -> None:
    save_file({"other": np.ones(2, np.float32)}, tmp_path / "head.safetensors")
    with pytest.raises(ModelUnavailableError, match=r"has no chain of linear layers"):
        read_aesthetic_head(tmp_path / "head.safetensors")


def test_clip_score__is_two_and_a_half_times_the_cosine_and_never_negative() -> None:
    outcomes = example_outcomes()[:3]

    def embed_texts(texts: Sequence[str]) -> np.ndarray:
        return np.array([[1.0, 0.0, 0.0] if "apple" in text else [-1.0, 0.0, 0.0] for text in texts])

    scores = ClipScoreReward(MeanColour(), embed_texts=embed_texts).score(outcomes, target=Target())
    colours = [outcome.image.mean(axis=(0, 1)) for outcome in outcomes]
    np.testing.assert_allclose(scores, [2.5 * colour[0] / np.linalg.norm(colour) for colour in colours], rtol=1e-5)
    against = ClipScoreReward(MeanColour(), embed_texts=lambda texts: -np.ones((len(texts), 3)))
    assert against.score(outcomes, target=Target()).tolist() == [0.0, 0.0, 0.0]
