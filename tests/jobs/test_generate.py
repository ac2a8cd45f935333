"""Sets, strips, transfers, captions, ablations and what lies beyond the goal, on tiny untrained models."""

import gc
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import rldf
from rldf.errors import ConfigError, GrammarError, RecordError
from rldf.grammar import load_grammar
from rldf.hub import Announce
from rldf.jobs.ablate import Ablated, ablate, draw_input, find_concept
from rldf.jobs.beyond import beyond_config, check_beyond, prepare_beyond, tell_beyond
from rldf.jobs.captions import compare_caption
from rldf.jobs.concept_search import Concept, ConceptReward
from rldf.jobs.generate import SetFinished, SetRequest, folder_name, generate_pictures, noun_axis, redraw_pictures
from rldf.jobs.rejudging import open_finished, paired_interval
from rldf.jobs.search import run_prepared, search_events
from rldf.jobs.slide import slide
from rldf.jobs.transfer import transfer
from rldf.presets.config import ModelConfig, SearchConfig
from rldf.presets.generators import BuiltGenerator
from rldf.presets.loading import override
from rldf.presets.shelf import SHELF
from rldf.records import Prompt, read_extras, read_run
from rldf.sampling import Controls, PictureProduced
from rldf.search import Budget
from rldf.web import write_report

