import json
import re
from collections import defaultdict
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from rldf.errors import RecordError
from rldf.web import write_report

MakeRun = Callable[..., Path]
NO_CLOSING_TAG = {"meta", "img", "input", "br", "link"}
MAX_BYTES = 3_000_000


class Page(HTMLParser):
    """What tests ask of a page: its tags in order, and the text of each section."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[tuple[str, str]] = []
        self.pieces: dict[str, list[str]] = defaultdict(list)
        self.unbalanced: list[str] = []
        self.html = html
        self.feed(html)
        self.close()
        self.text = {name: " ".join(" ".join(pieces).split()) for name, pieces in self.pieces.items()}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag not in NO_CLOSING_TAG:
            self.open.append((tag, attributes.get("id", "")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop()[0] != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        for key in {"page", *(name for _, name in self.open if name)}:
            if self.open and self.open[-1][0] != "style":
                self.pieces[key].append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def with_class(self, name: str) -> list[dict[str, str]]:
        return [attributes for _, attributes in self.tags if name in attributes.get("class", "").split()]


def report_of(folder: Path) -> Page:
    return Page(write_report(folder).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def demo_page(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page of a finished run."""
    out = tmp_path_factory.mktemp("page") / "page.html"
    return Page(write_report(demo, out=out).read_text(encoding="utf-8"))


def change(path: Path, **changes: object) -> None:
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**values, **changes}), encoding="utf-8")


def test_sections__stand_in_order_each_with_its_heading(demo_page: Page) -> None:
    sections = [attributes["id"] for attributes in demo_page.all("section")]
    assert sections == ["pictures", "search", "axes", "before-after", "costs", "again"]
    assert all(attributes["aria-labelledby"] == f"{attributes['id']}-title" for attributes in demo_page.all("section"))


def test_header__shows_sentence_chips_and_score(demo_page: Page) -> None:
    text = demo_page.text["page"]
    assert "“a photo of three cow and many people in a park”" in text
    assert "object cow ✓ as read" in text
    assert "count three ≠ read as two" in text
    assert "density many ? unsure in your picture" in text
    assert "scene park ✓ as read · held by you" in text
    assert (
        "Pictures of these words score 0.93 out of 1 (95 % interval 0.90 to 0.96); the words the search began with "
        "score 0.51, so that is 0.42 more." in text
    )
    assert "2 fresh test pictures" in text
    assert demo_page.with_class("alarm") == []


def test_pictures__are_embedded_new_before_test(make_run: MakeRun) -> None:
    page = report_of(make_run(num_new=5, num_test=3))
    alts = [image["alt"] for image in page.all("img")]
    assert sum("new-" in alt for alt in alts) == 5
    assert sum("test-found-" in alt for alt in alts) == 3
    assert alts.index("a photo of three cow and many people in a park, new-04.png") < alts.index(
        "a photo of three cow and many people in a park, test-found-00.png"
    )


