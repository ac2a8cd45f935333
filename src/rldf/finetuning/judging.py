"""Judging: base and tuned model side by side, on seen and unseen prompts, by the reward and by a second one.

The same prompts and seeds are drawn by both models, so differences are paired. A second reward that falls while the
first rises raises the alarm: the reward was over-optimised.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from rldf.arrays import ImageBatch
from rldf.contracts import ImageEmbedder, Perception
from rldf.errors import ConfigError
from rldf.evaluation.class_score import scorer_class_score
from rldf.evaluation.frechet import FrechetMetric
from rldf.evaluation.vendi import vendi_score
from rldf.finetuning.advantages import Rewards, as_rewards
from rldf.finetuning.epochs import chunks
from rldf.finetuning.policy import DiffusionPolicy
from rldf.finetuning.rollout import roll_out
from rldf.finetuning.trainer import ScoreImages
from rldf.seeding import child_rng, child_seed

NUM_ERRORS = 2.0  # our choice: a difference counts from two standard errors
THUMBNAIL_PX = 8  # our choice: side of the pictures whose pixels stand in for embeddings


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Pictures of one model on one set of prompts.

    Attributes:
        prompts: one per picture.
        images: RGB, 0 to 255.
        rewards: one per picture.
        second: of the second reward; None where there is none.
        divergence: KL divergence of whole trajectories from the base, in nats, one per picture.
    """

    prompts: tuple[str, ...]
    images: ImageBatch
    rewards: Rewards
    second: Rewards | None
    divergence: Rewards


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """How much is drawn to judge.

    Attributes:
        max_prompts: prompts of each set, at least 1; of a larger set as many are drawn by the seed.
        pictures_per_prompt: of each model, at least 2, to tell how different they are.
        seed: root seed.
    """

    max_prompts: int = 8
    pictures_per_prompt: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_prompts < 1 or self.pictures_per_prompt < 2:
            raise ConfigError(
                f"{self.max_prompts} prompts with {self.pictures_per_prompt} pictures each cannot be judged; at least "
                "1 prompt and 2 pictures are needed. Give more."
            )


