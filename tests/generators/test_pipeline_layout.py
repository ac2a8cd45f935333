from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.generators.tiny_pipelines import build_kl_autoencoder, build_pipeline

from rldf.errors import GenerationError
from rldf.generators.diffusers_local import DiffusersGenerator, load_diffusers_generator
from rldf.generators.pipeline_layout import arrange, decode_in_parts, describe_layout, twin
from rldf.generators.pixels import PendingPixels
from rldf.generators.settings import GenerationSettings
from rldf.records.percept import Prompt

COW = Prompt(text="a photo of one cow")
FAST = GenerationSettings(steps=2, guidance_scale=3.0)


def load(folder: Path, settings: GenerationSettings) -> DiffusersGenerator:
    return load_diffusers_generator(
        folder, device="cpu", dtype=torch.float32, settings=settings, low_memory=False, announce=pytest.fail
    )


def test_decode_in_parts__same_pictures_no_part_too_large() -> None:
    whole, parted = build_kl_autoencoder(), build_kl_autoencoder()
    decode_in_parts(parted, max_pixels=2 * 16 * 16)
    sizes: list[int] = []
    parted.decoder.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    latents = torch.randn(5, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = whole.decode(latents).sample
        torch.testing.assert_close(parted.decode(latents).sample, expected)
        assert sizes == [2, 2, 1]
        torch.testing.assert_close(parted.decode(latents, return_dict=False)[0], expected)
        assert parted.decode(torch.zeros(2, 4, 32, 32)).sample.shape == (2, 3, 64, 64)  # one by one: each too large
    assert sizes[6:] == [1, 1]


@pytest.mark.parametrize(
    ("device", "dtype", "is_channels_last"),
    [("cuda", torch.bfloat16, True), ("cuda", torch.float32, False), ("cpu", torch.bfloat16, False)],
)
def test_arrange__channels_last__half_precision_on_a_card(
    device: str,
    dtype: torch.dtype,
    is_channels_last: bool,  # noqa: FBT001
) -> None:
    pipeline = build_pipeline(autoencoder=build_kl_autoencoder())
    for part in (pipeline.unet, pipeline.vae):
        torch.nn.Module.to(part, dtype)  # the library's own `to` warns
    arrange(pipeline, device=torch.device(device), is_compiled=False)  # weights may lie in the processor's memory
    for part in (pipeline.unet, pipeline.vae.decoder):
        assert part.conv_in.weight.is_contiguous(memory_format=torch.channels_last) == is_channels_last
    assert (describe_layout(torch.device(device), dtype=dtype) == "channels-last") == is_channels_last


def test_generate__compiled__same_pictures_counted_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_pipeline(autoencoder=build_kl_autoencoder()).save_pretrained(tmp_path / "model")
    compiled: list[str] = []

    def compile_lightly(function: object, *, dynamic: bool) -> object:
        assert not dynamic
        compiled.append(type(getattr(function, "__self__", None)).__name__)
        return partial(call, function)

    def call(function: object, *args: object, **named: object) -> object:
        return function(*args, **named)  # type: ignore[operator]

    monkeypatch.setattr(torch, "compile", compile_lightly)
    plain, other = load(tmp_path / "model", FAST), load(tmp_path / "model", replace(FAST, compiled=True))
    assert sorted(compiled) == ["Decoder", "UNet2DConditionModel"]
    np.testing.assert_array_equal(other.generate([COW] * 2, seeds=[1, 2]), plain.generate([COW] * 2, seeds=[1, 2]))
    assert other.denoiser_evaluations == plain.denoiser_evaluations
    assert other.identity == plain.identity + " compiled=True"


def test_twin__own_scheduler_same_networks() -> None:
    pipeline = build_pipeline()
    other = twin(pipeline)
    assert other.unet is pipeline.unet
    assert other.vae is pipeline.vae
    assert other.scheduler is not pipeline.scheduler
    assert pipeline.config.scheduler == other.config.scheduler


def test_pending_pixels__rounded_bytes_in_place() -> None:
    images = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    expected = (images.permute(0, 2, 3, 1).numpy() * 255.0).round().astype(np.uint8)
    np.testing.assert_array_equal(PendingPixels(images).fetch(), expected)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_pending_pixels__no_numbers__refused(value: float) -> None:
    images = torch.zeros(1, 3, 2, 2)
    images[0, 1, 0, 1] = value
    with pytest.raises(GenerationError, match=r"not numbers, in torch.float32.*Use --dtype float32"):
        PendingPixels(images).fetch()
