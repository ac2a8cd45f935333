"""One pass over pictures: cached by content, bounded, and no file can make it fail."""

import json
import os
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from PIL import Image as PillowImage

from rldf.arrays import Image, ImageBatch
from rldf.errors import ConfigError, ImageError
from rldf.evaluation import features as features_module
from rldf.evaluation.features import FeatureExtractor, extract_features
from rldf.jobs.evaluate import evaluate_distances
from rldf.perception.reading import read_image

SIDE = 8
NUM_HOSTILE = 1000


def squeeze(image: Image) -> Image:
    return np.asarray(PillowImage.fromarray(image).resize((SIDE, SIDE)), dtype=np.uint8)


class Counting:
    """A fixed random projection that counts what it was shown."""

    def __init__(self, num_features: int = 6) -> None:
        self.seen = 0
        self.largest_batch = 0
        self._weights = np.random.default_rng(0).normal(size=(SIDE * SIDE * 3, num_features))

    def __call__(self, images: ImageBatch) -> np.ndarray:
        self.seen += len(images)
        self.largest_batch = max(self.largest_batch, len(images))
        return np.asarray(images.reshape(len(images), -1) / 255.0 @ self._weights)


def extractor(counting: Counting, *, digest: str = "0" * 64, num_features: int = 6) -> FeatureExtractor:
    return FeatureExtractor(
        name="random projection",
        digest=digest,
        resize=f"bicubic to {SIDE} px",
        size_px=SIDE,
        num_features=num_features,
        prepare=squeeze,
        extract=counting,
    )


def read(path: Path) -> Image:
    return read_image(path).image


def write_pictures(folder: Path, *, count: int, seed: int = 0) -> list[Path]:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    paths = [folder / f"{number:04d}.png" for number in range(count)]
    for path in paths:
        PillowImage.fromarray(rng.integers(0, 256, size=(10, 12, 3), dtype=np.uint8)).save(path)
    return paths


def test_extract__rows_are_those_of_the_files_in_order(tmp_path: Path) -> None:
    files = write_pictures(tmp_path / "in", count=5)
    found = extract_features(files, extractor=extractor(Counting()), read=read, folder=tmp_path / "cache")
    expected = Counting()(np.stack([squeeze(read(file)) for file in files]))
    np.testing.assert_allclose(found.rows, expected, rtol=1e-5)
    assert found.positions == (0, 1, 2, 3, 4)


def test_extract__second_time__computes_nothing_even_under_other_names(tmp_path: Path) -> None:
    files = write_pictures(tmp_path / "in", count=4)
    counting = Counting()
    first = extract_features(files, extractor=extractor(counting), read=read, folder=tmp_path / "cache")
    moved = [file.rename(file.with_name(f"x{file.name}")) for file in files]
    second = extract_features(moved, extractor=extractor(counting), read=read, folder=tmp_path / "cache")
    assert counting.seen == 4
    assert (first.is_cached, second.is_cached) == (False, True)
    np.testing.assert_array_equal(first.rows, second.rows)


def test_extract__content_or_extractor_changed__computed_again(tmp_path: Path) -> None:
    files = write_pictures(tmp_path / "in", count=2)
    counting = Counting()
    for digest in ("0" * 64, "1" * 64):
        extract_features(files, extractor=extractor(counting, digest=digest), read=read, folder=tmp_path / "cache")
    files[0].write_bytes(files[1].read_bytes())
    extract_features(files, extractor=extractor(counting), read=read, folder=tmp_path / "cache")
    assert counting.seen == 6


def test_extract__stopped_in_between__goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features_module, "CHUNK_FILES", 3)
    files = write_pictures(tmp_path / "in", count=8)
    counting = Counting()

    def stop_late(progress: features_module.PassProgress) -> None:
        if progress.files == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_features(
            files, extractor=extractor(counting), read=read, folder=tmp_path / "cache", on_progress=stop_late
        )
    found = extract_features(files, extractor=extractor(counting), read=read, folder=tmp_path / "cache")
    assert counting.seen == 8
    assert found.rows.shape == (8, 6)
    assert isinstance(found.rows, np.memmap)


