"""A tiny generator, and workers that die where they are told to: what the kill tests need."""

import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rldf.arrays import ImageBatch
from rldf.contracts import Executor, ImageGenerator, ShardMaker, ShardResult
from rldf.datasets.executors import InlineExecutor, ProcessExecutor
from rldf.datasets.plan import Plan, PlanSettings, make_plan
from rldf.datasets.plan_store import load_rounds, save_plan
from rldf.datasets.recipes import ClassRecipes, Recipe
from rldf.datasets.run import run_missing
from rldf.datasets.shards import make_shard
from rldf.datasets.storage import Storage
from rldf.records.percept import Prompt

IDENTITY = "fake generator 1"
SIDE_PX = 16
PHASES = ("started", "half written", "written", "committed")
CLASSES = ("cow", "car", "apple")
BLANK = "a blank picture"
ENGINES = ["processes", pytest.param("ray", marks=pytest.mark.slow)]


class FakeGenerator(ImageGenerator):
    """Draws noise on a colour that the sentence decides; the noise depends on the seed and on who else is drawn.

    So, at its worst, does a graphics card: where batches were not part of the plan, bytes would differ.
    """

    def __init__(self, identity: str = IDENTITY) -> None:
        self._identity = identity

    @property
    def identity(self) -> str:
        return self._identity

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        company = sum(seeds)
        images = [self._draw(prompt.text, [seed, company]) for prompt, seed in zip(prompts, seeds, strict=True)]
        return np.stack(images) if images else np.empty((0, SIDE_PX, SIDE_PX, 3), dtype=np.uint8)

    def _draw(self, text: str, seeds: Sequence[int]) -> np.ndarray:
        if text == BLANK:
            return np.zeros((SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
        hue = np.random.default_rng(list(text.encode())).integers(60, 196, size=3)
        noise = np.random.default_rng(seeds).normal(scale=30, size=(SIDE_PX, SIDE_PX, 3))
        return np.clip(hue + noise, 0, 255).astype(np.uint8)


@dataclass(frozen=True, kw_only=True)
class BeginFake:
    """Begins a worker of the fake generator.

    Attributes:
        address: of the clone's storage.
        flags: folder with one file `<phase>-<shard>` for each death to die; "" for none.
        ledger: file that gets one line for each shard begun; "" for none.
        poison: shards that always fail.
        identity: of the generator.
        delay_s: what each shard takes at least.
    """

    address: str
    flags: str = ""
    ledger: str = ""
    poison: tuple[int, ...] = ()
    identity: str = IDENTITY
    delay_s: float = 0.0

    def __call__(self, number: int) -> ShardMaker:
        del number
        storage = Storage(self.address)
        rounds = load_rounds(storage)
        generator = FakeGenerator(self.identity)

        def make(shard: int) -> ShardResult:
            if self.ledger:
                note(self.ledger, shard)
            time.sleep(self.delay_s)
            if shard in self.poison:
                raise RuntimeError(f"shard {shard} is\npoison")
            (plan,) = [entry for entry in rounds if shard in entry.shards]
            return make_shard(
                plan,
                shard,
                storage=storage,
                image_generator=generator,
                on_phase=lambda phase: self._die_once(phase, shard),
            )

        return make

    def _die_once(self, phase: str, shard: int) -> None:
        if not self.flags:
            return
        flag = Path(self.flags) / f"{phase}-{shard}"
        try:
            flag.rename(flag.with_suffix(".fired"))
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, kw_only=True)
class BeginFailing:
    """Begins a worker that fails every shard of the same error.

    Attributes:
        error: what it raises.
        ledger: file that gets one line for each shard begun.
    """

    error: Exception
    ledger: str

    def __call__(self, number: int) -> ShardMaker:
        del number

        def make(shard: int) -> ShardResult:
            note(self.ledger, shard)
            raise self.error

        return make


@dataclass(frozen=True, kw_only=True)
class BeginFragile:
    """Begins a worker that fails one shard, and from then on everything, as a card in a bad state does.

    Attributes:
        flag: file that is there until that happened.
        shard: which shard.
    """

    flag: str
    shard: int

    def __call__(self, number: int) -> ShardMaker:
        del number
        state = {"is_broken": False}

        def make(shard: int) -> ShardResult:
            if shard == self.shard and Path(self.flag).exists():
                Path(self.flag).unlink()
                state["is_broken"] = True
            if state["is_broken"]:
                raise RuntimeError("device-side assert triggered")
            return ShardResult(shard=shard, state="made")

        return make


@dataclass(frozen=True, kw_only=True)
class BeginStumbling:
    """Begins a worker that dies while it loads, every other time; otherwise it dies at its second shard.

    Attributes:
        ledger: file that gets one line each time one begins.
    """

    ledger: str

    def __call__(self, number: int) -> ShardMaker:
        note(self.ledger, number)
        if len(Path(self.ledger).read_text().split()) % 2 == 1:
            os._exit(1)
        made: list[int] = []

        def make(shard: int) -> ShardResult:
            if made:
                os._exit(1)
            made.append(shard)
            return ShardResult(shard=shard, state="made")

        return make


def note(ledger: str, number: int) -> None:
    """Adds a line that no process tears apart."""
    descriptor = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{number}\n".encode())
    os.close(descriptor)


def tiny_plan(
    *, count: int = 8, validation: int = 0, seed: int = 0, shard_size: int = 4, sentences: Sequence[str] | None = None
) -> Plan:
    """Three classes with two sentences each."""
    classes = [
        ClassRecipes(
            name=name,
            recipes=tuple(
                Recipe(sentence=text, terms={"object": name})
                for text in (sentences if sentences is not None else (f"a photo of one {name}", f"two {name}s"))
            ),
        )
        for name in CLASSES
    ]
    settings = PlanSettings(seed=seed, generator=IDENTITY, shard_size=shard_size, batch_size=3, picture_format="png")
    return make_plan(classes, settings=settings, counts={"train": count, "validation": validation})


def frozen(
    folder: Path | str, *, count: int = 8, validation: int = 0, seed: int = 0, sentences: Sequence[str] | None = None
) -> tuple[Storage, Plan]:
    """A storage with a frozen tiny plan."""
    storage = Storage(str(folder))
    return storage, save_plan(tiny_plan(count=count, validation=validation, seed=seed, sentences=sentences), storage)


def executor_for(engine: str) -> Executor:
    """The executor of that name, with two workers where it has several."""
    if engine == "inline":
        return InlineExecutor()
    if engine == "processes":
        return ProcessExecutor(2)
    from rldf.datasets.ray_executor import RayExecutor

    return RayExecutor(num_workers=2, address="local", gpus_per_worker=0.0)


def run_all(folder: Path, *, executor: Executor, begin: BeginFake | None) -> list[ShardResult]:
    """Makes what is missing of the tiny clone in a folder, planned first where it is not."""
    storage = Storage(str(folder))
    if not storage.has("plan/round-000.json"):
        frozen(folder, count=16)
    used = BeginFake(address=str(folder)) if begin is None else begin
    return list(run_missing(storage, load_rounds(storage), executor=executor, begin_worker=used))


def contents(folder: Path) -> dict[str, bytes]:
    """Every committed file of a clone's shards."""
    return {path.name: path.read_bytes() for path in sorted((folder / "shards").iterdir()) if path.name[0] != "."}


def drive(address: str, engine: str, delay_s: float) -> None:
    """What the driver of the driver-kill test does."""
    storage = Storage(address)
    begin = BeginFake(address=address, delay_s=delay_s)
    for result in run_missing(storage, load_rounds(storage), executor=executor_for(engine), begin_worker=begin):
        sys.stdout.write(f"{result.shard}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    from tests.datasets.clone_fakes import drive as drive_importable

    drive_importable(sys.argv[1], sys.argv[2], float(sys.argv[3]))
