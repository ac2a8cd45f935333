"""Drawn sets: each shifted in the way it says, resumable, and without a picture in common."""

from pathlib import Path

import numpy as np
import pytest

from rldf.arrays import Image
from rldf.datasets.class_folder import read_class_folder
from rldf.datasets.reference_sets import SHIFTS, SetKind, SetRequest, draw_one, draw_set, unseen_objects
from rldf.errors import ConfigError
from rldf.grammar import load_grammar
from rldf.perception.reading import read_image
from rldf.renderer.occlusion import occlude
from rldf.renderer.vocabulary import OBJECTS

CLASSES = ("cow", "bus", "apple")


def request(kind: SetKind = "real", *, stream: str = "s", per_class: int = 2, grammar: str = "base") -> SetRequest:
    return SetRequest(
        kind=kind,
        grammar=load_grammar(grammar),
        class_names=CLASSES,
        per_class=per_class,
        stream=stream,
        size_px=32,
    )


def colourfulness(image: Image) -> float:
    return float(np.ptp(image.astype(np.int16), axis=2).mean())


@pytest.mark.parametrize("kind", [kind for kind in SHIFTS if kind != "out-of-class"])
def test_draw_set__has_as_many_pictures_of_each_class(kind: SetKind, tmp_path: Path) -> None:
    assert draw_set(tmp_path, request(kind)) == 6
    assert {name: len(files) for name, files in read_class_folder(tmp_path).files.items()} == dict.fromkeys(CLASSES, 2)


def test_draw_set__out_of_class__as_many_pictures_of_other_objects(tmp_path: Path) -> None:
    asked = request("out-of-class", per_class=15)
    assert draw_set(tmp_path, asked) == 45
    files = read_class_folder(tmp_path).files
    assert set(files) == set(unseen_objects(CLASSES)) == set(OBJECTS) - set(CLASSES)
    assert sum(len(paths) for paths in files.values()) == 45


def test_draw_set__again__draws_what_is_missing_alone(tmp_path: Path) -> None:
    draw_set(tmp_path, request())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*.png")}
    missing = tmp_path / "cow/000001.png"
    content = missing.read_bytes()
    missing.unlink()
    draw_set(tmp_path, request())
    assert missing.read_bytes() == content
    assert {path: path.stat().st_mtime_ns for path in before if path != missing} == {
        path: when for path, when in before.items() if path != missing
    }


def test_streams__share_no_picture_and_a_larger_set_holds_a_smaller_one(tmp_path: Path) -> None:
    for name, asked in (("a", request()), ("b", request(stream="other")), ("c", request(per_class=3))):
        draw_set(tmp_path / name, asked)
    found = {name: {path.read_bytes() for path in (tmp_path / name).glob("*/*.png")} for name in ("a", "b", "c")}
    assert not found["a"] & found["b"]
    assert found["a"] < found["c"]


@pytest.mark.parametrize("grammar", ["base", "full"])
def test_shifts__sketches_have_no_colour_and_photos_do(grammar: str) -> None:
    means = {
        kind: np.mean(
            [colourfulness(draw_one(request(kind, grammar=grammar), class_name="apple", index=i)) for i in range(6)]
        )
        for kind in ("real", "sketch")
    }
    assert means["sketch"] < 15 < means["real"]


def test_occlude__hides_a_fifth_to_a_half_of_the_lower_part_and_leaves_the_sky() -> None:
    picture = np.full((128, 128, 3), 255, dtype=np.uint8)
    for seed in range(20):
        covered = occlude(picture, rng=np.random.default_rng(seed))
        is_hidden = (covered != 255).any(axis=2)
        assert 0.2 <= is_hidden[64:].mean() <= 0.52
        assert not is_hidden[:25].any()
        np.testing.assert_array_equal(covered, occlude(picture, rng=np.random.default_rng(seed)))
    assert (picture == 255).all()


def test_unseen_objects__every_object_a_class__refused() -> None:
    with pytest.raises(ConfigError, match=r"all 44 objects of the world are classes; .* Use fewer classes"):
        unseen_objects(OBJECTS)


def test_read_back__is_what_was_drawn(tmp_path: Path) -> None:
    draw_set(tmp_path, request("adversarial", per_class=1))
    drawn = draw_one(request("adversarial", per_class=1), class_name="bus", index=0)
    np.testing.assert_array_equal(read_image(tmp_path / "bus/000000.png").image, drawn)
