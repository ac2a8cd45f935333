"""What a clone tells as lines: sizes, durations, counts, and the next command."""

from pathlib import Path

import pytest

from rldf.cli.clone_shown import CountShown, bytes_in_words, closing_line, show_estimate, show_event, time_in_words
from rldf.contracts import ShardResult
from rldf.datasets.estimate import Estimate
from rldf.datasets.progress import ProgressMeter
from rldf.datasets.storage import Storage
from rldf.jobs.clone_plan import OpenClone
from rldf.jobs.clone_run import Note, RunRequest, run_clone
from rldf.presets.config import SearchConfig


@pytest.mark.parametrize(
    ("num_bytes", "words"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (3 * 2**20, "3.0 MiB"), (2**31, "2.0 GiB")],
)
def test_bytes_in_words__largest_unit(num_bytes: int, words: str) -> None:
    assert bytes_in_words(num_bytes) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.1, "1 s"), (90, "90 s"), (150, "2 min"), (7000, "117 min"), (9000, "2.5 hours")],
)
def test_time_in_words__largest_unit_that_says_something(seconds: float, words: str) -> None:
    assert time_in_words(seconds) == words


def test_estimate__of_a_small_clone__says_more_than_nought(capsys: pytest.CaptureFixture[str]) -> None:
    small = Estimate(
        num_pictures=10,
        num_shards=1,
        num_classes=2,
        num_sentences=2,
        counts={"train": 10},
        num_bytes=86_000,
        hours=0.005,
        cost_usd=None,
    )
    show_estimate(small)
    shown = capsys.readouterr().out
    assert "storage    about 84.0 KiB" in shown
    assert "time       about 18 s" in shown


def test_counter__tells_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    counter = CountShown("shards checked", clock=lambda: now[0])
    for number in range(1, 5):
        now[0] += 3.0
        counter.tell(number, 4)
    assert capsys.readouterr().err.splitlines() == ["2 of 4 shards checked", "4 of 4 shards checked"]
    now[0] += 9.0
    CountShown("pictures written", clock=lambda: now[0]).tell(7)
    assert capsys.readouterr().err == ""


def test_progress__failed_shard__is_waited_for_no_longer(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    meter = ProgressMeter(num_shards=3, pictures_left=30, clock=lambda: now[0])
    now[0] += 5.0
    meter.count(ShardResult(shard=0, state="made", num_pictures=9, num_refused=1), num_planned=10)
    now[0] += 5.0
    told = meter.count(ShardResult(shard=1, state="failed"), num_planned=10)
    assert told.eta_s == pytest.approx(10.0)  # ten pictures at one a second
    show_event(told)
    assert "shard 2 of 3, 9 pictures and 1 left out, 1.00 a second, 10 s left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ({"is_whole": True}, "`rldf clone verify c`, and write it out with `rldf clone export c --out pictures`"),
        ({"quarantined": {"3": "x", "4": "y"}}, "2 shards are in quarantine; `rldf clone repair c`"),
        ({}, "2 pictures were left out; a run without --no-gates draws others"),
        ({"verdicts": {"kept": 1}}, "A larger --max-rounds goes on"),
    ],
)
def test_closing_line__names_the_next_command(ending: dict[str, object], words: str) -> None:
    finished = {"is_whole": False, "quarantined": {}, "verdicts": None, "missing": 2, **ending}
    assert words in closing_line("c", finished)


def test_run__storage_that_may_keep_half_a_file__is_told_first() -> None:
    clone = OpenClone(storage=Storage("sftp://host/c"), rounds=(), config=SearchConfig(), folder=Path("photos"))
    first = next(run_clone(clone, RunRequest()))
    assert isinstance(first, Note)
    assert "'sftp://host/c' may keep the beginning of a file" in first.text
