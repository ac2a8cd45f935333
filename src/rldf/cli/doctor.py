"""`rldf doctor`: says what works here."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import typer

from rldf.cli import workflows
from rldf.cli.manners import FAILED, print_json, well_behaved
from rldf.cli.models import embedded_models
from rldf.cli.options import AsJson, Debug

OLDEST_PYTHON = (3, 11)
MIN_FREE_GIB = 1.0  # our choice: room for a run and its pictures
EXTRAS = {
    "api": ("openai",),
    "bench": ("stable_baselines3", "optuna", "cmaes", "matplotlib"),
    "datasets": ("pyarrow", "fsspec"),
    "ray": ("ray",),
    "train": ("accelerate", "peft", "tensorboard"),
}
"""What each extra brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what.
        value: what was found.
        advice: what to do; "" where nothing needs to be done.
        is_needed: False for what the main job can do without.
    """

    name: str
    value: str
    advice: str = ""
    is_needed: bool = True


@well_behaved
def doctor(*, as_json: AsJson = False, debug: Debug = False) -> None:
    """Says what works here, and what to do where something does not."""
    del debug
    findings = [*_machine(), *_torch(), *_places(), *_models(), *_extras()]
    is_well = not any(finding.advice and finding.is_needed for finding in findings)
    if as_json:
        print_json({"is_well": is_well, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            mark = "ok" if not finding.advice else "MISSING" if finding.is_needed else "-"
            typer.echo(f"{mark:<8} {finding.name:<20} {finding.value}")
            if finding.advice:
                typer.echo(f"{'':<29} {finding.advice}")
    if not is_well:
        raise typer.Exit(FAILED)


def _machine() -> Iterator[Finding]:
    """Python and the machine."""
    version = platform.python_version()
    is_new = sys.version_info >= OLDEST_PYTHON
    yield Finding(name="python", value=version, advice="" if is_new else "Use Python 3.11 or newer.")
    yield Finding(name="processors", value=f"{os.cpu_count()}")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        yield Finding(name="memory", value=f"{memory:.1f} GiB")


def _torch() -> Iterator[Finding]:
    """The library that runs the models, and what it runs on."""
    try:
        threads, device = workflows.get_num_threads(), workflows.choose_device("auto")
    except ImportError as error:
        yield Finding(name="torch", value=f"cannot be imported: {error}", advice="Install rldf again with pip.")
        return
    yield Finding(name="torch", value=f"{workflows.versions()['torch']}, {threads} threads")
    yield Finding(name="device", value=f"{device}, the best one present")


def _places() -> Iterator[Finding]:
    """Folders that are written."""
    for name, folder in (("cache", workflows.render_folder()), ("runs", Path.cwd())):
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if not os.access(existing, os.W_OK):
            advice = (
                "Set XDG_CACHE_HOME to a folder you may write."
                if name == "cache"
                else "Change to a folder you may write."
            )
            yield Finding(name=name, value=f"{folder} cannot be written", advice=advice)
            continue
        free_gib = shutil.disk_usage(existing).free / 2**30
        advice = "" if free_gib >= MIN_FREE_GIB else f"Free some space: {MIN_FREE_GIB:.0f} GiB is little enough."
        yield Finding(name=name, value=f"{folder}, {free_gib:.1f} GiB free", advice=advice)


def _models() -> Iterator[Finding]:
    """The models that ship with the package."""
    for model in embedded_models():
        if model.digest:
            yield Finding(name=model.id, value=f"digest {model.digest[:12]}")
        else:
            advice = "Install rldf again, or make the models with `rldf world train`."
            yield Finding(name=model.id, value="missing", advice=advice)


def _extras() -> Iterator[Finding]:
    """Optional packages."""
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        if not missing:
            yield Finding(name=f"[{extra}]", value="installed", is_needed=False)
        else:
            yield Finding(
                name=f"[{extra}]",
                value=f"not installed: {', '.join(missing)}",
                advice=f"pip install 'rldf[{extra}]', if you need it.",
                is_needed=False,
            )
