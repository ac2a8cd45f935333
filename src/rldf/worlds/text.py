"""The world's own tokenizer and text encoder: one token a word of the grammar."""

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, PreTrainedTokenizerFast

MAX_TOKENS = 40  # our choice: the longest sentence of the full grammar has 36 words, plus start and end
SPECIAL_TOKENS = ("<pad>", "<start>", "<unknown>", "<end>")
END_ID = 3  # 2 would make transformers' CLIP pool at the highest token id, as its first checkpoints did


def build_tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """Builds a word tokenizer in the format of transformers.

    Args:
        words: every word the grammar can spell.

    Returns:
        A tokenizer that pads to MAX_TOKENS and marks start and end.
    """
    vocabulary = {word: index for index, word in enumerate([*SPECIAL_TOKENS, *sorted(set(words))])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unknown>"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", 1), ("<end>", END_ID)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<start>",
        eos_token="<end>",
        unk_token="<unknown>",
        model_max_length=MAX_TOKENS,
    )


def build_text_encoder(vocabulary_size: int, *, width: int) -> CLIPTextModel:
    """Builds an untrained text encoder: two layers, `width` wide."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary_size,
            hidden_size=width,
            intermediate_size=4 * width,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=MAX_TOKENS,
            projection_dim=width,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=END_ID,
        )
    )


def tokenize(tokenizer: PreTrainedTokenizerFast, sentences: Sequence[str]) -> torch.Tensor:
    """Turns sentences into token numbers: (sentences, MAX_TOKENS), int64."""
    encoded = tokenizer(list(sentences), padding="max_length", truncation=True, return_tensors="pt")
    tokens = encoded["input_ids"]
    assert isinstance(tokens, torch.Tensor)
    return tokens


def encode_distinct(
    text_encoder: nn.Module, tokenizer: PreTrainedTokenizerFast, sentences: Sequence[str], *, device: torch.device
) -> torch.Tensor:
    """Encodes sentences, each distinct one once: pictures of classes share a few.

    Args:
        text_encoder: a `CLIPTextModel` on the device.
        tokenizer: of the world.
        sentences: any number, repeats included.
        device: where the text encoder computes.

    Returns:
        The states of each sentence: (sentences, MAX_TOKENS, width).
    """
    places = {sentence: place for place, sentence in enumerate(dict.fromkeys(sentences))}
    states: torch.Tensor = text_encoder(tokenize(tokenizer, list(places)).to(device)).last_hidden_state
    return states[torch.tensor([places[sentence] for sentence in sentences], device=device)]