def test_film__holds_every_search_try_and_marks_the_best(make_run: MakeRun) -> None:
    folder = make_run(num_steps=16)
    steps = [json.loads(line) for line in (folder / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    searched = [step for step in steps if step["phase"] == "search"]
    best = max(searched, key=lambda step: step["reward"])
    page = report_of(folder)
    frames = page.with_class("frame")
    radios = [attributes for attributes in page.all("input") if attributes["type"] == "radio"]
    assert len(frames) == len(radios) == 16
    assert [("best" in frame["class"].split()) for frame in frames].index(True) == best["step"]
    assert [("checked" in radio) for radio in radios].index(True) == best["step"]
    assert all(step["sentence"] in radio["aria-label"] for step, radio in zip(searched, radios, strict=True))
    assert "count one instead of " in page.text["search"]


def test_film__of_512_tries__fits_and_is_complete(make_run: MakeRun) -> None:
    folder = make_run(num_steps=512)
    path = write_report(folder)
    assert len(Page(path.read_text(encoding="utf-8")).with_class("frame")) == 512
    assert path.stat().st_size < MAX_BYTES


def test_size__with_64_large_pictures__stays_below_3_mb(make_run: MakeRun) -> None:
    path = write_report(make_run(num_new=32, num_test=32, size_px=256))
    assert len(Page(path.read_text(encoding="utf-8")).all("img")) > 64
    assert path.stat().st_size < MAX_BYTES


def test_axes__tell_tries_and_mean_rewards_of_the_search(make_run: MakeRun) -> None:
    folder = make_run(num_steps=12)
    steps = [json.loads(line) for line in (folder / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    cows = [
        s["reward"]
        for s in steps
        if s["phase"] == "search" and s["encoding"]["terms"]["object"] == "cow" and s["is_new_render"]
    ]
    text = report_of(folder).text["axes"]
    assert f"cow found read {sum(cows) / len(cows):.2f} {len(cows)} 90 %" in text
    assert "sheep start" in text
    assert "carrot 0.43 in 3 pictures" in text
    assert "Agreement by scorer B: 0.90 , at the start 0.50" in text


def test_before_after__pairs_pictures_and_lists_candidates(make_run: MakeRun) -> None:
    page = report_of(make_run(num_test=3))
    text = page.text["before-after"]
    assert "the words the search began with: “a photo of two sheep and one people in a farm”" in text
    assert sum(image["alt"].startswith("Before, test picture") for image in page.all("img")) == 3
    assert sum(image["alt"].startswith("After, test picture") for image in page.all("img")) == 3
    assert "a photo of three cow and many people in a park found 0.700 0.800 2" in text
    assert "a photo of two sheep and one people in a farm start 0.700 0.600 2" in text


def test_costs__show_ledger_models_settings_and_seeds(demo_page: Page) -> None:
    text = demo_page.text["costs"]
    assert "because the budget was used up" in text
    assert "renders 12 of at most 12" in text
    assert "time 1 min 23 s" in text
    assert "memory 1.5 GiB" in text
    assert "b1" * 32 in text
    assert "search.discount 0.9" in text
    assert "validation (4) 21 22 23 24" in text


def test_again__shows_command_and_papers_of_the_methods_used(demo_page: Page) -> None:
    text = demo_page.text["again"]
    assert "rldf search 'holiday/cow.png' --budget 12 --seed 3" in text
    assert "arXiv 2311.15648" in text
    assert "Watkins" in text
    assert "Rummery" not in text  # SARSA was not used


def test_alarm__is_explained_with_both_scores(make_run: MakeRun) -> None:
    page = report_of(make_run(is_alarm=True))
    text = page.text["content"]
    assert "Alarm: do not trust these words" in text
    assert "match your picture less well (0.42) than pictures of the words the search began with (0.61)" in text
    assert "Better use the words it began with: “a photo of two sheep and one people in a farm”" in text


def test_notes__are_shown_once(make_run: MakeRun) -> None:
    text = report_of(make_run(notes=("density was unsure.",))).text["page"]
    assert text.count("density was unsure.") == 1
    assert "The search stopped at its budget." in text


def test_start_found_again__says_so_instead_of_comparing(make_run: MakeRun) -> None:
    start = {"object": "sheep", "count": "two", "density": "one", "scene": "farm"}
    page = report_of(make_run(found=start))
    assert "it found nothing better" in page.text["page"]
    assert page.with_class("pairs") == []


def test_judge_that_is_scorer_a__is_told(make_run: MakeRun) -> None:
    folder = make_run()
    change(folder / "run.json", judge={"id": "scorer-a", "digest": None, "kind": "heads", "is_independent": False})
    text = report_of(folder).text["page"]
    assert "the one that guided the search also judged it: the score is likely too kind" in text
    assert "Agreement by scorer A" in text


def test_unfinished_run__shows_what_there_is_and_how_to_resume(make_run: MakeRun) -> None:
    folder = make_run(num_steps=5, is_finished=False)
    page = report_of(folder)
    assert f"rldf runs resume {folder}" in page.text["page"]
    assert "This run is unfinished" in page.text["page"]
    assert "The best words so far" in page.text["page"]
    assert len(page.with_class("frame")) == 5
    assert [attributes["id"] for attributes in page.all("section")] == ["search", "axes", "costs", "again"]


def test_run_before_its_first_try__has_a_page(make_run: MakeRun) -> None:
    folder = make_run(num_steps=0, is_finished=False)
    assert "It has made 0 tries so far" in report_of(folder).text["page"]


def test_torn_last_line__is_left_out(make_run: MakeRun) -> None:
    folder = make_run(num_steps=4, is_finished=False)
    with (folder / "steps.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 4, "phase": "sea')
    assert len(report_of(folder).with_class("frame")) == 4


@pytest.mark.parametrize("choices", [{}, {"is_alarm": True}, {"is_finished": False}, {"num_steps": 70}])
def test_page__is_well_formed_self_contained_and_accessible(make_run: MakeRun, choices: dict[str, object]) -> None:
    page = report_of(make_run(**choices))
    assert page.unbalanced == []
    assert page.open == []
    references = [a[name] for _, a in page.tags for name in ("src", "href", "srcset", "action", "data") if name in a]
    assert references
    assert [reference for reference in references if not reference.startswith(("data:image/webp;base64,", "#"))] == []
    assert not {"script", "link", "iframe", "object", "embed", "form"} & {tag for tag, _ in page.tags}
    assert "url(" not in page.html
    assert "@import" not in page.html
    assert [name for _, attributes in page.tags for name in attributes if name.startswith("on")] == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {reference[1:] for reference in references if reference.startswith("#")} <= set(ids)
    labels = [a[name] for _, a in page.tags for name in ("aria-labelledby",) if name in a]
    assert set(labels) <= set(ids)
    assert [image for image in page.all("img") if not image.get("alt")] == []
    assert [svg for svg in page.all("svg") if not svg.get("aria-label")] == []
    assert all(cell.get("scope") in {"col", "row"} for cell in page.all("th"))


def test_headings__never_skip_a_level(demo_page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in demo_page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_policy__allows_only_inline_style_and_data_pictures(demo_page: Page) -> None:
    metas = demo_page.all("meta")
    policy = next(meta["content"] for meta in metas if meta.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["style-src"] == "'unsafe-inline'"
    assert "script-src" not in rules


def test_text_from_files__is_escaped_everywhere(make_run: MakeRun) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    folder = make_run(input_name=evil, notes=(evil,))
    change(folder / "run.json", command=evil, config={evil: evil}, versions={"rldf": evil}, dtype=evil)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    axes = {**summary["axes"], evil: {"term": evil, "found": 0.5, "start": 0.4, "alternatives": []}}
    change(folder / "summary.json", sentence=evil, start_sentence=evil, stopped=evil, axes=axes)
    lines = (folder / "steps.jsonl").read_text(encoding="utf-8").splitlines()
    changed = [json.dumps({**json.loads(line), "sentence": evil}) for line in lines]
    (folder / "steps.jsonl").write_text("\n".join(changed) + "\n", encoding="utf-8")
    page = report_of(folder)
    assert page.all("script") == []
    assert [attributes for _, attributes in page.tags if "onerror" in attributes or attributes.get("src") == "x"] == []
    assert page.unbalanced == []
    assert evil in page.text["search"]


def test_missing_and_broken_pictures__are_told_in_their_place(make_run: MakeRun) -> None:
    folder = make_run()
    (folder / "images/new-00.png").unlink()
    (folder / "images/000003.png").write_bytes(b"no picture")
    page = report_of(folder)
    missing = page.with_class("missing")
    assert len(missing) == 2
    assert "new-00.png: the picture is missing" in missing[0]["aria-label"]


def test_picture_outside_the_run_folder__is_refused(make_run: MakeRun) -> None:
    folder = make_run()
    change(folder / "run.json", inputs=[{"path": "a.png", "file": "../../secret.png", "sha256": ""}])
    with pytest.raises(RecordError, match=r"'\.\./\.\./secret\.png', which lies outside the run folder.*Copy"):
        write_report(folder)


def test_folder_without_run__is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"is no run folder: it has no run\.json.*'rldf search'"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 2}, r"schema version 2; this rldf reads version 1\. Use the rldf that wrote it"),
        ({"kind": "walk"}, r"kind 'walk'; a report is made of 'search'\. Give a search run"),
        ({"target": None}, r"'target' is missing; it must be an object\. Restore"),
        ({"grammar": 3}, r"'grammar' is 3; it must be an object\. Restore"),
        ({"notes": "one"}, r"'notes' is 'one'; it must be a list\. Restore"),
        ({"inputs": [1]}, r"'inputs', entry 0 holds 1; it must hold a JSON object\. Restore"),
    ],
)
def test_run_of_another_kind_or_damaged__is_refused_with_advice(
    make_run: MakeRun, changes: dict[str, object], message: str
) -> None:
    folder = make_run()
    change(folder / "run.json", **changes)
    with pytest.raises(RecordError, match=message):
        write_report(folder)


def test_probabilities_that_are_no_numbers__are_refused(make_run: MakeRun) -> None:
    folder = make_run()
    target = json.loads((folder / "run.json").read_text(encoding="utf-8"))["target"]
    change(folder / "run.json", target={**target, "probabilities": {"object": ["much"]}})
    with pytest.raises(RecordError, match=r"'object' is \['much'\]; it must be a list of numbers\. Restore"):
        write_report(folder)


def test_out__is_written_and_an_older_page_replaced(make_run: MakeRun, tmp_path: Path) -> None:
    folder, out = make_run(), tmp_path / "page.html"
    out.write_text("old", encoding="utf-8")
    assert write_report(folder, out=out) == out
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not (folder / "report.html").exists()
    assert write_report(folder) == folder / "report.html"


def test_out_in_a_missing_folder__is_refused_with_advice(make_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"page\.html' cannot be written: .*choose another --out"):
        write_report(make_run(), out=tmp_path / "nowhere" / "page.html")


def test_same_folder__gives_the_same_bytes(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run()
    first = write_report(folder, out=tmp_path / "1.html").read_bytes()
    assert write_report(folder, out=tmp_path / "2.html").read_bytes() == first
