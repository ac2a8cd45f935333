from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch

from rldf.errors import ModelUnavailableError
from rldf.generators.diffusers_local import load_diffusers_generator
from rldf.generators.embedded import embedded_folder, load_embedded_generator
from rldf.generators.settings import GenerationSettings
from rldf.records.percept import Prompt

COW = Prompt(text="a photo of one cow and no people in a park")


def fail(line: str) -> NoReturn:
    pytest.fail(f"nothing should have been downloaded, but: {line}")


@pytest.fixture
def package(tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose embedded generator is the tiny untrained one."""
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "embedded").symlink_to(tiny_models, target_is_directory=True)
    monkeypatch.setattr("rldf.generators.embedded.files", lambda name: tmp_path if name == "rldf" else None)
    return tmp_path


@pytest.mark.usefixtures("package")
def test_load__its_own_values() -> None:
    generator = load_embedded_generator(announce=fail)
    assert (generator.settings.steps, generator.settings.guidance_scale, generator.settings.size_px) == (2, 3.0, 128)
    assert generator.generate([COW], seeds=[1]).shape == (1, 128, 128, 3)


@pytest.mark.usefixtures("package")
def test_load__same_as_any_other_folder(tiny_models: Path) -> None:
    other = load_diffusers_generator(
        tiny_models / "generator",
        device="cpu",
        dtype=torch.float32,
        settings=GenerationSettings(),
        low_memory=False,
        announce=fail,
    )
    embedded = load_embedded_generator(announce=fail)
    assert embedded.identity == other.identity
    np.testing.assert_array_equal(embedded.generate([COW], seeds=[4]), other.generate([COW], seeds=[4]))


def test_load__not_installed__refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rldf.generators.embedded.files", lambda name: tmp_path / name)
    with pytest.raises(ModelUnavailableError, match=r"is not installed at '.*'; the package ships it. Install"):
        load_embedded_generator(announce=fail)


def test_embedded_folder__inside_the_package() -> None:
    assert embedded_folder().parts[-4:] == ("rldf", "weights", "embedded", "generator")
