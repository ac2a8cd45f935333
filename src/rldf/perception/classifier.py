"""Perception by a scene classifier and an object detector: scene, objects, their count and people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

import numpy as np
from PIL import Image as PillowImage
from transformers import (
    AutoModelForImageClassification,
    AutoModelForObjectDetection,
    ImageClassificationPipeline,
    ObjectDetectionPipeline,
)

from rldf.arrays import Image, ImageBatch, Probabilities
from rldf.contracts import Perception
from rldf.errors import PerceptionError
from rldf.hub import Announce, fetch_model_folder, folder_digest
from rldf.perception.counting import NumberRange, number_probabilities, number_ranges, term_probabilities
from rldf.perception.label_names import Synonyms, labels_of_terms
from rldf.perception.loading import load_image_processor, load_weights, quiet_transformers
from rldf.perception.percepts import make_percept, uniform
from rldf.records.percept import Percept
from rldf.space import Axis, EncodingSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionSettings:
    """How labels and scores become terms.

    Attributes:
        scene_axis: id of the axis the classifier fills.
        object_axes: ids of the axes the detector fills, the most certain kind of thing first.
        count_axes: for each object axis, the axis that counts it.
        people_axis: id of the axis that counts people.
        person_labels: names of people among the detector's labels.
        synonyms: term to other names, for scenes and objects.
        numbers: axis id to the numbers its terms stand for; None reads the number words.
        min_score: score from which a detection counts, 0 to 1; our choice.
        miss_rate: probability that one more thing was there unseen, 0 to 1; our choice.
        unsure_below: probability below which it abstains on an axis, 0 to 1; our choice.
        min_scene_mass: share of the classifier's probability that must fall on the grammar's scenes; our choice.
        unknown_terms: "refuse" a term no label means, or "ignore" it: it then always has probability 0.
    """

    scene_axis: str = "scene"
    object_axes: tuple[str, ...] = ("object", "second-object")
    count_axes: tuple[str, ...] = ("count", "second-count")
    people_axis: str = "density"
    person_labels: tuple[str, ...] = ("person", "people")
    synonyms: Synonyms = field(default_factory=dict)
    numbers: Mapping[str, Mapping[str, NumberRange]] = field(default_factory=dict)
    min_score: float = 0.5
    miss_rate: float = 0.1
    unsure_below: float = 0.4
    min_scene_mass: float = 0.1
    unknown_terms: Literal["refuse", "ignore"] = "refuse"


@dataclass(frozen=True, slots=True)
class _Detection:
    label: str
    score: float


@final
class ClassifierDetectorPerception(Perception):
    """Fills scene, objects, count and people from a Places-style classifier and a COCO-style detector.

    - scene: p(term) = classifier probability of the labels that mean it, divided by that of all scene terms.
    - object: p(term) = sum of the scores of its detections, divided by that of all object terms. The n-th object
      axis reads the n-th kind of thing by that sum.
    - count, people: the number follows the Poisson-binomial distribution of the scores (`counting`); a count of
      things seen is at least one where the axis has no term for none.

    It abstains on an axis of which nothing was found, where the largest probability is below `unsure_below`, where
    little of the classifier's probability falls on scenes of the grammar, and on axes of other kinds.

    Source: scene and entity semantics of the rewards of arXiv 2311.15648; the formulas are ours.
    """

    def __init__(
        self,
        space: EncodingSpace,
        *,
        classifier: str | Path,
        detector: str | Path,
        announce: Announce,
        settings: DetectionSettings | None = None,
        device: str = "cpu",
    ) -> None:
        """Loads both models and matches their labels with the space's terms.

        Args:
            space: the space to read into.
            classifier: local folder or hub id of an image classifier.
            detector: local folder or hub id of an object detector.
            announce: is given one line before anything is downloaded.
            settings: how labels and scores become terms; None for the defaults.
            device: where the models run.
        """
        self.space = space
        self._settings = DetectionSettings() if settings is None else settings
        classifier_folder = fetch_model_folder(classifier, announce=announce)
        detector_folder = fetch_model_folder(detector, announce=announce)
        self._digest = f"{folder_digest(classifier_folder)}+{folder_digest(detector_folder)}"
        self._classifier = _load_classifier(classifier_folder, device=device)
        self._detector = _load_detector(detector_folder, device=device)
        self._classifier_labels = _labels(self._classifier)
        self._detector_labels = _labels(self._detector)
        self._labels_of = {
            axis.id: labels_of_terms(axis, self._labels_for(axis), synonyms=self._settings.synonyms)
            for axis in space.axes
            if axis.id in (self._settings.scene_axis, *self._settings.object_axes)
        }
        if self._settings.unknown_terms == "refuse":
            self._refuse_unknown()
        people = Axis(id="people", terms=("people",))
        spelled = labels_of_terms(people, self._detector_labels, synonyms={"people": self._settings.person_labels})
        self._person_labels = spelled["people"]
        self._ranges = {
            axis.id: dict(self._settings.numbers.get(axis.id) or number_ranges(axis))
            for axis in space.axes
            if axis.id in (*self._settings.count_axes, self._settings.people_axis)
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the classifier's folder, "+", SHA-256 of the detector's."""
        return self._digest

    @property
    def unreadable_terms(self) -> dict[str, tuple[str, ...]]:
        """For each scene and object axis, the terms that no label of the models means."""
        return {
            axis_id: tuple(term for term, labels in terms.items() if not labels and not self._is_absence(axis_id, term))
            for axis_id, terms in self._labels_of.items()
        }

    def perceive(self, images: ImageBatch) -> list[Percept]:
        """Reads each picture on its own: one percept each, probabilities summing to 1 per axis."""
        return [self._read(image) for image in images]

    def _read(self, image: Image) -> Percept:
        picture = PillowImage.fromarray(image)
        scores = self._classifier(picture, top_k=len(self._classifier_labels), function_to_apply="softmax")
        found = self._detector(picture, threshold=self._settings.min_score)
        classified = {str(entry["label"]): float(entry["score"]) for entry in scores}
        detections = [_Detection(str(entry["label"]), float(entry["score"])) for entry in found]
        read: dict[str, Probabilities | None] = {}
        kinds = self._kinds(detections)
        for axis in self.space.axes:
            read[axis.id] = self._read_axis(axis, classified=classified, detections=detections, kinds=kinds)
        unsure = [
            axis_id for axis_id, row in read.items() if row is None or float(row.max()) < self._settings.unsure_below
        ]
        probabilities = {axis.id: _or_uniform(read[axis.id], axis) for axis in self.space.axes}
        return make_percept(self.space, probabilities, unsure_axes=unsure, objects=kinds)

    def _read_axis(
        self,
        axis: Axis,
        *,
        classified: Mapping[str, float],
        detections: Sequence[_Detection],
        kinds: Sequence[str],
    ) -> Probabilities | None:
        settings = self._settings
        if axis.id == settings.scene_axis:
            return self._scene(axis, classified)
        if axis.id == settings.people_axis:
            return self._number(axis, self._person_labels, detections=detections)
        if axis.id in settings.object_axes:
            return self._object(axis, detections=detections, kinds=kinds)
        if axis.id in settings.count_axes:
            rank = settings.count_axes.index(axis.id)
            return self._count(axis, detections=detections, kinds=kinds[rank : rank + 1])
        return None

    def _scene(self, axis: Axis, classified: Mapping[str, float]) -> Probabilities | None:
        labels_of = self._labels_of[axis.id]
        row = np.array([sum(classified[label] for label in labels_of[term]) for term in axis.terms])
        mass = float(row.sum())
        return np.asarray(row / mass) if mass >= max(self._settings.min_scene_mass, 1e-12) else None

    def _object(self, axis: Axis, *, detections: Sequence[_Detection], kinds: Sequence[str]) -> Probabilities | None:
        rank = self._settings.object_axes.index(axis.id)
        row = np.array(
            [0.0 if term in kinds[:rank] else self._evidence(axis.id, term, detections) for term in axis.terms]
        )
        if row.sum() > 0.0:
            return np.asarray(row / row.sum())
        if axis.is_optional:
            return np.asarray(np.eye(len(axis))[0])
        return None

    def _count(self, axis: Axis, *, detections: Sequence[_Detection], kinds: Sequence[str]) -> Probabilities | None:
        if not kinds:
            return np.asarray(np.eye(len(axis))[0]) if axis.is_optional else None
        labels = frozenset[str]().union(*(terms.get(kinds[0], frozenset()) for terms in self._labels_of.values()))
        return self._number(axis, labels, detections=detections)

    def _number(self, axis: Axis, labels: frozenset[str], *, detections: Sequence[_Detection]) -> Probabilities | None:
        scores = [detection.score for detection in detections if detection.label in labels]
        numbers = number_probabilities(scores, miss_rate=self._settings.miss_rate)
        return term_probabilities(axis, numbers, ranges=self._ranges[axis.id])

    def _kinds(self, detections: Sequence[_Detection]) -> list[str]:
        """Object terms that were detected, the one with the largest sum of scores first."""
        sums: dict[str, float] = {}
        for axis in self.space.axes:
            if axis.id in self._settings.object_axes:
                for term in axis.terms:
                    sums[term] = max(sums.get(term, 0.0), self._evidence(axis.id, term, detections))
        return sorted((term for term, total in sums.items() if total > 0.0), key=lambda term: -sums[term])

    def _evidence(self, axis_id: str, term: str, detections: Sequence[_Detection]) -> float:
        labels = self._labels_of[axis_id][term]
        return float(sum(detection.score for detection in detections if detection.label in labels))

    def _labels_for(self, axis: Axis) -> list[str]:
        return self._classifier_labels if axis.id == self._settings.scene_axis else self._detector_labels

    def _is_absence(self, axis_id: str, term: str) -> bool:
        axis = self.space.axis(axis_id)
        return axis.is_optional and term == axis.terms[0]

    def _refuse_unknown(self) -> None:
        for axis_id, terms in self.unreadable_terms.items():
            if terms:
                labels = self._labels_for(self.space.axis(axis_id))
                raise PerceptionError(
                    f"no label of the model means {', '.join(map(repr, terms))} on axis '{axis_id}'. It has "
                    f"{len(labels)} labels: {', '.join(labels[:8])}{', ...' if len(labels) > 8 else ''}. "
                    "Add synonyms, or set unknown_terms to 'ignore'."
                )


def _load_classifier(folder: Path, *, device: str) -> ImageClassificationPipeline:
    model = load_weights(AutoModelForImageClassification.from_pretrained, folder, device=device)
    build: Callable[..., ImageClassificationPipeline] = ImageClassificationPipeline
    with quiet_transformers():
        return build(model=model, image_processor=load_image_processor(folder), device=device)


def _load_detector(folder: Path, *, device: str) -> ObjectDetectionPipeline:
    model = load_weights(AutoModelForObjectDetection.from_pretrained, folder, device=device)
    build: Callable[..., ObjectDetectionPipeline] = ObjectDetectionPipeline
    with quiet_transformers():
        return build(model=model, image_processor=load_image_processor(folder), device=device)


def _labels(pipeline: ImageClassificationPipeline | ObjectDetectionPipeline) -> list[str]:
    names = pipeline.model.config.id2label
    return [] if names is None else [str(label) for label in names.values()]


def _or_uniform(row: Probabilities | None, axis: Axis) -> Probabilities:
    return uniform(axis) if row is None else row