def judge_policy(
    policy: DiffusionPolicy,
    *,
    prompts: Mapping[str, Sequence[str]],
    score: ScoreImages,
    second: ScoreImages | None,
    embedder: ImageEmbedder | None,
    perception: Perception | None = None,
    settings: JudgeSettings,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Compares a tuned policy with its base.

    Args:
        policy: tuned.
        prompts: name of a set, such as "trained" or "unseen", to its prompts.
        score: the reward.
        second: a reward that was not trained on; None for none.
        embedder: embeds pictures; None to compare small pictures pixel by pixel.
        perception: reads pictures, for the inception-style score; None to leave that out.
        settings: how much is drawn.

    Yields:
        Name of a set, and what was found on it.
    """
    for name, texts in prompts.items():
        chosen = choose_prompts(texts, settings, name=name)
        drawn = {
            side: _draw(policy, chosen, is_base=side == "base", name=name, score=score, second=second, how=settings)
            for side in ("base", "tuned")
        }
        yield name, compare(drawn["base"], drawn["tuned"], embedder=embedder, perception=perception)


def choose_prompts(prompts: Sequence[str], settings: JudgeSettings, *, name: str) -> list[str]:
    """Chooses the prompts of a set that are judged, the same for both models.

    Args:
        prompts: of the set.
        settings: how many, and the root seed.
        name: of the set.

    Returns:
        Prompts in the order of the set.
    """
    if len(prompts) <= settings.max_prompts:
        return list(prompts)
    rng = child_rng(settings.seed, "finetune", "judge", name, "prompts")
    places = rng.choice(len(prompts), size=settings.max_prompts, replace=False)
    return [prompts[place] for place in sorted(places.tolist())]


def compare(
    base: Drawn, tuned: Drawn, *, embedder: ImageEmbedder | None, perception: Perception | None = None
) -> dict[str, Any]:
    """Compares the pictures of two models, which come from the same prompts and seeds.

    Args:
        base: of the base model.
        tuned: of the tuned one.
        embedder: embeds pictures; None to compare small pictures pixel by pixel.
        perception: reads pictures, for the inception-style score; None to leave that out.

    Returns:
        What can be written as JSON; "notes" says in one line each what a reader must know.
    """
    rows = {side: features_of(each.images, embedder) for side, each in (("base", base), ("tuned", tuned))}
    gain = paired(tuned.rewards, base.rewards)
    distance = FrechetMetric().compute(rows["base"], rows["tuned"])[0]
    judged = None if tuned.second is None or base.second is None else paired(tuned.second, base.second)
    return {
        "pictures": len(base.images),
        "reward": {"base": summary_of(base.rewards), "tuned": summary_of(tuned.rewards), "gain": gain},
        "second": None
        if base.second is None or tuned.second is None
        else {"base": summary_of(base.second), "tuned": summary_of(tuned.second), "gain": judged},
        "alarm": is_over_optimised(gain, judged),
        "diversity": {
            side: {**diversity_of(rows[side], base.prompts), **class_scores_of(each.images, perception)}
            for side, each in (("base", base), ("tuned", tuned))
        },
        "drift": {
            "frechet": distance.value,
            "kl_nats": float(tuned.divergence.mean()),
        },
        "features": "small pictures" if embedder is None else f"embeddings of {type(embedder).__name__}",
        "notes": list(distance.warnings),
    }


def is_over_optimised(gain: Mapping[str, float], second: Mapping[str, float] | None) -> bool:
    """Says whether the reward rose while the second one fell, both by more than two standard errors."""
    if second is None:
        return False
    rose = gain["mean"] > NUM_ERRORS * gain["error"]
    return rose and second["mean"] < -NUM_ERRORS * second["error"]


def paired(tuned: Rewards, base: Rewards) -> dict[str, float]:
    """Mean of paired differences, and its standard error."""
    return summary_of(tuned - base)


def summary_of(values: Rewards) -> dict[str, float]:
    """Mean of some numbers, and its standard error: infinite for a single number, which shows nothing."""
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else inf
    return {"mean": float(values.mean()), "error": error}


def diversity_of(rows: Float[np.ndarray, "pictures features"], prompts: Sequence[str]) -> dict[str, float]:
    """How different pictures are.

    Args:
        rows: unit-length features of each picture.
        prompts: one per picture.

    Returns:
        "pairwise": mean cosine distance between pictures of one prompt; "vendi": effective number of pictures.
    """
    distances = []
    for prompt in dict.fromkeys(prompts):
        places = [place for place, other in enumerate(prompts) if other == prompt]
        cosines = rows[places] @ rows[places].T
        distances += [1.0 - cosines[upper] for upper in zip(*np.triu_indices(len(places), k=1), strict=True)]
    return {"pairwise": float(np.mean(distances)) if distances else 0.0, "vendi": float(vendi_score(rows))}


def class_scores_of(images: ImageBatch, perception: Perception | None) -> dict[str, Any]:
    """Inception-style score of pictures from a scorer's class probabilities.

    Args:
        images: RGB, 0 to 255.
        perception: reads them; None for nothing.

    Returns:
        "scorer_class_score": axis id to score, from 1 to the number of its terms; empty without a scorer.
    """
    if perception is None:
        return {}
    percepts = perception.perceive(images)
    scores = {
        axis.id: scorer_class_score(np.stack([percept.probabilities[place] for percept in percepts]))
        for place, axis in enumerate(perception.space.axes)
    }
    return {"scorer_class_score": scores}


def features_of(images: ImageBatch, embedder: ImageEmbedder | None) -> Float[np.ndarray, "pictures features"]:
    """Unit-length features of pictures: embeddings, or the pixels of small copies, float64."""
    if embedder is not None:
        rows = np.asarray(embedder.embed_images(images), dtype=np.float64)
    else:
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).double() / 255.0
        small = torch.nn.functional.adaptive_avg_pool2d(pixels, THUMBNAIL_PX)
        rows = np.asarray(small.flatten(1).numpy())
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


def _draw(
    policy: DiffusionPolicy,
    texts: Sequence[str],
    *,
    is_base: bool,
    name: str,
    score: ScoreImages,
    second: ScoreImages | None,
    how: JudgeSettings,
) -> Drawn:
    prompts = [text for text in texts for _ in range(how.pictures_per_prompt)]
    seeds = [child_seed(how.seed, "finetune", "judge", name, place) for place in range(len(prompts))]
    images, divergence = [], []
    for places in chunks(range(len(prompts)), policy.settings.batch_size):
        with policy.as_base() if is_base else nullcontext():
            trajectories, drawn = roll_out(
                policy,
                indices=places,
                prompts=[prompts[place] for place in places],
                seeds=[seeds[place] for place in places],
            )
        images.append(drawn)
        divergence.append(
            np.zeros(len(places)) if is_base else _divergence(policy, trajectories.latents, prompts, places)
        )
    pictures = np.concatenate(images)
    return Drawn(
        prompts=tuple(prompts),
        images=pictures,
        rewards=as_rewards(score(pictures, prompts, seeds), count=len(prompts)),
        second=None if second is None else as_rewards(second(pictures, prompts, seeds), count=len(prompts)),
        divergence=np.concatenate(divergence),
    )


def _divergence(
    policy: DiffusionPolicy, latents: torch.Tensor, prompts: Sequence[str], places: Sequence[int]
) -> Rewards:
    """KL divergence from the base along trajectories, summed over steps and dimensions, in nats."""
    texts = [prompts[place] for place in places]
    total = torch.zeros(len(texts), device=policy.device)
    with torch.no_grad():
        for step in range(len(policy.sampler)):
            mean = policy.mean(latents[:, step], texts, step=step)
            with policy.as_base():
                base = policy.mean(latents[:, step], texts, step=step)
            total += policy.sampler.divergence(mean, base, step=step) * policy.num_dimensions
    return np.asarray(total.double().cpu().numpy())
