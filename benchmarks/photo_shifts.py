"""Shifted copies of photographs: what a distance between sets must notice."""

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from rldf.arrays import ImageBatch
from rldf.seeding import child_rng


def sketch(images: ImageBatch) -> ImageBatch:
    """Draws photographs in pencil: grey, divided by their own blurred negative, so that only edges are left."""
    drawn = []
    for image in images:
        grey = ImageOps.grayscale(Image.fromarray(image))
        blurred = ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(2.0))
        dodged = np.asarray(grey, np.float32) * 255 / np.maximum(255 - np.asarray(blurred, np.float32), 1)
        drawn.append(np.repeat(dodged.clip(0, 255).astype(np.uint8)[..., np.newaxis], 3, axis=2))
    return np.stack(drawn)


def recolour(images: ImageBatch, *, seed: int = 0) -> ImageBatch:
    """Turns the hues of photographs by 30 to 120 degrees either way and lays a grain of 24 of 255 over them."""
    shifted = []
    for number, image in enumerate(images):
        rng = child_rng(seed, "recolour", number)
        hue, saturation, value = Image.fromarray(image).convert("HSV").split()
        turn = int(rng.integers(21, 86)) * (1 if rng.random() < 0.5 else -1)
        turned = Image.fromarray(((np.asarray(hue, np.int16) + turn) % 256).astype(np.uint8))
        picture = np.asarray(Image.merge("HSV", (turned, saturation, value)).convert("RGB"), np.float32)
        noise = rng.normal(0, 24, (*image.shape[:2], 1))
        grain = (noise + np.roll(noise, 1, axis=0) + np.roll(noise, 1, axis=1)) / np.sqrt(3)
        shifted.append((picture + grain).clip(0, 255).astype(np.uint8))
    return np.stack(shifted)
