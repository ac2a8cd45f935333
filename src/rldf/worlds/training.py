"""Trains the whole embedded world by one command: codec, scorers, autoencoder, denoiser; then assembles it."""

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import final

import numpy as np
import torch
from diffusers import AutoencoderTiny, StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image as PillowImage
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel

from rldf.arrays import Image
from rldf.errors import RecordError
from rldf.grammar import Grammar
from rldf.seeding import child_rng, child_seed
from rldf.worlds.assemble import GenerationDefaults, average_weights, write_generator, write_scorer
from rldf.worlds.calibration import calibrate
from rldf.worlds.codec import PatchCodec
from rldf.worlds.pictures import draw_picture
from rldf.worlds.text import build_text_encoder, build_tokenizer
from rldf.worlds.train_autoencoder import AutoencoderTraining, build_autoencoder, train_autoencoder
from rldf.worlds.train_denoiser import (
    DenoiserTrainer,
    DenoiserTraining,
    build_scheduler,
    build_unet,
)
from rldf.worlds.train_scorer import SCORER_NAMES, Scorer, ScorerName, ScorerTraining, train_scorer


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldRecipe:
    """Everything that fixes a world; every number is our choice.

    Attributes:
        size_px: side of the pictures.
        patch_px: side of the codec's patches; latents have size_px / patch_px rows.
        latent_channels: components kept of a patch.
        text_width: width of the text encoder.
        unet_channels: channels of the denoiser's levels.
        autoencoder_width: channels of the autoencoder.
        num_codec_pictures: pictures the codec is fitted on.
        num_calibration_pictures: pictures a scorer is calibrated on.
        denoiser: settings of its training.
        autoencoder: settings of its training.
        scorer: settings of the training of A and of B.
        defaults: how the finished generator draws.
        seed: root seed; pictures of the parts come from splits of their own.
    """

    size_px: int = 128
    patch_px: int = 8
    latent_channels: int = 16
    text_width: int = 128
    unet_channels: tuple[int, ...] = (96, 160, 256)
    autoencoder_width: int = 32
    num_codec_pictures: int = 400
    num_calibration_pictures: int = 1500
    denoiser: DenoiserTraining = field(default_factory=DenoiserTraining)
    autoencoder: AutoencoderTraining = field(default_factory=AutoencoderTraining)
    scorer: ScorerTraining = field(default_factory=ScorerTraining)
    defaults: GenerationDefaults = field(default_factory=GenerationDefaults)
    seed: int = 0


