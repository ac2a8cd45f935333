"""The jobs of the main workflow, on tiny untrained models in the shipped formats."""

import gc
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import PIL.Image
import pytest
from gymnasium.utils.env_checker import check_env

import rldf
from rldf.contracts import Target
from rldf.errors import ConfigError, ImageError, RecordError, RldfError
from rldf.jobs.environment import make_environment
from rldf.jobs.request import prepare_search
from rldf.jobs.search import (
    FileBegan,
    FileFailed,
    _run_names,
    encode_images,
    plan_search,
    resume_search,
    search_events,
    search_folder,
)
from rldf.perception.clip import ZeroShotClip
from rldf.presets.build import build_parts, build_reward, build_searcher
from rldf.presets.config import SearchConfig
from rldf.presets.generators import kind_of
from rldf.presets.loading import override
from rldf.presets.search_job import budget_of, job_of
from rldf.presets.shelf import ModelShelf
from rldf.records import read_run
from rldf.rewards import AgreementReward, SimilarityReward, TerminatingFeedback
from rldf.search import InputPicture, RunFinished, SearchJob, Tried
from rldf.search.wish import read_inputs

MAY_DIFFER = ("seconds", "peak_rss_mib", "cache_hits")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "noise.png"
    pixels = np.random.default_rng(0).integers(0, 256, size=(40, 50, 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(path)
    return path


def result(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    del summary["run"]
    for name in MAY_DIFFER:
        del summary["budget"][name]
    return summary


def test_search__of_a_diffusers_folder_writes_a_run_that_says_which_models(
    tmp_path: Path, picture: Path, config: SearchConfig
) -> None:
    run = rldf.search(picture, config=config, out=tmp_path / "run", seed=3)
    assert run.is_finished
    assert run.run["seed"] == 3
    assert run.run["model"]["kind"] == "diffusers"
    assert len(run.run["model"]["digest"]) == 64
    assert run.run["judge"]["is_independent"] is True
    assert run.run["perception"]["digest"] != run.run["judge"]["digest"]
    assert run.run["device"] == "cpu"
    assert run.summary is not None
    assert run.summary["budget"]["renders"] == 6
    assert run.summary["budget"]["denoiser_evaluations"] % (6 + 2 + 1) in {0, 2 * 4}
    assert run.run["command"].startswith("rldf search ")


def test_cached_pictures__change_nothing_but_the_hits(tmp_path: Path, picture: Path, config: SearchConfig) -> None:
    list(search_events([picture], config=config, out=tmp_path / "one"))
    list(search_events([picture], config=config, out=tmp_path / "two"))
    assert result(tmp_path / "one") == result(tmp_path / "two")
    hits = [
        json.loads((tmp_path / name / "summary.json").read_text())["budget"]["cache_hits"] for name in ("one", "two")
    ]
    assert hits[0] == 0
    assert hits[1] >= 6


@pytest.mark.parametrize("count", [0, 1, 4])
def test_interrupted_search__resumes_from_its_folder_alone(
    tmp_path: Path, picture: Path, config: SearchConfig, count: int
) -> None:
    config = replace(config, model=replace(config.model, use_cache=False))
    list(search_events([picture], config=config, out=tmp_path / "whole"))
    folder = tmp_path / "run"
    copy = tmp_path / "input.png"
    copy.write_bytes(picture.read_bytes())
    if count == 0:  # stopped while the models load
        prepare_search([copy], config=config, out=folder).store.close()
    else:
        events = search_events([copy], config=config, out=folder)
        for _ in range(count):
            next(events)
        del events
        gc.collect()
        copy.unlink()  # from here on the run has its own copy
    assert isinstance(list(resume_search(folder))[-1], RunFinished)
    assert result(folder) == result(tmp_path / "whole")


def test_resuming_a_finished_run__tells_its_result_again(tmp_path: Path, picture: Path, config: SearchConfig) -> None:
    list(search_events([picture], config=config, out=tmp_path / "run"))
    (event,) = resume_search(tmp_path / "run")
    assert isinstance(event, RunFinished)
    assert event.summary["sentence"] == read_run(tmp_path / "run").sentence


def test_folder_of_pictures__gives_a_run_each_and_errors_by_file(
    tmp_path: Path, picture: Path, config: SearchConfig
) -> None:
    bad = tmp_path / "noise.gif"
    bad.write_bytes(b"no picture")
    events = list(search_folder([picture, bad], config=config, out=tmp_path / "out"))
    lines = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert lines[0]["sentence"] == read_run(tmp_path / "out" / "noise-png").sentence
    assert "noise.gif' is not an image" in lines[1]["error"]
    assert [event.path for event in events if isinstance(event, FileFailed)] == [bad]
    assert [event.position for event in events if isinstance(event, FileBegan)] == [1, 2]
    again = list(search_folder([picture], config=config, out=tmp_path / "out2"))
    assert sum(isinstance(event, Tried) for event in again) > 0


def test_folder_searched_again__goes_on_and_refuses_other_settings(
    tmp_path: Path, picture: Path, config: SearchConfig
) -> None:
    list(search_folder([picture], config=config, out=tmp_path / "out"))
    again = list(search_folder([picture], config=config, out=tmp_path / "out"))
    assert not any(isinstance(event, Tried) for event in again)
    (failed,) = [
        event
        for event in search_folder([picture], config=replace(config, seed=9), out=tmp_path / "out")
        if isinstance(event, FileFailed)
    ]
    assert "was made with other settings" in failed.message


def test_pictures_of_one_name__have_a_run_each_and_their_own_results(
    tmp_path: Path, picture: Path, config: SearchConfig
) -> None:
    paths = [tmp_path / place / "cat.png" for place in ("a", "b")]
    for number, path in enumerate(paths):
        path.parent.mkdir()
        PIL.Image.new("RGB", (32, 32), (number * 200, 0, 0)).save(path)
    events = list(search_folder([*paths, picture], config=config, out=tmp_path / "out"))
    runs = [read_run(event.folder) for event in events if isinstance(event, RunFinished)]
    assert [run.run["inputs"][0]["path"] for run in runs] == [str(path) for path in (*paths, picture)]
    assert len({run.folder for run in runs}) == 3
    assert runs[2].folder.name == "noise"


def test_run_names__are_all_different() -> None:
    paths = ["a/cat.png", "b/cat.png", "cat.jpg", "cat-png.jpg", "dog.png"]
    names = _run_names(paths)
    assert len(set(names)) == len(paths)
    assert names[2:3] + names[4:] == ["cat-jpg", "dog"]
    assert names == _run_names([Path(path).resolve() for path in paths])


def test_folder_searched_again__refuses_another_picture_of_the_same_name(
    tmp_path: Path, picture: Path, config: SearchConfig
) -> None:
    list(search_folder([picture], config=config, out=tmp_path / "out"))
    other = tmp_path / picture.name
    PIL.Image.new("RGB", (32, 32)).save(other)
    before = result(tmp_path / "out" / "noise")
    *_, failed = search_folder([other], config=config, out=tmp_path / "out")
    assert isinstance(failed, FileFailed)
    assert f"is of another picture than '{other}': of '{picture}'" in failed.message
    assert "give --force" in failed.message
    assert result(tmp_path / "out" / "noise") == before
    list(search_folder([other], config=config, out=tmp_path / "out", force=True))
    assert read_run(tmp_path / "out" / "noise").run["inputs"][0]["path"] == str(other)


def test_results_of_a_folder__keep_what_an_interrupted_call_did_not_come_to(
    tmp_path: Path, picture: Path, config: SearchConfig
) -> None:
    other = tmp_path / "other.png"
    PIL.Image.new("RGB", (32, 32)).save(other)
    results = tmp_path / "out" / "results.jsonl"
    list(search_folder([picture, other], config=config, out=tmp_path / "out"))
    whole = results.read_text(encoding="utf-8")
    events = search_folder([picture, other], config=config, out=tmp_path / "out")
    while not isinstance(next(events), RunFinished):
        pass
    next(events)  # the second file begins
    del events
    gc.collect()
    assert results.read_text(encoding="utf-8") == whole
    list(search_folder([other], config=config, out=tmp_path / "out"))
    assert results.read_text(encoding="utf-8") == whole


def test_encode__reads_a_picture(picture: Path, config: SearchConfig) -> None:
    (read,) = encode_images([picture], config=config)
    form = read.as_json()
    assert set(form["encoding"]) == {"object", "count", "density", "scene"}
    assert form["sentence"] == rldf.load_grammar("base").render(read.percept.encoding)
    for axis, row in form["probabilities"].items():
        assert sum(row.values()) == pytest.approx(1.0)
        assert max(row, key=lambda term: row[term]) == form["encoding"][axis]


def test_models__are_loaded_once(config: SearchConfig) -> None:
    shelf = ModelShelf()
    one, two = build_parts(config, shelf=shelf), build_parts(replace(config, seed=1), shelf=shelf)
    assert one.image_generator is two.image_generator
    assert one.perception is two.perception
    assert one.judge is two.judge
    assert one.judge is not one.perception


def test_without_a_judge__scorer_a_judges_itself_and_the_run_says_so(config: SearchConfig) -> None:
    parts = build_parts(replace(config, judge=rldf.SearchConfig().judge), shelf=ModelShelf())
    assert parts.judge is parts.perception
    assert not parts.is_judge_independent
    assert "judged itself" in parts.notes[0]


def test_zero_shot_clip__is_the_perception_of_other_models(tiny_models: Path, config: SearchConfig) -> None:
    changed = override(config, ["perception.kind=auto", f"perception.id={tiny_models / 'scorer-a'}"])
    parts = build_parts(changed, shelf=ModelShelf())
    assert isinstance(parts.perception, ZeroShotClip)
    assert parts.perception_card.kind == "zero-shot CLIP"


def test_classifier_and_detector__must_both_be_named(config: SearchConfig) -> None:
    with pytest.raises(ConfigError, match=r"are two models.*name both"):
        build_parts(override(config, ["perception.kind=classifier-detector"]), shelf=ModelShelf())


@pytest.mark.parametrize("name", ["factored", "q-learning", "sarsa", "random", "random-walk"])
def test_every_searcher__is_built_and_proposes(config: SearchConfig, name: str) -> None:
    space = rldf.load_grammar("base").space
    start = space.encoding(7)
    searcher = build_searcher(override(config, [f"search.searcher={name}"]), space=space, start=start, seed=0)
    assert 1 <= len(searcher.ask(4)) <= 4


@pytest.mark.parametrize("name", ["multi-semantic", "partial-semantic", "clip", "random"])
@pytest.mark.parametrize("realism", ["penalise", "terminate"])
def test_every_reward__serves_a_search(
    tmp_path: Path, picture: Path, config: SearchConfig, name: str, realism: str
) -> None:
    changed = override(config, [f"reward.name={name}", f"reward.realism={realism}", "budget.max_renders=2"])
    list(search_events([picture], config=changed, out=tmp_path / "run"))
    notes = " ".join(result(tmp_path / "run")["notes"])
    assert ("was drawn" in notes) == (name == "random")


def test_kind_of_a_model__is_told_by_its_id() -> None:
    model = SearchConfig().model
    assert kind_of(model) == "embedded"
    assert kind_of(replace(model, id="CompVis/stable-diffusion-v1-4")) == "diffusers"
    assert kind_of(replace(model, id="https://api.example.org/v1")) == "images-api"
    assert kind_of(replace(model, id="x", kind="images-api")) == "images-api"


def test_plan__counts_pictures_and_cost() -> None:
    config = override(SearchConfig(), ["model.picture_cost_usd=0.02"])
    plan = plan_search(config, num_runs=2)
    assert (plan.max_renders, plan.max_test_renders, plan.new_pictures, plan.max_pictures) == (96, 64, 16, 176)
    assert plan.max_cost_usd == pytest.approx(2 * 88 * 0.02)


def test_cost_limit__lowers_the_budget_and_needs_a_price() -> None:
    config = override(SearchConfig(), ["budget.max_cost_usd=1.0", "model.picture_cost_usd=0.02"])
    assert budget_of(config).max_renders == 10
    with pytest.raises(ConfigError, match="a cost limit needs the price of a picture"):
        budget_of(override(SearchConfig(), ["budget.max_cost_usd=1.0"]))


def test_environment__passes_gymnasium_s_checker(picture: Path, config: SearchConfig) -> None:
    environment = make_environment(picture, model=config.model.id, config=config)
    check_env(environment, skip_render_check=True)
    assert isinstance(environment, gymnasium.Env)


def test_environment__keeps_model_and_seed_of_its_config(picture: Path, config: SearchConfig) -> None:
    seeded = replace(config, seed=5)
    start = rldf.load_grammar("base").space.encoding(7)
    pictures: list[bytes] = []
    for one, seed in ((seeded, None), (config, 5), (config, None)):
        environment = make_environment(picture, config=one, seed=seed, start=start, render_mode="rgb_array")
        environment.reset(seed=0)
        pictures.append(environment.record.outcome.image.tobytes())
    assert pictures[0] == pictures[1] != pictures[2]


def test_second_run_in_one_folder__is_refused(tmp_path: Path, picture: Path, config: SearchConfig) -> None:
    events = search_events([picture], config=config, out=tmp_path / "run")
    next(events)
    with pytest.raises(RecordError, match="is being written by another process"):
        next(search_events([picture], config=config, out=tmp_path / "run"))
    del events


def test_agreement_reward__leaves_out_locked_axes_and_gives_way_to_likeness(config: SearchConfig) -> None:
    locked = override(config, ["grammar.locked={scene = 'park'}"])
    parts = build_parts(locked, shelf=ModelShelf())
    picture = InputPicture(path="", sha256="", image=np.zeros((64, 64, 3), dtype=np.uint8))
    percept = read_inputs(parts.perception, [picture])
    sure = Target(percept=replace(percept, unsure_axes=()), references=(picture.image,))
    reward, notes = build_reward(locked, space=parts.space, target=sure, perception=parts.perception)
    assert isinstance(reward, AgreementReward)
    assert notes == ()
    unsure = Target(percept=replace(percept, unsure_axes=("object", "count", "density")), references=(picture.image,))
    reward, notes = build_reward(locked, space=parts.space, target=unsure, perception=parts.perception)
    assert isinstance(reward, SimilarityReward)
    assert "compared by likeness" in notes[0]
    wiring = build_parts(override(config, ["reward.realism=terminate"]), shelf=ModelShelf()).wire(sure)
    assert isinstance(wiring.feedback, TerminatingFeedback)


def test_images_endpoint__is_built_without_asking_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    config = override(
        SearchConfig(), ["model.id=http://127.0.0.1:9/v1", "model.size_px=256", "model.picture_cost_usd=0.02"]
    )
    built = ModelShelf().generator(config.model, announce=print)
    assert built.card.kind == "images-api"
    assert "size_px=256" in built.card.identity
    assert (built.evaluations_per_picture, built.device) == (0, "endpoint")


@pytest.mark.parametrize("change", ["model.id=/none/such", "grammar.locked={scene = 'moon'}"])
def test_search__that_cannot_begin_leaves_nothing_behind(
    tmp_path: Path, picture: Path, config: SearchConfig, change: str
) -> None:
    with pytest.raises(RldfError):
        list(search_events([picture], config=override(config, [change]), out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_wrong_picture__leaves_nothing_behind(tmp_path: Path, config: SearchConfig) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(ImageError, match="is not an image"):
        list(search_events([bad], config=config, out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_settings_untouched__ask_for_what_a_job_does_by_itself() -> None:
    config = SearchConfig()
    assert job_of(config, ()) == SearchJob(inputs=(), budget=budget_of(config))
