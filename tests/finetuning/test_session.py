"""Run folders: records, budget, kill and resume to the same weights."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import PIL.Image
import pytest
import torch
from safetensors import SafetensorError
from tests.finetuning.tiny import PROMPTS, make_policy, make_trainer, redness
from tests.generators.tiny_pipelines import build_pipeline

from rldf.arrays import ImageBatch
from rldf.errors import ConfigError, RecordError
from rldf.finetuning.checkpoints import find_checkpoints, read_checkpoint, write_checkpoint
from rldf.finetuning.failures import FinetuningError
from rldf.finetuning.session import (
    FinetuneFinished,
    FinetuneSession,
    begin_folder,
    last_checkpoint,
    read_epoch_lines,
    read_finetune_run,
)
from rldf.finetuning.settings import Method, Precision, RunSettings, TrainSettings
from rldf.finetuning.trainer import ScoreImages, Trainer
from rldf.finetuning.watching import Watch, encode_sheet, read_looks
from rldf.generators.adapters import apply_adapter
from rldf.records import RunStore, read_step_lines

TRAIN = TrainSettings(samples_per_epoch=4, update_batch_size=2, learning_rate=1e-3, ema_decay=0.9)
RUN = RunSettings(max_queries=12, sample_every=2, num_samples=2)
HEADER: dict[str, Any] = {"kind": "finetune", "config": {"train": {"method": "ddpo-is"}}, "model": {"id": "tiny"}}


def session_of(
    trainer: Trainer, store: RunStore, run: RunSettings = RUN, *, second: ScoreImages | None = None
) -> FinetuneSession:
    watch = Watch(store, run=run, prompts=PROMPTS, seed=0, score=redness, second=second) if run.sample_every else None
    return FinetuneSession(trainer, store=store, header=HEADER, train=TRAIN, run=run, watch=watch)


def make() -> Trainer:
    return make_trainer(TRAIN)


def test_run__leaves_records_checkpoints_sheets_and_weights(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with begin_folder(folder, request=HEADER) as store:
        *_, last = session_of(make(), store, replace(RUN, use_tensorboard=True)).events()
    assert isinstance(last, FinetuneFinished)
    assert last.summary["budget"]["queries"] == 12
    header, epochs, queries = read_finetune_run(folder)
    assert header["model"] == {"id": "tiny"}
    assert [line["queries"] for line in epochs] == [4, 8, 12]
    assert [(line["updates"], line["skipped"]) for line in epochs] == [(2, 0), (4, 0), (6, 0)]
    assert [line["query"] for line in queries] == list(range(12))
    assert {path.name for path in (folder / "images").iterdir()} == {f"epoch-{n:06d}.png" for n in (0, 2, 3)}
    assert [path.name for path in find_checkpoints(folder)] == ["epoch-000002", "epoch-000003"]
    assert (folder / "lora" / "pytorch_lora_weights.safetensors").is_file()
    assert list((folder / "tensorboard").iterdir())
    assert not [path for path in folder.rglob("*") if path.suffix in {".bin", ".pt", ".pth", ".pkl"}]


def test_resumed_run__ends_with_the_weights_of_an_undisturbed_one(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    with begin_folder(whole, request=HEADER) as store:
        list(session_of(make(), store).events())
    with begin_folder(broken, request=HEADER) as store:
        events = session_of(make(), store, replace(RUN, checkpoint_every=2)).events()
        assert isinstance(events, Generator)
        for _ in range(2):
            next(events)
        with (broken / "steps.jsonl").open("a") as file:
            file.write('{"query": 8, "torn')
        events.close()
    assert json.loads((broken / "interrupted.json").read_text())["resume"].endswith(str(broken))
    checkpoint = last_checkpoint(broken)
    assert checkpoint is not None
    with RunStore.reopen(broken) as store:
        list(session_of(make(), store, replace(RUN, checkpoint_every=2)).events(checkpoint=checkpoint))
    tensors, _ = read_checkpoint(whole / "checkpoints" / "epoch-000003")
    again, _ = read_checkpoint(broken / "checkpoints" / "epoch-000003")
    assert set(tensors) == set(again)
    for name, value in tensors.items():
        torch.testing.assert_close(again[name], value, rtol=0, atol=0)
    assert read_step_lines(broken) == read_step_lines(whole)
    lines = zip(read_epoch_lines(broken), read_epoch_lines(whole), strict=True)
    assert all({**first, "seconds": 0} == {**second, "seconds": 0} for first, second in lines)
    assert not (broken / "interrupted.json").exists()


KILLED = """
import sys
sys.path[:0] = {paths}
import torch
torch.set_num_threads(1)
from pathlib import Path
from tests.finetuning.tiny import PROMPTS, redness
from tests.generators.tiny_pipelines import build_pipeline
from rldf.finetuning.policy import DiffusionPolicy
from rldf.finetuning.session import FinetuneSession, begin_folder, last_checkpoint
from rldf.finetuning.settings import *
from rldf.finetuning.trainer import Trainer
from rldf.finetuning.watching import Watch
from rldf.records import RunStore

