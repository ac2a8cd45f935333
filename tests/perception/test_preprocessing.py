"""Pictures as model input."""

import numpy as np
import pytest

from rldf.errors import ModelUnavailableError
from rldf.perception.preprocessing import Preprocessing, read_preprocessing

CONFIG = {"image_mean": [0.5, 0.25, 0.0], "image_std": [0.5, 0.25, 1.0]}


def test_preprocessing__scales_by_mean_and_std() -> None:
    prepare = read_preprocessing(CONFIG, size_px=2)
    pixels = prepare(np.full((2, 2, 3), 255, dtype=np.uint8))
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels[:, 0, 0], [1.0, 3.0, 1.0], atol=1e-6)


def test_preprocessing__box_filter_takes_the_mean_of_each_block() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    prepare = Preprocessing(size_px=4, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), resample=4)
    blocks = image.reshape(4, 2, 4, 2, 3).mean(axis=(1, 3)).transpose(2, 0, 1)
    np.testing.assert_allclose(prepare(image) * 255.0, blocks, atol=1.0)  # Pillow rounds after each direction


def test_preprocessing__whole_picture_is_kept() -> None:
    wide = np.zeros((10, 60, 3), dtype=np.uint8)
    wide[:, :6] = 255
    pixels = read_preprocessing(CONFIG | {"resample": 4}, size_px=10)(wide)
    np.testing.assert_allclose(pixels[0, :, 0], 1.0)
    np.testing.assert_allclose(pixels[0, :, 1:], -1.0)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"image_mean": [0.5]}, r"has image_mean = \[0\.5\]; three numbers are needed\. Correct the file"),
        ({"image_std": None}, r"has image_std = None; three numbers are needed"),
        ({"resample": 9}, r"names the filter 9; 0 to 5 are Pillow's filters"),
    ],
)
def test_read_preprocessing__bad_settings_are_refused(entry: dict[str, object], message: str) -> None:
    with pytest.raises(ModelUnavailableError, match=message):
        read_preprocessing(CONFIG | entry, size_px=4)
