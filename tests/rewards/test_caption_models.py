"""Captioner and token embedder on tiny random models."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
    BlipProcessor,
)

from rldf.contracts import Target
from rldf.errors import ModelUnavailableError
from rldf.hub import folder_digest
from rldf.presets.config import SearchConfig
from rldf.presets.loading import override
from rldf.presets.shelf import ModelShelf
from rldf.rewards.caption import CaptionReward
from rldf.rewards.caption_models import TransformersCaptioner, TransformersTokenEmbedder
from rldf.testing.rewards import example_outcomes
from rldf.worlds.text import build_tokenizer

WORDS = ["the", "image", "contains", "apple", "cow", "one", "two", "farm", "park"]
LAYERS: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


def say_nothing(line: str) -> None:
    del line


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with blip/ and bert/."""
    folder = tmp_path_factory.mktemp("captioners")
    torch.manual_seed(0)
    tokenizer = build_tokenizer(WORDS)
    bert = BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=40, **LAYERS))
    bert.save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    text = {
        **LAYERS,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 80,
        "encoder_hidden_size": 16,
        "bos_token_id": 1,
        "sep_token_id": 2,
        "eos_token_id": 2,
        "pad_token_id": 0,
        "projection_dim": 16,
    }
    vision = {**LAYERS, "image_size": 32, "patch_size": 16, "projection_dim": 16}
    blip = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision, projection_dim=16))
    blip.save_pretrained(folder / "blip")
    BlipProcessor(BlipImageProcessorPil(size={"height": 32, "width": 32}), tokenizer).save_pretrained(folder / "blip")
    return folder


def test_caption_reward__runs_on_models_of_transformers(models: Path) -> None:
    captioner = TransformersCaptioner(models / "blip", announce=say_nothing)
    embedder = TransformersTokenEmbedder(models / "bert", announce=say_nothing, layer=1)
    outcomes = example_outcomes()[:3]
    scores = CaptionReward(captioner, embed_tokens=embedder).score(outcomes, target=Target())
    assert scores.shape == (3,)
    assert np.abs(scores).max() <= 1.0
    again = CaptionReward(captioner, embed_tokens=embedder).score(outcomes[2:], target=Target())
    np.testing.assert_array_equal(again, scores[2:])


def test_captioner__describes_variously(models: Path) -> None:
    captioner = TransformersCaptioner(models / "blip", announce=say_nothing)
    image = example_outcomes()[0].image
    texts = captioner.describe_variously(image, count=3)
    assert 1 <= len(texts) == len(set(texts)) <= 3
    assert captioner.describe_variously(image, count=3) == texts
    assert captioner.describe_variously(image, count=1) == list(captioner(image[None]))


def test_captioner__is_scorer_a_by_its_name(models: Path) -> None:
    config = override(SearchConfig(), ["perception.kind=captioner", f"perception.id={models / 'blip'}"])
    perception, card = ModelShelf().perception(config, announce=say_nothing)
    images = np.stack([outcome.image for outcome in example_outcomes()[:2]])
    assert [len(percept.probabilities) for percept in perception.perceive(images)] == [4, 4]
    assert (card.kind, card.digest) == ("captions", folder_digest(models / "blip"))


def test_token_embedder__gives_a_row_per_token_of_the_layer(models: Path) -> None:
    first, last = (TransformersTokenEmbedder(models / "bert", announce=say_nothing, layer=layer) for layer in (1, -1))
    assert first("one cow").shape == (4, 16)
    assert (first("one cow") != last("one cow")).any()


def test_layer_that_does_not_exist__is_refused(models: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"has 2 layers and layer 40 was asked for; 1 to 2 exist"):
        TransformersTokenEmbedder(models / "bert", announce=say_nothing, layer=40)


def test_folder_without_a_captioner__is_refused(models: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"cannot be loaded: .*needs an image-to-text model"):
        TransformersCaptioner(models / "bert", announce=say_nothing)
