"""A short search with tiny models, through the command line."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rldf.cli.main import commands
from rldf.records.pictures import encode_png
from rldf.renderer.drawing import draw

SHORT = ["--config", "result.num_test_seeds=2", "--config", "result.num_new=1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command left."""

    status: int
    out: str
    err: str

    @property
    def told(self) -> dict[str, Any]:
        """The JSON object on stdout."""
        told: dict[str, Any] = json.loads(self.out)
        return told


Run = Callable[..., Ran]


@pytest.fixture
def run() -> Run:
    """Runs a command in this process."""

    def call(*arguments: str | Path) -> Ran:
        result = CliRunner().invoke(commands, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(status=result.exit_code, out=result.stdout, err=result.stderr)

    return call


@pytest.fixture
def tiny(tiny_models: Path) -> list[str]:
    """The options that name the tiny models and keep a search short."""
    names = {"--model": "generator", "--perception": "scorer-a", "--judge": "scorer-b"}
    return [*(word for option, name in names.items() for word in (option, str(tiny_models / name))), *SHORT]


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One drawn picture."""
    path = tmp_path_factory.mktemp("pictures") / "cow.png"
    terms = {"object": "cow", "count": "two", "density": "many", "scene": "park"}
    path.write_bytes(encode_png(draw(terms, seed=0)))
    return path
