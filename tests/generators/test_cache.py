import errno
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, NoReturn, final

import numpy as np
import pytest
from tests.generators.painting import PaintingGenerator

from rldf.arrays import ImageBatch
from rldf.contracts import ImageGenerator
from rldf.errors import ConfigError
from rldf.generators.cache import CachedGenerator, cache_info, clear_cache, render_folder
from rldf.generators.render_store import RenderStore
from rldf.records.percept import Prompt
from rldf.testing.generators import ImageGeneratorSuite

COW = Prompt(text="a cow")
SEEDS = list(range(12))


def fail(line: str) -> NoReturn:
    pytest.fail(f"nothing should have been said, but: {line}")


def cached(inner: ImageGenerator, *, max_bytes: int = 2**30, batch_size: int = 8) -> CachedGenerator:
    return CachedGenerator(inner, announce=fail, max_bytes=max_bytes, batch_size=batch_size)


@final
class InterruptedGenerator(ImageGenerator):
    """Is interrupted when it has drawn three pictures."""

    def __init__(self, inner: PaintingGenerator) -> None:
        self._inner = inner

    @property
    def identity(self) -> str:
        return self._inner.identity

    def generate(self, prompts: Sequence[Prompt], *, seeds: Sequence[int]) -> ImageBatch:
        if self._inner.num_drawn == 3:
            raise KeyboardInterrupt
        return self._inner.generate(prompts, seeds=seeds)


class TestCachedGenerator(ImageGeneratorSuite):
    def make_generator(self) -> ImageGenerator:
        return cached(PaintingGenerator())


class TestCachedGeneratorWithoutFolder(ImageGeneratorSuite):
    said: ClassVar[list[str]] = []

    def make_generator(self) -> ImageGenerator:
        return CachedGenerator(PaintingGenerator(), announce=self.said.append, folder=Path("/dev/null/renders"))


def test_generate__second_run__draws_nothing(painter: PaintingGenerator) -> None:
    first = cached(painter).generate([COW] * 12, seeds=SEEDS)
    second_run = cached(painter)
    np.testing.assert_array_equal(second_run.generate([COW] * 12, seeds=SEEDS), first)
    assert painter.num_drawn == 12
    assert (second_run.counter.hits, second_run.counter.misses) == (12, 0)


@pytest.mark.parametrize("num_kept", [0, 5, 12])
def test_generate__cache_half_filled__same_pictures(painter: PaintingGenerator, num_kept: int) -> None:
    cached(PaintingGenerator()).generate([COW] * num_kept, seeds=SEEDS[:num_kept])
    generator = cached(painter)
    images = generator.generate([COW] * 12, seeds=SEEDS)
    np.testing.assert_array_equal(images, PaintingGenerator().generate([COW] * 12, seeds=SEEDS))
    assert painter.num_drawn == generator.counter.misses == 12 - num_kept


def test_generate__repeats_in_one_call__drawn_once_in_order(painter: PaintingGenerator) -> None:
    generator = cached(painter)
    images = generator.generate([COW] * 5, seeds=[4, 2, 4, 9, 2])
    assert painter.calls == [[("a cow", 4), ("a cow", 2), ("a cow", 9)]]
    np.testing.assert_array_equal(images[[0, 1]], images[[2, 4]])
    assert (generator.counter.misses, generator.counter.repeats, generator.counter.hits) == (3, 2, 0)


@pytest.mark.parametrize(
    "other",
    [
        lambda: cached(PaintingGenerator("painting side=8 steps=2")).generate([COW], seeds=[1]),
        lambda: cached(PaintingGenerator()).generate([Prompt(text="a cow", negative="blurry")], seeds=[1]),
        lambda: cached(PaintingGenerator()).generate([Prompt(text="a cow ")], seeds=[1]),
        lambda: cached(PaintingGenerator()).generate([COW], seeds=[2]),
        lambda: CachedGenerator(PaintingGenerator(), announce=fail, numerics="threads=2").generate([COW], seeds=[1]),
    ],
    ids=["identity", "negative", "text", "seed", "numerics"],
)
def test_generate__anything_that_changes_pixels__is_another_picture(
    painter: PaintingGenerator, other: Callable[[], ImageBatch]
) -> None:
    other()
    generator = cached(painter)
    generator.generate([COW], seeds=[1])
    assert generator.counter.misses == 1


