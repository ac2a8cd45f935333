"""Worker processes of a benchmark run end with the process that began them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PARENT = """
import time
from multiprocessing import get_context

from rldf.bench.plan import end_with_parent


def wait(path):
    end_with_parent()
    with open(path, "w") as file:
        file.write("here")
    time.sleep(60)


if __name__ == "__main__":
    child = get_context("spawn").Process(target=wait, args=("ready",))
    child.start()
    print(child.pid, flush=True)
    child.join()
"""
PATIENCE_S = 30.0


def wait_until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_worker__ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT, encoding="utf-8")
    with subprocess.Popen([sys.executable, "parent.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert wait_until((tmp_path / "ready").is_file)
        assert is_running(child)
        os.kill(parent.pid, signal.SIGKILL)
    assert wait_until(lambda: not is_running(child))


def is_running(pid: int) -> bool:
    """True where there is such a process that is more than an entry nobody has collected."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"