def test_extract__file_that_could_not_be_read__is_tried_again(tmp_path: Path) -> None:
    files = write_pictures(tmp_path / "in", count=3)
    (tmp_path / "in/never.png").write_bytes(b"no picture")
    files.append(tmp_path / "in/never.png")
    counting = Counting()

    def read_without_memory(path: Path) -> Image:
        if path == files[1]:
            raise ImageError(f"'{path}' needs more memory than there is")
        return read(path)

    folder = tmp_path / "cache"
    first = extract_features(files, extractor=extractor(counting), read=read_without_memory, folder=folder)
    assert first.positions == (0, 2)
    again = extract_features(files, extractor=extractor(counting), read=read_without_memory, folder=folder)
    assert (again.positions, again.is_cached, counting.seen) == ((0, 2), True, 2)
    found = extract_features(files, extractor=extractor(counting), read=read, folder=folder)
    assert (found.positions, found.is_cached, len(found.failures)) == ((0, 1, 2), False, 1)
    expected = Counting()(np.stack([squeeze(read(file)) for file in files[:3]]))
    np.testing.assert_allclose(found.rows, expected, rtol=1e-5)


def test_extract__damaged_cache__is_computed_again(tmp_path: Path) -> None:
    files = write_pictures(tmp_path / "in", count=2)
    counting = Counting()
    extract_features(files, extractor=extractor(counting), read=read, folder=tmp_path / "cache")
    for path in (tmp_path / "cache").glob("*.npy"):
        path.write_bytes(path.read_bytes()[:-9])
    found = extract_features(files, extractor=extractor(counting), read=read, folder=tmp_path / "cache")
    assert counting.seen == 4
    assert found.rows.shape == (2, 6)


def test_extract__file_of_one_of_several_chunks_recovers__rows_belong_to_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features_module, "CHUNK_FILES", 2)
    files = write_pictures(tmp_path / "in", count=5)
    expected = Counting()(np.stack([squeeze(read(file)) for file in files]))

    def read_without_memory(path: Path) -> Image:
        if path == files[1]:
            raise ImageError(f"'{path}' needs more memory than there is")
        return read(path)

    folder = tmp_path / "cache"
    first = extract_features(files, extractor=extractor(Counting()), read=read_without_memory, folder=folder)
    assert first.positions == (0, 2, 3, 4)
    np.testing.assert_allclose(first.rows, expected[[0, 2, 3, 4]], rtol=1e-5)
    for _ in range(2):
        found = extract_features(files, extractor=extractor(Counting()), read=read, folder=folder)
        assert found.positions == (0, 1, 2, 3, 4)
        np.testing.assert_allclose(found.rows, expected, rtol=1e-5)


@pytest.mark.parametrize("way", ["cut", "empty", "header", "shape", "type"])
def test_extract__joined_file_is_damaged__is_written_anew(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features_module, "CHUNK_FILES", 2)
    files = write_pictures(tmp_path / "in", count=5)
    counting = Counting()
    first = np.array(extract_features(files, extractor=extractor(counting), read=read, folder=tmp_path / "cache").rows)
    (place,) = (tmp_path / "cache").glob("set-*.npy")
    match way:
        case "cut":
            place.write_bytes(place.read_bytes()[:-9])
        case "empty":
            place.write_bytes(b"")
        case "header":
            place.write_bytes(place.read_bytes().replace(b"(", b"{", 1))
        case "shape":
            np.save(place, first[:4])
        case _:
            np.save(place, first.astype(np.float64))
    found = extract_features(files, extractor=extractor(counting), read=read, folder=tmp_path / "cache")
    np.testing.assert_array_equal(found.rows, first)
    assert found.rows.dtype == np.float32
    assert (found.is_cached, counting.seen) == (True, 5)
    assert list((tmp_path / "cache").glob("set-*.npy")) == [place]