def test_generate__batches__each_kept_before_the_next(painter: PaintingGenerator) -> None:
    with pytest.raises(KeyboardInterrupt):
        cached(InterruptedGenerator(painter), batch_size=1).generate([COW] * 12, seeds=SEEDS)
    assert cache_info().num_pictures == 3


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "other key", "no picture"])
def test_generate__damaged_file__drawn_again(painter: PaintingGenerator, damage: str) -> None:
    first = cached(painter).generate([COW, COW], seeds=[1, 2])
    one, two = sorted(render_folder().glob("??/*.png"))
    content = one.read_bytes()
    middle = len(content) // 2
    one.write_bytes(
        {
            "cut": content[:middle],
            "empty": b"",
            "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "other key": two.read_bytes(),
            "no picture": b"hello" * 100,
        }[damage]
    )
    generator = cached(painter)
    np.testing.assert_array_equal(generator.generate([COW, COW], seeds=[1, 2]), first)
    assert (generator.counter.damaged, generator.counter.misses, generator.counter.hits) == (1, 1, 1)
    assert one.read_bytes() == content


def test_generate__full__least_recently_used_go(painter: PaintingGenerator) -> None:
    cached(painter).generate([COW] * 6, seeds=SEEDS[:6])
    num_bytes = cache_info().num_bytes
    files = dict(zip(SEEDS[:6], _in_order_of_drawing(painter), strict=True))
    for seed, path in files.items():
        os.utime(path, (1000 + seed, 1000 + seed))
    generator = cached(painter, max_bytes=num_bytes)
    generator.generate([COW], seeds=[0])  # a hit: the oldest becomes the youngest
    generator.generate([COW], seeds=[6])  # one too many
    left = {seed for seed, path in files.items() if path.exists()}
    assert 0 in left
    assert 1 not in left
    assert left == {0, *range(7 - len(left), 6)}
    assert cache_info().num_bytes <= num_bytes


def _in_order_of_drawing(painter: PaintingGenerator) -> Iterator[Path]:
    reference = cached(painter)
    for seed in SEEDS[:6]:
        for path in render_folder().glob("??/*.png"):
            os.utime(path, (1, 1))
        reference.generate([COW], seeds=[seed])
        yield max(render_folder().glob("??/*.png"), key=lambda path: path.stat().st_mtime)


def test_generate__bound_smaller_than_a_picture__nothing_kept_nothing_lost(painter: PaintingGenerator) -> None:
    images = cached(painter, max_bytes=1).generate([COW] * 3, seeds=[1, 2, 3])
    np.testing.assert_array_equal(images, PaintingGenerator().generate([COW] * 3, seeds=[1, 2, 3]))
    assert cache_info().num_pictures == 0


