"""Fixtures for every test: a cache folder of its own, and tiny untrained models in the shipped formats."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TERMS = {
    "object": ["carrot", "banana", "apple", "football", "sheep", "cow", "monkey", "bicycle", "car", "bus"],
    "count": ["one", "two", "three", "many"],
    "density": ["no", "one", "many"],
    "scene": ["farm", "park", "beach", "street"],
}
FEATURES = 16
IMAGE_SIZE_PX = 64


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for caches, so that no test sees what the user or another test left."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with generator/, scorer-a/ and scorer-b/: the embedded world's formats, untrained."""
    folder = tmp_path_factory.mktemp("tiny-models")
    _save_generator(folder / "generator")
    _save_scorer_a(folder / "scorer-a")
    _save_scorer_b(folder / "scorer-b")
    return folder


def _save_generator(folder: Path) -> None:
    import torch
    from diffusers import (
        AutoencoderTiny,
        DPMSolverMultistepScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )

    from rldf.worlds.text import build_text_encoder, build_tokenizer

    torch.manual_seed(0)
    words = ["a", "photo", "of", "and", "people", "in", "no", "one", "two", "three", "many", "person"]
    nouns = [noun for term in TERMS["object"] for noun in (term, f"{term}s")]
    tokenizer = build_tokenizer([*words, *nouns, *TERMS["scene"]])
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=16,
        out_channels=16,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=4,
    )
    autoencoder = AutoencoderTiny(
        latent_channels=16,
        encoder_block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    )
    pipeline: Any = StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=build_text_encoder(len(tokenizer), width=16),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DPMSolverMultistepScheduler(steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    settings = {"name": "embedded", "steps": 2, "guidance_scale": 3.0, "size_px": 128, "digest": "tiny"}
    (folder / "rldf.json").write_text(json.dumps(settings), encoding="utf-8")


def _save_scorer_a(folder: Path) -> None:
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    from rldf.worlds.text import build_tokenizer

    torch.manual_seed(1)
    layers = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    tokenizer = build_tokenizer(["a", "photo", "of"])
    CLIPModel(
        CLIPConfig(
            text_config={**layers, "vocab_size": len(tokenizer), "max_position_embeddings": 20},
            vision_config={**layers, "image_size": IMAGE_SIZE_PX, "patch_size": 16},
            projection_dim=FEATURES,
        )
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": IMAGE_SIZE_PX}, crop_size=IMAGE_SIZE_PX).save_pretrained(folder)
    _save_heads(folder)


def _save_scorer_b(folder: Path) -> None:
    import torch
    from transformers import CLIPImageProcessorPil, ResNetConfig, ResNetModel

    torch.manual_seed(2)
    ResNetModel(
        ResNetConfig(embedding_size=8, hidden_sizes=[8, FEATURES], depths=[1, 1], layer_type="basic")
    ).save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": IMAGE_SIZE_PX}, crop_size=IMAGE_SIZE_PX).save_pretrained(folder)
    _save_heads(folder)


def _save_heads(folder: Path) -> None:
    from safetensors.numpy import save_file

    rng = np.random.default_rng(0)
    arrays = {
        "outlier.mean": np.zeros(FEATURES, dtype=np.float32),
        "outlier.precision": np.eye(FEATURES, dtype=np.float32),
    }
    for axis, terms in TERMS.items():
        arrays[f"{axis}.weight"] = rng.normal(size=(len(terms), FEATURES)).astype(np.float32)
        arrays[f"{axis}.bias"] = np.zeros(len(terms), dtype=np.float32)
    save_file(arrays, folder / "heads.safetensors")
    heads = {
        "kind": "heads",
        "image_size": IMAGE_SIZE_PX,
        "axes": TERMS,
        "outlier_threshold": 1e9,
        "temperature": dict.fromkeys(TERMS, 1.0),
    }
    (folder / "heads.json").write_text(json.dumps(heads), encoding="utf-8")
