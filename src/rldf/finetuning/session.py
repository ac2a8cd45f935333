"""One fine-tuning run in its folder: epochs, records, checkpoints, samples, and going on exactly where it stopped."""

import json
import resource
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, final

import numpy as np
import PIL.Image

from rldf.arrays import ImageBatch
from rldf.errors import ConfigError, RecordError
from rldf.finetuning.boards import MetricBoard
from rldf.finetuning.checkpoints import FOLDER, find_checkpoints, read_checkpoint, write_checkpoint
from rldf.finetuning.rollout import roll_out
from rldf.finetuning.settings import RunSettings, TrainSettings
from rldf.finetuning.trainer import EpochResult, Trainer
from rldf.records import RunStore, read_json, read_step_lines
from rldf.records.durable_files import append_file, write_file
from rldf.seeding import child_seed

EPOCHS_FILE = "epochs.jsonl"
RESULT_FOLDER = "lora"
OWN_FOLDERS = (FOLDER, RESULT_FOLDER, "denoiser", "tensorboard")


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochDone:
    """One epoch is done and on record.

    Attributes:
        result: what it gave.
        max_queries: that the run may ask in all.
    """

    result: EpochResult
    max_queries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneFinished:
    """The run came to its end.

    Attributes:
        folder: of the run.
        summary: content of `summary.json`.
    """

    folder: Path
    summary: Mapping[str, Any]


FinetuneEvent = EpochDone | FinetuneFinished


