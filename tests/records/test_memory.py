"""How much memory a run took."""

import resource
from types import SimpleNamespace

import pytest

from rldf.records.memory import peak_rss_mib


@pytest.mark.parametrize(
    ("platform", "told", "mib"), [("linux", 3 * 2**10, 3.0), ("darwin", 3 * 2**20, 3.0), ("win32", 3, 0.0)]
)
def test_peak__is_in_mib_on_every_system(
    monkeypatch: pytest.MonkeyPatch, *, platform: str, told: int, mib: float
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(resource, "getrusage", lambda _: SimpleNamespace(ru_maxrss=told))
    assert peak_rss_mib() == mib


def test_peak__of_this_process_is_more_than_nothing() -> None:
    assert peak_rss_mib() > 1.0
