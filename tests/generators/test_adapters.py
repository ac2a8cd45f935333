"""LoRA adapters on a pipeline: added to the weights, with solver and steps of their own."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from peft import LoraConfig
from tests.generators.tiny_pipelines import build_pipeline

from rldf.errors import ModelUnavailableError
from rldf.generators.adapters import WEIGHTS_FILE, apply_adapter
from rldf.generators.diffusers_local import DiffusersGenerator, load_diffusers_generator
from rldf.generators.settings import GenerationSettings
from rldf.records.percept import Prompt

PROMPT = Prompt(text="a photo of two cows")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    build_pipeline().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter in peft's form, with matrices that are not zero."""
    folder = tmp_path_factory.mktemp("adapter")
    unet = build_pipeline().unet
    targets = ["conv1", "to_q", "time_emb_proj"]
    unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=targets, init_lora_weights=False))
    weights = {name.replace(".default.", "."): w.detach() for name, w in unet.state_dict().items() if ".lora_" in name}
    StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=weights)
    return folder


def describe(folder: Path, target: Path) -> Path:
    """Copies an adapter and says that it was trained here, for three steps of its own solver."""
    target.mkdir()
    name = "pytorch_lora_weights.safetensors"
    (target / name).write_bytes((folder / name).read_bytes())
    DDIMScheduler(prediction_type="v_prediction").save_pretrained(target)
    about = {"steps": 3, "guidance_scale": 1.0, "rank": 2, "base_digest": "d"}
    (target / "adapter.json").write_text(json.dumps(about))
    return target


def load(model: Path, adapter: str | None, steps: int | None = None) -> DiffusersGenerator:
    settings = GenerationSettings(adapter=adapter, steps=steps, size_px=16)
    return load_diffusers_generator(
        model, device="cpu", dtype=torch.float32, settings=settings, low_memory=False, announce=lambda _: None
    )


def test_adapter__changes_pictures_and_digest(model: Path, adapter: Path) -> None:
    bare, adapted = load(model, None, steps=2), load(model, str(adapter), steps=2)
    assert bare.digest != adapted.digest
    assert not np.array_equal(bare.generate([PROMPT], seeds=[0]), adapted.generate([PROMPT], seeds=[0]))


def test_adapter__empty_text_is_none(model: Path) -> None:
    assert load(model, "", steps=2).digest == load(model, None, steps=2).digest


def test_adapter_of_our_own__gives_the_weights_that_peft_gives(model: Path, adapter: Path, tmp_path: Path) -> None:
    own, other = (StableDiffusionPipeline.from_pretrained(model, safety_checker=None) for _ in range(2))
    apply_adapter(own, describe(adapter, tmp_path / "own"))
    apply_adapter(other, adapter)
    for name, value in own.unet.state_dict().items():
        torch.testing.assert_close(value, other.unet.state_dict()[name], rtol=1e-4, atol=1e-5)


def test_adapter__brings_its_solver_and_steps(model: Path, adapter: Path, tmp_path: Path) -> None:
    folder = str(describe(adapter, tmp_path / "own"))
    assert load(model, folder).evaluations_per_picture == 3
    assert load(model, folder, steps=5).evaluations_per_picture == 5


def test_adapter__folder_without_one_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"holds no adapter.*pytorch_lora_weights\.safetensors"):
        load(model, str(tmp_path))


def test_adapter__of_another_model_is_refused(adapter: Path, tmp_path: Path) -> None:
    pipeline = build_pipeline()
    pipeline.unet.conv_in = torch.nn.Conv2d(4, 32, 3)
    pipeline.unet.down_blocks[0].resnets[0].conv1 = torch.nn.Conv2d(8, 8, 3)
    with pytest.raises(ModelUnavailableError, match=r"does not fit the model: unet\..*rldf world train"):
        apply_adapter(pipeline, describe(adapter, tmp_path / "own"))


def test_adapter_of_peft__of_another_model_is_refused(adapter: Path) -> None:
    pipeline = build_pipeline()
    pipeline.unet = UNet2DConditionModel.from_config(pipeline.unet.config, block_out_channels=(16, 16))
    with pytest.raises(
        ModelUnavailableError, match=r"does not fit the model: .*size mismatch.*Give one of the model's"
    ):
        apply_adapter(pipeline, adapter)


def test_adapter__trained_on_other_weights_is_told_and_used(model: Path, adapter: Path, tmp_path: Path) -> None:
    told: list[str] = []
    for digest in (load(model, None, steps=2).digest, "another"):
        folder = tmp_path / digest[:8]
        folder.mkdir()
        (folder / WEIGHTS_FILE).write_bytes((adapter / WEIGHTS_FILE).read_bytes())
        (folder / "adapter.json").write_text(json.dumps({"steps": 4, "model": {"id": "x", "digest": digest}}))
        settings = GenerationSettings(adapter=str(folder), size_px=16)
        generator = load_diffusers_generator(
            model, device="cpu", dtype=torch.float32, settings=settings, low_memory=False, announce=told.append
        )
        assert generator.num_steps == 4
    assert len(told) == 1
    assert "was trained on other weights" in told[0]
