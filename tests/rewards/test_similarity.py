"""The CLIP reward."""

from typing import final

import numpy as np
import pytest
from jaxtyping import Float

from rldf.arrays import Image, ImageBatch
from rldf.contracts import ImageEmbedder, Reward, Target
from rldf.errors import ConfigError
from rldf.rewards.similarity import SimilarityReward
from rldf.space import Encoding
from rldf.testing.rewards import RewardSuite, example_outcome


@final
class MeanColour(ImageEmbedder):
    """A real embedder in three numbers: the mean colour of each quarter, scaled to unit length."""

    def __init__(self) -> None:
        self.num_pictures = 0

    def embed_images(self, images: ImageBatch) -> Float[np.ndarray, "batch features"]:
        self.num_pictures += len(images)
        half = images.shape[1] // 2
        quarters = [images[:, :half], images[:, half:]]
        features = np.concatenate([quarter.mean(axis=(1, 2)) for quarter in quarters], axis=1) + 1e-3
        return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True), dtype=np.float32)


def flat(red: int, green: int, blue: int) -> Image:
    return np.full((4, 4, 3), (red, green, blue), dtype=np.uint8)


class TestSimilarity(RewardSuite):
    def make_reward(self) -> Reward:
        return SimilarityReward(MeanColour())


def test_score__cosine_by_hand() -> None:
    reward = SimilarityReward(MeanColour())
    outcomes = [example_outcome(Encoding((0, 0, 0)), image=flat(*colour)) for colour in ((255, 0, 0), (255, 255, 0))]
    scores = reward.score(outcomes, target=Target(references=(flat(255, 0, 0),)))
    np.testing.assert_allclose(scores, [1.0, 1 / np.sqrt(2)], atol=1e-4)


def test_score__several_references_count_by_their_mean() -> None:
    reward = SimilarityReward(MeanColour())
    outcomes = [example_outcome(Encoding((0, 0, 0)), image=flat(*colour)) for colour in ((255, 255, 0), (255, 0, 0))]
    scores = reward.score(outcomes, target=Target(references=(flat(255, 0, 0), flat(0, 90, 0))))
    np.testing.assert_allclose(scores, [1.0, 1 / np.sqrt(2)], atol=1e-2)


def test_score__references_of_any_size_are_embedded_once() -> None:
    embedder = MeanColour()
    reward = SimilarityReward(embedder)
    target = Target(references=(flat(9, 9, 9), np.zeros((7, 5, 3), dtype=np.uint8)))
    outcome = example_outcome(Encoding((0, 0, 0)), image=flat(1, 2, 3))
    first = reward.score([outcome], target=target)
    assert embedder.num_pictures == 3
    np.testing.assert_array_equal(reward.score([outcome], target=target), first)
    assert embedder.num_pictures == 4
    reward.score([outcome], target=Target(references=(flat(0, 0, 200),)))
    assert embedder.num_pictures == 6


def test_score__target_without_references_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"the target has none; at least one is needed\. Give the target its refer"):
        SimilarityReward(MeanColour()).score([], target=Target())
