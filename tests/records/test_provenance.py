"""Where a run came from."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import PIL
import pytest

from rldf.records.provenance import checkout_commit, utc_now, versions

HASH = "0123456789abcdef0123456789abcdef01234567"


def test_versions__name_python_and_the_packages_that_decide_results() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert {"rldf", "torch", "diffusers", "transformers", "numpy"} <= found.keys()
    assert found["pillow"] == PIL.__version__


def test_versions__name_the_packages_of_training_where_they_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def installed(name: str) -> str:
        if name == "peft":
            raise PackageNotFoundError(name)
        return "1.0" if name == "accelerate" else version(name)

    monkeypatch.setattr("rldf.records.provenance.version", installed)
    found = versions()
    assert found["accelerate"] == "1.0"
    assert "peft" not in found


def test_commit__is_read_from_a_branch_a_packed_branch_and_a_bare_hash(tmp_path: Path) -> None:
    assert checkout_commit(tmp_path) is None
    git = tmp_path / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert checkout_commit(tmp_path) is None
    (git / "packed-refs").write_text(f"# pack-refs\n{HASH} refs/heads/main\n")
    assert checkout_commit(tmp_path) == HASH
    (git / "refs" / "heads" / "main").write_text("f" * 40 + "\n")
    assert checkout_commit(tmp_path) == "f" * 40
    (git / "HEAD").write_text(HASH + "\n")
    assert checkout_commit(tmp_path) == HASH


def test_time__is_utc_to_the_second() -> None:
    assert utc_now().endswith("+00:00")
    assert len(utc_now()) == 25
