"""What is shown while a search works."""

from pathlib import Path

import numpy as np
import pytest

from rldf.cli.progress import SearchProgress, TrainingProgress
from rldf.records import Percept, Prompt, StoredStep
from rldf.search.events import InputRead, PictureDrawn, RunFinished, Tried
from rldf.space import Encoding
from rldf.worlds.training import StageProgress

PERCEPT = Percept(encoding=Encoding((0,)), probabilities=(np.array([1.0]),))


def tried(step: int, *, reward: float, sentence: str, best: StoredStep | None = None) -> Tried:
    stored = StoredStep(
        step=step,
        phase="search",
        encoding=Encoding((0,)),
        prompt=Prompt(text=sentence),
        seed=step,
        seed_index=0,
        image="images/000000.png",
        percept=PERCEPT,
        reward=reward,
        is_terminal=False,
        is_new_render=True,
        distance=0,
        elapsed_s=1.0,
    )
    return Tried(
        step=stored,
        best=stored if best is None else best,
        renders=step + 1,
        max_renders=4,
        seconds=step + 1.0,
        is_replayed=False,
    )


def test_search__tells_the_start_notes_and_each_new_best(capsys: pytest.CaptureFixture[str]) -> None:
    first = tried(0, reward=0.5, sentence="a photo of one cow")
    with SearchProgress() as progress:
        progress.show(
            InputRead(
                folder=Path("run"),
                target=PERCEPT,
                target_terms={},
                start_terms={},
                start_sentence="a photo of one sheep",
                num_stored_steps=3,
                notes=("scene: unsure",),
            )
        )
        progress.show(first)
        progress.show(tried(1, reward=0.1, sentence="a photo of one bus", best=first.step))
        progress.show(tried(2, reward=0.75, sentence="a photo of two cows"))
        progress.show(PictureDrawn(kind="new", path=Path("new-00.png"), position=1, count=2))
        progress.show(PictureDrawn(kind="new", path=Path("new-01.png"), position=2, count=2))
        progress.show(RunFinished(folder=Path("run"), summary={}))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "note: scene: unsure",
        "start: a photo of one sheep",
        "going on after 3 tries that are on disk",
        "render 1 of 4, reward 0.500: a photo of one cow",
        "render 3 of 4, reward 0.750: a photo of two cows",
        "2 pictures drawn: new pictures of the found words",
        "finished: run",
    ]


def test_search__of_several_names_each(capsys: pytest.CaptureFixture[str]) -> None:
    with SearchProgress() as progress:
        for name in ("1 of 2, a.png", "2 of 2, b.png"):
            progress.begin(name)
            progress.show(tried(0, reward=0.5, sentence="a photo of one cow"))
    assert [line.split(": ")[0] for line in capsys.readouterr().err.splitlines()] == ["1 of 2, a.png", "2 of 2, b.png"]


def test_training__names_each_stage_once(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingProgress() as progress:
        for pictures in (8, 16):
            progress.show(StageProgress(stage="denoiser", pictures=pictures, num_pictures=16, loss=0.5))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "training denoiser: 16 pictures\n")
