"""Photographs: one archive, one split for good, streams of them for training."""

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.worlds.photo_archive import NUM_OF_A_SPLIT, photograph, write_archive

from rldf.errors import ConfigError, ImageError
from rldf.grammar import load_grammar
from rldf.worlds.photo_changes import Changes, change
from rldf.worlds.photo_source import CHANGED_WORD, PhotoPictures
from rldf.worlds.photos import SPLITS, TRAINING, pack_photos, read_photos, split_of

REAL = Path(__file__).parents[3] / "shared/data/photos50.zip"
GRAMMAR = load_grammar("photos")
NAMES = GRAMMAR.space.axis("object").terms[::10]


@pytest.fixture(scope="module")
def source(photo_archive: Path) -> PhotoPictures:
    return PhotoPictures(read_photos(photo_archive), grammar=GRAMMAR, seed=0)


@pytest.mark.parametrize("wnid", ["n02099601", "n09193705"])
def test_split__is_425_25_50_of_each_class(wnid: str) -> None:
    counts = Counter(split_of(wnid, number) for number in range(500))
    assert counts == {"train-a": 212, "train-b": 213, "validation": 25, "test": 50}


def test_split__never_changes() -> None:
    tested = [number for number in range(500) if split_of("n02099601", number) == "test"]
    assert tested[:6] == [24, 42, 44, 61, 63, 66]


def test_photos__are_read_by_class_and_number(photo_archive: Path) -> None:
    photos = read_photos(photo_archive)
    assert photos.images.shape == (len(NAMES) * len(SPLITS) * NUM_OF_A_SPLIT, 64, 64, 3)
    assert photos.class_names == NAMES
    assert (np.diff(photos.labels) >= 0).all()
    assert np.bincount(photos.splits).tolist() == [len(NAMES) * NUM_OF_A_SPLIT] * len(SPLITS)