folder, has_more = Path(sys.argv[1]), sys.argv[2] == "watched"
sampling = SamplerSettings(num_steps=3, guidance_scale=2.0, batch_size=2)
pipeline = build_pipeline()
pipeline.unet.to(torch.float16 if has_more else torch.float32)
policy = DiffusionPolicy(pipeline, sampling=sampling, adapter=AdapterSettings())
ema_decay = 0.9 if has_more else 0.0
train = TrainSettings(samples_per_epoch=4, update_batch_size=2, learning_rate=1e-3, ema_decay=ema_decay)
trainer = Trainer(policy, prompts=PROMPTS, score=redness, train=train, advantage=AdvantageSettings())
header = {{"kind": "finetune", "config": {{"train": {{"method": "ddpo-is"}}}}, "model": {{"id": "tiny"}}}}
store = RunStore.reopen(folder) if folder.exists() else begin_folder(folder, request=header)
run = RunSettings(max_queries=24, sample_every=1 if has_more else 0, num_samples=2, use_watch=has_more)
rewards = {{"score": redness, "second": lambda *given: -redness(*given)}}
watch = Watch(store, run=run, prompts=PROMPTS, seed=0, **rewards) if has_more else None
session = FinetuneSession(trainer, store=store, header=header, train=train, run=run, watch=watch)
with store:
    for event in session.events(checkpoint=last_checkpoint(folder)):
        print("event", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["plain", "watched"])
