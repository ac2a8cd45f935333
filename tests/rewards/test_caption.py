"""BERTScore recall by hand, and which text is the reference."""

from collections.abc import Sequence

import numpy as np
import pytest

from rldf.arrays import ImageBatch
from rldf.contracts import Reward, Target
from rldf.rewards.caption import CaptionReward, bert_recall
from rldf.rewards.failures import RewardError
from rldf.testing.rewards import PictureRewardSuite, example_outcomes

AXES = np.eye(8)


def embed_words(text: str) -> np.ndarray:
    """One axis per word, by its length; start and end tokens around."""
    words = [AXES[min(len(word), 7)] for word in text.split()]
    return np.stack([AXES[0], *words, AXES[0]])


class TestCaption(PictureRewardSuite):
    def make_reward(self) -> Reward:
        def caption(images: ImageBatch) -> Sequence[str]:
            return ["a cow" if image.mean() > 127.5 else "three carrots" for image in images]

        return CaptionReward(caption, embed_tokens=embed_words)


def test_recall__counts_the_tokens_of_the_reference() -> None:
    start = AXES[:1]
    reference = np.concatenate([start, AXES[[1, 2, 3]], start])
    candidate = np.concatenate([start, AXES[[2]], start])
    assert bert_recall(candidate=candidate, reference=reference) == pytest.approx(1 / 3)
    assert bert_recall(candidate=reference, reference=candidate) == pytest.approx(1.0)  # that would be precision


def test_recall__by_hand_where_start_and_end_can_be_matched() -> None:
    edge = np.array([[1.0, 0.0]])
    reference = np.concatenate([edge, [[0.8, 0.6], [0.0, 1.0]], edge])
    candidate = np.concatenate([edge, [[0.6, 0.8]], edge])
    # the first word: 0.8 with the edges, 0.96 with the candidate's word; the second: 0.8 with that word
    assert bert_recall(candidate=candidate, reference=reference) == pytest.approx((0.96 + 0.8) / 2)
    turned = np.concatenate([edge, [[0.0, 1.0]], edge])
    # the first word is matched best by the start token: 0.8 against 0.6
    assert bert_recall(candidate=turned, reference=reference) == pytest.approx((0.8 + 1.0) / 2)


def test_recall__of_a_caption_without_words_is_0() -> None:
    alike = np.ones((4, 3))
    assert bert_recall(candidate=alike[:2], reference=alike) == 0.0


def test_reward__asks_for_the_prompt_of_each_picture() -> None:
    outcomes = example_outcomes()[:2]

    def caption(images: ImageBatch) -> Sequence[str]:
        return [f"The image contains {outcome.prompt.text}" for outcome in outcomes[: len(images)]]

    reward = CaptionReward(caption, embed_tokens=embed_words)
    np.testing.assert_allclose(reward.score(outcomes, target=Target()), [1.0, 1.0])
    nonsense = CaptionReward(lambda images: ["zz"] * len(images), embed_tokens=embed_words)
    assert nonsense.score(outcomes, target=Target()).max() < 0.5


def test_captioner_that_says_too_little__is_an_error() -> None:
    with pytest.raises(RewardError, match=r"gave 0 texts for 2 pictures"):
        CaptionReward(lambda _: [], embed_tokens=embed_words).score(example_outcomes()[:2], target=Target())