def test_part_of_the_data__is_split_alike(photo_archive: Path, tmp_path: Path) -> None:
    whole = read_photos(photo_archive)
    assert pack_photos(photo_archive, tmp_path / "test.tar.xz", splits=["test"]) < photo_archive.stat().st_size / 2
    part = read_photos(tmp_path / "test.tar.xz")
    np.testing.assert_array_equal(part.images, whole.of("test").images)
    np.testing.assert_array_equal(part.numbers, whole.of("test").numbers)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"notes.txt": b"none"}, r"no classes\.tsv of three columns.*Give a \.zip"),
        ({"classes.tsv": b"index\twnid\tname\n0\tn00000000\talp"}, "holds no photographs wanted"),
        ({"a/n00000001_0.JPEG": photograph(0, 0)}, r"'n00000001', which classes\.tsv does not name"),
        ({"a/n00000000_500.JPEG": photograph(0, 0)}, "numbered from 0 to 499.*Number them anew"),
        ({"a/n00000000_0.JPEG": b"no picture"}, "n00000000_0 cannot be decoded.*Copy the archive again"),
        (
            {"a/n00000000_0.JPEG": photograph(0, 0), "a/n00000000_1.JPEG": photograph(0, 0, side=32)},
            "different sizes.*Bring them to one size",
        ),
    ],
)
def test_archive_that_cannot_be_used__says_why(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    table = {} if "notes.txt" in files else {"classes.tsv": b"index\twnid\tname\n0\tn00000000\talp"}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in (table | files).items():
            archive.writestr(name, content)
    with pytest.raises(ImageError, match=message):
        read_photos(tmp_path / "a.zip")


@pytest.mark.parametrize("name", ["a.zip", "a.tar.xz"])
def test_file_that_is_no_archive__is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(ImageError, match=r"cannot be read: .*Give a \.zip or \.tar\.xz"):
        read_photos(tmp_path / name)


def test_class_without_a_term__is_refused(tmp_path: Path) -> None:
    photos = read_photos(write_archive(tmp_path / "a.zip", ["koalla"]))
    with pytest.raises(ConfigError, match=r"'koalla' is no object of the grammar 'photos'.*Did you mean 'koala'"):
        PhotoPictures(photos, grammar=GRAMMAR, seed=0)


def test_stream__that_begins_late_goes_on_as_the_whole_one(source: PhotoPictures) -> None:
    whole = list(source.batches("denoiser", start=0, stop=48, batch_size=8, num_workers=0))
    late = list(source.batches("denoiser", start=24, stop=48, batch_size=8, num_workers=0))
    assert [len(whole), len(late)] == [6, 3]
    for expected, found in zip(whole[3:], late, strict=True):
        assert torch.equal(found.images, expected.images)
        assert found.sentences == expected.sentences
        assert torch.equal(found.seen, expected.seen)


def test_stream__shows_every_photograph_once_a_round(source: PhotoPictures) -> None:
    num_photos = len(NAMES) * NUM_OF_A_SPLIT * len(TRAINING)
    (batch,) = source.batches("denoiser", start=num_photos, stop=2 * num_photos, batch_size=num_photos, num_workers=0)
    terms = GRAMMAR.space.axis("object").terms
    assert Counter(batch.seen[:, 0].tolist()) == {terms.index(name): num_photos // len(NAMES) for name in NAMES}


def test_scorers__see_disjoint_halves_and_never_test_photographs(photo_archive: Path) -> None:
    photos = read_photos(photo_archive)
    source = PhotoPictures(photos, grammar=GRAMMAR, seed=0)
    shown = {
        split: {image.tobytes() for image in source.pictures(split, count=1000).images.numpy()}
        for split in ("scorer-a", "scorer-b", "calibrate-a", "codec")
    }
    assert shown["scorer-a"].isdisjoint(shown["scorer-b"])
    assert shown["codec"] == shown["scorer-a"] | shown["scorer-b"]
    tested = {image.tobytes() for image in photos.of("test").images}
    assert all(tested.isdisjoint(images) for images in shown.values())


def test_sentences__say_what_was_changed_to_the_generator_alone(source: PhotoPictures) -> None:
    said = {
        split: [
            s
            for batch in source.batches(split, start=0, stop=64, batch_size=16, num_workers=0)
            for s in batch.sentences
        ]
        for split in ("denoiser", "scorer-a")
    }
    assert any(sentence.endswith(CHANGED_WORD) for sentence in said["denoiser"])
    assert not any(sentence.endswith(CHANGED_WORD) for sentence in said["scorer-a"])
    plain = {sentence.removesuffix(f" {CHANGED_WORD}") for sentence in said["denoiser"]}
    full = {GRAMMAR.render(GRAMMAR.space.encode({"object": name})) for name in NAMES}
    assert plain <= full | {f"a photo of {name}" for name in NAMES}
    assert {word for sentence in said["denoiser"] for word in sentence.split()} <= set(source.words)
    assert not any(CHANGED_WORD in sentence for sentence in source.sentences(np.random.default_rng(0), count=50))


def test_change__leaves_what_is_not_chosen_as_it_is_but_mirrored(source: PhotoPictures) -> None:
    images = source.pictures("codec", count=12).images
    chosen = torch.arange(12) % 2 == 0
    changes = Changes(share=0.5, min_side=0.5, colour=0.3)
    changed = change(images, chosen=chosen, changes=changes, rng=torch.Generator().manual_seed(0))
    kept = [torch.equal(a, b) or torch.equal(a, b.flip(1)) for a, b in zip(changed, images, strict=True)]
    assert kept == [not each for each in chosen.tolist()]
    mirrored = [torch.equal(a, b.flip(1)) for a, b in zip(changed[1::2], images[1::2], strict=True)]
    assert len(set(mirrored)) == 2


def test_crop__stays_inside_the_photograph() -> None:
    ramp = torch.arange(64, dtype=torch.uint8).mul(3).view(1, 1, 64, 1).expand(20, 64, 64, 3).contiguous()
    chosen = torch.ones(20, dtype=torch.bool)
    changed = change(
        ramp, chosen=chosen, changes=Changes(share=1.0, min_side=0.5), rng=torch.Generator().manual_seed(1)
    )
    steps = changed[:, 0, :, 0].long().diff(dim=1).abs()
    assert steps.max() <= 4  # a crop enlarges: neighbours differ by less than in the ramp, and nothing is repeated
    widths = changed[:, 0, :, 0].long().amax(1) - changed[:, 0, :, 0].long().amin(1)
    assert widths.min() >= 0.5 * 189 - 3
    assert widths.max() < 189


@pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data/photos50.zip")
def test_real_photographs__have_the_classes_of_the_grammar() -> None:
    photos = read_photos(REAL, splits=["validation"])
    assert set(photos.class_names) == set(GRAMMAR.space.axis("object").terms)
    assert photos.images.shape == (50 * 25, 64, 64, 3)
    assert np.bincount(photos.labels).tolist() == [25] * 50
