"""A safety model: an image classifier with a label that means unsafe."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import ViTForImageClassification

from rldf.errors import ModelUnavailableError
from rldf.perception.safety import SafetyModel


def quiet(line: str) -> None:
    """Fails: local folders announce nothing."""
    raise AssertionError(line)


def safety_folder(folder: Path, source: Path, *, labels: list[str], problem: str | None = None) -> Path:
    """A tiny untrained classifier with other labels."""
    model = ViTForImageClassification.from_pretrained(
        source,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: place for place, label in enumerate(labels)},
        problem_type=problem,
        ignore_mismatched_sizes=True,
    )
    torch.manual_seed(1)
    head: torch.nn.Module = model.classifier
    assert isinstance(head, torch.nn.Linear)
    torch.nn.init.normal_(head.weight, std=2.0)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_bytes((source / "preprocessor_config.json").read_bytes())
    return folder


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(count, 40, 48, 3), dtype=np.uint8)


def test_scores__are_the_probability_of_the_unsafe_labels_whatever_the_batch(
    tmp_path: Path, classifier_folder: Path
) -> None:
    folder = safety_folder(tmp_path / "model", classifier_folder, labels=["drawings", "Hentai", "neutral", "porn"])
    safety = SafetyModel(folder, device="cpu", announce=quiet)
    images = pictures(4)
    found = safety.scores(images)
    assert found == [safety.scores(image[None])[0] for image in images]
    assert all(0 < score < 1 for score in found)
    swapped = safety_folder(tmp_path / "other", folder, labels=["porn", "drawings", "nsfw", "neutral"])
    others = SafetyModel(swapped, device="cpu", announce=quiet).scores(images)
    np.testing.assert_allclose(np.array(found) + np.array(others), 1.0, rtol=1e-5)  # the complement of the labels


def test_scores__labels_that_do_not_exclude_one_another__are_the_likeliest(
    tmp_path: Path, classifier_folder: Path
) -> None:
    labels = ["gore", "nudity", "text"]
    folder = safety_folder(tmp_path / "m", classifier_folder, labels=labels, problem="multi_label_classification")
    (score,) = SafetyModel(folder, device="cpu", announce=quiet).scores(pictures(1))
    each = [
        SafetyModel(
            safety_folder(tmp_path / name, folder, labels=[*names], problem="multi_label_classification"),
            device="cpu",
            announce=quiet,
        ).scores(pictures(1))[0]
        for name, names in (("a", ("gore", "x", "y")), ("b", ("x", "gore", "y")))
    ]
    assert score == pytest.approx(max(each))
    assert each[0] != each[1]


def test_digest__is_that_of_the_folder(tmp_path: Path, classifier_folder: Path) -> None:
    first = SafetyModel(
        safety_folder(tmp_path / "a", classifier_folder, labels=["normal", "nsfw"]), device="cpu", announce=quiet
    )
    second = SafetyModel(
        safety_folder(tmp_path / "b", classifier_folder, labels=["nsfw", "normal"]), device="cpu", announce=quiet
    )
    assert len(first.digest) == 64
    assert first.digest != second.digest


def test_model_without_an_unsafe_label__refused(classifier_folder: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"none of the labels of .* means unsafe: .* Choose a model that"):
        SafetyModel(classifier_folder, device="cpu", announce=quiet)


def test_model_that_is_not_there__refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"there is no model .*; a model is a local folder or a hub id"):
        SafetyModel(str(tmp_path / "nowhere"), device="cpu", announce=quiet)