TINY_RECIPE = WorldRecipe(
    text_width=32,
    unet_channels=(32, 32, 64),
    autoencoder_width=8,
    num_codec_pictures=16,
    num_calibration_pictures=32,
    denoiser=DenoiserTraining(num_pictures=64, batch_size=8, warmup_updates=2, save_every=4, num_workers=0),
    autoencoder=AutoencoderTraining(num_pictures=32, batch_size=8, num_workers=0),
    scorer=ScorerTraining(num_pictures=64, batch_size=16, num_workers=0),
    defaults=GenerationDefaults(steps=2),
)
"""A world of a minute that can do nothing: it shows that every part trains and loads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """Where the training stands: stage, pictures seen of all, loss."""

    stage: str
    pictures: int
    num_pictures: int
    loss: float


@final
class WorldTraining:
    """The training of one world in one folder; every finished stage is kept, the denoiser also half-way.

    A killed training goes on where it stood: finished stages are skipped, the denoiser continues from its last
    checkpoint with the same pictures, noise and updates; a scorer or the autoencoder starts its stage again.
    """

    def __init__(self, folder: Path, *, grammar: Grammar, recipe: WorldRecipe, device: str) -> None:
        self._folder = folder
        self._grammar = grammar
        self._recipe = replace(
            recipe,
            denoiser=replace(recipe.denoiser, seed=recipe.seed, size_px=recipe.size_px),
            autoencoder=replace(recipe.autoencoder, seed=recipe.seed, size_px=recipe.size_px),
            scorer=replace(recipe.scorer, seed=recipe.seed, size_px=recipe.size_px),
        )
        self._device = device
        folder.mkdir(parents=True, exist_ok=True)
        self._keep_to_recipe()
        self._tokenizer = build_tokenizer(grammar_words(grammar))

    def run(self, *, on_progress: Callable[[StageProgress], None]) -> Path:
        """Trains what is missing and writes the finished world.

        Args:
            on_progress: called after every update.

        Returns:
            The folder that holds `generator`, `scorer-a` and `scorer-b`.
        """
        finished = self._folder / "embedded"
        codec = self._codec()
        for name in SCORER_NAMES:
            scorer = self._scorer(name, codec, on_progress)
            self._write_scorer(finished / f"scorer-{name}", scorer, codec)
        autoencoder = self._autoencoder(codec, on_progress)
        self._denoiser(codec, autoencoder, on_progress, finished=finished / "generator")
        return finished

    def _keep_to_recipe(self) -> None:
        """Refuses to go on with another recipe than the folder was begun with."""
        wanted = repr((self._grammar.digest, self._recipe))
        path = self._folder / "recipe.json"
        if path.exists() and json.loads(path.read_text())["recipe"] != wanted:
            raise RecordError(
                f"{self._folder} holds a training of another recipe or grammar; one folder is one recipe. "
                "Give another --out, or the settings it was begun with."
            )
        path.write_text(json.dumps({"recipe": wanted}, indent=2) + "\n")

    def _codec(self) -> PatchCodec:
        path = self._folder / "codec.safetensors"
        if not path.exists():
            recipe = self._recipe
            images = np.stack(
                [
                    draw_picture(self._grammar, seed=recipe.seed, split="codec", index=i, size_px=recipe.size_px).image
                    for i in range(recipe.num_codec_pictures)
                ]
            )
            codec = PatchCodec.fit(images, channels=recipe.latent_channels, patch_px=recipe.patch_px)
            _save({"mean": codec.mean, "encoder": codec.encoder, "decoder": codec.decoder}, path)
        return PatchCodec(**load_file(path), patch_px=self._recipe.patch_px)

    def _scorer(self, name: ScorerName, codec: PatchCodec, on_progress: Callable[[StageProgress], None]) -> Scorer:
        stage = f"scorer-{name}"
        axes = {axis.id: len(axis) for axis in self._grammar.space.axes}
        torch.manual_seed(child_seed(self._recipe.seed, stage, "weights"))
        scorer = Scorer(name, axes=axes, vocabulary_size=len(self._tokenizer))
        path = self._folder / f"{stage}.safetensors"
        if not path.exists():
            settings = self._recipe.scorer
            steps = train_scorer(
                scorer, grammar=self._grammar, tokenizer=self._tokenizer, codec=codec, settings=settings
            )
            for pictures, loss in steps:
                on_progress(
                    StageProgress(stage=stage, pictures=pictures, num_pictures=settings.num_pictures, loss=loss)
                )
            _save(scorer.state_dict(), path)
        scorer.load_state_dict(load_file(path))
        return scorer.eval()

    def _autoencoder(self, codec: PatchCodec, on_progress: Callable[[StageProgress], None]) -> AutoencoderTiny:
        recipe = self._recipe
        stage = "autoencoder"
        torch.manual_seed(child_seed(recipe.seed, stage, "weights"))
        autoencoder = build_autoencoder(latent_channels=recipe.latent_channels, width=recipe.autoencoder_width)
        path = self._folder / f"{stage}.safetensors"
        if not path.exists():
            settings = recipe.autoencoder
            steps = train_autoencoder(autoencoder, grammar=self._grammar, codec=codec, settings=settings)
            for pictures, loss in steps:
                on_progress(
                    StageProgress(stage=stage, pictures=pictures, num_pictures=settings.num_pictures, loss=loss)
                )
            _save(autoencoder.state_dict(), path)
        autoencoder.load_state_dict(load_file(path))
        return autoencoder.eval()

    def _denoiser(
        self,
        codec: PatchCodec,
        autoencoder: AutoencoderTiny,
        on_progress: Callable[[StageProgress], None],
        *,
        finished: Path,
    ) -> None:
        """Trains the denoiser; every checkpoint is also written as a generator that can be used."""
        recipe = self._recipe
        torch.manual_seed(child_seed(recipe.seed, "denoiser", "weights"))
        unet = build_unet(
            text_width=recipe.text_width,
            channels=recipe.unet_channels,
            latent_channels=recipe.latent_channels,
            latent_side=recipe.size_px // recipe.patch_px,
        )
        text_encoder = build_text_encoder(len(self._tokenizer), width=recipe.text_width)
        trainer = DenoiserTrainer(
            unet, text_encoder, self._tokenizer, codec, settings=recipe.denoiser, device=self._device
        )
        if (self._folder / "denoiser.safetensors").exists():
            trainer.restore(self._folder)
        settings = recipe.denoiser
        pictures_between_saves = settings.save_every * settings.batch_size
        for pictures, loss in trainer.train(self._grammar):
            on_progress(
                StageProgress(stage="denoiser", pictures=pictures, num_pictures=settings.num_pictures, loss=loss)
            )
            is_last = pictures + settings.batch_size > settings.num_pictures
            if pictures % pictures_between_saves == 0 or is_last:
                trainer.save(self._folder)
                self._write_generator(finished, trainer, autoencoder)
        if not (finished / "rldf.json").exists():
            self._write_generator(finished, trainer, autoencoder)

    def _write_generator(self, folder: Path, trainer: DenoiserTrainer, autoencoder: AutoencoderTiny) -> None:
        """Writes the averaged weights as a pipeline, and a sheet of what it draws."""
        average = trainer.averaged_weights()
        unet = deepcopy(trainer.model["unet"]).cpu().eval()
        text_encoder = deepcopy(trainer.model["text_encoder"]).cpu().eval()
        assert isinstance(unet, UNet2DConditionModel)
        assert isinstance(text_encoder, CLIPTextModel)
        unet.load_state_dict(average_weights(average, "unet"))
        text_encoder.load_state_dict(average_weights(average, "text_encoder"))
        write_generator(
            folder,
            unet=unet,
            text_encoder=text_encoder,
            tokenizer=self._tokenizer,
            autoencoder=autoencoder,
            scheduler=build_scheduler(),
            defaults=self._recipe.defaults,
        )
        sheet = draw_sheet(folder, self._grammar, recipe=self._recipe)
        PillowImage.fromarray(sheet).save(self._folder / "samples.png")

    def _write_scorer(self, folder: Path, scorer: Scorer, codec: PatchCodec) -> None:
        recipe = self._recipe
        calibration = calibrate(
            scorer,
            grammar=self._grammar,
            codec=codec,
            seed=recipe.seed,
            size_px=recipe.size_px,
            num_pictures=recipe.num_calibration_pictures,
        )
        write_scorer(folder, scorer, tokenizer=self._tokenizer, grammar=self._grammar, calibration=calibration)


def grammar_words(grammar: Grammar) -> Sequence[str]:
    """Every word a grammar can spell, sorted."""
    terminals = {str(word) for rule in grammar.cfg.productions() for word in rule.rhs() if isinstance(word, str)}
    return sorted({part for word in terminals for part in word.split()})


def draw_sheet(folder: Path, grammar: Grammar, *, recipe: WorldRecipe, columns: int = 8, rows: int = 4) -> Image:
    """Draws a sheet of generated pictures of random encodings: (rows, columns) of them, RGB, 0 to 255."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    rng = child_rng(recipe.seed, "sheet")
    sentences = [grammar.render(grammar.space.sample(rng)) for _ in range(columns * rows)]
    images = pipeline(
        sentences,
        num_inference_steps=recipe.defaults.steps,
        guidance_scale=recipe.defaults.guidance_scale,
        generator=[torch.Generator().manual_seed(i) for i in range(len(sentences))],
        height=recipe.size_px,
        width=recipe.size_px,
        output_type="np",
    ).images
    tiles = (images * 255).round().astype(np.uint8).reshape(rows, columns, recipe.size_px, recipe.size_px, 3)
    sheet: Image = tiles.transpose(0, 2, 1, 3, 4).reshape(rows * recipe.size_px, columns * recipe.size_px, 3)
    return sheet


def _save(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Writes tensors whole or not at all."""
    partial = path.with_suffix(".partial")
    save_file({name: value.contiguous() for name, value in tensors.items()}, partial)
    partial.replace(path)
