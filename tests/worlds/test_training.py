"""Training of the embedded world, end to end at tiny size."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoPipelineForText2Image
from safetensors.torch import load_file

from rldf.errors import RecordError
from rldf.grammar import load_grammar
from rldf.perception.embedded import HeadsPerception
from rldf.worlds.training import TINY_RECIPE, StageProgress, WorldTraining, grammar_words


class _KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    training = WorldTraining(folder, grammar=load_grammar("base"), recipe=TINY_RECIPE, device="cpu")
    return training.run(on_progress=lambda _: None)


def test_tiny_world__loads_as_any_diffusers_model(world: Path) -> None:
    pipeline = AutoPipelineForText2Image.from_pretrained(world / "generator", dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    images = pipeline(
        "a photo of two cows and no people in a park",
        num_inference_steps=2,
        height=128,
        width=128,
        generator=[torch.Generator().manual_seed(0)],
        output_type="np",
    ).images
    assert images.shape == (1, 128, 128, 3)
    assert images.std() > 0


def test_tiny_world__ships_float16_and_says_where_it_comes_from(world: Path) -> None:
    tensors = load_file(world / "generator" / "unet" / "diffusion_pytorch_model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    about = json.loads((world / "generator" / "rldf.json").read_text())
    assert {"name", "version", "source", "licence", "digest", "steps", "guidance_scale"} <= set(about)


@pytest.mark.parametrize("name", ["scorer-a", "scorer-b"])
def test_tiny_scorers__read_pictures(world: Path, name: str) -> None:
    space = load_grammar("base").space
    perception = HeadsPerception(world / name, space=space)
    images = np.random.default_rng(0).integers(0, 255, (2, 128, 128, 3), dtype=np.uint8)
    for percept in perception.perceive(images):
        assert len(percept.probabilities) == len(space.axes)


def test_killed_training__goes_on_to_the_same_weights(tmp_path: Path, world: Path) -> None:
    grammar = load_grammar("base")

    def kill_late(progress: StageProgress) -> None:
        if progress.stage == "denoiser" and progress.pictures > 40:
            raise _KilledError

    for callback in (kill_late, lambda _: None):
        training = WorldTraining(tmp_path / "w", grammar=grammar, recipe=TINY_RECIPE, device="cpu")
        try:
            training.run(on_progress=callback)
        except _KilledError:
            continue
    expected = load_file(world.parent / "denoiser.safetensors")
    resumed = load_file(tmp_path / "w" / "denoiser.safetensors")
    for name, value in expected.items():
        torch.testing.assert_close(resumed[name], value, rtol=1e-4, atol=1e-5)


def test_other_recipe_in_the_same_folder__is_refused(world: Path) -> None:
    recipe = replace(TINY_RECIPE, seed=1)
    with pytest.raises(RecordError, match=r"another recipe.*--out"):
        WorldTraining(world.parent, grammar=load_grammar("base"), recipe=recipe, device="cpu")


def test_words_of_the_grammar__are_all_it_can_spell() -> None:
    grammar = load_grammar("base")
    spelled = {word for encoding in grammar.space.all_encodings() for word in grammar.render(encoding).split()}
    assert spelled <= set(grammar_words(grammar))
