"""A tiny pipeline on disk, and a generator that only paints."""

from pathlib import Path

import pytest
from tests.generators.painting import PaintingGenerator
from tests.generators.tiny_pipelines import build_pipeline


@pytest.fixture(scope="session")
def tiny_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder written by save_pretrained: a Stable Diffusion pipeline of 0.4 M weights, 16 px."""
    folder = tmp_path_factory.mktemp("pipelines") / "tiny"
    build_pipeline().save_pretrained(folder)
    return folder


@pytest.fixture
def painter() -> PaintingGenerator:
    """Paints noise; remembers what it was asked for."""
    return PaintingGenerator()
