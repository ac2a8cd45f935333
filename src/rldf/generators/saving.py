"""Pictures become files in the background, while the next ones are drawn."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import final

from PIL import Image as PillowImage

from rldf.arrays import Image

MAX_WAITING = 256  # pictures encoded or waiting for it at a time; 200 MB of 512 px


@final
class PictureSaver:
    """Writes pictures on threads of its own; leaving the `with` block waits until all are on disk.

    The suffix of a path chooses the format, `.jpg` or `.png` for example. A failure to write is raised at the next
    `save` or at the end of the block.
    """

    def __init__(self, *, num_threads: int = 2, quality: int = 95) -> None:
        """Starts no thread yet.

        Args:
            num_threads: threads that encode, at least 1.
            quality: of JPEG, 1 to 95; other formats are lossless.
        """
        self._quality = quality
        self._threads = ThreadPoolExecutor(num_threads, thread_name_prefix="picture-saver")
        self._waiting: deque[Future[None]] = deque()

    def save(self, image: Image, path: Path) -> None:
        """Takes a picture to be written.

        Args:
            image: RGB, 0 to 255; not to be changed afterwards.
            path: where; a file in its place is replaced.
        """
        while self._waiting and (self._waiting[0].done() or len(self._waiting) >= MAX_WAITING):
            self._waiting.popleft().result()
        self._waiting.append(self._threads.submit(self._write, image, path))

    def __enter__(self) -> "PictureSaver":
        """Gives itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Waits for all files; after an error in the block, for those begun."""
        self._threads.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None:
            for waiting in self._waiting:
                waiting.result()

    def _write(self, image: Image, path: Path) -> None:
        PillowImage.fromarray(image).save(path, quality=self._quality)
