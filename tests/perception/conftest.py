"""Tiny untrained models in the formats that perception reads."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from transformers import (
    DetrConfig,
    DetrForObjectDetection,
    DetrImageProcessorPil,
    PreTrainedModel,
    ResNetConfig,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessorPil,
    YolosConfig,
    YolosForObjectDetection,
    YolosImageProcessorPil,
)

from rldf.space import Axis, EncodingSpace

SCENE_LABELS = {0: "/f/farm", 1: "/p/park", 2: "/b/beach", 3: "/s/street", 4: "/o/office"}
DETECTOR_LABELS = {0: "person", 1: "cow", 2: "sports ball", 3: "car"}

EditHeads = Callable[[Path, dict[str, Any], dict[str, np.ndarray]], Path]


@pytest.fixture(scope="session")
def base_space() -> EncodingSpace:
    return EncodingSpace(
        axes=(
            Axis(
                id="object",
                terms=(
                    *("carrot", "banana", "apple", "football", "sheep"),
                    *("cow", "monkey", "bicycle", "car", "bus"),
                ),
            ),
            Axis(id="count", terms=("one", "two", "three", "many"), kind="ordinal"),
            Axis(id="density", terms=("no", "one", "many"), kind="ordinal"),
            Axis(id="scene", terms=("farm", "park", "beach", "street")),
        )
    )


@pytest.fixture(scope="session")
def classifier_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classifier")
    torch.manual_seed(3)
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=32,
        patch_size=8,
        id2label=SCENE_LABELS,
        label2id={label: index for index, label in SCENE_LABELS.items()},
    )
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def yolos_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("yolos")
    torch.manual_seed(4)
    config = YolosConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=[32, 32],
        patch_size=8,
        num_detection_tokens=6,
        id2label=DETECTOR_LABELS,
        label2id={label: index for index, label in DETECTOR_LABELS.items()},
    )
    spread_weights(YolosForObjectDetection(config)).save_pretrained(folder)
    YolosImageProcessorPil(size={"shortest_edge": 32, "longest_edge": 64}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def detr_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("detr")
    torch.manual_seed(5)
    make_config: Callable[..., DetrConfig] = DetrConfig  # transformers declares not all of its settings
    make_backbone: Callable[..., ResNetConfig] = ResNetConfig
    config = make_config(
        use_timm_backbone=False,
        backbone=None,
        use_pretrained_backbone=False,
        backbone_config=make_backbone(
            embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], layer_type="basic", out_features=["stage2"]
        ),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        num_queries=6,
        id2label=DETECTOR_LABELS,
        label2id={label: index for index, label in DETECTOR_LABELS.items()},
    )
    spread_weights(DetrForObjectDetection(config)).save_pretrained(folder)
    DetrImageProcessorPil(size={"shortest_edge": 32, "longest_edge": 64}).save_pretrained(folder)
    return folder


def spread_weights(model: PreTrainedModel) -> PreTrainedModel:
    """Draws the weights anew, wide enough that an untrained detector sees several kinds of things."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.5)
    return model


@pytest.fixture
def edit_heads(tmp_path: Path) -> EditHeads:
    """Copies a scorer folder with some entries of its head files replaced."""

    def edit(folder: Path, entries: dict[str, Any], arrays: dict[str, np.ndarray]) -> Path:
        copy = tmp_path / "scorer"
        copy.mkdir()
        for file in folder.iterdir():
            (copy / file.name).write_bytes(file.read_bytes())
        described = json.loads((folder / "heads.json").read_text(encoding="utf-8")) | entries
        (copy / "heads.json").write_text(json.dumps(described), encoding="utf-8")
        save_file(load_file(folder / "heads.safetensors") | arrays, copy / "heads.safetensors")
        return copy

    return edit
