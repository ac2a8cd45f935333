"""The classifier learns what is there to learn, and an interruption changes nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rldf.errors import ConfigError, RecordError
from rldf.evaluation.classifier import LabelledPictures, augment, build_network, ranks_of, train_and_test
from rldf.evaluation.recipe import TrainingRecipe

SHORT = TrainingRecipe(size_px=32, epochs=10, batch_size=8, learning_rate=0.4)
NAMES = ("warm", "cold")


def pictures(seed: int, *, count: int = 48, names: tuple[str, ...] = NAMES) -> LabelledPictures:
    """Noise that is redder in the first class and bluer in the second."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % len(names)
    colours = np.array([[190, 90, 70], [70, 90, 190]])[labels % 2]
    images = np.clip(colours[:, None, None] + rng.normal(scale=50, size=(count, 24, 24, 3)), 0, 255)
    return LabelledPictures(images=images.astype(np.uint8), labels=labels, class_names=names)


def test_network__for_1000_classes__has_the_parameters_of_a_resnet_18() -> None:
    assert sum(weight.numel() for weight in build_network(1000, seed=0).parameters()) == 11_689_512


def test_training__learns_two_colours_and_goes_on_after_an_interruption(tmp_path: Path) -> None:
    train, test = pictures(0), pictures(1, count=20)
    whole = train_and_test(train, test, recipe=SHORT, checkpoint=tmp_path / "whole.safetensors")
    assert whole.top1 >= 0.9
    assert (whole.top5, whole.num_train, whole.num_test) == (None, 48, 20)
    assert whole.per_class.keys() == set(NAMES)

    def stop(epoch: int, loss: float) -> None:
        assert np.isfinite(loss)
        if epoch == 2:
            raise KeyboardInterrupt

    place = tmp_path / "stopped.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train_and_test(train, test, recipe=SHORT, checkpoint=place, on_epoch=stop)
    epochs: list[int] = []
    gone_on = train_and_test(
        train, test, recipe=SHORT, checkpoint=place, on_epoch=lambda epoch, _: epochs.append(epoch)
    )
    assert epochs == list(range(3, 11))
    assert gone_on == whole
    first, second = load_file(tmp_path / "whole.safetensors"), load_file(place)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_checkpoint__of_another_training__is_refused_and_stays(tmp_path: Path) -> None:
    recipe = TrainingRecipe(size_px=32, epochs=1, batch_size=16)
    place = tmp_path / "state.safetensors"
    first = train_and_test(pictures(0), pictures(1), recipe=recipe, checkpoint=place)
    before = place.read_bytes()
    with pytest.raises(RecordError, match=r"another training: recipe.epochs is 1 there and 2 here.*another --out"):
        train_and_test(pictures(0), pictures(1), recipe=replace(recipe, epochs=2), checkpoint=place)
    own, others = pictures(0).digest[:12], pictures(2).digest[:12]
    with pytest.raises(RecordError, match=f"another training: pictures is {own} there and {others} here"):
        train_and_test(pictures(2), pictures(1), recipe=recipe, checkpoint=place)
    assert place.read_bytes() == before
    assert train_and_test(pictures(0), pictures(1), recipe=recipe, checkpoint=place) == first


def test_network__weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(5)
    first = build_network(2, seed=1).state_dict()
    torch.manual_seed(6)
    second, other = build_network(2, seed=1).state_dict(), build_network(2, seed=2).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_augment__keeps_at_least_the_smallest_crop() -> None:
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, None, :, None], (30, 200, 200, 3))
    recipe = TrainingRecipe(size_px=64, min_crop=0.5)
    crops = augment(np.ascontiguousarray(ramp), recipe=recipe, rng=np.random.default_rng(0))
    assert crops.shape == (30, 64, 64, 3)
    widths = [int(crop[0, :, 0].max()) - int(crop[0, :, 0].min()) for crop in crops]
    assert min(widths) >= 200 * 0.5**0.5 - 8
    directions = {bool(crop[0, 0, 0] < crop[0, -1, 0]) for crop in crops}
    assert directions == {True, False}


def test_training__classes_differ__refused() -> None:
    with pytest.raises(ConfigError, match="the training set has 2 classes and the test set 3"):
        train_and_test(pictures(0), pictures(0, names=("a", "b", "c")), recipe=SHORT)


def test_training__no_test_picture__refused() -> None:
    with pytest.raises(ConfigError, match="there are 48 training and 0 test pictures"):
        train_and_test(pictures(0), pictures(0, count=0), recipe=SHORT)


def test_joined__sets_of_other_classes__refused() -> None:
    assert len(pictures(0).joined(pictures(1)).labels) == 96
    with pytest.raises(ConfigError, match="mixed sets have the same"):
        pictures(0).joined(pictures(0, names=("a", "b")))


def test_recipe__out_of_range__refused() -> None:
    with pytest.raises(ConfigError, match="the recipe's size_px is 8; it must be from 32 to 1024"):
        TrainingRecipe(size_px=8)


def test_ranks__ties_and_nan__are_no_success() -> None:
    nan = float("nan")
    logits = np.array([[3, 1, 2], [1, 1, 1], [2, 2, 1], [nan, nan, nan], [nan, 5, 1], [5, nan, 1]], dtype=np.float32)
    assert ranks_of(logits, np.zeros(6, dtype=np.int64)).tolist() == [0, 2, 1, 2, 2, 1]


def test_training__loss_is_no_number__stops_and_keeps_no_such_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "state.safetensors"
    recipe = TrainingRecipe(size_px=32, epochs=1, batch_size=16)

    def diverge(*_: object, **__: object) -> torch.Tensor:
        return torch.tensor(float("nan"), requires_grad=True)

    monkeypatch.setattr("rldf.evaluation.classifier.functional.cross_entropy", diverge)
    monkeypatch.setattr("torch.optim.SGD.step", lambda _: None)
    with pytest.raises(ConfigError, match=r"loss of epoch 1 is nan; it must be a finite number.*learning_rate"):
        train_and_test(pictures(0, count=16), pictures(1), recipe=recipe, checkpoint=place)
    assert not place.exists()
