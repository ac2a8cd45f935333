"""Weights of one world in the model of another."""

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from rldf.generators.embedded import embedded_folder
from rldf.renderer.vocabulary import DRAWABLE
from rldf.worlds.text import build_tokenizer
from rldf.worlds.train_scorer import Scorer
from rldf.worlds.warm_start import fit_weights, world_weights

EMBEDDED = embedded_folder().parent
PATCHES = "backbone.vision_model.embeddings.patch_embedding.weight"
WORDS = "backbone.text_model.embeddings.token_embedding.weight"


@pytest.fixture
def scorer() -> Scorer:
    return Scorer("a", vocabulary_size=10, axes=DRAWABLE)


def test_fit_weights__other_patch_size__plain_areas_give_the_same_values(scorer: Scorer) -> None:
    tokenizer = build_tokenizer(["apple", "cow"])
    weights = world_weights(EMBEDDED, "scorer-a")
    side = scorer.state_dict()[PATCHES].shape[-1]
    weights[PATCHES] = torch.linspace(-1, 2, side // 2).expand(192, 3, side // 2, side // 2).contiguous()
    fitted = fit_weights(scorer, weights, world=EMBEDDED, stage="scorer-a", tokenizer=tokenizer)
    assert fitted[PATCHES].shape == scorer.state_dict()[PATCHES].shape
    torch.testing.assert_close(fitted[PATCHES].sum((2, 3)), weights[PATCHES].sum((2, 3)), rtol=1e-4, atol=1e-4)


def test_fit_weights__rows_of_words__go_by_word_and_not_by_number(scorer: Scorer) -> None:
    tokenizer = build_tokenizer(["apple", "cow"])
    weights = world_weights(EMBEDDED, "scorer-a")
    fitted = fit_weights(scorer, weights, world=EMBEDDED, stage="scorer-a", tokenizer=tokenizer)
    shipped = words_of(EMBEDDED)
    row = tokenizer.get_vocab()["cow"]
    torch.testing.assert_close(fitted[WORDS][row], weights[WORDS][shipped["cow"]])


def words_of(world: Path) -> dict[str, int]:
    vocabulary: dict[str, int] = PreTrainedTokenizerFast.from_pretrained(world / "scorer-a").get_vocab()
    return vocabulary
