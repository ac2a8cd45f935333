"""Storage that is local under another name, cannot be reached, or fails for a moment."""

import sys
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from rldf.datasets import storage as storage_module
from rldf.datasets.storage import Storage
from rldf.errors import ConfigError, MissingExtraError, StorageError


def test_storage__file_address__is_the_folder_and_written_as_one(tmp_path: Path) -> None:
    storage = Storage(f"file://{tmp_path}/clone")
    phases: list[str] = []
    storage.write("shards/a.tar", b"abcd", on_phase=phases.append)
    assert phases == ["begun", "half written", "written", "committed"]
    assert storage.folder == tmp_path / "clone"
    assert Storage(str(tmp_path / "clone")).read("shards/a.tar") == b"abcd"


def test_storage__relative_folder__has_an_absolute_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Storage("clone").absolute == Storage(str(tmp_path / "clone"))
    assert Storage("memory://clone").absolute == Storage("memory://clone")


def test_storage__plug_in_is_missing__named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtraError, match=r"'s3://bucket/clone' needs a plug-in .*s3fs.* Install it"):
        Storage("s3://bucket/clone").has("plan/round-000.json")


def test_storage__unknown_scheme__refused() -> None:
    with pytest.raises(ConfigError, match=r"'nowhere://clone' is no storage that fsspec knows: .* Give a folder"):
        Storage("nowhere://clone").read("clone.json")


def fail_first(monkeypatch: pytest.MonkeyPatch, method: str, *, times: int) -> list[str]:
    """Memory storage that fails so many times before it answers; and what it was asked."""
    asked: list[str] = []
    inner = getattr(MemoryFileSystem, method)

    def failing(self: MemoryFileSystem, path: str, *rest: Any, **named: Any) -> object:  # noqa: ANN401 - fsspec's
        asked.append(path)
        if len(asked) <= times:
            raise ConnectionResetError("connection reset")
        answer: object = inner(self, path, *rest, **named)
        return answer

    monkeypatch.setattr(MemoryFileSystem, method, failing)
    monkeypatch.setattr(storage_module, "PAUSES_S", (0.0, 0.0, 0.0))
    return asked


def test_storage__remote_fails_for_a_moment__is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Storage("memory://storage-tests/moment")
    written = fail_first(monkeypatch, "pipe_file", times=3)
    storage.write("a", b"abc")
    assert len(written) == 4
    fail_first(monkeypatch, "cat_file", times=2)
    assert storage.read("a") == b"abc"


def test_storage__remote_fails_for_good__said_and_never_taken_for_a_missing_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storage = Storage("memory://storage-tests/good")
    storage.write("plan/a", b"abc")
    assert storage.has("plan/a")
    assert not storage.has("plan/b")
    asked = fail_first(monkeypatch, "info", times=99)
    with pytest.raises(StorageError, match=r"'plan/a' cannot be read from .*connection reset"):
        storage.has("plan/a")
    assert len(asked) == 4
    fail_first(monkeypatch, "ls", times=99)
    with pytest.raises(StorageError, match="connection reset"):
        storage.names("plan")


def test_storage__missing_file__is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fail_first(monkeypatch, "cat_file", times=0)
    with pytest.raises(StorageError, match="'nothing' cannot be read"):
        Storage("memory://storage-tests/missing").read("nothing")
    assert len(asked) == 1


def test_storage__atomic__in_folders_and_object_stores_alone() -> None:
    whole = ["clone", "file:///data/clone", "s3://bucket/clone", "gs://bucket/clone", "memory://clone"]
    assert [Storage(address).is_atomic for address in whole] == [True] * len(whole)
    partial = ["sftp://host/clone", "hdfs://host/clone", "smb://host/clone", "simplecache::s3://bucket/clone"]
    assert [Storage(address).is_atomic for address in partial] == [False] * len(partial)
