"""Pictures side by side on a processor: one thread each, so that their bits never depend on who else is drawn."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

import torch

Result = TypeVar("Result")

_of_this_thread = threading.local()  # .stop: set when the call this worker works for was interrupted


class _StoppedError(BaseException):
    """Ends a worker whose call was interrupted; nobody outside sees it, and no `except Exception` catches it."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Lets torch compute with one thread in the calling thread, and restores the number afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def check_not_stopped() -> None:
    """Ends the work of this thread if it is a worker whose call was interrupted; to be called now and then."""
    stop: threading.Event | None = getattr(_of_this_thread, "stop", None)
    if stop is not None and stop.is_set():
        raise _StoppedError


def run_in_order(workers: Sequence[Callable[[int], Result]], *, count: int) -> list[Result]:
    """Does the tasks 0 to count - 1, each on one thread of torch, as many at once as there are workers.

    torch counts its threads thread by thread, so nothing else in the process slows down meanwhile. A single worker
    works in the calling thread. An interruption ends every worker at its next `check_not_stopped`.

    Args:
        workers: one function of a task's number for each worker, at least one; no two run the same function at once.
        count: tasks.

    Returns:
        The results in the order of the tasks. When tasks fail, the error of the first of them, in that order, is
        raised, and tasks that were not begun are left out.
    """
    if len(workers) == 1:
        with one_thread():
            return [workers[0](number) for number in range(count)]
    job: _Job[Result] = _Job(count=count, num_workers=len(workers))
    threads = [threading.Thread(target=job.work, args=(worker,), daemon=True) for worker in workers]
    before = torch.get_num_threads()
    try:
        for thread in threads:
            thread.start()
        job.is_ready.wait()
        torch.set_num_threads(before)  # a worker's number is also the one that threads started later begin with
        for thread in threads:
            thread.join()
    except BaseException:
        job.stop.set()
        job.is_ready.abort()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        raise
    finally:
        torch.set_num_threads(before)
    return job.take_results()


class _Job(Generic[Result]):
    """Tasks that several workers share."""

    def __init__(self, *, count: int, num_workers: int) -> None:
        self.stop = threading.Event()
        self.is_ready = threading.Barrier(num_workers + 1)
        self._lock = threading.Lock()
        self._left = iter(range(count))
        self._results: dict[int, Result] = {}
        self._errors: dict[int, BaseException] = {}

    def work(self, worker: Callable[[int], Result]) -> None:
        """Does tasks, the first that is left each time, until none is left or one failed."""
        torch.get_num_threads()  # asking makes the thread take a number; else it would at its first sum, over ours
        torch.set_num_threads(1)
        try:
            self.is_ready.wait()
        except threading.BrokenBarrierError:
            return
        _of_this_thread.stop = self.stop
        while (number := self._next()) is not None:
            try:
                self._results[number] = worker(number)
            except _StoppedError:
                return
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                self._errors[number] = error

    def take_results(self) -> list[Result]:
        """Gives the results in order, or raises the first error; tasks are begun in order, so none before it fails."""
        if self._errors:
            raise self._errors[min(self._errors)]
        return [self._results[number] for number in sorted(self._results)]

    def _next(self) -> int | None:
        with self._lock:
            return None if self._errors or self.stop.is_set() else next(self._left, None)
