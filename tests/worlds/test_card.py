"""The card of the embedded world."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
import pytest

from rldf.arrays import ImageBatch
from rldf.contracts import ImageEmbedder, ImageGenerator, Perception
from rldf.errors import ConfigError
from rldf.grammar import Grammar, load_grammar
from rldf.records.percept import Percept, Prompt
from rldf.renderer.drawing import draw
from rldf.worlds.card import MeasuredCard, card_text, card_to_json, measure_card
from rldf.worlds.card_page import write_card
from rldf.worlds.edits import measure_edits
from rldf.worlds.evidence import Instruments
from rldf.worlds.fidelity import wilson_interval
from rldf.worlds.misreadings import Confusion, cohen_kappa, find_confusions
from rldf.worlds.trials import draw_trials, usual_least, visible_axes

GRAMMAR = load_grammar("base")


@final
class _Renderer(ImageGenerator):
    """Draws sentences with the renderer itself; the scene may always be a farm."""

    def __init__(self, grammar: Grammar = GRAMMAR, *, scene: str | None = None) -> None:
        self._grammar = grammar
        self._scene = {} if scene is None else {"scene": scene}

    @property
    def identity(self) -> str:
        return "renderer"

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        def picture(prompt: Prompt, seed: int) -> np.ndarray:
            terms = self._grammar.space.terms(self._grammar.parse(prompt.text)) | self._scene
            return draw(terms, seed=seed, size_px=32)

        return np.stack([picture(prompt, seed) for prompt, seed in zip(prompts, seeds, strict=True)])


@final
class _Memory(Perception, ImageEmbedder):
    """Knows the pictures it was shown, and reads everything else as the first terms; embeds by mean colours."""

    def __init__(self, grammar: Grammar = GRAMMAR) -> None:
        self.space = grammar.space
        self.known: dict[bytes, tuple[int, ...]] = {}

    def perceive(self, images: ImageBatch) -> list[Percept]:
        return [self._percept(self.known.get(image.tobytes(), (0,) * len(self.space.axes))) for image in images]

    def embed_images(self, images: ImageBatch) -> np.ndarray:
        rows = images.reshape(len(images), 4, -1, 3).mean(axis=2).reshape(len(images), -1) + 1.0
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.eye(12, dtype=np.float32)[[len(text) % 12 for text in texts]]

    def _percept(self, indices: tuple[int, ...]) -> Percept:
        encoding = type(self.space.encoding(0))(indices)
        probabilities = tuple(
            np.eye(len(axis), dtype=np.float32)[index] for axis, index in zip(self.space.axes, indices, strict=True)
        )
        return Percept(encoding=encoding, probabilities=probabilities)


@final
class _Knowing(ImageGenerator):
    """Draws with the renderer and tells a memory what each picture shows."""

    def __init__(self, grammar: Grammar, memory: _Memory) -> None:
        self._grammar, self._memory, self._inner = grammar, memory, _Renderer(grammar)

    @property
    def identity(self) -> str:
        return "renderer with a memory"

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        images = self._inner.generate(prompts, seeds=seeds)
        for prompt, image in zip(prompts, images, strict=True):
            self._memory.known[image.tobytes()] = self._grammar.parse(prompt.text).indices
        return images


def measured(num_encodings: int = 12, *, weights: Path | None = None) -> MeasuredCard:
    memory = _Memory()
    instruments = (
        None
        if weights is None
        else Instruments(scorer_a=_Memory(), embedder=memory, matcher=memory, weights=weights, num_training=4)
    )
    return measure_card(
        grammar=GRAMMAR,
        image_generator=_Renderer(scene="farm"),
        judge=memory,
        num_encodings=num_encodings,
        seed=3,
        size_px=32,
        instruments=instruments,
    )


def test_card__measures_what_the_judge_reads() -> None:
    first, again = measured().card, measured().card
    assert first == again
    assert first.trials == {"object": 12, "count": 12, "density": 12, "scene": 12}
    asked = draw_trials(grammar=GRAMMAR, image_generator=_Renderer(), num_encodings=12, seed=3, size_px=32).asked
    for k, fidelity in enumerate(first.fidelity.values()):
        assert fidelity.accuracy == pytest.approx((asked[:, k] == 0).mean())  # the first term is what is read
        assert fidelity.ci95[0] <= fidelity.accuracy <= fidelity.ci95[1]


def test_card__reads_all_where_the_judge_knows_all() -> None:
    memory = _Memory()
    card = measure_card(
        grammar=GRAMMAR,
        image_generator=_Knowing(GRAMMAR, memory),
        judge=memory,
        num_encodings=8,
        seed=0,
        size_px=32,
    ).card
    assert {fidelity.accuracy for fidelity in card.fidelity.values()} == {1.0}
    assert {fidelity.accuracy for fidelity in card.judge_on_drawn.values()} == {1.0}
    assert "evidence" not in card_to_json(card)


def test_trials__count_only_what_the_renderer_marks_visible() -> None:
    full = load_grammar("full")
    trials = draw_trials(grammar=full, image_generator=_Renderer(full), num_encodings=10, seed=1, least=6, size_px=32)
    counts = dict(zip([axis.id for axis in full.space.axes], trials.counted.sum(axis=0).tolist(), strict=True))
    assert min(counts.values()) >= 6
    assert counts["object"] == 10  # encodings that were chosen for other axes do not count
    assert not trials.counted[~trials.visible].any()
    for encoding, visible in zip(trials.encodings, trials.visible, strict=True):
        terms = full.space.terms(encoding)
        shown = {axis for axis, is_visible in zip(terms, visible, strict=True) if is_visible}
        assert not {axis for axis in shown if terms[axis] in {"none", "person"}}
        if terms["density"] == "no":
            assert not shown & {"age", "gender", "emotion", "skin-tone", "action"}


def test_visible_axes__compare_the_term_asked_for_with_the_one_seen() -> None:
    terms = {"object": "cow", "weather": "rainy", "time": "none", "density": "no"}
    seen = {"object": "cow", "weather": "none", "time": "none", "density": "no"}
    assert visible_axes(terms, seen).tolist() == [True, False, False, True]


def test_trials__refuse_none() -> None:
    with pytest.raises(ConfigError, match=r"num_encodings is 0; a measure takes at least 1\. Give 200 or more\."):
        draw_trials(grammar=GRAMMAR, image_generator=_Renderer(), num_encodings=0, seed=0)


@pytest.mark.parametrize(("num_encodings", "least"), [(1, 1), (100, 40), (500, 200), (9000, 200)])
def test_usual_least__is_two_fifths_up_to_200(num_encodings: int, least: int) -> None:
    assert usual_least(num_encodings) == least


def test_confusions__name_asked_and_read_the_most_frequent_first() -> None:
    card = measured(30)
    found = find_confusions(card.percepts, card.trials)["scene"]
    assert {confusion.read for confusion in found} == {"farm"}
    assert [confusion.count for confusion in found] == sorted((c.count for c in found), reverse=True)
    k = [axis.id for axis in GRAMMAR.space.axes].index("scene")
    assert sum(c.count for c in found) == int((card.trials.asked[:, k] != 0).sum())
    assert isinstance(found[0], Confusion)


def test_kappa__is_one_for_equal_errors_and_none_without_errors() -> None:
    errors = np.array([True, False, False, True, False])
    assert cohen_kappa(errors, errors) == pytest.approx(1.0)
    assert cohen_kappa(errors, ~errors) == pytest.approx(-12 / 13)
    assert cohen_kappa(errors, np.zeros(5, dtype=bool)) is None


def test_edits__change_the_axis_and_keep_the_others_where_the_generator_is_right() -> None:
    memory = _Memory()
    generator = _Knowing(GRAMMAR, memory)
    trials = draw_trials(grammar=GRAMMAR, image_generator=generator, num_encodings=4, seed=0, size_px=32)
    percepts = memory.perceive(trials.generated)
    right = measure_edits(percepts, trials, grammar=GRAMMAR, image_generator=generator, judge=memory, most=3, seed=0)
    assert {(edit.num_edits, edit.changed, edit.kept) for edit in right.values()} == {(3, 1.0, 1.0)}
    stuck = measure_edits(
        percepts, trials, grammar=GRAMMAR, image_generator=_Renderer(scene="farm"), judge=_Memory(), most=3, seed=0
    )
    assert stuck["object"].changed < 1.0


def test_evidence__is_measured_and_written_to_one_page(tmp_path: Path) -> None:
    (tmp_path / "scorer-a").mkdir()
    (tmp_path / "scorer-a" / "model.safetensors").write_bytes(b"0" * 2_000_000)
    card = measured(weights=tmp_path)
    told = card_to_json(card.card)
    assert told["sizes_mb"] == {"scorer-a": 2.0, "total": 2.0}
    assert told["kappa"]["overall"] == pytest.approx(1.0)  # both scorers read the same
    assert set(told["edit_locality"]) == {"object", "count", "density", "scene"}
    assert set(told["semantic_locality"]) == {"object", "count", "density", "scene"}
    assert told["retrieval"]["num_pictures"] == 12
    assert told["memorisation"]["num_training"] == 4
    assert "SIL Open Font License" in told["glyph_licence"]
    assert {"pictures", "fidelity", "diversity", "memorisation", "edit locality"} <= set(told["seconds"])

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "confused-weather.png").write_bytes(b"old")
    files = write_card(card, tmp_path / "out")
    assert {file.name for file in files} >= {"card.json", "card.html", "sheet.png", "confused-scene.png"}
    assert {file.name for file in (tmp_path / "out").iterdir()} == {file.name for file in files}
    assert json.loads((tmp_path / "out" / "card.json").read_text(encoding="utf-8")) == json.loads(json.dumps(told))
    page = (tmp_path / "out" / "card.html").read_text(encoding="utf-8")
    assert "http://" not in page.replace("http-equiv", "")
    for sentence in card.trials.sentences:
        assert sentence in page
    assert "Nearest training pictures" in page


def test_card_text__names_an_axis_that_was_never_visible() -> None:
    full = load_grammar("full")
    card = measure_card(
        grammar=full,
        image_generator=_Renderer(full),
        judge=_Memory(full),
        num_encodings=1,
        seed=2,
        least=0,
        size_px=32,
    ).card
    silent = [axis for axis, trials in card.trials.items() if trials == 0]
    assert silent
    assert not set(silent) & set(card.fidelity)
    assert card_text(card).count("not visible in any picture") == len(silent)


@pytest.mark.parametrize(("successes", "trials", "low", "high"), [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0)])
def test_wilson_interval__matches_its_formula(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=1e-3)
