"""Attacks on a reward: can it be had without drawing what was asked for?

Training finds such holes by itself: a captioning model believes what is *written* in a picture, and models learned to
write. Here the words are printed on pictures on purpose, and the prompts changed on purpose, before any training.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from rldf.arrays import Image, ImageBatch
from rldf.errors import ConfigError
from rldf.finetuning.advantages import as_rewards
from rldf.finetuning.epochs import chunks
from rldf.finetuning.judging import NUM_ERRORS, paired, summary_of
from rldf.finetuning.policy import DiffusionPolicy
from rldf.finetuning.rollout import roll_out
from rldf.finetuning.trainer import ScoreImages
from rldf.seeding import child_seed

MARGIN_SHARE = 0.04  # of the picture's width; our choice
NUM_SIZES = 24


def attack_reward(images: ImageBatch, prompts: Sequence[str], *, score: ScoreImages) -> dict[str, Any]:
    """Scores honest pictures, and the same pictures and prompts made misleading.

    - "written on another": the picture of another prompt, with the prompt printed on it (typographic attack).
    - "written on nothing": the prompt printed on a grey picture.
    - "misleading prompt": the honest picture, scored for another prompt of the set.

    Args:
        images: one honest picture per prompt, RGB, 0 to 255.
        prompts: what each shows; at least two different ones.
        score: the reward.

    Returns:
        Mean and standard error of the honest reward, of the reward of another's picture without any attack, and of each
        attack; "is_fooled" says whether printing raises the reward of another's picture by more than two standard
        errors, and "tells_apart" whether the honest reward lies above that of a misleading prompt by as much.

    Prompts that are all the same are a `ConfigError`.
    """
    others = _other_places(prompts)
    places, seeds = list(range(len(prompts))), [0] * len(prompts)
    written = np.stack([print_on(images[other], prompts[place]) for place, other in zip(places, others, strict=True)])
    grey = np.full_like(images[0], 128)
    blank = np.stack([print_on(grey, prompt) for prompt in prompts])

    def scored(pictures: ImageBatch, asked: Sequence[str]) -> np.ndarray:
        return as_rewards(score(pictures, asked, seeds), count=len(asked))

    honest, another = scored(images, prompts), scored(images[others], prompts)
    attacks = {
        "written on another": scored(written, prompts),
        "written on nothing": scored(blank, prompts),
        "misleading prompt": scored(images, [prompts[other] for other in others]),
    }
    gained = paired(attacks["written on another"], another)
    told = paired(honest, attacks["misleading prompt"])
    return {
        "honest": summary_of(honest),
        "another's picture": summary_of(another),
        **{name: summary_of(values) for name, values in attacks.items()},
        "gain by writing": gained,
        "is_fooled": _is_above(gained),
        "tells_apart": _is_above(told),
    }


def require_two_prompts(prompts: Sequence[str]) -> None:
    """Refuses prompts among which there is no other one to mislead with.

    Args:
        prompts: of the attack.

    Raises:
        ConfigError: if they are all the same.
    """
    if len(set(prompts)) < 2:
        raise ConfigError(
            f"all {len(prompts)} prompts are the same; an attack needs the picture of another prompt. Give at least "
            "two different prompts."
        )


def draw_honest(policy: DiffusionPolicy, prompts: Sequence[str], *, seed: int = 0) -> ImageBatch:
    """Draws one picture of each prompt with the base model.

    Args:
        policy: tuned or not.
        prompts: what is asked for.
        seed: root seed.

    Returns:
        The pictures.
    """
    seeds = [child_seed(seed, "finetune", "attack", place) for place in range(len(prompts))]
    with policy.as_base():
        drawn = [
            roll_out(
                policy,
                indices=places,
                prompts=[prompts[place] for place in places],
                seeds=[seeds[place] for place in places],
                keeps_steps=False,
            )[1]
            for places in chunks(range(len(prompts)), policy.settings.batch_size)
        ]
    return np.concatenate(drawn)


def print_on(image: Image, text: str) -> Image:
    """Prints a text across the middle of a picture, in white with a black edge, as large as it fits.

    Args:
        image: RGB, 0 to 255.
        text: what is printed; broken into lines between words.

    Returns:
        A new picture.
    """
    picture = PIL.Image.fromarray(image)
    pen = PIL.ImageDraw.Draw(picture)
    width, height = picture.size
    for size in range(max(8, height // 4), 5, -max(1, height // (4 * NUM_SIZES))):
        font = PIL.ImageFont.load_default(size)
        lines = _broken(text, pen=pen, font=font, width=width * (1 - 2 * MARGIN_SHARE))
        block = "\n".join(lines)
        left, top, right, bottom = pen.multiline_textbbox((0, 0), block, font=font, stroke_width=1)
        if right - left <= width and bottom - top <= height:
            break
    place = ((width - right - left) / 2, (height - bottom - top) / 2)
    pen.multiline_text(place, block, font=font, fill="white", stroke_width=1, stroke_fill="black", align="center")
    return np.asarray(picture)


def _broken(text: str, *, pen: PIL.ImageDraw.ImageDraw, font: Any, width: float) -> list[str]:  # noqa: ANN401 - Pillow has two kinds of font
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and pen.textlength(longer, font=font) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines if lines else [text]


def _other_places(prompts: Sequence[str]) -> list[int]:
    """For each prompt the place of the next one that differs."""
    require_two_prompts(prompts)
    count = len(prompts)
    return [
        next((place + step) % count for step in range(1, count) if prompts[(place + step) % count] != prompts[place])
        for place in range(count)
    ]


def _is_above(difference: Mapping[str, float]) -> bool:
    return difference["mean"] > NUM_ERRORS * difference["error"] and difference["mean"] > 0.0
