"""What an epoch consists of, whoever draws it: prompts, seeds, order, and which process does what."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rldf.finetuning.processes import Processes
from rldf.finetuning.settings import TrainSettings
from rldf.seeding import child_rng, child_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochPlan:
    """The pictures of one epoch. It depends on the root seed and the epoch alone, so nothing of it need be stored.

    Attributes:
        prompts: one per picture.
        seeds: one per picture.
        batches: numbers of the pictures behind each update.
        own_batches: for each update, the micro-batches this process draws and trains.
    """

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    batches: tuple[tuple[int, ...], ...]
    own_batches: tuple[tuple[tuple[int, ...], ...], ...]


def plan_epoch(
    prompts: Sequence[str], settings: TrainSettings, *, epoch: int, seed: int, micro_batch: int, processes: Processes
) -> EpochPlan:
    """Plans an epoch: every process plans the same and takes its share of every update.

    A picture is drawn in the very micro-batch in which it is trained, so the replay sees the same inputs in the same
    shapes, and before the first update its log-probabilities are equal to the bit.

    Args:
        prompts: to draw from, each with the same probability.
        settings: how many pictures.
        epoch: from 0.
        seed: root seed.
        micro_batch: pictures that go through the denoiser together.
        processes: that train together.

    Returns:
        The plan.
    """
    rng = child_rng(seed, "finetune", "epoch", epoch)
    count = settings.samples_per_epoch
    drawn = rng.integers(len(prompts), size=count // settings.pictures_per_prompt).tolist()
    order = rng.permutation(count)
    batches = [
        order[first : first + settings.update_batch_size] for first in range(0, count, settings.update_batch_size)
    ]
    shares = [np.array_split(batch, processes.count)[processes.rank] for batch in batches]
    return EpochPlan(
        prompts=tuple(prompts[place] for place in drawn for _ in range(settings.pictures_per_prompt)),
        seeds=tuple(child_seed(seed, "finetune", "picture", epoch, number) for number in range(count)),
        batches=tuple(tuple(batch.tolist()) for batch in batches),
        own_batches=tuple(chunks(share.tolist(), micro_batch) for share in shares),
    )


def chunks(numbers: Sequence[int], size: int) -> tuple[tuple[int, ...], ...]:
    """Cuts numbers into parts of a size; the last may be smaller."""
    return tuple(tuple(numbers[first : first + size]) for first in range(0, len(numbers), size))


def trained_steps(steps: Sequence[int], *, share: float, rng: np.random.Generator) -> list[int]:
    """Chooses which denoising steps are trained, each once, in a random order.

    Args:
        steps: numbers of those that may be.
        share: of them that is trained.
        rng: random source.

    Returns:
        floor(share * T) numbers of steps, at least one.
    """
    count = max(1, int(share * len(steps) + 1e-9))
    return [steps[place] for place in rng.permutation(len(steps))[:count]]
