"""`runs transfer`: the words a run found, drawn by another generator and judged as the run's own pictures were."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from rldf.hub import Announce, say_nothing
from rldf.jobs.generate import folder_name
from rldf.jobs.rejudging import (
    FinishedRun,
    Judged,
    finished_run,
    judge_sentence,
    open_finished,
    paired_interval,
    picture_scores,
)
from rldf.presets.config import SearchConfig
from rldf.presets.shelf import SHELF
from rldf.records import Extra, ExtraPicture, write_extra
from rldf.records.durable_files import write_file
from rldf.records.pictures import read_png
from rldf.web import write_report


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Found words, drawn elsewhere.

    Attributes:
        folder: where the pictures are.
        facts: content of `transfer.json`.
    """

    folder: Path
    facts: Mapping[str, Any]


def transfer(run_folder: str | Path, config: SearchConfig, *, announce: Announce = say_nothing) -> Transfer:
    """Draws the found words and the start of a finished run with another generator, on the run's test seeds.

    Args:
        run_folder: a finished run.
        config: settings whose model is the other generator; scorers and grammar stay those of the run.
        announce: is given one line before anything is downloaded.

    Returns:
        Scores before and after.
    """
    finished = open_finished(run_folder, announce=announce)
    summary = finished.run.summary
    assert summary is not None
    built = SHELF.generator(config.model, announce=announce)
    negative = config.model.negative_prompt
    fixed = sha256(f"{built.card.identity} {negative}".encode()).hexdigest()[:8]  # whatever else changes pictures
    name = f"{folder_name(Path(built.card.id).name)}-{fixed}"

    def draw(kind: str, sentence: str) -> Judged:
        prefix = f"transfers/{name}/{kind}"
        return judge_sentence(finished, sentence, generator=built.image_generator, negative=negative, prefix=prefix)

    found = draw("found", summary["sentence"])
    is_start_found = summary["start_sentence"] == summary["sentence"]
    start = found if is_start_found else draw("start", summary["start_sentence"])
    own = own_scores(finished, "found")
    gain, low, high = paired_interval(found.scores, own, seed=finished.config.seed)
    facts = {
        "run": str(finished.run.folder),
        "from": finished.run.run["model"],
        "to": {"id": built.card.id, "digest": built.card.digest, "identity": built.card.identity},
        "before": {"score": summary["score"], "score_ci95": summary["score_ci95"]},
        "after": found.as_json(),
        "after_start": start.as_json(),
        "difference": gain,
        "difference_ci95": [low, high],
    }
    folder = finished.run.folder / "transfers" / name
    write_file(folder / "transfer.json", (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode())
    steps = f" in {config.model.steps} steps" if config.model.steps > 0 else ""
    _tell_run(finished, found, name=name, model=f"{built.card.id}{steps}")
    write_report(finished.run.folder)
    return Transfer(folder=folder, facts=facts)


def plan_transfer(run_folder: str | Path) -> int:
    """Counts the pictures a transfer of a finished run draws at most, without loading or drawing anything."""
    summary = finished_run(run_folder).summary
    assert summary is not None
    is_start_found = summary["start_sentence"] == summary["sentence"]
    return len(summary["images"]["found"]) * (1 if is_start_found else 2)


def own_scores(finished: FinishedRun, kind: str) -> tuple[float, ...]:
    """Scores of the run's own test pictures, from its files."""
    assert finished.run.summary is not None
    images = [read_png(finished.run.folder / file) for file in finished.run.summary["images"][kind]]
    return picture_scores(finished.judge.perceive(np.stack(images)), finished.input_reading)


def _tell_run(finished: FinishedRun, found: Judged, *, name: str, model: str) -> None:
    """Puts the transfer on the run's report."""
    summary = finished.run.summary
    assert summary is not None
    low, high = found.judgement.ci95
    here, there = summary["images"]["found"][:8], found.files[:8]
    pictures = [
        ExtraPicture(file=file, caption=caption)
        for own, other in zip(here, there, strict=False)
        for file, caption in ((own, "here"), (other, "elsewhere"))
    ]
    write_extra(
        finished.run.folder,
        f"transfer-{name}",
        Extra(
            kind="transfer",
            title=f"The same words, drawn by {model}",
            text="Above the run's own model, below the other one, with the same seeds; judged by the same scorer.",
            layout="pairs",
            pictures=tuple(pictures),
            facts=(
                ("score here", f"{summary['score']:.2f}"),
                ("score elsewhere", f"{found.judgement.score:.2f} ({low:.2f} to {high:.2f})"),
            ),
        ),
    )
