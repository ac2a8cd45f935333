from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from rldf.arrays import ImageBatch
from rldf.generators.saving import PictureSaver


@pytest.fixture
def images() -> ImageBatch:
    return np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)


def test_save__all_on_disk_at_the_end(images: ImageBatch, tmp_path: Path) -> None:
    with PictureSaver() as saver:
        for number, image in enumerate(images):
            saver.save(image, tmp_path / f"{number}.png")
            saver.save(image, tmp_path / f"{number}.jpg")
    for number, image in enumerate(images):
        with (
            PillowImage.open(tmp_path / f"{number}.png") as lossless,
            PillowImage.open(tmp_path / f"{number}.jpg") as lossy,
        ):
            np.testing.assert_array_equal(np.asarray(lossless), image)
            assert (lossy.format, lossy.size) == ("JPEG", (16, 16))


def test_save__cannot_be_written__raised(images: ImageBatch, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), PictureSaver() as saver:
        saver.save(images[0], tmp_path / "missing" / "1.png")


def test_save__error_in_the_block__that_error(images: ImageBatch, tmp_path: Path) -> None:
    def stop_early() -> None:
        with PictureSaver() as saver:
            saver.save(images[0], tmp_path / "missing" / "1.png")
            raise ValueError("elsewhere")

    with pytest.raises(ValueError, match="elsewhere"):
        stop_early()