@final
class FinetuneSession:
    """Runs a trainer within its budget and keeps everything in a run folder; only the first process writes."""

    def __init__(
        self,
        trainer: Trainer,
        *,
        store: RunStore | None,
        header: Mapping[str, Any],
        train: TrainSettings,
        run: RunSettings,
        sample_prompts: Sequence[str],
        seed: int,
    ) -> None:
        """Keeps what the run needs.

        Args:
            trainer: at its beginning.
            store: the run folder; None in the other processes of several.
            header: goes into `run.json`.
            train: how the weights move.
            run: limits and output.
            sample_prompts: of the sheets along training.
            seed: root seed.

        Raises:
            ConfigError: if the budget is smaller than one epoch.
        """
        if run.max_queries < train.samples_per_epoch:
            raise ConfigError(
                f"run.max_queries is {run.max_queries} and one epoch asks {train.samples_per_epoch}; the budget must "
                "hold at least one epoch. Raise --budget, or lower train.samples_per_epoch."
            )
        self._trainer = trainer
        self._store = store
        self._header = header
        self._run = run
        self._num_epochs = run.max_queries // train.samples_per_epoch
        self._sample_prompts = [sample_prompts[place % len(sample_prompts)] for place in range(run.num_samples)]
        self._seed = seed
        self._seconds_before = 0.0
        self._began = time.monotonic()

    def events(self, *, checkpoint: Path | None = None) -> Iterator[FinetuneEvent]:
        """Trains to the end of the budget.

        Args:
            checkpoint: to go on from; None to begin.

        Yields:
            What happens; the last event is `FinetuneFinished`.
        """
        if checkpoint is not None:
            tensors, state = read_checkpoint(checkpoint)
            self._trainer.restore(tensors, state["trainer"])
            self._seconds_before = float(state["seconds"])
        self._cut_records()
        board = MetricBoard(None if self._store is None or not self._run.use_tensorboard else self._store.folder)
        stopped = "budget"
        if self._trainer.epoch == 0:
            self._write_samples()
        try:
            while self._trainer.epoch < self._num_epochs:
                if 0 < self._run.max_seconds <= self._seconds:
                    stopped = "time"
                    break
                result = self._trainer.run_epoch()
                self._record(result, board=board)
                yield EpochDone(result=result, max_queries=self._run.max_queries)
        except BaseException as error:
            self._leave(error)
            raise
        finally:
            board.close()
        yield self._finish(stopped)

    @property
    def _seconds(self) -> float:
        """Seconds of the run so far, waiting between two sessions left out."""
        return self._seconds_before + time.monotonic() - self._began

    def _cut_records(self) -> None:
        """Drops records of epochs after the checkpoint: they are done again, and come out the same."""
        if self._store is None:
            return
        if not (self._store.folder / "run.json").is_file():
            self._store.write_run(self._header)
        self._store.keep_steps(self._trainer.num_queries)
        path = self._store.folder / EPOCHS_FILE
        lines = path.read_bytes().splitlines(keepends=True)[: self._trainer.epoch] if path.exists() else []
        write_file(path, b"".join(lines))

    def _record(self, result: EpochResult, *, board: MetricBoard) -> None:
        epoch = result.epoch + 1
        is_last = epoch == self._num_epochs
        every = self._run.sample_every
        if every and (epoch % every == 0 or is_last):
            self._write_samples()
        if self._store is None:
            return
        line = epoch_line(result)
        self._store.append_steps([asdict(picture) for picture in result.pictures])
        append_file(self._store.folder / EPOCHS_FILE, (json.dumps(line, allow_nan=False) + "\n").encode())
        board.write(line)
        if epoch % self._run.checkpoint_every == 0 or is_last:
            self.write_checkpoint()

    def write_checkpoint(self) -> None:
        """Writes a checkpoint of the trainer as it is."""
        assert self._store is not None
        tensors, state = self._trainer.state()
        write_checkpoint(
            self._store.folder,
            epoch=self._trainer.epoch,
            tensors=tensors,
            state={"trainer": state, "seconds": self._seconds},
            kept=self._run.kept_checkpoints,
        )

    def _leave(self, error: BaseException) -> None:
        """Says in the folder of a run that ends early how to go on."""
        if self._store is None:
            return
        reason = "interrupted" if isinstance(error, KeyboardInterrupt | GeneratorExit) else str(error)
        checkpoint = last_checkpoint(self._store.folder)
        with suppress(RecordError):  # a full disk may be the very reason
            self._store.write_interrupted(
                {
                    "reason": reason,
                    "checkpoint": None if checkpoint is None else str(checkpoint),
                    "resume": f"rldf finetune run --resume {self._store.folder}",
                }
            )

    def _write_samples(self) -> None:
        """Draws the fixed prompts with the weights as they are; these pictures are not scored."""
        if self._store is None:
            return
        policy = self._trainer.policy
        size = policy.settings.batch_size
        images: list[ImageBatch] = []
        for first in range(0, len(self._sample_prompts), size):
            prompts = self._sample_prompts[first : first + size]
            seeds = [child_seed(self._seed, "finetune", "sample", first + place) for place in range(len(prompts))]
            indices = range(first, first + len(prompts))
            images.append(roll_out(policy, indices=indices, prompts=prompts, seeds=seeds, keeps_steps=False)[1])
        sheet = np.concatenate(list(np.concatenate(images)), axis=1)
        self._store.write_image(f"epoch-{self._trainer.epoch:06d}.png", _encode_png(sheet))

    def _finish(self, stopped: str) -> FinetuneFinished:
        """Writes the weights in the form diffusers loads, and the summary."""
        if self._store is None:
            return FinetuneFinished(folder=Path(), summary={})
        denoiser = self._trainer.policy.denoiser
        folder = self._store.folder / (RESULT_FOLDER if denoiser.settings.kind == "lora" else "denoiser")
        with denoiser.holding(self._trainer.updater.best_weights):
            denoiser.save(folder)
        epochs = read_epoch_lines(self._store.folder)
        summary = {
            "run": str(self._store.folder),
            "kind": "finetune",
            "result": str(folder),
            "method": self._header["config"]["train"]["method"],
            "model": self._header["model"],
            "stopped": stopped,
            "epochs": len(epochs),
            "start_reward": epochs[0]["reward_mean"] if epochs else None,
            "reward": epochs[-1]["reward_mean"] if epochs else None,
            "budget": {
                "queries": self._trainer.num_queries,
                "max_queries": self._run.max_queries,
                "updates": self._trainer.updater.num_updates,
                "seconds": round(self._seconds, 3),
                "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            },
        }
        self._store.write_summary(summary)
        return FinetuneFinished(folder=self._store.folder, summary=summary)


def epoch_line(result: EpochResult) -> dict[str, Any]:
    """Writes what an epoch gave as one JSON object: a line of `epochs.jsonl`."""
    tally = result.tally
    rewards = result.rewards
    norms = [norm for norm in tally.gradient_norms if np.isfinite(norm)]
    return {
        "epoch": result.epoch,
        "queries": result.num_queries,
        "updates": result.num_updates,
        "reward_mean": float(rewards.mean()),
        "reward_std": float(rewards.std()),
        "reward_min": float(rewards.min()),
        "reward_max": float(rewards.max()),
        "losses": tally.losses,
        "gradient_norm": float(np.mean(norms)) if norms else None,
        "first_deviation": tally.first_deviation,
        "approx_kl": tally.approx_kl,
        "clip_fraction": tally.clip_fraction,
        "divergence": tally.divergence,
        "step_ratios": tally.step_ratios,
        "step_deviations": tally.step_deviations,
        "seconds": round(result.seconds, 3),
    }


def read_epoch_lines(run: Path) -> list[dict[str, Any]]:
    """Reads `epochs.jsonl`; a torn last line is dropped."""
    path = run / EPOCHS_FILE
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def begin_folder(folder: Path, *, request: Mapping[str, Any], force: bool = False) -> RunStore:
    """Makes a run folder, without anything of an older run in it.

    Args:
        folder: where.
        request: what is needed to begin again.
        force: True to remove an older run that lies there.

    Returns:
        The store, holding the folder's lock.
    """
    store = RunStore.create(folder, request=request, force=force)
    for name in OWN_FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / EPOCHS_FILE).unlink(missing_ok=True)
    return store


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint of a run; None where it has none."""
    found = find_checkpoints(folder)
    return found[-1] if found else None


def read_finetune_run(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Reads a fine-tuning run.

    Args:
        folder: of the run.

    Returns:
        Content of `run.json` or `request.json`, the epochs, and the reward queries.

    Raises:
        RecordError: if there is no such run.
    """
    names = [name for name in ("run.json", "request.json") if (folder / name).is_file()]
    header = read_json(folder / names[0]) if names else {}
    if header.get("kind") != "finetune":
        raise RecordError(f"there is no fine-tuning run in '{folder}'; `rldf finetune run` writes one. Check the path.")
    return header, read_epoch_lines(folder), read_step_lines(folder)


def _encode_png(image: np.ndarray) -> bytes:
    buffer = BytesIO()
    PIL.Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()
