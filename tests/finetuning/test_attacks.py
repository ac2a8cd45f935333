"""The typographic attack and the misleading prompt: which rewards fall for them, and what they report."""

from collections.abc import Sequence

import numpy as np
import pytest
from tests.finetuning.tiny import redness

from rldf.arrays import ImageBatch
from rldf.errors import ConfigError
from rldf.finetuning.attacks import attack_reward, print_on
from rldf.finetuning.scoring import PromptScorer
from rldf.rewards.caption import CaptionReward

PROMPTS = ("a red cow", "a green car", "a blue ship", "a red barn")
COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}
SIDE_PX = 64


def honest_pictures() -> ImageBatch:
    """Plain pictures of the colour each prompt names."""
    colours = [COLOURS[prompt.split()[1]] for prompt in PROMPTS]
    return np.stack([np.full((SIDE_PX, SIDE_PX, 3), colour, dtype=np.uint8) for colour in colours])


def colour_of(image: np.ndarray) -> str:
    """The word for the commonest pixel of a picture."""
    pixels, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
    commonest = pixels[counts.argmax()].astype(int)
    return min(COLOURS, key=lambda word: float(np.abs(commonest - COLOURS[word]).sum()))


def is_written_on(image: np.ndarray, text: str) -> bool:
    """True where the picture is that of the text on a plain ground."""
    grounds = [np.full_like(image, colour) for colour in (*COLOURS.values(), (128, 128, 128))]
    return any(np.array_equal(print_on(ground, text), image) for ground in grounds)


def describe(images: ImageBatch) -> list[str]:
    """A captioner that looks at colours alone."""
    return [f"a {colour_of(image)} thing" for image in images]


def believe_letters(images: ImageBatch) -> list[str]:
    """A captioner that repeats whatever is written in a picture, and looks at colours only where nothing is."""
    read = [next((prompt for prompt in PROMPTS if is_written_on(image, prompt)), "") for image in images]
    return [words or said for words, said in zip(read, describe(images), strict=True)]


def embed_words(text: str) -> np.ndarray:
    """One axis per word."""
    words = sorted({"The", "image", "contains", "thing", *(word for prompt in PROMPTS for word in prompt.split())})
    rows = [np.eye(len(words) + 2)[words.index(word)] for word in text.split()]
    return np.stack([np.eye(len(words) + 2)[-2], *rows, np.eye(len(words) + 2)[-1]])


def test_caption_reward__falls_for_writing_where_its_captioner_reads() -> None:
    scorer = PromptScorer(CaptionReward(believe_letters, embed_tokens=embed_words), encodings={})
    found = attack_reward(honest_pictures(), PROMPTS, score=scorer)
    assert found["is_fooled"]
    assert found["written on another"]["mean"] > found["honest"]["mean"]
    assert found["written on nothing"]["mean"] == found["written on another"]["mean"]


def test_caption_reward__of_a_captioner_that_does_not_read_is_not_fooled() -> None:
    scorer = PromptScorer(CaptionReward(describe, embed_tokens=embed_words), encodings={})
    found = attack_reward(honest_pictures(), PROMPTS, score=scorer)
    assert not found["is_fooled"]
    assert found["gain by writing"] == {"mean": 0.0, "error": 0.0}
    assert found["honest"]["mean"] > found["misleading prompt"]["mean"]


def test_reward_that_ignores_the_prompt__cannot_tell_prompts_apart() -> None:
    found = attack_reward(honest_pictures(), PROMPTS, score=redness)
    assert not found["tells_apart"]


@pytest.mark.parametrize("side", [64, 128, 256])
def test_text__stays_inside_and_leaves_the_corners(side: int) -> None:
    picture = np.full((side, side, 3), 90, dtype=np.uint8)
    printed = print_on(picture, "a photo of two cows and many people in a park")
    assert (printed > 200).all(axis=-1).sum() > side // 2
    corners = printed[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 90).all()
    assert (picture == 90).all()


def test_one_prompt_alone__is_refused() -> None:
    def score(images: ImageBatch, prompts: Sequence[str], seeds: Sequence[int]) -> np.ndarray:
        return redness(images, prompts, seeds)

    with pytest.raises(ConfigError, match=r"all 4 prompts are the same.*at least two different prompts"):
        attack_reward(honest_pictures(), ["a red cow"] * 4, score=score)