SENTENCE = "a photo of two cows and no people in a park"
SMALLER = """\
name = "smaller"
version = "1"
productions = ["S -> 'a photo of' Frequency[n] Noun[n] 'in' Scene"]

[[axes]]
id = "object"
symbol = "Noun"
agreement = "takes-number"
terms = ["cow", "car"]

[[axes]]
id = "count"
symbol = "Frequency"
agreement = "sets-number"
terms = [{ term = "one", number = "singular" }, "two"]

[[axes]]
id = "scene"
symbol = "Scene"
terms = [{ term = "park", surface = "a park" }, { term = "beach", surface = "a beach" }]
"""


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "noise.png"
    pixels = np.random.default_rng(0).integers(0, 256, size=(40, 50, 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="module")
def config(config: SearchConfig) -> SearchConfig:
    return override(config, ["budget.max_renders=4", "search.batch_size=4", "result.num_new=0"])


@pytest.fixture
def run_folder(tmp_path: Path, picture: Path, config: SearchConfig) -> Path:
    list(search_events([picture], config=config, out=tmp_path / "run"))
    return tmp_path / "run"


def end_of(events: list[PictureProduced | SetFinished]) -> SetFinished:
    assert isinstance(events[-1], SetFinished)
    return events[-1]


def test_generate__draws_a_balanced_set_and_again_from_its_manifest(tmp_path: Path, config: SearchConfig) -> None:
    request = SetRequest(
        count=6, terms={"scene": "beach"}, controls=Controls(balance=("count",)), max_tries=2, form="webdataset"
    )
    events = list(generate_pictures(SENTENCE, request, config=config, out=tmp_path / "set"))
    finished = end_of(events)
    manifest = finished.manifest
    assert sorted(row["count"] for row in manifest["cells"]) == [1, 1, 2, 2]
    assert all("in a beach" in row["sentence"] for row in manifest["pictures"])
    assert manifest["selection"]["axes"] == ["object"]
    assert {"vendi_score", "renderer", "vendi_ratio", "coverage"} <= set(manifest["diversity"])
    assert finished.sheet.is_file()
    with tarfile.open(finished.archives[0]) as archive:
        names = archive.getnames()
    assert names == sorted(f"{k:06d}.{ending}" for k in range(6) for ending in ("json", "png"))
    again = list(redraw_pictures(tmp_path / "set" / "manifest.json", out=tmp_path / "again"))
    assert [event.is_equal for event in again] == [True] * 6


def test_generate__of_a_run_takes_its_words_and_near_ones_when_diverse(run_folder: Path) -> None:
    plain = list(generate_pictures(run_folder, SetRequest(count=2)))
    assert [event.path.parent for event in plain[:2] if isinstance(event, PictureProduced)] == [
        run_folder / "generated"
    ] * 2
    run = read_run(run_folder)
    assert end_of(plain).manifest["sentence"] == run.sentence
    (told,) = read_extras(run_folder)
    assert (told.kind, len(told.pictures)) == ("set", 2)
    diverse = SetRequest(count=2, is_diverse=True, max_tries=2)
    manifest = end_of(list(generate_pictures(run_folder, diverse, out=run_folder / "diverse"))).manifest
    assert manifest["choices"][0] == run.sentence
    noun = noun_axis(load_grammar("base"))
    assert all(row["encoding"]["terms"][noun] == run.terms[noun] for row in manifest["pictures"])
    assert manifest["drawn"] == 4


def test_generate__refuses_what_cannot_be_drawn(config: SearchConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 pictures were asked for; at least 1"):
        SetRequest(count=0)
    with pytest.raises(ConfigError, match="max_tries is 0; a picture is drawn at least once"):
        SetRequest(max_tries=0)
    request = SetRequest(check=("none",), is_diverse=True)
    with pytest.raises(ConfigError, match="a diverse set is asked for without a check"):
        list(generate_pictures(SENTENCE, request, config=config, out=tmp_path))


def test_generate__refuses_axes_that_are_set_and_controlled() -> None:
    with pytest.raises(ConfigError, match=r"the axis 'scene' is set to 'park' and also varied or balanced"):
        SetRequest(terms={"scene": "park"}, controls=Controls(vary=("scene",)))


def test_generate__only_grows(tmp_path: Path, config: SearchConfig) -> None:
    list(generate_pictures(SENTENCE, SetRequest(count=3), config=config, out=tmp_path))
    with pytest.raises(RecordError, match=r"holds 3 pictures of this set already, and 2 are asked for; a set only"):
        list(generate_pictures(SENTENCE, SetRequest(count=2), config=config, out=tmp_path))
    assert end_of(list(generate_pictures(SENTENCE, SetRequest(count=4), config=config, out=tmp_path))).manifest["cells"]


def test_generate__elsewhere_is_told_to_its_run_alone(run_folder: Path, tmp_path: Path, config: SearchConfig) -> None:
    list(generate_pictures(run_folder, SetRequest(count=2), out=tmp_path / "elsewhere"))
    (told,) = read_extras(run_folder)
    assert all((run_folder / picture.file).is_file() for picture in told.pictures)
    list(generate_pictures(SENTENCE, SetRequest(count=1), config=config, out=run_folder / "guest"))
    assert len(list(read_extras(run_folder))) == 1


def test_new_search_in_the_folder__has_no_extras_of_the_old_one(
    run_folder: Path, picture: Path, config: SearchConfig
) -> None:
    slide(run_folder, "count")
    list(search_events([picture], config=config, out=run_folder, force=True))
    assert list(read_extras(run_folder)) == []


def test_redraw__draws_and_takes_nothing_from_the_cache(
    tmp_path: Path, config: SearchConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(generate_pictures(SENTENCE, SetRequest(count=1), config=config, out=tmp_path / "set"))
    asked = []
    generator = SHELF.generator

    def watched(model: ModelConfig, *, announce: Announce) -> BuiltGenerator:
        asked.append(model.use_cache)
        return generator(model, announce=announce)

    monkeypatch.setattr(SHELF, "generator", watched)
    list(redraw_pictures(tmp_path / "set", out=tmp_path / "again"))
    assert asked == [False]


def test_folder_name__of_a_long_sentence_is_its_own() -> None:
    names = {folder_name("a photo of many cows " * 5 + end) for end in ("in a park", "in a farm")}
    assert len(names) == 2
    assert all(len(name) == 80 for name in names)
    assert folder_name("two cows") == "two-cows"


def test_generate__in_python_returns_files(tmp_path: Path, config: SearchConfig) -> None:
    files = rldf.generate(SENTENCE, 2, config=config, out=tmp_path / "set", terms={"count": "one"})
    assert [path.name for path in files] == ["000000.png", "000001.png"]


@pytest.mark.parametrize("form", ["png", "webp"])
def test_slide__writes_a_strip_and_what_changed(run_folder: Path, form: str) -> None:
    drawn = slide(run_folder, "count", form="png" if form == "png" else "webp")
    assert [step["term"] for step in drawn.facts["steps"]] == ["one", "two", "three", "many"]
    assert 0 <= drawn.facts["followed"] <= 1
    assert set(drawn.facts["kept"]) == {"object", "density", "scene"}
    with PIL.Image.open(drawn.picture) as strip:
        assert getattr(strip, "n_frames", 1) == (1 if form == "png" else 4)
    (told,) = read_extras(run_folder)
    assert [picture.caption for picture in told.pictures] == ["one", "two", "three", "many"]


def test_slide__overwrites_no_strip_without_force(tmp_path: Path, config: SearchConfig) -> None:
    old = tmp_path / "strip" / "07.png"
    old.parent.mkdir()
    old.write_bytes(b"of a longer strip")
    with pytest.raises(RecordError, match=r"holds a strip already; nothing is overwritten.*--force"):
        slide(SENTENCE, "density", config=config, out=tmp_path / "strip")
    assert old.is_file()
    drawn = slide(SENTENCE, "density", config=config, out=tmp_path / "strip", force=True)
    assert sorted(path.name for path in drawn.folder.glob("*.png")) == ["00.png", "01.png", "02.png", "slide.png"]


def test_transfer__judges_the_words_with_another_profile(run_folder: Path, config: SearchConfig) -> None:
    moved = transfer(run_folder, replace(config, model=replace(config.model, steps=1)))
    assert moved.facts["before"]["score"] == read_run(run_folder).score
    assert len(moved.facts["after"]["scores"]) == 2
    low, high = moved.facts["difference_ci95"]
    assert low <= moved.facts["difference"] <= high
    assert all((run_folder / file).is_file() for file in moved.facts["after"]["files"])
    same = transfer(run_folder, config)
    assert same.facts["difference"] == pytest.approx(0, abs=1e-6)
    assert same.facts["after"]["score"] == pytest.approx(same.facts["before"]["score"], abs=1e-6)


def test_transfer__to_other_settings_of_a_model_keeps_both(run_folder: Path, config: SearchConfig) -> None:
    models = [replace(config.model, steps=1), replace(config.model, steps=1, negative_prompt="rain")]
    folders = [transfer(run_folder, replace(config, model=model)).folder for model in models]
    assert len(set(folders)) == 2
    assert len([extra for extra in read_extras(run_folder) if extra.kind == "transfer"]) == 2


def test_run_of_other_weights__is_not_judged_anew_and_its_words_are_drawn_with_a_note(
    run_folder: Path, config: SearchConfig
) -> None:
    record = json.loads((run_folder / "run.json").read_text())
    record["judge"]["digest"] = "0" * 64
    record["model"]["digest"] = "1" * 64
    (run_folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(RecordError, match=r"with weights 0{12}, and those at hand are .*Search the picture again"):
        transfer(run_folder, config)
    said: list[str] = []
    list(generate_pictures(run_folder, SetRequest(count=1), announce=said.append))
    slide(run_folder, "count", announce=said.append)
    assert len([line for line in said if "was made with other weights" in line]) == 2


def test_transfer__needs_a_finished_run(run_folder: Path, config: SearchConfig) -> None:
    (run_folder / "summary.json").unlink()
    with pytest.raises(RecordError, match="is not finished; only found words"):
        transfer(run_folder, config)


def test_paired_interval__is_that_of_the_differences() -> None:
    mean, low, high = paired_interval([0.9, 0.8, 0.7], [0.4, 0.3, 0.2], seed=0)
    assert (mean, low, high) == pytest.approx((0.5, 0.5, 0.5))


def test_beyond__holds_the_words_found_and_searches_the_rest(
    tmp_path: Path, picture: Path, config: SearchConfig
) -> None:
    path = tmp_path / "smaller.toml"
    path.write_text(SMALLER, encoding="utf-8")
    smaller = replace(config, grammar=replace(config.grammar, name=str(path)))
    list(search_events([picture], config=smaller, out=tmp_path / "run"))
    run = read_run(tmp_path / "run")
    prepared = prepare_beyond(run, smaller, grammar_name="base")
    assert prepared.config.grammar.locked == run.terms
    assert prepared.config.search.start_terms["density"] == "no"
    list(run_prepared(prepared))
    summary = tell_beyond(tmp_path / "run")
    assert {axis: summary["encoding"][axis] for axis in run.terms} == run.terms
    assert summary["start_encoding"]["density"] == "no"
    tried = {step.encoding.indices[2] for step in read_run(tmp_path / "run" / "beyond").steps}
    assert len(tried) > 1
    (told,) = read_extras(tmp_path / "run")
    assert told.kind == "beyond"
    with pytest.raises(ConfigError, match="has no axis beside those of the run"):
        beyond_config(run, smaller, grammar_name=str(path))
    with pytest.raises(ConfigError, match=r"'clothing' has no axis 'count', which is searched first"):
        check_beyond(smaller, grammar_name="clothing")
    other = tmp_path / "other.toml"
    terms = {"cow": "lion", "car": "ship", "park": "zoo", "beach": "port"}
    words = SMALLER
    for old, new in terms.items():
        words = words.replace(f'"{old}"', f'"{new}"')
    other.write_text(words + '\n[[axes]]\nid = "time"\nsymbol = "Time"\nterms = ["dawn"]\n', encoding="utf-8")
    other.write_text(other.read_text().replace("'in' Scene", "'in' Scene 'at' Time"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"cannot say (object|scene)="):
        beyond_config(run, smaller, grammar_name=str(other))
    learned = replace(smaller, search=replace(smaller.search, learn_from=("elsewhere",)))
    assert beyond_config(run, learned, grammar_name="base").search.learn_from == ()


def test_caption__is_judged_on_the_same_seeds(run_folder: Path, tmp_path: Path) -> None:
    from transformers import BlipImageProcessorPil, BlipProcessor

    from rldf.worlds.text import build_tokenizer
    from rldf.worlds.train_captioner import build_captioner

    tokenizer = build_tokenizer(["two", "cows", "park"])
    build_captioner(len(tokenizer), width=24, layers=1).save_pretrained(tmp_path / "blip")
    processor = BlipProcessor(BlipImageProcessorPil(size={"height": 96, "width": 96}), tokenizer)
    processor.save_pretrained(tmp_path / "blip")
    compared = compare_caption(run_folder, tmp_path / "blip")
    assert compared.facts["caption"]["sentence"] == compared.caption
    assert compared.facts["pictures_each"] == 2
    low, high = compared.facts["gain_of_search_ci95"]
    assert low <= compared.facts["gain_of_search"] <= high


def test_ablate__takes_the_words_away_and_measures(tmp_path: Path, picture: Path, config: SearchConfig) -> None:
    events = list(ablate("vehicles", picture, config=config, out=tmp_path / "out"))
    assert isinstance(events[-1], Ablated)
    facts = events[-1].facts
    assert facts["terms"] == {"object": ["bicycle", "bus", "car"]}
    for name in ("before", "after", "strongest", "chance"):
        low, high = facts[name]["presence_ci95"]
        assert low - 1e-9 <= facts[name]["presence"] <= high + 1e-9
    vehicles = {"bicycle", "bicycles", "bus", "buses", "car", "cars"}
    assert set(facts["gone"]) == {"after", "strongest"}
    for name in ("after", "strongest"):
        assert vehicles.isdisjoint(facts[name]["sentence"].split())
    assert facts["tried_for_the_strongest"] == Budget(max_renders=4).search_renders
    tried = [step.prompt.text for step in read_run(tmp_path / "out" / "after").steps]
    assert tried
    assert all(vehicles.isdisjoint(text.split()) for text in tried)
    page = write_report(tmp_path / "out" / "after").read_text(encoding="utf-8")
    assert "without vehicles" in page


def test_ablate__goes_on_where_it_stopped_and_refuses_what_is_of_another_order(
    tmp_path: Path, picture: Path, config: SearchConfig
) -> None:
    steps = tmp_path / "out" / "before" / "steps.jsonl"
    events = ablate("vehicles", picture, config=config, out=tmp_path / "out")
    while not steps.is_file():
        next(events)
    del events
    gc.collect()
    tried = steps.read_bytes()
    events = ablate("vehicles", picture, config=config, out=tmp_path / "out")
    next(events)
    del events
    gc.collect()
    assert steps.read_bytes().startswith(tried)
    other = tmp_path / "other.png"
    PIL.Image.new("RGB", (32, 32)).save(other)
    with pytest.raises(RecordError, match=r"is of another picture than .*other.png.*--force"):
        next(ablate("vehicles", other, config=config, out=tmp_path / "out"))
    with pytest.raises(RecordError, match=r"was made with other settings.*Choose another --out"):
        next(ablate("vehicles", picture, config=replace(config, seed=9), out=tmp_path / "out"))
    assert steps.read_bytes().startswith(tried)


def test_concept__is_what_blocking_takes_out() -> None:
    grammar = load_grammar("full")
    assert find_concept(grammar, "style=oil painting").terms == {"style": frozenset({"oil painting"})}
    assert find_concept(grammar, "bruno").terms == {"character": frozenset({"bruno"})}
    assert find_concept(grammar, "pets").terms == {"object": frozenset({"dog", "cat"})}
    with pytest.raises(GrammarError, match="brunno"):
        find_concept(grammar, "brunno")
    with pytest.raises((ConfigError, GrammarError), match="bruno"):
        find_concept(grammar.block(["bruno"]), "bruno")


def test_drawn_input__shows_the_concept(tmp_path: Path, config: SearchConfig) -> None:
    full = replace(config, grammar=replace(config.grammar, name="full"))
    path = draw_input("character=bruno", config=full, folder=tmp_path / "out")
    with PIL.Image.open(path) as picture:
        assert picture.size == (128, 128)
    path.write_bytes(b"mine")
    with pytest.raises(RecordError, match=r"input.png' is another picture.*nothing is overwritten"):
        draw_input("character=bruno", config=full, folder=tmp_path / "out")
    assert path.read_bytes() == b"mine"
    clothes = replace(config, grammar=replace(config.grammar, name="clothing"))
    with pytest.raises(ConfigError, match=r"cannot show 'kimono'.*Give the picture as IMAGE"):
        draw_input("kimono", config=clothes, folder=tmp_path)


def test_concept_reward__is_the_probability_of_the_blocked_terms(run_folder: Path, config: SearchConfig) -> None:
    finished = open_finished(run_folder)
    run = read_run(run_folder)
    step = run.steps[0]
    image = np.array(PIL.Image.open(run_folder / step.image).convert("RGB"))
    reward = ConceptReward(finished.judge, Concept(name="x", terms={"object": frozenset({"cow", "bus"})}))
    outcome = step.record(image).outcome
    (percept,) = finished.judge.perceive(image[None])
    (value,) = reward.score([outcome], target=rldf.Target())
    assert value == pytest.approx(float(percept.probabilities[0][5] + percept.probabilities[0][9]), abs=1e-6)
    assert outcome.prompt == Prompt(text=step.prompt.text)
    assert config.model.negative_prompt == ""


def test_manifest_lists_settings(tmp_path: Path, config: SearchConfig) -> None:
    list(generate_pictures(SENTENCE, SetRequest(count=1), config=config, out=tmp_path))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["config"]["model"]["id"] == config.model.id
    with pytest.raises(RecordError, match=r"with another sentence, .*Choose another --out"):
        list(generate_pictures(SENTENCE, SetRequest(terms={"count": "one"}), config=config, out=tmp_path))
