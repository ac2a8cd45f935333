"""Scorer folders read as perception."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from rldf.contracts import Perception
from rldf.errors import ModelUnavailableError, PerceptionError
from rldf.perception.embedded import HeadsPerception, load_embedded_scorer
from rldf.perception.percepts import softmax
from rldf.space import Axis, EncodingSpace
from rldf.testing.perception import PerceptionSuite, example_pictures

EditHeads = Callable[[Path, dict[str, Any], dict[str, np.ndarray]], Path]


class TestScorerA(PerceptionSuite):
    @pytest.fixture(autouse=True)
    def _remember(self, tiny_models: Path, base_space: EncodingSpace) -> None:
        self.folder, self.space = tiny_models / "scorer-a", base_space

    def make_perception(self) -> Perception:
        return HeadsPerception(self.folder, self.space)


class TestScorerB(TestScorerA):
    @pytest.fixture(autouse=True)
    def _remember(self, tiny_models: Path, base_space: EncodingSpace) -> None:
        self.folder, self.space = tiny_models / "scorer-b", base_space


@pytest.fixture(scope="module")
def scorer(tiny_models: Path, base_space: EncodingSpace) -> HeadsPerception:
    return HeadsPerception(tiny_models / "scorer-a", base_space)


def test_perceive__probabilities_are_the_heads_softmax_of_the_features(scorer: HeadsPerception) -> None:
    pictures = example_pictures()
    for percept, features in zip(scorer.perceive(pictures), scorer.features(pictures), strict=True):
        for axis, row in zip(scorer.space.axes, percept.probabilities, strict=True):
            head = scorer.heads.axes[axis.id]
            np.testing.assert_allclose(row, softmax(head.weight @ features + head.bias), atol=1e-12)


def test_perceive__temperature_divides_the_logits(
    tiny_models: Path, base_space: EncodingSpace, edit_heads: EditHeads, scorer: HeadsPerception
) -> None:
    warm = {"object": 2.0, "count": 1.0, "density": 1.0, "scene": 0.5}
    edited = HeadsPerception(edit_heads(tiny_models / "scorer-a", {"temperature": warm}, {}), base_space)
    picture = example_pictures()[:1]
    for before, after, temperature in zip(
        scorer.perceive(picture)[0].probabilities,
        edited.perceive(picture)[0].probabilities,
        warm.values(),
        strict=True,
    ):
        np.testing.assert_allclose(after, softmax(np.log(before) / temperature), atol=1e-9)


def test_perceive__terms_are_found_by_name_and_renormalised(tiny_models: Path, scorer: HeadsPerception) -> None:
    few = EncodingSpace(axes=(Axis(id="scene", terms=("beach", "farm")), Axis(id="object", terms=("cow", "bus"))))
    picture = example_pictures()[:1]
    scene, thing = HeadsPerception(tiny_models / "scorer-a", few).perceive(picture)[0].probabilities
    whole = dict(zip(("object", "count", "density", "scene"), scorer.perceive(picture)[0].probabilities, strict=True))
    np.testing.assert_allclose(scene, whole["scene"][[2, 0]] / whole["scene"][[2, 0]].sum(), atol=1e-12)
    np.testing.assert_allclose(thing, whole["object"][[5, 9]] / whole["object"][[5, 9]].sum(), atol=1e-12)


def test_load__unknown_terms_and_axes_are_named(tiny_models: Path) -> None:
    folder = tiny_models / "scorer-a"
    dogs = EncodingSpace(axes=(Axis(id="object", terms=("cow", "cows", "dog")),))
    with pytest.raises(PerceptionError, match=r"cannot read 'cows', 'dog' on axis 'object'.*Did you mean 'cow'\?"):
        HeadsPerception(folder, dogs)
    weather = EncodingSpace(axes=(Axis(id="weather", terms=("rain",)),))
    with pytest.raises(PerceptionError, match=r"cannot read axis 'weather'\. It reads: object, count, density, scene"):
        HeadsPerception(folder, weather)


def test_perceive__abstains_on_noise_far_from_the_grammar(
    tiny_models: Path, base_space: EncodingSpace, edit_heads: EditHeads, scorer: HeadsPerception
) -> None:
    calm = np.full((8, 48, 48, 3), 128, dtype=np.uint8)
    calm += np.arange(8, dtype=np.uint8)[:, None, None, None]
    features = scorer.features(calm)
    covariance = np.cov(features, rowvar=False) + 1e-4 * np.eye(features.shape[1])
    folder = edit_heads(
        tiny_models / "scorer-a",
        {"outlier_threshold": 100.0},
        {
            "outlier.mean": features.mean(axis=0).astype(np.float32),
            "outlier.precision": np.linalg.inv(covariance).astype(np.float32),
        },
    )
    edited = HeadsPerception(folder, base_space, unsure_below=0.0)
    assert all(percept.unsure_axes == () for percept in edited.perceive(calm))
    noise = edited.perceive(example_pictures()[:1])[0]
    assert noise.unsure_axes == ("object", "count", "density", "scene")
    assert noise.objects == ()


def test_perceive__abstains_on_the_axis_that_is_flat(
    tiny_models: Path, base_space: EncodingSpace, edit_heads: EditHeads
) -> None:
    flat = np.zeros((4, 16), dtype=np.float32)
    sure = np.array([0.0, 0.0, 9.0, 0.0], dtype=np.float32)
    folder = edit_heads(tiny_models / "scorer-a", {}, {"scene.weight": flat, "count.weight": flat, "count.bias": sure})
    percept = HeadsPerception(folder, base_space).perceive(example_pictures()[:1])[0]
    assert "scene" in percept.unsure_axes
    assert "count" not in percept.unsure_axes
    assert base_space.terms(percept.encoding)["count"] == "three"


def test_perceive__is_unsure_when_the_likely_term_is_outside_the_space(
    tiny_models: Path, edit_heads: EditHeads
) -> None:
    flat = np.zeros((4, 16), dtype=np.float32)
    beach = np.array([0.0, 0.5, 9.0, 0.0], dtype=np.float32)
    folder = edit_heads(tiny_models / "scorer-a", {}, {"scene.weight": flat, "scene.bias": beach})
    inland = EncodingSpace(axes=(Axis(id="scene", terms=("farm", "park")),))
    percept = HeadsPerception(folder, inland).perceive(example_pictures()[:1])[0]
    assert percept.unsure_axes == ("scene",)
    np.testing.assert_allclose(percept.probabilities[0].sum(), 1.0)


def test_features__same_for_every_size_that_shows_the_same(scorer: HeadsPerception) -> None:
    small = np.zeros((64, 64, 3), dtype=np.uint8)
    small[:, 32:] = 200
    large = np.asarray(PillowImage.fromarray(small).resize((256, 128), PillowImage.Resampling.NEAREST))
    first, second = scorer.embed_images(small[None])[0], scorer.embed_images(large[None].copy())[0]
    assert float(first @ second) > 0.999


def test_features__same_numbers_with_larger_batches(tiny_models: Path, base_space: EncodingSpace) -> None:
    one, four = (HeadsPerception(tiny_models / "scorer-b", base_space, batch_size=size) for size in (1, 4))
    np.testing.assert_allclose(one.features(example_pictures()), four.features(example_pictures()), atol=1e-5)


def test_embed_images__unit_length_float32(scorer: HeadsPerception) -> None:
    embedded = scorer.embed_images(example_pictures())
    assert embedded.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1.0, atol=1e-6)


def test_digest__names_the_contents(tiny_models: Path, base_space: EncodingSpace, edit_heads: EditHeads) -> None:
    scorer = HeadsPerception(tiny_models / "scorer-a", base_space)
    assert scorer.digest == HeadsPerception(tiny_models / "scorer-a", base_space).digest
    assert scorer.digest != HeadsPerception(tiny_models / "scorer-b", base_space).digest
    edited = edit_heads(tiny_models / "scorer-a", {"outlier_threshold": 5.0}, {})
    assert scorer.digest != HeadsPerception(edited, base_space).digest


def test_load__damaged_folders_are_refused(tiny_models: Path, base_space: EncodingSpace, edit_heads: EditHeads) -> None:
    folder = edit_heads(tiny_models / "scorer-a", {}, {"scene.bias": np.zeros(3, dtype=np.float32)})
    with pytest.raises(ModelUnavailableError, match=r"'scene\.bias' has the shape \(3,\) where \(4,\) is needed"):
        HeadsPerception(folder, base_space)
    (folder / "heads.json").unlink()
    with pytest.raises(ModelUnavailableError, match=r"is no scorer: .*heads\.json.*Copy it again"):
        HeadsPerception(folder, base_space)


def test_load__cold_temperature_is_refused(tiny_models: Path, base_space: EncodingSpace, edit_heads: EditHeads) -> None:
    cold = {"object": 0.0, "count": 1.0, "density": 1.0, "scene": 1.0}
    folder = edit_heads(tiny_models / "scorer-a", {"temperature": cold}, {})
    with pytest.raises(ModelUnavailableError, match=r"axis 'object' needs a list of terms and a temperature above 0"):
        HeadsPerception(folder, base_space)


def test_load__missing_entry_is_named(tiny_models: Path, base_space: EncodingSpace, edit_heads: EditHeads) -> None:
    folder = edit_heads(tiny_models / "scorer-a", {"axes": {"weather": ["rain"]}, "temperature": {"weather": 1.0}}, {})
    with pytest.raises(
        ModelUnavailableError, match=r"is no scorer: 'weather\.weight' is missing\. A scorer folder holds"
    ):
        HeadsPerception(folder, base_space)


def test_load__other_kinds_of_model_are_refused(
    tiny_models: Path, base_space: EncodingSpace, edit_heads: EditHeads
) -> None:
    folder = edit_heads(tiny_models / "scorer-a", {}, {})
    (folder / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(ModelUnavailableError, match=r"is of the kind 'bert'; clip and resnet are read"):
        HeadsPerception(folder, base_space)
    (folder / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(
        ModelUnavailableError, match=r"config\.json' cannot be read .* a scorer folder needs it as JSON"
    ):
        HeadsPerception(folder, base_space)


def test_load_embedded_scorer__says_where_missing_weights_should_be(
    base_space: EncodingSpace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("rldf.perception.embedded.files", lambda _package: tmp_path)
    with pytest.raises(ModelUnavailableError, match=r"scorer 'b' is not installed at .*scorer-b'.*Install the package"):
        load_embedded_scorer("b", space=base_space)


def test_load_embedded_scorer__reads_the_packaged_folder(
    tiny_models: Path, base_space: EncodingSpace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/embedded").symlink_to(tiny_models)
    monkeypatch.setattr("rldf.perception.embedded.files", lambda _package: tmp_path)
    loaded = load_embedded_scorer("a", space=base_space)
    assert loaded.digest == HeadsPerception(tiny_models / "scorer-a", base_space).digest
