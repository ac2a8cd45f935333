"""Trains a whole world by one command: codec, autoencoder, scorers, denoiser; assembles it as it goes."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import final

import numpy as np
import torch
from diffusers import AutoencoderTiny, StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image as PillowImage
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import CLIPTextModel

from rldf.arrays import Image
from rldf.errors import ConfigError, RecordError
from rldf.seeding import child_rng, child_seed
from rldf.worlds.assemble import weights_digest, write_generator, write_scorer
from rldf.worlds.calibration import calibrate
from rldf.worlds.codec import PatchCodec
from rldf.worlds.recipe import WorldRecipe
from rldf.worlds.source import PictureSource
from rldf.worlds.stage import Loss, Stage, StageSettings
from rldf.worlds.text import build_text_encoder, build_tokenizer
from rldf.worlds.train_autoencoder import autoencoder_loss, build_autoencoder
from rldf.worlds.train_denoiser import build_scheduler, build_unet, denoiser_loss
from rldf.worlds.train_few_step import build_student, few_step_loss, require_peft, write_adapter
from rldf.worlds.train_scorer import Scorer, scorer_loss
from rldf.worlds.warm_start import fit_weights, world_weights

STAGES: tuple[str, ...] = ("autoencoder", "scorer-b", "scorer-a", "denoiser", "few-step")
"""What is trained, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """Where the training stands: stage, pictures seen of all, loss."""

    stage: str
    pictures: int
    num_pictures: int
    loss: float


