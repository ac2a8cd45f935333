"""The white-box gradient through the embedded model and scorer A."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from rldf.errors import ConfigError
from rldf.generators.diffusers_local import DiffusersGenerator
from rldf.perception.embedded import HeadsPerception
from rldf.perception.oracle import OraclePerception
from rldf.presets.build import build_parts
from rldf.presets.config import GrammarConfig, ModelConfig, SearchConfig
from rldf.presets.shelf import ModelShelf
from rldf.presets.white_box import WhiteBoxGradient
from rldf.search import SearchParts
from rldf.space import Encoding

BLOCKED = [f"count={term}" for term in ("two", "three")] + ["density=one", "density=many"]
BLOCKED += [f"scene={term}" for term in ("farm", "beach")] + [
    f"object={term}" for term in ("carrot", "banana", "apple")
]


@cache
def parts() -> SearchParts:
    config = SearchConfig(
        grammar=GrammarConfig(name="base", blocked=tuple(BLOCKED)), model=ModelConfig(use_cache=False)
    )
    return build_parts(config, shelf=ModelShelf())


def one_hot(here: Encoding) -> tuple[np.ndarray, ...]:
    return tuple(np.eye(len(axis))[index] for axis, index in zip(parts().space.axes, here.indices, strict=True))


def test_gradient__is_that_of_the_reward_and_is_charged() -> None:
    space, generator = parts().space, parts().image_generator
    assert isinstance(generator, DiffusersGenerator)
    here = space.encoding(3)
    picture = generator.generate([], seeds=[])  # nothing drawn, nothing counted
    assert len(picture) == 0
    wish = parts().perception.perceive(np.full((1, 128, 128, 3), 90, dtype=np.uint8))[0]
    wish = replace(wish, unsure_axes=())
    gradient = WhiteBoxGradient(parts(), wish=wish, seed=11, num_steps_back=generator.num_steps)
    before = generator.denoiser_evaluations
    found = gradient(here, one_hot(here))
    assert [len(row) for row in found] == [len(axis) for axis in space.axes]
    assert generator.denoiser_evaluations - before == generator.num_steps
    assert gradient.num_gradients == 1
    assert gradient.charge == pytest.approx(3.0)
    assert gradient.encoder_calls == 1 + sum(len(axis) - 1 for axis in space.axes)

    def reward(share: float) -> float:
        shares = [torch.tensor(row, dtype=torch.float32) for row in one_hot(here)]
        shares[0][5] += share
        with torch.no_grad():
            return float(gradient.reward_of(here, shares))

    expected = (reward(0.02) - reward(-0.02)) / 0.04
    assert found[0][5] == pytest.approx(expected, rel=0.25, abs=2e-3)


def test_differentiable_reading__is_that_of_perceive() -> None:
    perception = parts().perception
    assert isinstance(perception, HeadsPerception)
    rng = np.random.default_rng(0)
    image = np.repeat(np.repeat(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8), 16, axis=0), 16, axis=1)
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        relaxed = perception.differentiable_probabilities(pixels)
    (percept,) = perception.perceive(image[None])
    for row, expected in zip(relaxed, percept.probabilities, strict=True):
        np.testing.assert_allclose(row.numpy(), expected, atol=0.05)


def test_white_box__refuses_parts_it_cannot_see_through() -> None:
    blind = replace(parts(), perception=OraclePerception(parts().space, lambda _: None))
    wish = parts().perception.perceive(np.zeros((1, 128, 128, 3), dtype=np.uint8))[0]
    with pytest.raises(ConfigError, match=r"DiffusersGenerator and OraclePerception.*model.use_cache to false"):
        WhiteBoxGradient(blind, wish=wish, seed=0)
