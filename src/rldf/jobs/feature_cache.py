"""Where the features of pictures are kept between evaluations, and how much they take."""

import re
from dataclasses import dataclass
from pathlib import Path

from rldf.generators.cache import render_folder

_OURS = re.compile(r"\.?(set-)?[0-9a-f]{64}\.(npy|json)(\.\d+\.part)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureInfo:
    """What is kept of features.

    Attributes:
        folder: where.
        num_files: files, left-overs of killed writers included.
        num_bytes: bytes they take.
    """

    folder: Path
    num_files: int
    num_bytes: int


def features_folder() -> Path:
    """Where features are kept: beside the render cache of the user."""
    return render_folder().parent / "features"


def features_info() -> FeatureInfo:
    """Counts what is kept of features."""
    sizes = [path.stat().st_size for path in _files()]
    return FeatureInfo(folder=features_folder(), num_files=len(sizes), num_bytes=sum(sizes))


def clear_features() -> FeatureInfo:
    """Removes all features, which the next evaluation computes again; tells what was there."""
    removed = features_info()
    for path in _files():
        path.unlink(missing_ok=True)
    return removed


def _files() -> list[Path]:
    """What an evaluation writes, and nothing else that may lie there."""
    folder = features_folder()
    return sorted(path for path in folder.iterdir() if _OURS.fullmatch(path.name)) if folder.is_dir() else []
