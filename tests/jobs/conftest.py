"""What the tests of jobs share."""

from pathlib import Path

import pytest

from rldf.presets.config import SearchConfig
from rldf.presets.loading import override


@pytest.fixture(scope="session")
def config(tiny_models: Path) -> SearchConfig:
    """A small search with tiny untrained models in the shipped formats."""
    return override(
        SearchConfig(),
        [
            f"model.id={tiny_models / 'generator'}",
            "perception.kind=embedded",
            f"perception.id={tiny_models / 'scorer-a'}",
            "judge.kind=embedded",
            f"judge.id={tiny_models / 'scorer-b'}",
            "model.size_px=32",
            "budget.max_renders=6",
            "search.batch_size=2",
            "result.num_test_seeds=2",
            "result.num_new=1",
        ],
    )
