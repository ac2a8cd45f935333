"""Watching a run: fixed prompts and seeds drawn along training, scored where that is asked for, and the early stop.

The same pictures are drawn at every look, so what changed since the base model is a paired difference. Nothing is
trained on them.
"""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from rldf.arrays import Image, ImageBatch
from rldf.finetuning.advantages import as_rewards
from rldf.finetuning.judging import is_over_optimised, paired
from rldf.finetuning.networks import read_weights, write_weights
from rldf.finetuning.rollout import roll_out
from rldf.finetuning.settings import RunSettings
from rldf.finetuning.trainer import ScoreImages, Trainer
from rldf.records import RunStore
from rldf.records.durable_files import append_file, write_file
from rldf.records.pictures import encode_png
from rldf.seeding import child_seed

WATCH_FILE = "watch.jsonl"
HEALTHY_FOLDER = "healthy"
HEALTHY_FILE = "weights.safetensors"
PICTURES_PER_ROW = 8  # our choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One scored sheet.

    Attributes:
        epoch: epochs done; 0 for the model as it was given.
        queries: reward queries of the run so far, these pictures not among them.
        rewards: one per picture.
        second: of the second reward; empty where there is none.
        is_alarm: True where the reward rose since epoch 0 and the second one fell.
    """

    epoch: int
    queries: int
    rewards: tuple[float, ...]
    second: tuple[float, ...]
    is_alarm: bool


@final
class Watch:
    """Draws the sheets of a run, and scores them where the settings say so.

    Attributes:
        looks: the scored sheets so far.
    """

    def __init__(
        self,
        store: RunStore,
        *,
        run: RunSettings,
        prompts: Sequence[str],
        seed: int,
        score: ScoreImages,
        second: ScoreImages | None,
    ) -> None:
        """Keeps what is drawn and asked.

        Args:
            store: the run folder.
            run: how many pictures, and whether they are scored.
            prompts: of which the first ones are drawn, again from the first where there are too few.
            seed: root seed.
            score: the reward.
            second: the reward that only judges; None for none.
        """
        self._store = store
        self._run = run
        self._prompts = [prompts[place % len(prompts)] for place in range(run.num_samples)]
        self._seed = seed
        self._score = score
        self._second = second
        self.looks: list[Look] = []

    @property
    def is_stop(self) -> bool:
        """True where the last looks all gave the alarm, as many as the run has patience."""
        last = self.looks[-self._run.patience :]
        return 0 < self._run.patience <= len(last) and all(look.is_alarm for look in last)

    def rewind(self, epoch: int) -> None:
        """Forgets the looks of later epochs: they are done again, and come out the same."""
        if not self._run.use_watch:
            return
        self.looks = [look for look in read_looks(self._store.folder) if look.epoch <= epoch]
        lines = "".join(json.dumps(asdict(look)) + "\n" for look in self.looks)
        write_file(self._store.folder / WATCH_FILE, lines.encode())

    def look(self, trainer: Trainer) -> None:
        """Draws the fixed prompts with what would be the result now, writes the sheet, and scores it where asked for.

        Args:
            trainer: its policy draws.
        """
        result = {} if trainer.updater.average is None else trainer.updater.best_weights
        with trainer.policy.denoiser.holding(result) if result else nullcontext():
            images, seeds = self._draw(trainer)
        self._store.write_image(f"epoch-{trainer.epoch:06d}.png", encode_sheet(images))
        if not self._run.use_watch or any(look.epoch == trainer.epoch for look in self.looks):
            return
        rewards = as_rewards(self._score(images, self._prompts, seeds), count=len(images))
        second = None
        if self._second is not None:
            second = as_rewards(self._second(images, self._prompts, seeds), count=len(images))
        look = Look(
            epoch=trainer.epoch,
            queries=trainer.num_queries,
            rewards=tuple(rewards.tolist()),
            second=() if second is None else tuple(second.tolist()),
            is_alarm=self._is_alarm(rewards, second),
        )
        if not look.is_alarm and self._run.patience > 0:
            folder = self._store.folder / HEALTHY_FOLDER
            folder.mkdir(exist_ok=True)
            write_weights(trainer.updater.best_weights, folder / HEALTHY_FILE)
        self.looks.append(look)
        append_file(self._store.folder / WATCH_FILE, (json.dumps(asdict(look)) + "\n").encode())

    def healthy_weights(self) -> dict[str, Any]:
        """The weights of the last look without the alarm."""
        return read_weights(self._store.folder / HEALTHY_FOLDER / HEALTHY_FILE)

    def _is_alarm(self, rewards: np.ndarray, second: np.ndarray | None) -> bool:
        if second is None or not self.looks:
            return False
        base = self.looks[0]
        return is_over_optimised(
            paired(rewards, np.array(base.rewards)),
            paired(second, np.array(base.second)),
        )

    def _draw(self, trainer: Trainer) -> tuple[ImageBatch, list[int]]:
        policy = trainer.policy
        size = policy.settings.batch_size
        seeds = [child_seed(self._seed, "finetune", "sample", place) for place in range(len(self._prompts))]
        images: list[ImageBatch] = []
        for first in range(0, len(self._prompts), size):
            last = min(first + size, len(self._prompts))
            images.append(
                roll_out(
                    policy,
                    indices=range(first, last),
                    prompts=self._prompts[first:last],
                    seeds=seeds[first:last],
                    keeps_steps=False,
                )[1]
            )
        return np.concatenate(images), seeds


def read_looks(run: Path) -> list[Look]:
    """Reads the scored sheets of a run; a torn last line is dropped."""
    path = run / WATCH_FILE
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    fields = [json.loads(line) for line in lines]
    return [Look(**{**line, "rewards": tuple(line["rewards"]), "second": tuple(line["second"])}) for line in fields]


def encode_sheet(images: ImageBatch) -> bytes:
    """Lays pictures out in rows of eight and encodes them as PNG; the rest of the last row is black.

    Args:
        images: RGB, 0 to 255.

    Returns:
        The file's content.
    """
    columns = min(len(images), PICTURES_PER_ROW)
    rows = -(-len(images) // columns)
    height, width = images.shape[1:3]
    sheet: Image = np.zeros((rows * height, columns * width, 3), dtype=np.uint8)
    for place, image in enumerate(images):
        top, left = place // columns * height, place % columns * width
        sheet[top : top + height, left : left + width] = image
    return encode_png(sheet)