def test_extract__chunk_is_empty__is_computed_again(tmp_path: Path) -> None:
    files = write_pictures(tmp_path / "in", count=2)
    extract_features(files, extractor=extractor(Counting()), read=read, folder=tmp_path / "cache")
    (place,) = (tmp_path / "cache").glob("*.npy")
    place.write_bytes(b"")
    found = extract_features(files, extractor=extractor(Counting()), read=read, folder=tmp_path / "cache")
    assert (found.rows.shape, found.is_cached) == ((2, 6), False)


def test_extract__batches_are_bounded(tmp_path: Path) -> None:
    counting = Counting()
    files = write_pictures(tmp_path / "in", count=9)
    extract_features(files, extractor=extractor(counting), read=read, folder=tmp_path / "cache", batch_size=4)
    assert (counting.seen, counting.largest_batch) == (9, 4)


def test_extract__extractor_says_another_size__refused(tmp_path: Path) -> None:
    files = write_pictures(tmp_path / "in", count=2)
    with pytest.raises(ConfigError, match=r"gave \(2, 6\) numbers for 2 pictures; it must give 7 for each"):
        extract_features(files, extractor=extractor(Counting(), num_features=7), read=read, folder=tmp_path / "cache")


def bomb() -> bytes:
    """A few bytes that call themselves a PNG of 60,000 x 60,000."""
    header = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + header + crc32(header).to_bytes(4, "big")


