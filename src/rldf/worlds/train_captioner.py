"""A small free-text captioner: a BLIP trained on drawn pictures with descriptions outside every grammar.

It is a source of prompts to compare a search with, and no part of a search: perception reads pictures by its heads.
"""

from collections.abc import Callable
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessorPil, BlipProcessor

from rldf.renderer.vocabulary import DRAWABLE
from rldf.seeding import child_seed
from rldf.worlds.free_text import describe, vocabulary
from rldf.worlds.pictures import DrawnPictures, Mixture
from rldf.worlds.source import UNSEEN, PictureBatch
from rldf.worlds.stage import Loss, Stage, StageSettings
from rldf.worlds.text import END_ID, build_tokenizer, tokenize

NAME = "captioner"
IMAGE_SIZE_PX = 96  # our choice, as the scorers'
PATCH_PX = 12
PIXEL_MEAN, PIXEL_STD = 0.5, 0.25
MAX_POSITIONS = 80  # a captioner that has not learned to stop is cut off at 64 words, not at its last position

CAPTIONER_STAGE = StageSettings(num_pictures=300_000, batch_size=64, learning_rate=5e-4, decay_share=0.5)
"""How it trains; every number is our choice."""

TINY_CAPTIONER_STAGE = StageSettings(
    num_pictures=32, batch_size=8, learning_rate=1e-3, warmup_updates=2, save_every=2, num_workers=0
)
"""To see that all works."""


def build_captioner(vocabulary_size: int, *, width: int = 192, layers: int = 4) -> BlipForConditionalGeneration:
    """Builds an untrained captioner.

    Args:
        vocabulary_size: of its tokenizer.
        width: of both its parts; divisible by 6.
        layers: of each part.

    Returns:
        A BLIP of 96 px pictures.
    """
    shape = {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": 6,
        "projection_dim": width,
    }
    text = {
        **shape,
        "vocab_size": vocabulary_size,
        "max_position_embeddings": MAX_POSITIONS,
        "encoder_hidden_size": width,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "sep_token_id": END_ID,
        "eos_token_id": END_ID,
    }
    vision = {**shape, "image_size": IMAGE_SIZE_PX, "patch_size": PATCH_PX}
    return BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision, projection_dim=width))


def captioner_loss(model: BlipForConditionalGeneration, *, device: str) -> Loss:
    """Makes the loss: the cross entropy of the next word of a free description.

    Args:
        model: the captioner.
        device: where it computes.

    Returns:
        From a batch and a source of chance to the loss.
    """
    tokenizer = build_tokenizer(vocabulary(DRAWABLE))

    def loss(batch: PictureBatch, rng: torch.Generator) -> torch.Tensor:
        words = np.random.default_rng(int(torch.randint(2**31, (1,), generator=rng, device=rng.device)))
        tokens = tokenize(tokenizer, [describe(seen, words) for seen in seen_terms(batch)]).to(device)
        labels = tokens.masked_fill(tokens == 0, -100)
        output = model(
            pixel_values=prepare(batch.images.cpu().numpy()).to(device),
            input_ids=tokens,
            attention_mask=(tokens != 0).long(),
            labels=labels,
        )
        value: torch.Tensor = output.loss
        return value

    return loss


def seen_terms(batch: PictureBatch) -> list[dict[str, str]]:
    """What is seen in each picture of a batch: axis id to term."""
    return [
        {axis: terms[place] for (axis, terms), place in zip(DRAWABLE.items(), row, strict=True) if place != UNSEEN}
        for row in batch.seen.tolist()
    ]


def prepare(images: np.ndarray) -> torch.Tensor:
    """Prepares pictures as the saved processor does.

    Args:
        images: RGB, 0 to 255, (batch, height, width, 3).

    Returns:
        (batch, 3, 96, 96), float32.
    """
    pixels: torch.Tensor = _processor()(images=list(images), return_tensors="pt")["pixel_values"]
    return pixels


def train_captioner(
    folder: Path,
    *,
    mixture: Mixture,
    settings: StageSettings = CAPTIONER_STAGE,
    device: str = "cpu",
    seed: int = 0,
    minutes: float | None = None,
    width: int = 192,
    on_progress: Callable[[int, float], None] | None = None,
) -> Path:
    """Trains the captioner; interrupted, the same call goes on.

    Args:
        folder: keeps the checkpoint.
        mixture: draws the pictures.
        settings: how it trains.
        device: where it computes.
        seed: root seed of the world.
        minutes: stops after so long, keeps a checkpoint and writes the captioner as it is; None trains to the end.
        width: of the model.
        on_progress: is told the pictures seen and the loss after every update; None tells nobody.

    Returns:
        A folder that transformers loads as an image-to-text model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = build_tokenizer(vocabulary(DRAWABLE))
    torch.manual_seed(child_seed(seed, NAME, "weights"))
    model = build_captioner(len(tokenizer), width=width)
    stage = Stage(
        NAME,
        model,
        captioner_loss(model, device=device),
        settings=settings,
        source=DrawnPictures(mixture, seed=seed, size_px=128),
        seed=seed,
        device=device,
    )
    stage.restore(folder)
    deadline = None if minutes is None else monotonic() + 60 * minutes
    updates = stage.pictures // settings.batch_size
    for loss in () if stage.is_finished else stage.train():
        updates += 1
        if on_progress is not None:
            on_progress(stage.pictures, float(loss))
        is_late = deadline is not None and monotonic() > deadline
        if updates % settings.save_every == 0 or stage.is_finished or is_late:
            stage.save(folder)
        if is_late:
            break
    model.load_state_dict(stage.averaged_weights(), strict=False)
    model.half().save_pretrained(folder / NAME)
    BlipProcessor(_processor(), tokenizer).save_pretrained(folder / NAME)
    return folder / NAME


def _processor() -> BlipImageProcessorPil:
    return BlipImageProcessorPil(
        size={"height": IMAGE_SIZE_PX, "width": IMAGE_SIZE_PX}, image_mean=[PIXEL_MEAN] * 3, image_std=[PIXEL_STD] * 3
    )