@final
class WorldTraining:
    """The training of one world in one folder.

    Every stage keeps checkpoints, and a killed training goes on from the last ones to the same result. Where a stage or
    its time ends, its part of the world is written from the averaged weights, so that there is always one to use.
    """

    def __init__(
        self, folder: Path, *, source: PictureSource, recipe: WorldRecipe, device: str, start: Path | None = None
    ) -> None:
        """Opens or begins a training.

        Args:
            folder: made if missing.
            source: the sentences and pictures it is trained on.
            recipe: sizes and settings.
            device: where it computes.
            start: a finished world whose weights and codec it starts from; None starts from random weights.
        """
        self._folder = folder
        self._source = source
        self._recipe = recipe
        self._device = device
        self._start = start
        folder.mkdir(parents=True, exist_ok=True)
        self._keep_to_recipe()
        self._tokenizer = build_tokenizer(source.words)
        self._codec = self._fit_codec()

    def run(
        self,
        *,
        on_progress: Callable[[StageProgress], None],
        stages: Sequence[str] | None = None,
        minutes: float | None = None,
    ) -> Path:
        """Trains what is missing and writes the world.

        Args:
            on_progress: called after every update, or as often as a stage reports.
            stages: which of `STAGES`, in order; stages of one folder may be trained at the same time. None for those
                of the recipe.
            minutes: stops after so long, keeps a checkpoint and writes the world as it is; None trains to the end.

        Returns:
            The folder that holds `generator`, its adapter `few-step` if it has one, `scorer-a` and `scorer-b`.

        Raises:
            ConfigError: if a stage is unknown.
        """
        stages = self._recipe.stages if stages is None else stages
        unknown = [name for name in stages if name not in STAGES]
        if unknown:
            raise ConfigError(f"stage '{unknown[0]}' is unknown; stages are: {', '.join(STAGES)}. Name one of these.")
        if "few-step" in stages:
            require_peft()  # now, not after the hours of the stages before it
        deadline = None if minutes is None else monotonic() + 60 * minutes
        for name in stages:
            self._run_stage(name, deadline=deadline, on_progress=on_progress)
        return self._finished

    @property
    def _finished(self) -> Path:
        return self._folder / self._recipe.origin.name

    def _keep_to_recipe(self) -> None:
        """Refuses to go on with another recipe than the folder was begun with."""
        wanted = repr((self._source.identity, self._recipe, None if self._start is None else str(self._start)))
        path = self._folder / "recipe.json"
        if path.exists() and json.loads(path.read_text())["recipe"] != wanted:
            raise RecordError(
                f"{self._folder} holds a training of another recipe or grammar; one folder is one recipe. "
                "Give another --out, or the settings it was begun with."
            )
        if not path.exists():  # stages that train side by side all come here
            path.write_text(json.dumps({"recipe": wanted}, indent=2) + "\n")

    def _fit_codec(self) -> PatchCodec:
        """Reads the codec, or takes that of the world it starts from if its latents are the same, or fits one."""
        recipe = self._recipe
        path = self._folder / "codec.safetensors"
        if not path.exists():
            taken = {} if self._start is None else load_file(self._start / "codec.safetensors")
            if not taken or taken["decoder"].shape != (recipe.latent_channels, 3 * recipe.patch_px**2):
                images = self._source.pictures("codec", count=recipe.num_codec_pictures).images
                codec = PatchCodec.fit(images.cpu(), channels=recipe.latent_channels, patch_px=recipe.patch_px)
                taken = {"mean": codec.mean, "encoder": codec.encoder, "decoder": codec.decoder}
            _save(taken, path)
        self._finished.mkdir(exist_ok=True)
        if not (self._finished / "codec.safetensors").exists():
            _save(load_file(path), self._finished / "codec.safetensors")
        return PatchCodec(**load_file(path), patch_px=recipe.patch_px)

    def _run_stage(self, name: str, *, deadline: float | None, on_progress: Callable[[StageProgress], None]) -> None:
        """Trains one stage to its end or to the deadline, and publishes it."""
        stage = self._stage(name)
        settings = stage.settings
        updates = stage.pictures // settings.batch_size
        is_late = deadline is not None and monotonic() > deadline
        for loss in () if is_late else stage.train():
            updates += 1
            if updates % settings.report_every == 0 or stage.is_finished:
                seen, all_pictures = stage.pictures, settings.num_pictures
                on_progress(StageProgress(stage=name, pictures=seen, num_pictures=all_pictures, loss=float(loss)))
            is_late = deadline is not None and monotonic() > deadline
            if updates % settings.save_every == 0 or stage.is_finished or is_late:
                stage.save(self._folder)
            if is_late:
                break
        self._publish(name)

    def _settings(self, name: str) -> StageSettings:
        recipe = self._recipe
        return {
            "autoencoder": recipe.autoencoder,
            "scorer-a": recipe.scorer_a,
            "scorer-b": recipe.scorer_b,
            "denoiser": recipe.denoiser,
            "few-step": recipe.few_step,
        }[name]

    def _stage(self, name: str) -> Stage:
        """Builds a stage and takes it to where it stood."""
        model = self._build(name)
        stage = Stage(
            name,
            model,
            self._loss(name, model),
            settings=self._settings(name),
            source=self._source,
            seed=self._recipe.seed,
            device=self._device,
        )
        stage.restore(self._folder)
        return stage

    def _build(self, name: str) -> nn.Module:
        """Builds the model of a stage with the weights it starts from."""
        recipe = self._recipe
        torch.manual_seed(child_seed(recipe.seed, name, "weights"))
        model: nn.Module
        match name:
            case "autoencoder":
                model = build_autoencoder(
                    latent_channels=recipe.latent_channels,
                    width=recipe.autoencoder_width,
                    patch_px=recipe.patch_px,
                    num_fine_blocks=recipe.autoencoder_fine_blocks,
                )
            case "denoiser":
                unet = build_unet(
                    text_width=recipe.text_width,
                    channels=recipe.unet_channels,
                    latent_channels=recipe.latent_channels,
                    latent_side=recipe.size_px // recipe.patch_px,
                    layers_per_block=recipe.unet_layers,
                    dropout=recipe.unet_dropout,
                )
                text_encoder = build_text_encoder(len(self._tokenizer), width=recipe.text_width)
                model = nn.ModuleDict({"unet": unet, "text_encoder": text_encoder})
            case "few-step":
                student: nn.Module = build_student(self._trained_denoiser()[0], rank=recipe.few_step_settings.rank)
                return student
            case _:
                model = Scorer(
                    "a" if name == "scorer-a" else "b",
                    vocabulary_size=len(self._tokenizer),
                    axes=self._source.axes,
                    shape=recipe.scorer_b_shape,
                )
        if self._start is not None:
            weights = world_weights(self._start, name)
            fitted = fit_weights(model, weights, world=self._start, stage=name, tokenizer=self._tokenizer)
            model.load_state_dict(fitted)
        return model

    def _loss(self, name: str, model: nn.Module) -> Loss:
        codec = self._codec.to(torch.device(self._device))
        if isinstance(model, AutoencoderTiny):
            return autoencoder_loss(model, codec=codec)
        if isinstance(model, Scorer):
            return scorer_loss(model, tokenizer=self._tokenizer, codec=codec)
        if isinstance(model, UNet2DConditionModel):
            teacher, text_encoder = self._trained_denoiser()
            return few_step_loss(
                model,
                teacher=teacher,
                text_encoder=text_encoder,
                tokenizer=self._tokenizer,
                settings=self._recipe.few_step_settings,
                device=self._device,
            )
        assert isinstance(model, nn.ModuleDict), name
        return denoiser_loss(model, tokenizer=self._tokenizer, codec=codec, settings=self._recipe.denoiser_loss)

    def _trained(self, name: str) -> nn.Module:
        """Builds a model with the averaged weights of its last checkpoint, for use."""
        model = self._build(name)
        path = self._folder / f"{name}.safetensors"
        if path.exists():
            tensors = load_file(path)
            model.load_state_dict({n[8:]: v for n, v in tensors.items() if n.startswith("average.")}, strict=False)
        return model.eval()

    def _trained_denoiser(self) -> tuple[UNet2DConditionModel, CLIPTextModel]:
        """The denoiser and its text encoder, for use."""
        model = self._trained("denoiser")
        assert isinstance(model, nn.ModuleDict)
        unet, text_encoder = model["unet"], model["text_encoder"]
        assert isinstance(unet, UNet2DConditionModel)
        assert isinstance(text_encoder, CLIPTextModel)
        return unet, text_encoder

    def _publish(self, name: str) -> None:
        """Writes the part of the world that a stage belongs to, from the averaged weights."""
        model = self._trained(name)
        if isinstance(model, Scorer):
            self._write_scorer(model)
        elif name == "few-step":
            write_adapter(
                model.state_dict(),
                self._finished / "few-step",
                settings=self._recipe.few_step_settings,
                base_digest=weights_digest(self._finished / "generator"),
            )
        else:
            self._write_generator()

    def _write_generator(self) -> None:
        """Writes the generator, and a sheet of what it draws."""
        unet, text_encoder = self._trained_denoiser()
        autoencoder = self._trained("autoencoder")
        assert isinstance(autoencoder, AutoencoderTiny)
        folder = self._finished / "generator"
        write_generator(
            folder,
            unet=unet,
            text_encoder=text_encoder,
            tokenizer=self._tokenizer,
            autoencoder=autoencoder,
            scheduler=build_scheduler(),
            defaults=self._recipe.defaults,
            origin=self._recipe.origin,
        )
        sheet = draw_sheet(folder, self._source, recipe=self._recipe)
        PillowImage.fromarray(sheet).save(self._folder / "samples.png")

    def _write_scorer(self, scorer: Scorer) -> None:
        recipe = self._recipe
        pictures = self._source.pictures(f"calibrate-{scorer.name}", count=recipe.num_calibration_pictures)
        calibration = calibrate(scorer, pictures=pictures.to(torch.device("cpu")), codec=self._codec, seed=recipe.seed)
        folder = self._finished / f"scorer-{scorer.name}"
        write_scorer(folder, scorer, tokenizer=self._tokenizer, calibration=calibration, origin=recipe.origin)


def draw_sheet(folder: Path, source: PictureSource, *, recipe: WorldRecipe, columns: int = 8, rows: int = 4) -> Image:
    """Draws a sheet of generated pictures of random encodings: (rows, columns) of them, RGB, 0 to 255."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    sentences = source.sentences(child_rng(recipe.seed, "sheet"), count=columns * rows)
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
