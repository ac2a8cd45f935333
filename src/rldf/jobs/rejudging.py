"""Draws other pictures for a finished run - of another model, or of other words - and has scorer B judge them alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rldf.contracts import ImageGenerator, Perception
from rldf.errors import RecordError
from rldf.hub import Announce, say_nothing
from rldf.perception.reading import read_image
from rldf.presets.config import SearchConfig
from rldf.presets.loading import config_from_dict
from rldf.presets.shelf import SHELF
from rldf.records import Percept, Prompt, RunRecord, read_run
from rldf.records.durable_files import write_file
from rldf.records.pictures import encode_png
from rldf.search import InputPicture, RunSeeds
from rldf.search.judge import NUM_RESAMPLES, Judgement, judge
from rldf.search.wish import read_inputs
from rldf.seeding import child_rng


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A finished run with what is needed to judge further pictures as its own were judged.

    Attributes:
        run: the run.
        config: its settings.
        inputs: its pictures; several are one concept.
        judge: its scorer B, or A where it judged itself.
        input_reading: what that scorer reads in the input.
        seeds: the run's test seeds, as many as it used.
    """

    run: RunRecord
    config: SearchConfig
    inputs: tuple[InputPicture, ...]
    judge: Perception
    input_reading: Percept
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Pictures of one sentence on the test seeds.

    Attributes:
        sentence: what was drawn.
        judgement: what scorer B says of them.
        scores: of each picture, 0 to 1, in the order of the seeds.
        files: of the pictures, relative to the run folder.
    """

    sentence: str
    judgement: Judgement
    scores: tuple[float, ...]
    files: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Writes it as a record holds it."""
        return {
            "sentence": self.sentence,
            "score": self.judgement.score,
            "score_ci95": list(self.judgement.ci95),
            "scores": list(self.scores),
            "files": list(self.files),
        }


def finished_run(folder: str | Path) -> RunRecord:
    """Reads the record of a run; one that is not finished is a `RecordError`."""
    run = read_run(Path(folder))
    if run.summary is None:
        raise RecordError(
            f"the run '{folder}' is not finished; only found words can be drawn elsewhere. "
            f"Finish it with `rldf runs resume {folder}`."
        )
    return run


def open_finished(folder: str | Path, *, announce: Announce = say_nothing) -> FinishedRun:
    """Opens a finished run to judge further pictures.

    Args:
        folder: its run folder.
        announce: is given one line before anything is downloaded.

    Returns:
        The run with its judge.

    Raises:
        RecordError: if it is not finished, or was judged with other weights.
    """
    run = finished_run(folder)
    assert run.summary is not None
    config = config_from_dict(run.run["config"], place=f"the settings of '{folder}'")
    built = SHELF.judge(config, announce=announce)
    perception, card = SHELF.perception(config, announce=announce) if built is None else (built.perception, built.card)
    if card.digest != run.run["judge"]["digest"]:
        before = run.run["judge"]
        raise RecordError(
            f"the run '{folder}' was judged by '{before['id']}' with weights {before['digest'][:12]}, and those at "
            f"hand are {card.digest[:12]}; scores of two judges cannot be compared. Search the picture again."
        )
    inputs = []
    for entry in run.run["inputs"]:
        read = read_image(run.folder / entry["file"])
        inputs.append(InputPicture(path=entry["path"], sha256=entry["sha256"], image=read.image))
    seeds = RunSeeds(root=config.seed).first("test", len(run.summary["images"]["found"]))
    return FinishedRun(
        run=run,
        config=config,
        inputs=tuple(inputs),
        judge=perception,
        input_reading=read_inputs(perception, inputs),
        seeds=tuple(seeds),
    )


def judge_sentence(
    finished: FinishedRun, sentence: str, *, generator: ImageGenerator, negative: str, prefix: str
) -> Judged:
    """Draws a sentence on the run's test seeds, keeps the pictures in the run folder, and has scorer B judge them.

    Args:
        finished: the run.
        sentence: any text the generator takes.
        generator: draws.
        negative: what to steer away from.
        prefix: of the files, relative to the run folder.

    Returns:
        What came of it.
    """
    size = finished.config.search.batch_size
    readings: list[Percept] = []
    files: list[str] = []
    (finished.run.folder / prefix).parent.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(finished.seeds), size):
        seeds = list(finished.seeds[first : first + size])
        images = generator.generate([Prompt(text=sentence, negative=negative)] * len(seeds), seeds=seeds)
        readings += finished.judge.perceive(images)
        for image in images:
            files.append(f"{prefix}-{len(files):02d}.png")
            write_file(finished.run.folder / files[-1], encode_png(np.asarray(image)))
    return Judged(
        sentence=sentence,
        judgement=judge(readings, input_reading=finished.input_reading, seed=finished.config.seed),
        scores=picture_scores(readings, finished.input_reading),
        files=tuple(files),
    )


def picture_scores(readings: Sequence[Percept], input_reading: Percept) -> tuple[float, ...]:
    """The score of each picture: the mean over axes of the probability of what was read in the input."""
    return tuple(float(reading.probability_of(input_reading.encoding).mean()) for reading in readings)


def paired_interval(first: Sequence[float], second: Sequence[float], *, seed: int) -> tuple[float, float, float]:
    """Compares scores of pictures that share their seeds, pair by pair.

    Args:
        first: scores.
        second: scores on the same seeds.
        seed: of the bootstrap.

    Returns:
        Mean of first - second, and its 95 % percentile bootstrap interval over pairs.
    """
    gains = np.asarray(first) - np.asarray(second)
    picks = child_rng(seed, "paired bootstrap").integers(len(gains), size=(NUM_RESAMPLES, len(gains)))
    low, high = np.quantile(gains[picks].mean(axis=1), [0.025, 0.975])
    return float(gains.mean()), float(low), float(high)
