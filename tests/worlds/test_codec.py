"""The patch codec."""

import numpy as np
import pytest
import torch

from rldf.worlds.codec import PatchCodec


@pytest.fixture
def images() -> torch.Tensor:
    """Smooth pictures: random colours, bilinearly enlarged."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.uniform(0, 255, (24, 3, 4, 4)))
    fine = torch.nn.functional.interpolate(coarse, size=(32, 32), mode="bilinear")
    return fine.permute(0, 2, 3, 1).round().to(torch.uint8)


def test_all_components__give_the_picture_back(images: torch.Tensor) -> None:
    codec = PatchCodec.fit(images, channels=48, patch_px=4)
    np.testing.assert_allclose(codec.decode(codec.encode(images)), images, atol=1)


def test_fewer_components__lose_more(images: torch.Tensor) -> None:
    def error(channels: int) -> float:
        codec = PatchCodec.fit(images, channels=channels, patch_px=4)
        return float((codec.decode(codec.encode(images)).float() - images.float()).abs().mean())

    assert error(2) > error(6) > error(24)


def test_latents__have_unit_variance_on_average(images: torch.Tensor) -> None:
    latents = PatchCodec.fit(images, channels=8, patch_px=4).encode(images)
    assert latents.shape == (24, 8, 8, 8)
    assert float((latents**2).mean()) == pytest.approx(1.0, rel=1e-3)
