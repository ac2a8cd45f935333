"""The white-box side of a pipeline: the generator's picture, and a gradient that is that of the picture."""

from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from tests.generators.tiny_pipelines import build_distilled_pipeline

from rldf.errors import ConfigError
from rldf.generators.diffusers_local import DiffusersGenerator, load_diffusers_generator
from rldf.generators.relaxed_drawing import RelaxedDrawing
from rldf.generators.settings import GenerationSettings
from rldf.records.percept import Prompt

COW = Prompt(text="a photo of one cow in a park", negative="many people")


def fail(line: str) -> NoReturn:
    pytest.fail(f"nothing should have been downloaded, but: {line}")


def load(folder: Path, *, guidance_scale: float = 1.0) -> DiffusersGenerator:
    settings = GenerationSettings(steps=3, guidance_scale=guidance_scale)
    return load_diffusers_generator(
        folder, device="cpu", dtype=torch.float32, settings=settings, low_memory=False, announce=fail
    )


@pytest.mark.parametrize("guidance_scale", [1.0, 3.0])
def test_unmixed_embedding__draws_the_generators_picture(tiny_pipeline: Path, guidance_scale: float) -> None:
    generator = load(tiny_pipeline, guidance_scale=guidance_scale)
    drawing = RelaxedDrawing(generator, num_steps_back=1)
    picture = drawing.draw(drawing.embed(COW), seed=4, negative=COW.negative)
    expected = generator.generate([COW], seeds=[4])[0]
    drawn = np.rint(picture[0].detach().permute(1, 2, 0).numpy() * 255).astype(int)
    assert np.abs(drawn - expected.astype(int)).max() <= 1
    assert expected.std() > 0


def test_gradient_through_all_steps__is_that_of_finite_differences(tiny_pipeline: Path) -> None:
    drawing = RelaxedDrawing(load(tiny_pipeline), num_steps_back=3)
    base = drawing.embed(COW)
    direction = drawing.embed(Prompt(text="a photo of two cars")) - base
    weights = torch.linspace(-1, 1, 3 * 16 * 16).reshape(1, 3, 16, 16)

    def value(share: float) -> float:
        return float((drawing.draw(base + share * direction, seed=1).detach() * weights).sum())

    share = torch.tensor(0.0, requires_grad=True)
    (drawing.draw(base + share * direction, seed=1) * weights).sum().backward()
    assert share.grad is not None
    assert float(share.grad) == pytest.approx((value(1e-2) - value(-1e-2)) / 2e-2, rel=0.05)
    assert float(share.grad) != 0.0


def test_cost__counts_steps_back_twice_and_the_denoiser_counts_the_rest(tiny_pipeline: Path) -> None:
    generator = load(tiny_pipeline)
    drawing = RelaxedDrawing(generator, num_steps_back=1)
    assert drawing.cost == pytest.approx(1 + 2 / 3)
    drawing.draw(drawing.embed(COW), seed=0)
    assert generator.denoiser_evaluations == 3


def test_relaxed_drawing__refuses_what_it_cannot_differentiate(tiny_pipeline: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"through 4 denoising steps.*makes 3.*Change the number"):
        RelaxedDrawing(load(tiny_pipeline), num_steps_back=4)
    build_distilled_pipeline().save_pretrained(tmp_path / "distilled")
    with pytest.raises(ConfigError, match=r"this is a LatentConsistencyModelPipeline.*black-box"):
        RelaxedDrawing(load(tmp_path / "distilled"), num_steps_back=1)