def test_generate__many_writers__bound_kept(painter: PaintingGenerator) -> None:
    bound = 20_000
    generators = [cached(painter, max_bytes=bound) for _ in range(3)]
    for start in range(0, 150, 5):
        generators[start // 5 % 3].generate([COW] * 5, seeds=list(range(start, start + 5)))
    assert 0 < cache_info().num_bytes <= bound * 1.2


def test_generate__folder_unusable__said_once_and_drawn(painter: PaintingGenerator, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    said: list[str] = []
    generator = CachedGenerator(painter, announce=said.append, folder=tmp_path / "file" / "renders")
    for _ in range(3):
        generator.generate([COW], seeds=[1])
    assert painter.num_drawn == 3
    assert len(said) == 1
    assert "Not a directory" in said[0]
    assert "the run goes on without it and nothing is lost. Free space" in said[0]


def test_generate__disk_full__said_once_and_drawn(painter: PaintingGenerator) -> None:
    said: list[str] = []
    cached(painter).generate([COW], seeds=[1])
    generator = CachedGenerator(painter, announce=said.append)
    with files_no_larger_than(100):
        images = generator.generate([COW] * 3, seeds=[1, 2, 3])
    np.testing.assert_array_equal(images, PaintingGenerator().generate([COW] * 3, seeds=[1, 2, 3]))
    assert [os.strerror(errno.EFBIG) in line for line in said] == [True]
    assert cache_info().num_pictures == 1
    assert not list(render_folder().glob("??/.*"))
    assert generator.counter.hits == 1  # what is there is still read


@contextmanager
def files_no_larger_than(num_bytes: int) -> Iterator[None]:
    """Makes the system refuse to write more, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


WRITER = """
import sys
from hashlib import sha256
from pathlib import Path
from rldf.generators.cache import CachedGenerator
from rldf.records.percept import Prompt
from tests.generators.painting import PaintingGenerator
folder = Path(sys.argv[1])
cache = CachedGenerator(PaintingGenerator(), announce=sys.exit, folder=folder, max_bytes=20_000, batch_size=1)
print("ready", flush=True)
sys.stdin.readline()
print(sha256(cache.generate([Prompt(text="a cow")] * 60, seeds=range(60)).tobytes()).hexdigest())
"""


def start(script: str, folder: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parents[2])])}
    command = [sys.executable, "-c", script, str(folder)]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_generate__several_processes_at_once__same_pictures(tmp_path: Path) -> None:
    with ExitStack() as stack:
        writers = [stack.enter_context(start(WRITER, tmp_path)) for _ in range(3)]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        printed = [writer.communicate("go\n", timeout=30)[0].strip() for writer in writers]
    expected = PaintingGenerator().generate([COW] * 60, seeds=range(60))
    assert printed == [sha256(expected.tobytes()).hexdigest()] * 3
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert not list(tmp_path.glob("??/.*"))


KILLED_WRITER = """
import sys
from pathlib import Path
import numpy as np
from rldf.generators.render_store import RenderStore
store = RenderStore(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(10**6):
    image = np.random.default_rng(number % 50).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    store.write(f"{number % 50:064x}", image)
"""


def test_write__killed__no_half_picture(tmp_path: Path) -> None:
    with start(KILLED_WRITER, tmp_path) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        deadline = time.monotonic() + 20
        while len(list(tmp_path.glob("??/*.png"))) < 20:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        writer.send_signal(signal.SIGKILL)
    store = RenderStore(tmp_path)
    images = [store.read(f"{number:064x}") for number in range(50)]
    assert sum(image is not None for image in images) >= 20
    assert store.num_damaged == 0


def test_write__stale_half_file__removed(tmp_path: Path) -> None:
    stale, fresh = tmp_path / "ab" / ".old.part", tmp_path / "ab" / ".new.part"
    stale.parent.mkdir()
    stale.write_bytes(b"half")
    fresh.write_bytes(b"half")
    os.utime(stale, (1000, 1000))
    RenderStore(tmp_path).write("ab" * 32, np.zeros((4, 4, 3), dtype=np.uint8))
    assert not stale.exists()
    assert fresh.exists()


def test_cache_info_and_clear__count_and_empty(painter: PaintingGenerator) -> None:
    assert (cache_info().num_pictures, cache_info().num_bytes) == (0, 0)
    cached(painter).generate([COW] * 3, seeds=[1, 2, 3])
    info = cache_info()
    files = list(render_folder().glob("??/*.png"))
    assert (info.num_pictures, info.num_bytes) == (3, sum(path.stat().st_size for path in files))
    assert info.folder == render_folder()
    assert clear_cache() == info
    assert cache_info().num_pictures == 0
    assert list(render_folder().iterdir()) == []


def test_render_folder__follows_xdg_cache_home(cache_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert render_folder() == cache_home / "rldf" / "renders"
    for no_absolute_path in ("", "caches"):
        monkeypatch.setenv("XDG_CACHE_HOME", no_absolute_path)
        assert render_folder() == Path.home() / ".cache" / "rldf" / "renders"


def test_settings_out_of_range__refused(painter: PaintingGenerator) -> None:
    with pytest.raises(ConfigError, match=r"max_bytes is 0; it must be 1 or larger. Give 2147483648"):
        cached(painter, max_bytes=0)
    with pytest.raises(ConfigError, match=r"batch_size is 0; at least 1 picture.*Give 8"):
        cached(painter, batch_size=0)
