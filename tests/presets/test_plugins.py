"""Parts of installed packages."""

import sys
from pathlib import Path

import pytest

from rldf.errors import ConfigError
from rldf.presets.plugins import find_part
from rldf.searchers import RandomSearcher


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that names two searchers, one of which cannot be loaded."""
    folder = tmp_path / "outsider-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: outsider\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        "[rldf.parts]\nsearcher.wander = rldf.searchers:RandomSearcher\nsearcher.broken = outsider_missing:Searcher\n"
        "reward.wander = rldf.searchers:FactoredSearcher\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])


@pytest.mark.usefixtures("package")
def test_part__is_found_by_kind_and_name() -> None:
    assert find_part("searcher", "plugin:wander") is RandomSearcher


@pytest.mark.usefixtures("package")
def test_unknown_part__is_refused_with_what_there_is() -> None:
    with pytest.raises(
        ConfigError, match=r"no searcher 'plugin:wandr'. Installed packages offer: broken, wander.*Did you"
    ):
        find_part("searcher", "plugin:wandr")


@pytest.mark.usefixtures("package")
def test_broken_part__is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'plugin:broken' cannot be loaded from outsider_missing:Searcher"):
        find_part("searcher", "plugin:broken")
