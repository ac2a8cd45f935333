"""What a world is made of: sizes, settings of its stages, and the sentences it is trained on."""

import os
from dataclasses import dataclass, field, replace

from rldf.grammar import Grammar, load_grammar
from rldf.worlds.assemble import GenerationDefaults, WorldOrigin
from rldf.worlds.pictures import Mixture, MixturePart
from rldf.worlds.stage import StageSettings
from rldf.worlds.train_denoiser import DenoiserLoss
from rldf.worlds.train_few_step import FewStepSettings
from rldf.worlds.train_scorer import ResNetShape


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldRecipe:
    """Everything that fixes a world but its pictures; every number is our choice.

    Attributes:
        size_px: side of the pictures.
        patch_px: side of the codec's patches; latents have size_px / patch_px rows.
        latent_channels: components kept of a patch.
        text_width: width of the text encoder.
        unet_channels: channels of the denoiser's levels.
        unet_layers: layers of a level of the denoiser.
        unet_dropout: share of activations dropped in its training, 0 to 1.
        autoencoder_width: channels of the autoencoder.
        autoencoder_fine_blocks: blocks of its decoder at full size.
        scorer_b_shape: sizes of scorer B.
        num_codec_pictures: pictures the codec is fitted on.
        num_calibration_pictures: pictures a scorer is calibrated on.
        autoencoder: how it trains.
        scorer_b: how it trains.
        scorer_a: how it trains.
        denoiser: how it trains.
        denoiser_loss: what its loss depends on.
        few_step: how the adapter for few steps trains.
        few_step_settings: what it is.
        defaults: how the finished generator draws.
        stages: what is trained unless asked otherwise, in order.
        origin: what the files of the finished world say of it.
        seed: root seed; pictures of the stages come from splits of their own.
    """

    size_px: int = 128
    patch_px: int = 8
    latent_channels: int = 16
    text_width: int = 128
    unet_channels: tuple[int, ...] = (96, 160, 256)
    unet_layers: int = 1
    unet_dropout: float = 0.0
    autoencoder_width: int = 32
    autoencoder_fine_blocks: int = 0
    scorer_b_shape: ResNetShape = field(default_factory=ResNetShape)
    num_codec_pictures: int = 600
    num_calibration_pictures: int = 2000
    autoencoder: StageSettings = field(
        default_factory=lambda: StageSettings(num_pictures=30_000, batch_size=12, learning_rate=2e-3, decay_share=0.7)
    )
    scorer_b: StageSettings = field(
        default_factory=lambda: StageSettings(
            num_pictures=300_000, batch_size=64, learning_rate=1e-3, weight_decay=0.05, decay_share=0.7
        )
    )
    scorer_a: StageSettings = field(
        default_factory=lambda: StageSettings(
            num_pictures=300_000, batch_size=64, learning_rate=1e-3, weight_decay=0.05, decay_share=0.7
        )
    )
    denoiser: StageSettings = field(
        default_factory=lambda: StageSettings(num_pictures=1_000_000, batch_size=24, learning_rate=5e-4)
    )
    denoiser_loss: DenoiserLoss = field(default_factory=DenoiserLoss)
    few_step: StageSettings = field(
        default_factory=lambda: StageSettings(
            num_pictures=3_000,
            batch_size=4,
            learning_rate=1e-3,
            weight_decay=0.0,
            warmup_updates=10,
            decay_share=0.5,
            ema_decay=0.95,
            save_every=50,
        )
    )
    few_step_settings: FewStepSettings = field(default_factory=FewStepSettings)
    defaults: GenerationDefaults = field(default_factory=GenerationDefaults)
    stages: tuple[str, ...] = ("autoencoder", "scorer-b", "scorer-a", "denoiser", "few-step")
    origin: WorldOrigin = field(default_factory=WorldOrigin)
    seed: int = 0


def recipe_for(device: str) -> WorldRecipe:
    """Chooses the recipe for a device: on a card larger batches, and several noises a picture, since drawing is slow.

    Args:
        device: such as "cpu" or "cuda".

    Returns:
        The recipe.
    """
    if not device.startswith("cuda"):
        return WorldRecipe()
    workers = max(1, (os.cpu_count() or 2) - 1)
    scorer = StageSettings(
        num_pictures=600_000,
        batch_size=256,
        learning_rate=1.5e-3,
        weight_decay=0.05,
        decay_share=0.7,
        num_workers=workers,
    )
    return WorldRecipe(
        autoencoder=StageSettings(
            num_pictures=120_000, batch_size=64, learning_rate=2e-3, decay_share=0.7, num_workers=workers
        ),
        scorer_a=scorer,
        scorer_b=scorer,
        denoiser=StageSettings(
            num_pictures=1_500_000, batch_size=256, learning_rate=1e-3, ema_decay=0.9995, num_workers=workers
        ),
        denoiser_loss=DenoiserLoss(noises_per_picture=4),
        few_step=StageSettings(
            num_pictures=100_000,
            batch_size=64,
            learning_rate=1e-3,
            weight_decay=0.0,
            decay_share=0.5,
            ema_decay=0.99,
            num_workers=workers,
        ),
    )


_TINY_STAGE = StageSettings(
    num_pictures=32, batch_size=8, learning_rate=1e-3, warmup_updates=2, save_every=2, num_workers=0
)

TINY_RECIPE = WorldRecipe(
    text_width=32,
    unet_channels=(32, 32, 64),
    autoencoder_width=8,
    num_codec_pictures=16,
    num_calibration_pictures=32,
    autoencoder=_TINY_STAGE,
    scorer_a=_TINY_STAGE,
    scorer_b=_TINY_STAGE,
    denoiser=_TINY_STAGE,
    few_step=replace(_TINY_STAGE, num_pictures=8, batch_size=4),
    few_step_settings=FewStepSettings(rank=2, steps=2),
    defaults=GenerationDefaults(steps=2),
)
"""A world of a minute that can do nothing: it shows that every part trains and loads."""


def world_mixture(space: str) -> Mixture:
    """Chooses the sentences a world is trained on.

    Args:
        space: name of a grammar that ships with the package; "full" mixes all of them.

    Returns:
        The mixture; lone people come more often, since they are small, anywhere, and learned last.
    """
    if space != "full":
        grammar = load_grammar(space)
        few = [MixturePart(grammar=grammar, share=0.3, held={"density": "one"})] if "density" in _ids(grammar) else []
        return Mixture([MixturePart(grammar=grammar, share=0.7), *few])
    base, wide, control, full = (load_grammar(name) for name in ("base", "wide", "control", "full"))
    alone = {"density": "one"}
    person = dict.fromkeys(("age", "skin-tone", "gender", "action"), 0.8) | {"emotion": 0.5}
    return Mixture(
        [
            MixturePart(grammar=base, share=0.05),
            MixturePart(grammar=base, share=0.05, held=alone),
            MixturePart(grammar=wide, share=0.12),
            MixturePart(grammar=control, share=0.08),
            MixturePart(grammar=control, share=0.10, mention=0.35),
            MixturePart(grammar=control, share=0.18, mention=0.6, held=alone),
            MixturePart(grammar=control, share=0.22, mention=0.2, mentions=person, held={**alone, "style": "photo"}),
            MixturePart(grammar=full, share=0.09, mention=0.3),
            MixturePart(grammar=load_grammar("two-objects"), share=0.09),
            MixturePart(grammar=load_grammar("people-classes"), share=0.01),
            MixturePart(grammar=load_grammar("indoors"), share=0.01),
        ]
    )


def _ids(grammar: Grammar) -> set[str]:
    return {axis.id for axis in grammar.space.axes}
