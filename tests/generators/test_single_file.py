from pathlib import Path
from shutil import copytree, ignore_patterns

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from tests.generators.ldm_layout import save_as_one_file
from tests.generators.tiny_pipelines import build_kl_autoencoder, build_pipeline

from rldf.errors import ModelUnavailableError
from rldf.generators.diffusers_local import load_diffusers_generator
from rldf.generators.settings import GenerationSettings
from rldf.records.percept import Prompt

COW = Prompt(text="a photo of one cow in a park", negative="many people")
FAST = GenerationSettings(steps=2, guidance_scale=3.0)


def test_load__one_file_with_its_configuration_beside__same_pictures_as_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    pipeline = build_pipeline(autoencoder=build_kl_autoencoder())
    pipeline.save_pretrained(tmp_path / "folder")
    save_as_one_file(pipeline, tmp_path / "whole.safetensors")
    copytree(tmp_path / "folder", tmp_path / "whole", ignore=ignore_patterns("*.safetensors"))
    images = {}
    for model in ("folder", "whole.safetensors"):
        generator = load_diffusers_generator(
            tmp_path / model, device="cpu", dtype=torch.float32, settings=FAST, low_memory=False, announce=pytest.fail
        )
        images[model] = generator.generate([COW, COW], seeds=[1, 2])
        assert f"model={model} " in generator.identity
    np.testing.assert_array_equal(images["folder"], images["whole.safetensors"])


def test_load__one_file_without_configuration_offline__says_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    save_as_one_file(build_pipeline(autoencoder=build_kl_autoencoder()), tmp_path / "whole.safetensors")
    with pytest.raises(
        ModelUnavailableError,
        match=r"configuration of 'stable-diffusion-v1-5/.*neither in the folder '.*whole'.*Put that",
    ) as caught:
        load_diffusers_generator(
            tmp_path / "whole.safetensors",
            device="cpu",
            dtype=torch.float32,
            settings=FAST,
            low_memory=False,
            announce=pytest.fail,
        )
    assert "\n" not in str(caught.value)
