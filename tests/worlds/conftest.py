"""A small archive of photographs and a tiny world trained on it, made once."""

import json
from pathlib import Path

import pytest
from tests.worlds.photo_archive import write_archive
from typer.testing import CliRunner

from rldf.cli.main import commands
from rldf.grammar import load_grammar


@pytest.fixture(scope="session")
def photo_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight photographs of each of five classes, two of every split."""
    names = load_grammar("photos").space.axis("object").terms[::10]
    return write_archive(tmp_path_factory.mktemp("photos") / "photos.zip", names)


@pytest.fixture(scope="session")
def photo_world(photo_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command leaves behind: generator, scorer-a, scorer-b."""
    out = tmp_path_factory.mktemp("world")
    command = ["world", "train", "--recipe", "photos", "--data", str(photo_archive), "--out", str(out), "--tiny"]
    result = CliRunner().invoke(commands, [*command, "--json", "--device", "cpu"])
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["space"] == "photos"
    return Path(told["folder"])
