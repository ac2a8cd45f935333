"""One fine-tuning run in its folder: epochs, records, checkpoints, samples, and going on exactly where it stopped."""

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from rldf.errors import ConfigError, RecordError
from rldf.finetuning.boards import MetricBoard
from rldf.finetuning.checkpoints import FOLDER, epoch_of, find_checkpoints, read_checkpoint, write_checkpoint
from rldf.finetuning.settings import RunSettings, TrainSettings
from rldf.finetuning.trainer import EpochResult, Trainer
from rldf.finetuning.watching import HEALTHY_FOLDER, WATCH_FILE, Watch
from rldf.generators.adapters import ABOUT_FILE
from rldf.records import RunStore, read_json, read_step_lines
from rldf.records.durable_files import append_file, write_file
from rldf.records.memory import peak_rss_mib

EPOCHS_FILE = "epochs.jsonl"
RESULT_FOLDER = "lora"
OWN_FOLDERS = (FOLDER, RESULT_FOLDER, HEALTHY_FOLDER, "denoiser", "tensorboard")
OWN_FILES = (EPOCHS_FILE, WATCH_FILE, "evaluation.json", "report.html")


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
        watch: Watch | None = None,
    ) -> None:
        """Keeps what the run needs.

        Args:
            trainer: at its beginning.
            store: the run folder; None in the other processes of several.
            header: goes into `run.json`.
            train: how the weights move.
            run: limits and output.
            watch: draws and scores the sheets along training; None for no sheets.

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
        self._watch = watch
        self._seconds_before = 0.0
        self._began = time.monotonic()

    def events(self, *, checkpoint: Path | None = None) -> Iterator[FinetuneEvent]:
        """Trains to the end of the budget, or until the reward is over-optimised, where the run has patience.

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
        if self._trainer.epoch == 0 and self._watch is not None:
            self._watch.look(self._trainer)
        try:
            while (stopped := self._reason_to_stop()) == "":
                result = self._trainer.run_epoch()
                self._record(result, board=board)
                yield EpochDone(result=result, max_queries=self._run.max_queries)
        except BaseException as error:
            self._leave(error)
            raise
        finally:
            board.close()
        yield self._finish(stopped)

    def _reason_to_stop(self) -> str:
        """Why no further epoch begins; "" where one does. All processes find the same."""
        reason = ""
        if self._watch is not None and self._watch.is_stop:
            reason = "alarm"
        elif self._trainer.epoch >= self._num_epochs:
            reason = "budget"
        elif 0 < self._run.max_seconds <= self._seconds:
            reason = "time"
        return next((each for each in self._trainer.processes.gather([reason]) if each), "")

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
        if self._watch is not None:
            self._watch.rewind(self._trainer.epoch)

    def _record(self, result: EpochResult, *, board: MetricBoard) -> None:
        epoch = result.epoch + 1
        is_last = epoch == self._num_epochs
        every = self._run.sample_every
        if self._watch is not None and every and (epoch % every == 0 or is_last):
            self._watch.look(self._trainer)
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

    def _finish(self, stopped: str) -> FinetuneFinished:
        """Writes the last checkpoint, the weights in the form diffusers loads, and the summary."""
        if self._store is None:
            return FinetuneFinished(folder=Path(), summary={})
        newest = last_checkpoint(self._store.folder)
        if newest is None or epoch_of(newest) != self._trainer.epoch:
            self.write_checkpoint()
        denoiser, weights = self._trainer.policy.denoiser, self._trainer.updater.best_weights
        if stopped == "alarm":
            assert self._watch is not None
            weights = self._watch.healthy_weights()
        folder = self._store.folder / (RESULT_FOLDER if denoiser.settings.kind == "lora" else "denoiser")
        with denoiser.holding(weights):
            denoiser.save(folder)
        if denoiser.settings.kind == "lora":
            write_file(folder / ABOUT_FILE, (json.dumps(self._about(), indent=2) + "\n").encode())
        summary = self._summary(stopped, result=folder)
        self._store.write_summary(summary)
        return FinetuneFinished(folder=self._store.folder, summary=summary)

    def _summary(self, stopped: str, *, result: Path) -> dict[str, Any]:
        assert self._store is not None
        epochs = read_epoch_lines(self._store.folder)
        looks = [] if self._watch is None else self._watch.looks
        healthy = [look.epoch for look in looks if not look.is_alarm]
        return {
            "run": str(self._store.folder),
            "kind": "finetune",
            "result": str(result),
            "method": self._header["config"]["train"]["method"],
            "model": self._header["model"],
            "stopped": stopped,
            "epochs": len(epochs),
            "result_epoch": healthy[-1] if stopped == "alarm" else len(epochs),
            "start_reward": epochs[0]["reward_mean"] if epochs else None,
            "reward": epochs[-1]["reward_mean"] if epochs else None,
            "alarm": bool(looks) and looks[-1].is_alarm,
            "budget": {
                "queries": self._trainer.num_queries,
                "max_queries": self._run.max_queries,
                "watched": sum(len(look.rewards) for look in looks),
                "updates": self._trainer.updater.num_updates,
                "skipped": self._trainer.updater.num_skipped,
                "seconds": round(self._seconds, 3),
                "peak_rss_mib": round(peak_rss_mib(), 1),
            },
        }

    def _about(self) -> dict[str, Any]:
        """What a generator must know of the LoRA: how it was drawn with, and which model it belongs to."""
        sampling = self._trainer.policy.settings
        return {
            "steps": sampling.num_steps,
            "guidance_scale": sampling.guidance_scale,
            "model": self._header["model"],
            "method": self._header["config"]["train"]["method"],
        }


def epoch_line(result: EpochResult) -> dict[str, Any]:
    """Writes what an epoch gave as one JSON object: a line of `epochs.jsonl`."""
    tally = result.tally
    rewards = result.rewards
    norms = [norm for norm in tally.gradient_norms if np.isfinite(norm)]
    return {
        "epoch": result.epoch,
        "queries": result.num_queries,
        "updates": result.num_updates,
        "skipped": result.num_skipped,
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
    for name in OWN_FILES:
        (folder / name).unlink(missing_ok=True)
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
