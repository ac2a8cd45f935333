"""The root of a data set is not taken for a folder of classes."""

from pathlib import Path

import pytest

from rldf.datasets.class_folder import read_class_folder
from rldf.errors import ImageError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("names", "told", "best"),
    [
        (("train/cow/1.png", "validation/cow/2.png", "README.md"), "train, validation", "train"),
        (("Train/cow/1.png",), "Train", "Train"),
        (("val/1.png", "test/1.png"), "test, val", "test"),
    ],
)
def test_read__folders_are_splits__refused_and_names_the_one_to_give(
    names: tuple[str, ...], told: str, best: str, tmp_path: Path
) -> None:
    folder = touch(tmp_path, *names)
    with pytest.raises(ImageError, match=f"are named {told}: those are splits.* such as '.*/{best}'"):
        read_class_folder(folder)


@pytest.mark.parametrize("names", [("train/1.png",), ("train/1.png", "tram/1.png"), ("train/old/1.png", "tram/1.png")])
def test_read__a_class_has_the_name_of_a_split__is_read(names: tuple[str, ...], tmp_path: Path) -> None:
    assert "train" in read_class_folder(touch(tmp_path, *names)).class_names
