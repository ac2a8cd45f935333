"""The free-text captioner: its descriptions, and training at tiny size into a folder that transformers loads."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from rldf.errors import GrammarError
from rldf.grammar import load_grammar
from rldf.renderer.drawing import draw_with_truth
from rldf.renderer.vocabulary import DRAWABLE
from rldf.rewards.caption_models import TransformersCaptioner
from rldf.seeding import child_rng
from rldf.worlds.free_text import describe, vocabulary
from rldf.worlds.recipe import world_mixture
from rldf.worlds.train_captioner import TINY_CAPTIONER_STAGE, train_captioner

FULL = load_grammar("full")


def say_nothing(line: str) -> None:
    del line


def test_descriptions__stay_within_their_vocabulary_and_outside_the_grammar() -> None:
    words = set(vocabulary(DRAWABLE))
    rng = child_rng(0, "test")
    for number in range(3):
        seen = draw_with_truth(FULL.space.terms(FULL.space.sample(rng)), seed=number, size_px=32).seen
        text = describe(seen, rng)
        assert set(text.split()) <= words
        with pytest.raises(GrammarError):
            FULL.parse(text)


def test_description__names_what_is_seen() -> None:
    seen = {"object": "cow", "count": "two", "density": "one", "scene": "park", "weather": "snowy", "colour": "red"}
    texts = {describe(seen, child_rng(seed, "test")) for seed in range(20)}
    assert len(texts) > 4
    assert all("red cows" in text and "a park" in text and "snow" in text for text in texts)


def test_training__goes_on_and_ends_in_a_folder_that_describes_pictures(tmp_path: Path) -> None:
    mixture = world_mixture("base")
    losses: list[float] = []
    made = train_captioner(
        tmp_path / "whole",
        mixture=mixture,
        settings=TINY_CAPTIONER_STAGE,
        width=24,
        on_progress=lambda _, loss: losses.append(loss),
    )
    assert losses[-1] < losses[0]
    train_captioner(tmp_path / "parts", mixture=mixture, settings=TINY_CAPTIONER_STAGE, width=24, minutes=0)
    again = train_captioner(tmp_path / "parts", mixture=mixture, settings=TINY_CAPTIONER_STAGE, width=24)
    first, second = (load_file(folder / "model.safetensors") for folder in (made, again))
    assert all((first[name] == second[name]).all() for name in first)
    image = draw_with_truth({"object": "cow", "count": "two", "density": "no", "scene": "park"}, seed=0).image
    (caption,) = TransformersCaptioner(made, announce=say_nothing, question="")(np.stack([image]))
    assert set(caption.split()) <= set(vocabulary(DRAWABLE))
