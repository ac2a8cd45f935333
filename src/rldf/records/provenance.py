"""Where a run came from: versions, commit, time."""

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("rldf", "torch", "diffusers", "transformers", "numpy", "pillow")  # Pillow decides the size of a JPEG file
EXTRA_PACKAGES = ("accelerate", "peft")  # told only where they are installed


def versions() -> dict[str, str]:
    """Tells the versions of Python and of the packages that decide results.

    Returns:
        Name to version; "commit" where the package is used from its own git checkout.
    """
    found = {"python": platform.python_version()}
    for name in (*PACKAGES, *EXTRA_PACKAGES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            if name in PACKAGES:
                found[name] = "not installed"
    commit = checkout_commit(Path(__file__).resolve().parents[3])
    return found if commit is None else {**found, "commit": commit}


def checkout_commit(folder: Path) -> str | None:
    """Reads the commit of a git checkout, without running git.

    Args:
        folder: root of the checkout.

    Returns:
        The commit's hash; None where the folder is no checkout or has no commit.
    """
    git = folder / ".git"
    head = git / "HEAD"
    if not head.is_file():
        return None
    text = head.read_text(encoding="utf-8").strip()
    if not text.startswith("ref: "):
        return text
    name = text.removeprefix("ref: ")
    loose = git / name
    if loose.is_file():
        return loose.read_text(encoding="utf-8").strip()
    packed = git / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), None)


def utc_now() -> str:
    """Tells the time: ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
