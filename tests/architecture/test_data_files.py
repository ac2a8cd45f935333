"""Every data file that ships says what it is, which version, from where, and under which licence."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).parents[2] / "src/rldf"
DATA = sorted(path for path in PACKAGE.glob("*/data/*") if path.is_file() and not path.name.startswith("LICENSE"))
MODELS = sorted(path for path in (PACKAGE / "weights").glob("*") if path.is_dir())
FIELDS = ("name", "version", "source", "licence")


def described_by(path: Path) -> dict[str, Any]:
    """What a data file says of itself, or what the JSON beside it says of it."""
    if path.suffix == ".toml":
        return tomllib.loads(path.read_text(encoding="utf-8"))
    described: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return described


@pytest.mark.parametrize("path", DATA, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_data_file__names_version_source_and_licence(path: Path) -> None:
    described = described_by(path)
    assert [field for field in FIELDS if not described.get(field)] == []


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_weights__have_a_card_and_a_licence_beside_them(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert [field for field in FIELDS if not card.get(field)] == []
    assert [path for path in folder.iterdir() if path.name.startswith("LICENSE")]


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_weights__are_safetensors_only(folder: Path) -> None:
    pickled = {".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle"}
    assert [path for path in folder.rglob("*") if path.suffix in pickled] == []
    assert list(folder.rglob("*.safetensors"))


def test_package__ships_data() -> None:
    assert DATA
    assert MODELS
