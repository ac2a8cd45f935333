"""A search that learns from earlier runs: what it is told, what it refuses, and that it resumes to the same result."""

import gc
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from rldf.errors import ConfigError, RecordError
from rldf.jobs.earlier import earlier_pictures
from rldf.jobs.search import resume_search, search_events, search_folder
from rldf.presets.build import build_parts
from rldf.presets.config import SearchConfig
from rldf.presets.loading import override
from rldf.presets.shelf import SHELF
from rldf.records import read_run


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory, config: SearchConfig) -> Path:
    folder = tmp_path_factory.mktemp("earlier")
    list(search_events([picture(folder / "first.png", seed=1)], config=config, out=folder / "run"))
    return folder / "run"


def picture(path: Path, *, seed: int) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 256, size=(40, 50, 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(path)
    return path


def learning(config: SearchConfig, *runs: Path) -> SearchConfig:
    return replace(config, search=replace(config.search, learn_from=tuple(map(str, runs))))


def test_earlier_pictures__are_those_of_the_run_each_once(config: SearchConfig, earlier: Path) -> None:
    parts = build_parts(config, shelf=SHELF)
    outcomes = earlier_pictures(learning(config, earlier, earlier), parts)
    steps = [step for step in read_run(earlier).steps if step.is_new_render]
    assert {(outcome.encoding, outcome.seed) for outcome in outcomes} == {(step.encoding, step.seed) for step in steps}
    assert len(outcomes) == len(steps)
    first = next(outcome for outcome in outcomes if outcome.seed == steps[0].seed)
    assert (first.image == np.array(PIL.Image.open(earlier / steps[0].image))).all()


def test_search__that_learns_tries_its_start_first_and_resumes_to_the_same_result(
    tmp_path: Path, config: SearchConfig, earlier: Path
) -> None:
    wish, asked = picture(tmp_path / "wish.png", seed=2), learning(config, earlier)
    list(search_events([wish], config=asked, out=tmp_path / "whole"))
    events = search_events([wish], config=asked, out=tmp_path / "run")
    for _ in range(3):
        next(events)
    del events
    gc.collect()
    list(resume_search(tmp_path / "run"))
    whole, resumed = read_run(tmp_path / "whole"), read_run(tmp_path / "run")
    assert [(s.encoding, s.seed) for s in resumed.steps] == [(s.encoding, s.seed) for s in whole.steps]
    assert resumed.sentence == whole.sentence
    assert whole.run["start"]["sentence"] == whole.steps[0].prompt.text
    assert any("pictures of earlier searches" in note for note in whole.run["notes"])
    assert str(earlier) in whole.run["command"]


def test_run_that_is_no_finished_search__is_refused(tmp_path: Path, config: SearchConfig, earlier: Path) -> None:
    parts = build_parts(config, shelf=SHELF)
    shutil.copytree(earlier, tmp_path / "cut")
    (tmp_path / "cut/summary.json").unlink()
    with pytest.raises(RecordError, match=r"not the folder of a finished search.*rldf runs resume"):
        earlier_pictures(learning(config, tmp_path / "cut"), parts)


def test_run_of_another_model__is_refused(config: SearchConfig, earlier: Path) -> None:
    other = override(learning(config, earlier), ["model.steps=3"])
    with pytest.raises(RecordError, match=r"was made with another model"):
        earlier_pictures(other, build_parts(other, shelf=SHELF))


def test_agents__cannot_learn_from_what_they_did_not_ask_for(config: SearchConfig, earlier: Path) -> None:
    other = override(learning(config, earlier), ["search.searcher=q-learning"])
    with pytest.raises(ConfigError, match="'q-learning' cannot learn from earlier runs; 'factored' can"):
        earlier_pictures(other, build_parts(config, shelf=SHELF))


def test_folder_that_learns__goes_from_picture_to_picture_and_goes_on(tmp_path: Path, config: SearchConfig) -> None:
    paths = [picture(tmp_path / f"{seed}.png", seed=seed) for seed in (1, 2, 3)]
    list(search_folder(paths[:2], config=config, out=tmp_path / "runs", learns=True))
    list(search_folder(paths, config=config, out=tmp_path / "runs", learns=True))
    learned = [read_run(tmp_path / "runs" / str(number)).run["config"]["search"]["learn_from"] for number in (1, 2, 3)]
    runs = [str(tmp_path / "runs" / str(number)) for number in (1, 2)]
    assert learned == [[], runs[:1], runs]
    events = list(search_folder(paths[2:], config=config, out=tmp_path / "runs", learns=True))
    assert [type(event).__name__ for event in events] == ["FileBegan", "RunFinished"]


def test_pictures_that_a_lock_forbids__are_left_out(config: SearchConfig, earlier: Path) -> None:
    steps = [step for step in read_run(earlier).steps if step.is_new_render]
    term = build_parts(config, shelf=SHELF).space.terms(steps[0].encoding)["count"]
    locked = replace(learning(config, earlier), grammar=replace(config.grammar, locked={"count": term}))
    parts = build_parts(locked, shelf=SHELF)
    kept = earlier_pictures(locked, parts)
    assert kept
    assert {parts.space.terms(outcome.encoding)["count"] for outcome in kept} == {term}
    assert len(kept) < len(steps)
