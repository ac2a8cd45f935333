"""The LoRA of a folder or of a fine-tuning run."""

from pathlib import Path

import pytest

from rldf.errors import ConfigError
from rldf.generators.adapters import WEIGHTS_FILE
from rldf.presets.config import ModelConfig
from rldf.presets.generators import build_generator
from rldf.presets.lora_folder import find_lora


@pytest.mark.parametrize("place", [".", "lora"])
def test_lora__is_found_in_its_folder_and_in_that_of_its_run(tmp_path: Path, place: str) -> None:
    folder = tmp_path / place
    folder.mkdir(exist_ok=True)
    (folder / WEIGHTS_FILE).touch()
    assert Path(find_lora(tmp_path)) == folder


def test_unfinished_run__has_no_lora(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no LoRA: .*`rldf finetune run` leaves one at its end"):
        find_lora(tmp_path)


def test_run_of_the_whole_denoiser__has_no_lora(tmp_path: Path) -> None:
    (tmp_path / "denoiser").mkdir()
    with pytest.raises(ConfigError, match=r"trained the whole denoiser and has no LoRA.*adapter.kind=lora"):
        find_lora(tmp_path)


def test_endpoint__takes_no_lora() -> None:
    config = ModelConfig(id="http://127.0.0.1:9/v1", adapter="lora")
    with pytest.raises(ConfigError, match=r"model.adapter is 'lora' and the model is the endpoint .*leave --lora out"):
        build_generator(config, announce=lambda _: None)