def test_killed_run__ends_with_the_weights_of_an_undisturbed_one(tmp_path: Path, variant: str) -> None:
    # "watched": frozen weights in float16, so the loss has a scale, a moving average, and scored sheets
    script = tmp_path / "train.py"
    paths = [str(Path(__file__).parents[2])]
    script.write_text(KILLED.format(paths=paths), encoding="utf-8")
    call = [sys.executable, "-W", "ignore", str(script)]
    subprocess.run([*call, str(tmp_path / "whole"), variant], check=True, capture_output=True)
    again = [*call, str(tmp_path / "broken"), variant]
    victim = subprocess.Popen(again, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert victim.stdout is not None
    for _ in range(3):
        victim.stdout.readline()
    time.sleep(0.05)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    assert not (tmp_path / "broken" / "summary.json").exists()
    subprocess.run(again, check=True, capture_output=True)
    (whole, state), (broken, state_again) = (
        read_checkpoint(tmp_path / name / "checkpoints" / "epoch-000006") for name in ("whole", "broken")
    )
    assert set(whole) == set(broken)
    for name, value in whole.items():
        torch.testing.assert_close(broken[name], value, rtol=0, atol=0)
    assert state_again["trainer"] == state["trainer"]
    assert (state["trainer"]["updater"]["loss_scale"] != {}) == (variant == "watched")
    assert read_step_lines(tmp_path / "broken") == read_step_lines(tmp_path / "whole")
    looks = read_looks(tmp_path / "whole")
    assert read_looks(tmp_path / "broken") == looks
    assert len(looks) == (7 if variant == "watched" else 0)


@pytest.mark.parametrize(
    ("method", "dtype", "message"),
    [
        ("rwr", "float16", r"the loss of update 3 is nan; it must be a finite number. No weight was moved"),
        ("rwr", "float32", r"the loss of update 3 is nan; it must be a finite number. No weight was moved"),
        ("ddpo-is", "float32", r"before the first update .* differs by nan between sampling and training"),
    ],
)
def test_run_that_diverges__stops_and_its_last_checkpoint_is_whole(
    tmp_path: Path, method: Method, dtype: Precision, message: str
) -> None:
    policy, calls = make_policy(dtype=dtype), iter(range(100))

    def spoil(images: ImageBatch, prompts: Sequence[str], seeds: Sequence[int]) -> np.ndarray:
        if next(calls) == 3:  # all pictures of the second epoch are drawn
            with torch.no_grad():
                next(iter(policy.denoiser.trained.values())).fill_(float("nan"))
        return redness(images, prompts, seeds)

    trainer = make_trainer(replace(TRAIN, method=method), policy=policy, score=spoil)
    folder = tmp_path / "run"
    with begin_folder(folder, request=HEADER) as store, pytest.raises(FinetuningError, match=message):
        list(session_of(trainer, store, replace(RUN, sample_every=0)).events())
    assert [line["epoch"] for line in read_epoch_lines(folder)] == [0]
    (checkpoint,) = find_checkpoints(folder)
    tensors, _ = read_checkpoint(checkpoint)
    assert checkpoint.name == "epoch-000001"
    assert all(bool(value.isfinite().all()) for value in tensors.values())
    assert "nan" in json.loads((folder / "interrupted.json").read_text())["reason"]


def test_float16_updates_left_out__are_told_in_records_and_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rldf.finetuning.updates.FIRST_LOSS_SCALE", 1e30)
    trainer = make_trainer(TRAIN, policy=make_policy(dtype="float16"))
    with begin_folder(tmp_path / "run", request=HEADER) as store:
        *_, last = session_of(trainer, store, replace(RUN, max_queries=4, sample_every=0)).events()
    assert isinstance(last, FinetuneFinished)
    assert [(line["updates"], line["skipped"]) for line in read_epoch_lines(tmp_path / "run")] == [(2, 2)]
    assert last.summary["budget"]["skipped"] == 2


def test_regression__records_no_replay(tmp_path: Path) -> None:
    trainer = make_trainer(replace(TRAIN, method="rwr"))
    run = replace(RUN, max_queries=4, sample_every=0, use_tensorboard=True)
    with begin_folder(tmp_path / "run", request=HEADER) as store:
        list(session_of(trainer, store, run).events())
    assert [line["first_deviation"] for line in read_epoch_lines(tmp_path / "run")] == [None]


def test_budget_below_one_epoch__is_refused(tmp_path: Path) -> None:
    with (
        begin_folder(tmp_path / "run", request=HEADER) as store,
        pytest.raises(ConfigError, match=r"is 3 and one epoch asks 4"),
    ):
        session_of(make(), store, replace(RUN, max_queries=3))


def test_time_limit__ends_the_run_with_what_it_has(tmp_path: Path) -> None:
    with begin_folder(tmp_path / "run", request=HEADER) as store:
        *_, last = session_of(make(), store, replace(RUN, max_seconds=1e-6, sample_every=0)).events()
    assert isinstance(last, FinetuneFinished)
    assert (last.summary["stopped"], last.summary["epochs"]) == ("time", 0)


def test_stopped_run__has_a_checkpoint_of_its_last_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = make()
    monkeypatch.setattr(  # time is up after two epochs
        FinetuneSession, "_seconds", property(lambda _: 9.0 if trainer.epoch == 2 else 0.0)
    )
    run = replace(RUN, max_queries=40, max_seconds=5.0, sample_every=0, checkpoint_every=5)
    with begin_folder(tmp_path / "run", request=HEADER) as store:
        *_, last = session_of(trainer, store, run).events()
    assert isinstance(last, FinetuneFinished)
    assert (last.summary["stopped"], last.summary["epochs"]) == ("time", 2)
    checkpoint = last_checkpoint(tmp_path / "run")
    assert checkpoint is not None
    tensors, state = read_checkpoint(checkpoint)
    assert state["trainer"]["epoch"] == 2
    for name, weight in trainer.policy.denoiser.trained.items():
        torch.testing.assert_close(tensors[f"{name}/weight"], weight.detach(), rtol=0, atol=0)


def blueness(images: ImageBatch, prompts: Sequence[str], seeds: Sequence[int]) -> np.ndarray:
    return -redness(images, prompts, seeds)


WATCHED = replace(RUN, use_watch=True, sample_every=1)


def test_watch__scores_the_same_pictures_again_and_again_outside_the_budget(tmp_path: Path) -> None:
    with begin_folder(tmp_path / "run", request=HEADER) as store:
        *_, last = session_of(make(), store, WATCHED, second=blueness).events()
    assert isinstance(last, FinetuneFinished)
    looks = read_looks(tmp_path / "run")
    assert [(look.epoch, look.queries) for look in looks] == [(0, 0), (1, 4), (2, 8), (3, 12)]
    assert all(look.second == tuple(-reward for reward in look.rewards) for look in looks)
    assert looks[0].rewards != looks[-1].rewards
    assert not looks[0].is_alarm
    assert last.summary["budget"]["queries"] == 12
    assert last.summary["budget"]["watched"] == 8


def rising(images: ImageBatch, prompts: Sequence[str], seeds: Sequence[int]) -> np.ndarray:
    """A reward that rises with every look."""
    del images, seeds
    rising.calls += 1  # type: ignore[attr-defined]  # a counter of the test
    return np.array([float(rising.calls)] * len(prompts))  # type: ignore[attr-defined]


def falling(images: ImageBatch, prompts: Sequence[str], seeds: Sequence[int]) -> np.ndarray:
    """A second reward that falls from the third look on."""
    del images, seeds
    falling.calls += 1  # type: ignore[attr-defined]  # a counter of the test
    return np.full(len(prompts), -1.0 if falling.calls > 2 else 0.0)  # type: ignore[attr-defined]


def test_early_stop__keeps_the_weights_of_the_last_look_without_the_alarm(tmp_path: Path) -> None:
    rising.calls = falling.calls = 0  # type: ignore[attr-defined]
    run = replace(WATCHED, max_queries=40, patience=2, kept_checkpoints=10)
    trainer = make_trainer(replace(TRAIN, ema_decay=0.0))
    with begin_folder(tmp_path / "run", request=HEADER) as store:
        watch = Watch(store, run=run, prompts=PROMPTS, seed=0, score=rising, second=falling)
        session = FinetuneSession(trainer, store=store, header=HEADER, train=TRAIN, run=run, watch=watch)
        *_, last = session.events()
    assert isinstance(last, FinetuneFinished)
    assert [look.is_alarm for look in read_looks(tmp_path / "run")] == [False, False, True, True]
    told = last.summary
    assert (told["stopped"], told["epochs"], told["result_epoch"], told["alarm"]) == ("alarm", 3, 1, True)
    healthy, _ = read_checkpoint(tmp_path / "run" / "checkpoints" / "epoch-000001")
    for name, value in watch.healthy_weights().items():
        torch.testing.assert_close(value, healthy[f"{name}/weight"], rtol=0, atol=0)
    pipeline = build_pipeline()
    apply_adapter(pipeline, tmp_path / "run" / "lora")
    trainer.policy.denoiser.load(watch.healthy_weights())
    latents, words = torch.ones(1, 4, 8, 8), torch.ones(1, 5, 32)
    with torch.no_grad():
        drawn, expected = (unet(latents, 10, words).sample for unet in (pipeline.unet, trainer.policy.denoiser.unet))
    torch.testing.assert_close(drawn, expected, rtol=0, atol=1e-5)


def test_single_picture__raises_no_alarm_and_stops_nothing(tmp_path: Path) -> None:
    rising.calls = falling.calls = 0  # type: ignore[attr-defined]
    run = replace(WATCHED, num_samples=1, patience=1)
    with begin_folder(tmp_path / "run", request=HEADER) as store:
        watch = Watch(store, run=run, prompts=PROMPTS, seed=0, score=rising, second=falling)
        session = FinetuneSession(make(), store=store, header=HEADER, train=TRAIN, run=run, watch=watch)
        *_, last = session.events()
    assert isinstance(last, FinetuneFinished)
    assert (last.summary["stopped"], last.summary["epochs"]) == ("budget", 3)
    assert not any(look.is_alarm for look in read_looks(tmp_path / "run"))


def test_patience_without_a_watch__is_refused() -> None:
    with pytest.raises(ConfigError, match=r"run.patience is 2, run.use_watch false.*Set run.use_watch to true"):
        RunSettings(patience=2)


def test_sheet__lays_pictures_out_in_rows_of_eight() -> None:
    images = np.stack([np.full((4, 6, 3), number, dtype=np.uint8) for number in range(10)])
    sheet = np.asarray(PIL.Image.open(BytesIO(encode_sheet(images))))
    assert sheet.shape == (8, 48, 3)
    assert (sheet[0, 42, 0], sheet[4, 6, 0], sheet[4, 12, 0]) == (7, 9, 0)


def test_half_written_checkpoint__is_not_seen(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, epoch=1, tensors={"a": torch.ones(2)}, state={"b": 1}, kept=2)
    (tmp_path / "checkpoints" / ".epoch-000002.part").mkdir()
    (tmp_path / "checkpoints" / "epoch-000003").mkdir()
    assert [path.name for path in find_checkpoints(tmp_path)] == ["epoch-000001"]


def test_checkpoint__is_flushed_through_a_file_that_may_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []

    def fsync(number: int) -> None:  # as on Windows, where a file opened for reading alone cannot be flushed
        os.write(number, b"")
        flushed.append(number)

    monkeypatch.setattr(os, "fsync", fsync)
    write_checkpoint(tmp_path, epoch=1, tensors={"a": torch.ones(2)}, state={}, kept=1)
    assert flushed


def test_full_disk__is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> NoReturn:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("rldf.finetuning.networks.save_file", full)
    with pytest.raises(RecordError, match=r"tensors.safetensors' cannot be written: .*No space.*Free space, then go"):
        write_checkpoint(tmp_path, epoch=1, tensors={"a": torch.ones(2)}, state={}, kept=2)
    assert find_checkpoints(tmp_path) == []


def test_damaged_checkpoint__says_what_to_do(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, epoch=1, tensors={"a": torch.ones(2)}, state={}, kept=1)
    (folder / "tensors.safetensors").write_bytes(b"torn")
    with pytest.raises(RecordError, match=r"cannot be read: .* Remove it to go on from the one before"):
        read_checkpoint(folder)


def test_another_folder__is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"there is no fine-tuning run in"):
        read_finetune_run(tmp_path)
