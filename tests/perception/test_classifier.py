"""A scene classifier and an object detector as perception."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from transformers import (
    ObjectDetectionPipeline,
    ViTForImageClassification,
    YolosForObjectDetection,
    YolosImageProcessorPil,
)

from rldf.contracts import Perception
from rldf.errors import ModelUnavailableError, PerceptionError
from rldf.perception.classifier import ClassifierDetectorPerception, DetectionSettings
from rldf.perception.counting import number_probabilities
from rldf.space import Axis, EncodingSpace
from rldf.testing.perception import PerceptionSuite, example_pictures

SPACE = EncodingSpace(
    axes=(
        Axis(id="object", terms=("cow", "football", "car")),
        Axis(id="count", terms=("one", "two", "three", "many")),
        Axis(id="density", terms=("no", "one", "many")),
        Axis(id="action", terms=("playing", "cycling")),
        Axis(id="scene", terms=("farm", "park", "beach", "street")),
    )
)
FOOTBALL = {"football": ("sports ball",)}
NOTHING = 4  # the detector's index for "no object", after its four labels
Biased = Callable[..., Path]


def quiet(line: str) -> None:
    """Fails: local folders announce nothing."""
    raise AssertionError(line)


@pytest.fixture
def biased(tmp_path: Path, classifier_folder: Path, yolos_folder: Path) -> Biased:
    """Copies a model whose answer no longer depends on the picture."""

    def copy(kind: str, probabilities: list[float]) -> Path:
        folder, source = tmp_path / kind, {"classifier": classifier_folder, "detector": yolos_folder}[kind]
        model: ViTForImageClassification | YolosForObjectDetection
        head: torch.nn.Module
        if kind == "classifier":
            model = ViTForImageClassification.from_pretrained(source)
            head = model.classifier
        else:
            model = YolosForObjectDetection.from_pretrained(source)
            head = model.class_labels_classifier.layers[-1]
        assert isinstance(head, torch.nn.Linear)
        with torch.no_grad():
            head.weight.zero_()
            head.bias.copy_(torch.tensor(probabilities).log())
        model.save_pretrained(folder)
        (folder / "preprocessor_config.json").write_bytes((source / "preprocessor_config.json").read_bytes())
        return folder

    return copy


class TestWithYolos(PerceptionSuite):
    @pytest.fixture(autouse=True)
    def _remember(self, classifier_folder: Path, yolos_folder: Path) -> None:
        self.classifier, self.detector = classifier_folder, yolos_folder

    def make_perception(self) -> Perception:
        return ClassifierDetectorPerception(
            SPACE,
            classifier=self.classifier,
            detector=self.detector,
            announce=quiet,
            settings=DetectionSettings(synonyms=FOOTBALL, min_score=0.1, unsure_below=0.3),
        )


class TestWithDetr(TestWithYolos):
    @pytest.fixture(autouse=True)
    def _remember(self, classifier_folder: Path, detr_folder: Path) -> None:
        self.classifier, self.detector = classifier_folder, detr_folder


@pytest.mark.parametrize(
    ("seen", "terms", "unsure", "objects"),
    [
        (1, {"object": "cow", "count": "many", "density": "no"}, (), ("cow",)),
        (2, {"object": "football", "count": "many", "density": "no"}, (), ("football",)),
        (0, {"density": "many"}, ("object", "count"), ()),
        (NOTHING, {"density": "no"}, ("object", "count"), ()),
    ],
)
def test_perceive__reads_what_the_models_see(
    biased: Biased, seen: int, terms: dict[str, str], unsure: tuple[str, ...], objects: tuple[str, ...]
) -> None:
    chances = [0.001] * 5
    chances[seen] = 0.996
    perception = ClassifierDetectorPerception(
        SPACE,
        classifier=biased("classifier", [0.1, 0.6, 0.1, 0.1, 0.1]),
        detector=biased("detector", chances),
        announce=quiet,
        settings=DetectionSettings(synonyms=FOOTBALL),
    )
    percept = perception.perceive(example_pictures()[:1])[0]
    read = SPACE.terms(percept.encoding)
    assert {axis_id: read[axis_id] for axis_id in terms} == terms
    assert read["scene"] == "park"
    np.testing.assert_allclose(percept.probabilities[4], np.array([1, 6, 1, 1]) / 9, atol=1e-5)
    assert percept.unsure_axes == (*unsure, "action")
    assert percept.objects == objects
    np.testing.assert_allclose(percept.probabilities[3], 0.5)


def test_perceive__abstains_where_the_scene_is_none_of_the_grammar(biased: Biased, yolos_folder: Path) -> None:
    perception = ClassifierDetectorPerception(
        SPACE,
        classifier=biased("classifier", [0.02, 0.01, 0.01, 0.01, 0.95]),
        detector=yolos_folder,
        announce=quiet,
        settings=DetectionSettings(synonyms=FOOTBALL),
    )
    percept = perception.perceive(example_pictures()[:1])[0]
    assert "scene" in percept.unsure_axes
    np.testing.assert_allclose(percept.probabilities[4], 0.25)


def test_perceive__follows_the_formulas(classifier_folder: Path, yolos_folder: Path) -> None:
    perception = ClassifierDetectorPerception(
        SPACE,
        classifier=classifier_folder,
        detector=yolos_folder,
        announce=quiet,
        settings=DetectionSettings(synonyms=FOOTBALL, min_score=0.1, miss_rate=0.2),
    )
    detector = ObjectDetectionPipeline(
        model=YolosForObjectDetection.from_pretrained(yolos_folder),
        image_processor=YolosImageProcessorPil.from_pretrained(yolos_folder),
    )
    picture = example_pictures()[2]
    found = [(entry["label"], entry["score"]) for entry in detector(PillowImage.fromarray(picture), threshold=0.1)]
    sums = np.array([sum(score for label, score in found if label == name) for name in ("cow", "sports ball", "car")])
    assert np.count_nonzero(sums) > 1
    thing, count, people, *_ = perception.perceive(picture[None])[0].probabilities
    np.testing.assert_allclose(thing, sums / sums.sum(), atol=1e-6)
    winner = ("cow", "sports ball", "car")[int(np.argmax(sums))]
    numbers = number_probabilities([score for label, score in found if label == winner], miss_rate=0.2)
    expected = np.array([numbers[1], numbers[2], numbers[3:4].sum(), numbers[4:].sum()])
    np.testing.assert_allclose(count, expected / expected.sum(), atol=1e-6)
    numbers = number_probabilities([score for label, score in found if label == "person"], miss_rate=0.2)
    np.testing.assert_allclose(people, [numbers[0], numbers[1], numbers[2:].sum()], atol=1e-6)


def test_perceive__second_object_is_the_next_kind(classifier_folder: Path, yolos_folder: Path) -> None:
    space = EncodingSpace(
        axes=(
            Axis(id="object", terms=("cow", "person", "car", "sports ball")),
            Axis(id="second-object", terms=("", "cow", "person", "car", "sports ball"), is_optional=True),
            Axis(id="second-count", terms=("", "one", "many"), is_optional=True),
        )
    )
    ranges = {"second-count": {"": (0, 0), "one": (1, 1), "many": (2, None)}}
    eager, strict = (
        ClassifierDetectorPerception(
            space,
            classifier=classifier_folder,
            detector=yolos_folder,
            announce=quiet,
            settings=DetectionSettings(min_score=min_score, numbers=ranges),
        )
        for min_score in (0.1, 0.99)
    )
    percept = eager.perceive(example_pictures()[2:3])[0]
    terms = space.terms(percept.encoding)
    assert terms["object"] == percept.objects[0]
    assert len(percept.objects) > 1
    assert terms["second-object"] == percept.objects[1]
    nothing = strict.perceive(example_pictures()[:1])[0]
    assert space.terms(nothing.encoding)["second-object"] == ""
    assert space.terms(nothing.encoding)["second-count"] == ""
    assert nothing.unsure_axes == ("object",)


def test_load__terms_no_label_means_are_named(classifier_folder: Path, yolos_folder: Path) -> None:
    with pytest.raises(
        PerceptionError, match=r"no label of the model means 'football' on axis 'object'\. It has 4 lab"
    ):
        ClassifierDetectorPerception(SPACE, classifier=classifier_folder, detector=yolos_folder, announce=quiet)


def test_load__terms_no_label_means_can_be_ignored(classifier_folder: Path, yolos_folder: Path) -> None:
    perception = ClassifierDetectorPerception(
        SPACE,
        classifier=classifier_folder,
        detector=yolos_folder,
        announce=quiet,
        settings=DetectionSettings(unknown_terms="ignore", min_score=0.1),
    )
    assert perception.unreadable_terms == {"object": ("football",), "scene": ()}
    row = perception.perceive(example_pictures()[2:3])[0].probabilities[0]
    assert row[1] == 0.0
    assert row[2] > 0.0


def test_load__other_models_are_refused(classifier_folder: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"cannot be loaded: .*Check the folder"):
        ClassifierDetectorPerception(SPACE, classifier=classifier_folder, detector=classifier_folder, announce=quiet)


def test_digest__names_both_models(classifier_folder: Path, yolos_folder: Path, detr_folder: Path) -> None:
    settings = DetectionSettings(synonyms=FOOTBALL)
    digests = {
        ClassifierDetectorPerception(
            SPACE, classifier=classifier_folder, detector=detector, announce=quiet, settings=settings
        ).digest
        for detector in (yolos_folder, detr_folder)
    }
    assert len({digest.split("+")[0] for digest in digests}) == 1
    assert len({digest.split("+")[1] for digest in digests}) == 2