def damaged(valid: bytes, *, way: int, rng: np.random.Generator) -> bytes:
    """A valid file cut, changed, turned or replaced."""
    content = bytearray(valid)
    match way:
        case 0:
            content = content[: 1 + int(rng.integers(len(content) // 2))]
        case 1:
            content[:4] = rng.bytes(4)
        case 2:
            for place in rng.integers(0, len(content), size=12):
                content[place] ^= int(rng.integers(1, 256))
        case 3:
            content = content[8:] + content[:8]
        case _:
            others = (b"", bomb(), rng.bytes(200), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\0" * len(content))
            return others[way - 4]
    return bytes(content)


def hostile(folder: Path, *, count: int) -> list[str]:
    """Files that were valid pictures once, or never."""
    rng = np.random.default_rng(3)
    valid = {}
    for suffix, kind in (("png", "PNG"), ("jpg", "JPEG"), ("gif", "GIF"), ("webp", "WEBP"), ("bmp", "BMP")):
        place = folder / f"valid.{suffix}"
        PillowImage.fromarray(rng.integers(0, 256, size=(16, 16, 3), dtype=np.uint8)).save(place, format=kind)
        valid[suffix] = place.read_bytes()
        place.unlink()
    names = []
    for number in range(count):
        suffix = list(valid)[number % len(valid)]
        content = damaged(valid[suffix], way=number % 9, rng=rng)
        name = f"{number:04d}.{suffix}"
        (folder / name).write_bytes(content)
        names.append(name)
    return names


def test_distances__a_thousand_hostile_files__each_is_named_and_nothing_crashes(tmp_path: Path) -> None:
    write_pictures(tmp_path / "real/cow", count=30)
    write_pictures(tmp_path / "fake/cow", count=30, seed=1)
    odd = tmp_path / "fake/odd"
    odd.mkdir()
    names = hostile(odd, count=NUM_HOSTILE - 6)
    os.mkfifo(odd / "pipe.png")
    (odd / "loop.png").symlink_to(odd / "loop.png")
    (odd / "nowhere.jpg").symlink_to(tmp_path / "missing.jpg")
    (odd / "notes.txt").write_text("no picture")
    (odd / "folder-loop").symlink_to(tmp_path / "fake")
    strange = os.fsdecode(b"\xff\xfe strange.png")
    (odd / strange).write_bytes(b"no picture")
    report = evaluate_distances(
        tmp_path / "real", tmp_path / "fake", extractor=extractor(Counting()), metrics=["frechet", "precision-recall"]
    )
    told = json.dumps(report.as_json(), ensure_ascii=False).encode("utf-8")  # no lone surrogates
    failed = {Path(file).name for file, _ in report.failures["synthetic"]}
    passed = {Path(file).name for file, _ in report.passed_over["synthetic"]}
    readable = {name for name in names if is_readable(odd / name)}
    assert len(readable) < NUM_HOSTILE // 10
    assert failed >= set(names) - readable
    assert {"pipe.png", "loop.png", "nowhere.jpg", "\\xff\\xfe strange.png"} <= failed
    assert {"notes.txt", "folder-loop"} <= passed
    assert all(reason for _, reason in report.failures["synthetic"])
    assert report.comparison.protocol.num_synthetic == 30 + len(readable)
    assert b"strange.png" in told


def is_readable(path: Path) -> bool:
    try:
        read(path)
    except ImageError:
        return False
    return True


def test_distances__every_number_carries_its_protocol(tmp_path: Path) -> None:
    write_pictures(tmp_path / "real/cow", count=9)
    write_pictures(tmp_path / "fake/cow", count=8, seed=1)
    report = evaluate_distances(tmp_path / "real", tmp_path / "fake", extractor=extractor(Counting()), seed=5)
    for value in report.as_json()["metrics"].values():
        assert value["protocol"].startswith(
            "random projection (000000000000), bicubic to 8 px, 9 real and 8 synthetic pictures of 1 classes, seed 5"
        )


def test_distances__identical_folders__are_at_distance_0(tmp_path: Path) -> None:
    write_pictures(tmp_path / "a/cow", count=5)
    report = evaluate_distances(tmp_path / "a", tmp_path / "a", extractor=extractor(Counting()), metrics=["frechet"])
    (value,) = report.comparison.values
    assert value.value <= 1e-6
    assert "5 pictures are fewer than 6 features" in report.comparison.warnings[0]


def test_distances__classes_differ__said_or_matched(tmp_path: Path) -> None:
    write_pictures(tmp_path / "real/cow", count=6)
    write_pictures(tmp_path / "real/car", count=6, seed=2)
    write_pictures(tmp_path / "fake/cow", count=6, seed=1)
    used = extractor(Counting())
    told = evaluate_distances(tmp_path / "real", tmp_path / "fake", extractor=used, metrics=["cmmd"])
    assert "the classes differ: 2 real, 1 synthetic, 1 in both" in told.notes[0]
    matched = evaluate_distances(
        tmp_path / "real", tmp_path / "fake", extractor=used, metrics=["cmmd"], matches_classes=True
    )
    assert (matched.notes, matched.comparison.protocol.num_real) == ((), 6)


def test_distances__max_pictures__are_drawn_evenly_over_classes(tmp_path: Path) -> None:
    write_pictures(tmp_path / "real/cow", count=9)
    write_pictures(tmp_path / "real/car", count=3, seed=2)
    report = evaluate_distances(
        tmp_path / "real", tmp_path / "real", extractor=extractor(Counting()), metrics=["cmmd"], max_pictures=6
    )
    assert report.comparison.protocol.num_real == 6
    assert report.comparison.values[0].value == pytest.approx(0.0, abs=1e-6)


def test_distances__folder_of_a_clone__refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "clone/plan").mkdir(parents=True)
    (tmp_path / "clone/plan/round-000.json").touch()
    with pytest.raises(ImageError, match=r"is the folder of a clone.*rldf clone export"):
        evaluate_distances(tmp_path / "clone", tmp_path / "clone", extractor=extractor(Counting()))


def test_distances__unknown_metric__refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no metric 'frechett'.*Did you mean 'frechet'"):
        evaluate_distances(tmp_path, tmp_path, metrics=["frechett"])


def test_distances__nothing_readable__refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"none of the 1 files in .* could be read as a picture"):
        evaluate_distances(tmp_path / "a", tmp_path / "a", extractor=extractor(Counting()), metrics=["cmmd"])
