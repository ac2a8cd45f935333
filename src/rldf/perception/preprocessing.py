"""How pictures become model input: one size, one filter, one scale, whatever they come as."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image as PillowImage

from rldf.arrays import Image
from rldf.errors import ModelUnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """Resizes to a square with an antialiased Pillow filter, then scales: (pixel / 255 - mean) / std.

    The whole picture is squeezed into the square, so nothing at its edges is lost; counts and scenes survive that
    better than cropping. Every picture takes the same path, also one that already has the size.

    Attributes:
        size_px: side of the square.
        mean: per channel, of pixels from 0 to 1.
        std: per channel, above 0.
        resample: Pillow's number of the filter, such as 3 (bicubic) or 4 (box).
    """

    size_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resample: int = PillowImage.Resampling.BICUBIC

    def __call__(self, image: Image) -> Float[np.ndarray, "3 size size"]:
        """Prepares one picture.

        Args:
            image: RGB, 0 to 255, of any size.

        Returns:
            Model input, channels first, float32.
        """
        size = (self.size_px, self.size_px)
        resized = PillowImage.fromarray(image).resize(size, PillowImage.Resampling(self.resample))
        fractions = np.asarray(resized, dtype=np.float32) / np.float32(255.0)
        scaled = (fractions - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(scaled.transpose(2, 0, 1))


def read_preprocessing(config: Mapping[str, object], *, size_px: int) -> Preprocessing:
    """Reads the settings of a transformers `preprocessor_config.json`.

    Args:
        config: its contents.
        size_px: side of the square the model looks at.

    Returns:
        The settings: image_mean, image_std and resample, which is bicubic where it is not named.

    Raises:
        ModelUnavailableError: if mean or std are not three numbers, or the filter does not exist.
    """
    mean, std = _three(config, "image_mean"), _three(config, "image_std")
    resample = config.get("resample", int(PillowImage.Resampling.BICUBIC))
    if not isinstance(resample, int) or resample not in {int(entry) for entry in PillowImage.Resampling}:
        raise ModelUnavailableError(
            f"preprocessor_config.json names the filter {resample!r}; 0 to 5 are Pillow's filters. Correct the file."
        )
    return Preprocessing(size_px=size_px, mean=mean, std=std, resample=resample)


def _three(config: Mapping[str, object], key: str) -> tuple[float, float, float]:
    match config.get(key):
        case [int() | float() as red, int() | float() as green, int() | float() as blue]:
            return (float(red), float(green), float(blue))
        case other:
            raise ModelUnavailableError(
                f"preprocessor_config.json has {key} = {other!r}; three numbers are needed. Correct the file."
            )
