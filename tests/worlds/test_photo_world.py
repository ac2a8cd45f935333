"""A world of photographs, end to end at tiny size: trained by the command, loaded like any model."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from rldf.cli.main import commands
from rldf.generators.embedded import embedded_folder
from rldf.grammar import load_grammar
from rldf.presets.build import build_parts
from rldf.presets.extractors import build_extractor
from rldf.presets.loading import load_preset, override
from rldf.presets.shelf import ModelShelf
from rldf.records import Prompt
from rldf.worlds.codec import PatchCodec
from rldf.worlds.photo_recipe import TINY_PHOTO_RECIPE, photo_recipe
from rldf.worlds.photo_source import PhotoPictures
from rldf.worlds.photos import read_photos
from rldf.worlds.train_autoencoder import build_autoencoder
from rldf.worlds.train_denoiser import build_unet
from rldf.worlds.train_scorer import Scorer
from rldf.worlds.training import StageProgress, WorldTraining

GRAMMAR = load_grammar("photos")
NAMES = GRAMMAR.space.axis("object").terms
MAX_MIB = 55


def test_photo_world__is_named_by_model_with_its_own_scorers(photo_world: Path) -> None:
    changes = [f"model.id={photo_world}", "grammar.name=photos", "model.use_cache=false", "model.device=cpu"]
    parts = build_parts(override(load_preset("embedded").config, changes), shelf=ModelShelf())
    images = parts.image_generator.generate([Prompt(text="a photo of one koala")], seeds=[3])
    assert images.shape == (1, 64, 64, 3)
    assert parts.is_judge_independent
    for scorer in (parts.perception, parts.judge):
        (percept,) = scorer.perceive(images)
        assert len(percept.probabilities[0]) == len(NAMES)


def test_photo_world__has_no_adapter_unless_it_was_trained(photo_world: Path) -> None:
    assert {path.name for path in photo_world.iterdir()} == {"codec.safetensors", "generator", "scorer-a", "scorer-b"}


def test_photo_world__says_what_it_was_trained_on(photo_world: Path) -> None:
    for path in (photo_world / "generator" / "rldf.json", photo_world / "scorer-b" / "heads.json"):
        about = json.loads(path.read_text())
        assert "Tiny ImageNet" in about["source"]
        assert about["licence"].startswith("for research")


def test_scorer_of_a_world__extracts_features(photo_world: Path) -> None:
    extractor = build_extractor(str(photo_world / "scorer-b"), device="cpu", announce=lambda _: None)
    assert extractor.num_features == TINY_PHOTO_RECIPE.scorer_b_shape.channels[-1]
    assert extractor.extract(np.zeros((2, 96, 96, 3), dtype=np.uint8)).shape == (2, extractor.num_features)


def test_killed_denoiser_with_dropout__goes_on_to_the_same_weights(photo_archive: Path, tmp_path: Path) -> None:
    def make(folder: Path) -> WorldTraining:
        source = PhotoPictures(read_photos(photo_archive), grammar=GRAMMAR, seed=0)
        stage = replace(TINY_PHOTO_RECIPE.denoiser, num_pictures=24)
        recipe = replace(TINY_PHOTO_RECIPE, denoiser=stage, unet_layers=1)
        return WorldTraining(folder, source=source, recipe=recipe, device="cpu")

    def kill(progress: StageProgress) -> None:
        if progress.pictures > 16:
            raise KeyboardInterrupt

    make(tmp_path / "whole").run(on_progress=lambda _: None, stages=["denoiser"])
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "killed").run(on_progress=kill, stages=["denoiser"])
    make(tmp_path / "killed").run(on_progress=lambda _: None, stages=["denoiser"])
    expected, resumed = (load_file(tmp_path / name / "denoiser.safetensors") for name in ("whole", "killed"))
    for name, value in expected.items():
        torch.testing.assert_close(resumed[name], value, rtol=1e-4, atol=1e-5)


def test_start_from_a_world_of_other_latents__fits_a_codec_of_its_own(photo_archive: Path, tmp_path: Path) -> None:
    source = PhotoPictures(read_photos(photo_archive), grammar=GRAMMAR, seed=0)
    drawn = embedded_folder().parent
    WorldTraining(tmp_path, source=source, recipe=TINY_PHOTO_RECIPE, device="cpu", start=drawn)
    assert load_file(tmp_path / "codec.safetensors")["decoder"].shape == (24, 48)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_recipe__makes_a_folder_that_may_travel(device: str) -> None:
    recipe = photo_recipe(device)
    with torch.device("meta"):
        parts = [
            build_unet(
                text_width=recipe.text_width,
                channels=recipe.unet_channels,
                latent_channels=recipe.latent_channels,
                latent_side=recipe.size_px // recipe.patch_px,
                layers_per_block=recipe.unet_layers,
                dropout=recipe.unet_dropout,
            ),
            build_autoencoder(latent_channels=24, width=recipe.autoencoder_width, patch_px=4, num_fine_blocks=1),
            *(
                Scorer(name, vocabulary_size=80, axes={"object": NAMES}, shape=recipe.scorer_b_shape)
                for name in ("a", "b")
            ),
        ]
    numbers = sum(value.numel() for part in parts for value in part.parameters())
    assert numbers * 2 / 2**20 < 0.95 * MAX_MIB
    assert recipe.scorer_b_shape.channels[-1] <= 128


def test_24_components__hold_what_halved_colours_leave_of_a_photograph() -> None:
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, 256, (40, 64, 64, 3), dtype=np.uint8))
    grey = images.float().mean(-1, keepdim=True)
    halved = torch.nn.functional.interpolate(
        torch.nn.functional.avg_pool2d((images.float() - grey).permute(0, 3, 1, 2), 2), scale_factor=2
    ).permute(0, 2, 3, 1)
    subsampled = (0.5 * grey + 64 + 0.3 * halved).round().clamp(0, 255).to(torch.uint8)
    codec = PatchCodec.fit(subsampled, channels=24, patch_px=4)
    assert (codec.decode(codec.encode(subsampled)).float() - subsampled.float()).abs().max() <= 2


@pytest.mark.parametrize("arguments", [["--recipe", "photos"], ["--data", "photos.zip"]])
def test_train__photographs_need_recipe_and_data(arguments: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(commands, ["world", "train", *arguments, "--out", str(tmp_path / "w")])
    assert result.exit_code == 2
    assert "Give --recipe photos --data FILE" in " ".join(result.stderr.replace("│", " ").split())
