"""What a world of photographs is made of: sizes and settings, for a card and for a processor."""

from dataclasses import replace

from rldf.worlds.assemble import GenerationDefaults, WorldOrigin
from rldf.worlds.recipe import TINY_RECIPE, WorldRecipe
from rldf.worlds.stage import StageSettings
from rldf.worlds.train_scorer import ResNetShape

PHOTO_ORIGIN = WorldOrigin(
    name="photos",
    version="1",
    source="trained from scratch by `rldf world train --recipe photos` on a Tiny ImageNet subset",
    licence="for research: trained on photographs of ImageNet, whose terms allow no other use",
)
PHOTO_STAGES = ("autoencoder", "denoiser", "scorer-b", "scorer-a")
"""In the order in which they are wanted; `few-step` is trained where it is asked for."""


def photo_recipe(device: str) -> WorldRecipe:
    """Chooses the recipe of a world of photographs of 64 px.

    The latents are 24 components of patches of 4 px: all that JPEG with halved colours leaves of them (46 dB), so the
    denoiser works on pixels in all but name, on a quarter of the rows.

    Args:
        device: such as "cpu" or "cuda"; a card gets large batches and rare reports.

    Returns:
        The recipe.
    """
    is_card = device.startswith("cuda")

    def stage(num_pictures: int, batch_size: int, learning_rate: float, **more: float) -> StageSettings:
        return StageSettings(
            num_pictures=num_pictures,
            batch_size=batch_size if is_card else max(16, batch_size // 16),
            learning_rate=learning_rate,
            weight_decay=more.get("weight_decay", 0.01),
            decay_share=more.get("decay_share", 0.3),
            warmup_updates=500 if is_card else 100,
            ema_decay=more.get("ema_decay", 0.999),
            save_every=10_000 if is_card else 200,
            report_every=20 if is_card else 1,
            num_workers=0,
        )

    scorer = stage(2_000_000, 512, 1e-3, weight_decay=0.05, decay_share=0.7)
    return WorldRecipe(
        size_px=64,
        patch_px=4,
        latent_channels=24,
        unet_channels=(96, 160, 192),
        unet_layers=2,
        unet_dropout=0.1,
        autoencoder_width=48,
        autoencoder_fine_blocks=1,
        scorer_b_shape=ResNetShape(channels=(64, 128, 192, 128), depths=(1, 2, 2, 1)),
        num_codec_pictures=2000,
        num_calibration_pictures=1250,
        autoencoder=stage(600_000, 128, 2e-3, decay_share=0.7),
        scorer_a=scorer,
        scorer_b=scorer,
        denoiser=stage(8_000_000, 512, 8e-4, ema_decay=0.9995),
        defaults=GenerationDefaults(steps=20, guidance_scale=2.0, size_px=64),
        stages=PHOTO_STAGES,
        origin=PHOTO_ORIGIN,
    )


TINY_PHOTO_RECIPE = replace(
    TINY_RECIPE,
    size_px=64,
    patch_px=4,
    latent_channels=24,
    unet_layers=2,
    unet_dropout=0.1,
    autoencoder_fine_blocks=1,
    scorer_b_shape=ResNetShape(channels=(16, 16, 32, 32)),
    defaults=GenerationDefaults(steps=2, size_px=64),
    stages=PHOTO_STAGES,
    origin=PHOTO_ORIGIN,
)
"""The same at a minute's size: it shows that every part trains and loads."""
