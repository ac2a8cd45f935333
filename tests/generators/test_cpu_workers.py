import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.generators.tiny_pipelines import build_pipeline, build_safety_checker

from rldf.arrays import ImageBatch
from rldf.errors import GenerationError
from rldf.generators import pipeline_layout
from rldf.generators.cpu_workers import check_not_stopped, one_thread, run_in_order
from rldf.generators.diffusers_local import DiffusersGenerator, load_diffusers_generator
from rldf.generators.settings import GenerationSettings
from rldf.records.percept import Prompt

PROMPTS = [Prompt(text=f"a photo of {count} {thing}") for count in ("one", "two", "many") for thing in ("cows", "cars")]
SEEDS = list(range(3, 3 + len(PROMPTS)))
FAST = GenerationSettings(steps=2, guidance_scale=3.0)
NUM_TASKS = 12


@pytest.fixture(autouse=True)
def _own_threads() -> Iterator[None]:
    """The number of torch's threads is restored, whatever a test does."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def load(folder: Path, settings: GenerationSettings = FAST) -> DiffusersGenerator:
    return load_diffusers_generator(
        folder, device="cpu", dtype=torch.float32, settings=settings, low_memory=False, announce=pytest.fail
    )


def drawn_with(generator: DiffusersGenerator, *, num_threads: int, size: int) -> ImageBatch:
    """All prompts, so many at a call, on so many cores."""
    torch.set_num_threads(num_threads)
    calls = [slice(start, start + size) for start in range(0, len(PROMPTS), size)]
    return np.concatenate([generator.generate(PROMPTS[each], seeds=SEEDS[each]) for each in calls])


@pytest.mark.parametrize("scheduler", ["model", "dpm-solver-multistep"])
def test_generate__any_number_of_cores_and_pictures__equal_to_the_bit(tiny_pipeline: Path, scheduler: str) -> None:
    generator = load(tiny_pipeline, replace(FAST, scheduler=scheduler))
    expected = drawn_with(generator, num_threads=1, size=1)
    for num_threads in (2, 5):
        for size in (1, 3, len(PROMPTS)):
            images = drawn_with(generator, num_threads=num_threads, size=size)
            np.testing.assert_array_equal(images, expected)
            assert torch.get_num_threads() == num_threads
    backwards = generator.generate(PROMPTS[::-1], seeds=SEEDS[::-1])
    np.testing.assert_array_equal(backwards[::-1], expected)
    batches = list(generator.generate_batches(PROMPTS * 2, seeds=SEEDS * 2))
    assert [len(batch) for batch in batches] == [8, 4]
    np.testing.assert_array_equal(np.concatenate(batches), np.concatenate([expected, expected]))


def test_generate__pictures_side_by_side__each_evaluation_counted(tiny_pipeline: Path) -> None:
    torch.set_num_threads(4)
    generator = load(tiny_pipeline)
    threads: set[int] = set()
    both = threading.Barrier(2, timeout=10)

    def meet(*_: object) -> None:
        if threading.get_ident() not in threads and len(threads) < both.parties:
            threads.add(threading.get_ident())
            both.wait()  # goes on only when a second picture is drawn at the same time

    generator._denoiser.register_forward_pre_hook(meet)  # noqa: SLF001 - where a picture's thread can be seen
    generator.generate(PROMPTS, seeds=SEEDS)
    assert len(threads) == both.parties
    assert generator.denoiser_evaluations == len(PROMPTS) * generator.evaluations_per_picture


def test_generate__large_denoiser__takes_all_threads_for_one_picture(
    tiny_pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_layout, "MAX_WEIGHTS_OF_ONE_THREAD", 1000)
    torch.set_num_threads(3)
    generator = load(tiny_pipeline)
    seen: list[int] = []
    generator._denoiser.register_forward_pre_hook(lambda *_: seen.append(torch.get_num_threads()))  # noqa: SLF001
    generator.generate(PROMPTS[:2], seeds=SEEDS[:2])
    assert set(seen) == {3}
    assert "threads=3" in generator.numerics


def test_generate__a_picture_fails__its_error_and_threads_restored(tmp_path: Path) -> None:
    build_pipeline(safety_checker=build_safety_checker(flags_all=True)).save_pretrained(tmp_path / "model")
    generator = load(tmp_path / "model", GenerationSettings(steps=1, safety_checker=True))
    torch.set_num_threads(3)
    for _ in range(3):
        with pytest.raises(GenerationError, match=rf"flagged the picture of {PROMPTS[0].text!r} with seed 3"):
            generator.generate(PROMPTS, seeds=SEEDS)
    assert torch.get_num_threads() == 3


def test_run_in_order__results_in_order_one_thread_each() -> None:
    def task(number: int) -> tuple[int, int]:
        time.sleep(0.002 * (NUM_TASKS - number))  # later tasks are done sooner
        return number, torch.get_num_threads()

    torch.set_num_threads(3)
    for num_workers in (1, 2, 5):
        assert run_in_order([task] * num_workers, count=NUM_TASKS) == [(number, 1) for number in range(NUM_TASKS)]
        assert torch.get_num_threads() == 3
    assert in_new_thread(torch.get_num_threads) == 3
    assert run_in_order([task] * 2, count=0) == []


def test_run_in_order__other_threads_of_the_program__keep_their_number() -> None:
    torch.set_num_threads(3)
    seen = run_in_order([lambda _: in_new_thread(torch.get_num_threads)] * 2, count=4)
    assert seen == [3] * 4


def in_new_thread(function: Callable[[], int]) -> int:
    values: list[int] = []
    thread = threading.Thread(target=lambda: values.append(function()))
    thread.start()
    thread.join()
    return values[0]


def test_run_in_order__several_fail__first_in_order_raised_rest_left_out() -> None:
    done: list[int] = []

    def task(number: int) -> int:
        time.sleep(0.05 if number == 1 else 0.001)  # the second task fails last
        if number in {1, 2, 3}:
            raise ValueError(number)
        done.append(number)
        return number

    torch.set_num_threads(3)
    for num_workers in (1, 2, 4):
        with pytest.raises(ValueError, match=r"^1$"):
            run_in_order([task] * num_workers, count=100)
        assert torch.get_num_threads() == 3
    assert len(done) < 30


def test_run_in_order__inside_a_worker() -> None:
    def task(number: int) -> list[int]:
        return run_in_order([lambda inner: 10 * number + inner] * 2, count=3)

    assert run_in_order([task] * 2, count=2) == [[0, 1, 2], [10, 11, 12]]


@pytest.fixture
def listens_to_interrupts() -> Iterator[None]:
    """Python leaves interrupts alone where it was started with them ignored, as shells start what runs behind."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listens_to_interrupts")
def test_run_in_order__interrupted__workers_end_and_threads_restored() -> None:
    torch.set_num_threads(3)
    num_threads = threading.active_count()

    def endless(number: int) -> int:
        if number == 0:
            os.kill(os.getpid(), signal.SIGINT)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            check_not_stopped()
            time.sleep(0.001)
        return number

    with pytest.raises(KeyboardInterrupt):
        run_in_order([endless] * 2, count=2)
    deadline = time.monotonic() + 5  # Python 3.11 may hold a thread for ended when its join is interrupted
    while threading.active_count() > num_threads and time.monotonic() < deadline:
        time.sleep(0.001)
    assert threading.active_count() == num_threads
    assert torch.get_num_threads() == 3


def test_one_thread__error_inside__restored() -> None:
    torch.set_num_threads(3)

    def fail() -> None:
        with one_thread():
            assert torch.get_num_threads() == 1
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail()
    assert torch.get_num_threads() == 3
