"""Training of the embedded world, end to end at tiny size."""

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoPipelineForText2Image
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerFast

from rldf.errors import ConfigError, MissingExtraError, RecordError
from rldf.grammar import load_grammar
from rldf.perception.embedded import HeadsPerception
from rldf.renderer.vocabulary import DRAWABLE
from rldf.worlds import train_few_step
from rldf.worlds.pictures import DrawnPictures, grammar_words
from rldf.worlds.planning import plan_world
from rldf.worlds.recipe import TINY_RECIPE, recipe_for, world_mixture
from rldf.worlds.training import STAGES, StageProgress, WorldTraining

SOURCE = DrawnPictures(world_mixture("base"), seed=0, size_px=128)


class _KilledError(Exception):
    pass


def ignore(progress: StageProgress) -> None:
    del progress


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    return WorldTraining(folder, source=SOURCE, recipe=TINY_RECIPE, device="cpu").run(on_progress=ignore)


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
@pytest.mark.parametrize("grammar", ["base", "full"])
def test_tiny_scorers__read_pictures_into_any_space(world: Path, name: str, grammar: str) -> None:
    space = load_grammar(grammar).space
    perception = HeadsPerception(world / name, space=space)
    images = np.random.default_rng(0).integers(0, 255, (2, 128, 128, 3), dtype=np.uint8)
    for percept in perception.perceive(images):
        assert len(percept.probabilities) == len(space.axes)


def test_scorers__have_a_head_for_every_axis(world: Path) -> None:
    about = json.loads((world / "scorer-b" / "heads.json").read_text())
    assert about["axes"] == {axis: list(terms) for axis, terms in DRAWABLE.items()}


@pytest.mark.parametrize("killed_stage", ["scorer-a", "denoiser"])
def test_killed_stage__goes_on_to_the_same_weights(tmp_path: Path, world: Path, killed_stage: str) -> None:
    def kill_late(progress: StageProgress) -> None:
        if progress.pictures > 16:
            raise _KilledError

    for callback in (kill_late, ignore):
        training = WorldTraining(tmp_path / "w", source=SOURCE, recipe=TINY_RECIPE, device="cpu")
        try:
            training.run(on_progress=callback, stages=[killed_stage])
        except _KilledError:
            continue
    expected = load_file(world.parent / f"{killed_stage}.safetensors")
    resumed = load_file(tmp_path / "w" / f"{killed_stage}.safetensors")
    for name, value in expected.items():
        torch.testing.assert_close(resumed[name], value, rtol=1e-4, atol=1e-5)


def test_number_of_pictures__may_be_chosen_for_all_stages_but_few_step() -> None:
    recipe = plan_world("base", pictures=7000).recipe
    chosen = (recipe.autoencoder, recipe.scorer_a, recipe.scorer_b, recipe.denoiser)
    assert [stage.num_pictures for stage in chosen] == [7000] * 4
    assert recipe.few_step == recipe_for("cpu").few_step


def test_time_limit__leaves_a_world_that_can_be_used(tmp_path: Path) -> None:
    training = WorldTraining(tmp_path / "w", source=SOURCE, recipe=TINY_RECIPE, device="cpu")
    finished = training.run(on_progress=ignore, minutes=0)
    assert not list((tmp_path / "w").glob("denoiser*"))
    parts = {"codec.safetensors", "few-step", "generator", "scorer-a", "scorer-b"}
    assert {path.name for path in finished.iterdir()} == parts


def test_start__takes_the_weights_of_a_world_that_knows_other_words(tmp_path: Path, world: Path) -> None:
    wide = DrawnPictures(world_mixture("wide"), seed=0, size_px=128)
    training = WorldTraining(tmp_path / "w", source=wide, recipe=TINY_RECIPE, device="cpu", start=world)
    finished = training.run(on_progress=ignore, minutes=0)
    names = ("scorer-b/model.safetensors", "generator/unet/diffusion_pytorch_model.safetensors", "codec.safetensors")
    for name in names:
        old, new = load_file(world / name), load_file(finished / name)
        assert all(torch.equal(old[key], new[key]) for key in old)
    rows = {}
    for folder in (world, finished):
        vocabulary = PreTrainedTokenizerFast.from_pretrained(folder / "generator" / "tokenizer").get_vocab()
        weights = load_file(folder / "generator" / "text_encoder" / "model.safetensors")
        embedding = next(value for name, value in weights.items() if name.endswith("token_embedding.weight"))
        rows[folder] = embedding[vocabulary["cow"]]
    assert torch.equal(rows[world], rows[finished])


def test_other_recipe_in_the_same_folder__is_refused(world: Path) -> None:
    recipe = replace(TINY_RECIPE, seed=1)
    with pytest.raises(RecordError, match=r"another recipe.*--out"):
        WorldTraining(world.parent, source=SOURCE, recipe=recipe, device="cpu")


def test_unknown_stage__is_refused(tmp_path: Path) -> None:
    training = WorldTraining(tmp_path / "w", source=SOURCE, recipe=TINY_RECIPE, device="cpu")
    with pytest.raises(ConfigError, match=r"stage 'unet' is unknown; stages are: autoencoder, scorer-b"):
        training.run(on_progress=ignore, stages=["unet"])


def test_stages__are_all_in_the_recipe_of_a_card() -> None:
    recipe = recipe_for("cuda:0")
    assert recipe.denoiser_loss.noises_per_picture > 1
    assert recipe.denoiser.batch_size > recipe_for("cpu").denoiser.batch_size
    assert set(STAGES) == {"autoencoder", "scorer-a", "scorer-b", "denoiser", "few-step"}


@pytest.mark.parametrize("name", ["base", "indoors"])
def test_words_of_the_grammar__are_all_it_can_spell(name: str) -> None:
    grammar = load_grammar(name)
    spelled = {word for encoding in grammar.space.all_encodings() for word in grammar.render(encoding).split()}
    assert spelled <= set(grammar_words(grammar))


def test_missing_peft__is_told_before_the_first_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_few_step, "find_spec", lambda name: None if name == "peft" else find_spec(name))
    training = WorldTraining(tmp_path, source=SOURCE, recipe=TINY_RECIPE, device="cpu")
    with pytest.raises(MissingExtraError, match=r"the stage few-step needs the package 'peft'.*rldf\[train\]"):
        training.run(on_progress=ignore)
    assert not (tmp_path / "autoencoder.safetensors").exists()
