"""Run folders before any model is loaded."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rldf.errors import ImageError, RecordError
from rldf.jobs.request import begin_or_reopen, command_of, default_folder, prepare_search, reopen_search
from rldf.presets.config import SearchConfig
from rldf.presets.loading import override

NOW = "2026-01-02T03:04:05+00:00"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "my cow.png"
    path.write_bytes(b"read later")
    return path


def test_default_folder__is_named_by_time_and_picture_and_never_exists(tmp_path: Path) -> None:
    first = default_folder("photos/my cow.png", now=NOW, parent=tmp_path)
    assert first == tmp_path / "20260102-030405-my-cow"
    first.mkdir()
    assert default_folder("photos/my cow.png", now=NOW, parent=tmp_path).name == "20260102-030405-my-cow-2"


def test_run_killed_before_anything_was_read__is_taken_up_again(tmp_path: Path, picture: Path) -> None:
    config = override(SearchConfig(), ["seed=5", "grammar.locked={scene = 'park'}"])
    prepare_search([picture], config=config, out=tmp_path / "run").store.close()
    again = reopen_search(tmp_path / "run")
    again.store.close()
    assert again.config == config
    assert [entry.file for entry in again.inputs] == [picture.resolve()]
    assert set(again.request) == {"created", "command", "config"}


def test_missing_picture__is_refused_before_a_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no file 'none\.png'.*Check the path"):
        prepare_search(["none.png"], config=SearchConfig(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_second_run_in_one_folder__is_refused(tmp_path: Path, picture: Path) -> None:
    prepare_search([picture], config=SearchConfig(), out=tmp_path / "run").store.close()
    with pytest.raises(RecordError, match=r"is not empty: it holds .*--force"):
        prepare_search([picture], config=SearchConfig(), out=tmp_path / "run")
    prepare_search([picture], config=SearchConfig(), out=tmp_path / "run", force=True).store.close()


def test_run_that_drew_nothing__is_begun_anew_with_what_is_asked_now(tmp_path: Path, picture: Path) -> None:
    prepare_search([picture], config=SearchConfig(), out=tmp_path / "run").store.close()
    other = tmp_path / "other.png"
    other.write_bytes(b"another")
    config = override(SearchConfig(), ["seed=5"])
    prepared = begin_or_reopen([other], tmp_path / "run", config=config, force=False)
    prepared.store.close()
    assert prepared.config == config
    assert [entry.file for entry in prepared.inputs] == [other.resolve()]


def test_run_of_another_kind__is_not_resumed(tmp_path: Path, picture: Path) -> None:
    prepared = prepare_search([picture], config=SearchConfig(), out=tmp_path / "run")
    prepared.store.write_run({"kind": "clone"})
    prepared.store.close()
    with pytest.raises(RecordError, match="is of kind 'clone'; runs of kind 'search' can be resumed"):
        reopen_search(tmp_path / "run")
    assert not (tmp_path / "run" / "lock").exists()


def test_command__makes_the_same_settings_again() -> None:
    changes = ["seed=5", "search.searcher=sarsa", "grammar.locked={scene = 'park'}", "grammar.blocked=['bus']"]
    config = override(SearchConfig(), changes)
    words = shlex.split(command_of(["my cow.png"], config=config))
    assert words[:3] == ["rldf", "search", "my cow.png"]
    given = [words[n + 1] for n, word in enumerate(words) if word == "--config"]
    assert override(SearchConfig(), given) == config
    assert "--together" in command_of(["a.png", "b.png"], config=config)


def test_preparing_a_run__loads_no_torch(tmp_path: Path, picture: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rldf.presets.config import SearchConfig;"
        "from rldf.jobs.request import prepare_search;"
        "prepare_search([sys.argv[1]], config=SearchConfig(), out=Path(sys.argv[2])).store.close();"
        "assert not {'torch', 'diffusers', 'transformers', 'gymnasium'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(picture), str(tmp_path / "run")], check=True)
    assert json.loads((tmp_path / "run" / "request.json").read_text())["inputs"][0]["path"] == str(picture)
