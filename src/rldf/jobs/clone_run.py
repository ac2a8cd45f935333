"""Makes a planned clone: shards, gates, and top-up rounds until every class has its count."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rldf.arrays import Image
from rldf.contracts import ImageEmbedder
from rldf.datasets.class_check import ClassCheck
from rldf.datasets.class_folder import ClassFolder, read_class_folder, show_path
from rldf.datasets.duplicates import MARK_BYTES, Marks, mark
from rldf.datasets.gates import GateReport, GateSettings, apply_gates
from rldf.datasets.plan import make_top_up
from rldf.datasets.plan_store import save_plan
from rldf.datasets.progress import CloneProgress, ProgressMeter
from rldf.datasets.run import CloneStatus, lacking_on_storage, read_status, run_missing
from rldf.datasets.verdicts import count_missing, require_same_gates
from rldf.errors import ConfigError, ImageError
from rldf.hub import Announce, say_nothing
from rldf.jobs.clone_plan import OpenClone
from rldf.jobs.clone_workers import BeginCloneWorker, build_executor
from rldf.perception.reading import read_image
from rldf.presets.loading import config_to_dict
from rldf.presets.shelf import SHELF

MAX_ROUNDS = 6  # our choice: top-ups after the first round
MAX_HEADROOM = 4.0  # our choice: a top-up plans at most so many pictures for each that is missing
CLASS_SAMPLES = 50  # our choice: real pictures of a class the class check looks at


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """How a clone is made.

    Attributes:
        engine: "local" or "ray".
        num_workers: at least 1.
        address: of a Ray cluster; "" for RAY_ADDRESS, else this machine.
        gpus_per_worker: graphics cards of a Ray worker; None for one, and for none where the model draws on the CPU.
        has_gates: False to make the shards and stop.
        class_rank: how many classes scorer A may take a picture for, at least 1; 0 switches that gate off.
        max_rounds: top-up rounds, 0 or more.
        judges_anew: True to replace verdicts that come of other gates; otherwise that is refused.
    """

    engine: Literal["local", "ray"] = "local"
    num_workers: int = 1
    address: str = ""
    gpus_per_worker: float | None = None
    has_gates: bool = True
    class_rank: int = 1
    max_rounds: int = MAX_ROUNDS
    judges_anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesApplied:
    """The gates judged all pictures there are.

    Attributes:
        report: what they did.
        round_number: how many top-up rounds there were.
    """

    report: GateReport
    round_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something worth knowing.

    Attributes:
        text: one line.
    """

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneFinished:
    """The run is over.

    Attributes:
        status: how far the clone is.
        report: of the gates; None where they were not applied.
        num_missing: pictures the class counts lack: as the gates last found, and where they never judged this plan
            as the shards hold; None where they did not and shards are missing.
    """

    status: CloneStatus
    report: GateReport | None
    num_missing: int | None

    @property
    def is_whole(self) -> bool:
        """True where every shard is there and no picture is missing."""
        return self.status.is_complete and not self.num_missing


CloneEvent = CloneProgress | GatesApplied | Note | CloneFinished


def run_clone(clone: OpenClone, request: RunRequest, *, announce: Announce = say_nothing) -> Iterator[CloneEvent]:
    """Makes what is missing of a clone, applies the gates, and tops up what they left out.

    Interrupted or killed, the same call goes on; a shard that is there is never made again.

    Args:
        clone: from `open_clone`.
        request: how.
        announce: is given one line before anything is downloaded.

    Yields:
        What happens; the last event is `CloneFinished`.
    """
    settings: GateSettings | None = None
    if not clone.storage.is_atomic:
        yield Note(
            text=f"'{clone.storage.address}' may keep the beginning of a file where its writer was killed; after a "
            "kill, `rldf clone verify` finds it and `rldf clone repair` removes it"
        )
    while True:
        yield from _run_shards(clone, request)
        status = read_status(clone.storage, clone.rounds)
        if not request.has_gates or not status.is_complete:
            yield CloneFinished(status=status, report=None, num_missing=_num_lacking(clone, status))
            return
        if settings is None:
            settings, notes = _gate_settings(clone, request, announce=announce)
            yield from (Note(text=text) for text in notes)
            if not request.judges_anew:
                require_same_gates(clone.storage, settings.about)
        report = apply_gates(clone.storage, clone.rounds, settings=settings)
        round_number = clone.rounds[-1].round_number
        yield GatesApplied(report=report, round_number=round_number)
        if report.num_missing == 0 or round_number >= request.max_rounds:
            yield CloneFinished(status=status, report=report, num_missing=report.num_missing)
            return
        save_plan(make_top_up(clone.rounds[-1], missing=_with_headroom(report, clone)), clone.storage)
        clone = clone.reopened()


def _run_shards(clone: OpenClone, request: RunRequest) -> Iterator[CloneEvent]:
    status = read_status(clone.storage, clone.rounds)
    begin = BeginCloneWorker(
        address=clone.storage.absolute.address,
        config=config_to_dict(clone.config),
        safety=clone.safety,
        num_workers=request.num_workers,
        shares_machine=request.engine == "local" and request.num_workers > 1,
    )
    executor = build_executor(
        request.engine,
        num_workers=request.num_workers,
        address=request.address,
        gpus_per_worker=request.gpus_per_worker,
        device=clone.config.model.device,
    )
    missing = set(status.missing)
    planned = {shard: plan.num_pictures_of(shard) for plan in clone.rounds for shard in plan.shards if shard in missing}
    if missing:
        total = sum(planned.values())
        yield Note(text=f"shards to make: {len(missing)}, of {total} pictures; each has a line once it is whole")
    meter = ProgressMeter(num_shards=len(missing), pictures_left=sum(planned.values()))
    for result in run_missing(clone.storage, clone.rounds, executor=executor, begin_worker=begin):
        if result.state == "failed":
            yield Note(text=f"shard {result.shard} is in quarantine after {result.num_attempts} tries: {result.error}")
        yield meter.count(result, num_planned=planned.get(result.shard, 0))


def _num_lacking(clone: OpenClone, status: CloneStatus) -> int | None:
    """Pictures the classes lack, as the gates found; where they did not judge, as the shards hold; None without all."""
    if status.num_missing is not None or not status.is_complete:
        return status.num_missing
    return count_missing(lacking_on_storage(clone.storage, clone.rounds))


def _with_headroom(report: GateReport, clone: OpenClone) -> np.ndarray:
    """How many pictures a top-up plans: what is missing, divided by the share that passed so far in that class."""
    planned = np.sum([plan.quotas for plan in clone.rounds], axis=0)
    kept = clone.rounds[0].quotas - report.missing
    passed = np.maximum(kept / np.maximum(planned, 1), 1.0 / MAX_HEADROOM)
    return np.asarray(np.ceil(report.missing / np.minimum(passed, 1.0)), dtype=np.int64)


def _gate_settings(
    clone: OpenClone, request: RunRequest, *, announce: Announce
) -> tuple[GateSettings, tuple[str, ...]]:
    """Looks at the real pictures: marks of all, embeddings of some of each class."""
    if not clone.folder.is_dir():
        return GateSettings(), (
            f"the real pictures are not at '{clone.folder}' any more: no gate for other classes and leaks",
        )
    folder = read_class_folder(clone.folder)
    marks, names, unreadable = _real_marks(folder)
    notes = (f"{len(unreadable)} real pictures cannot be read and are not compared with",) if unreadable else ()
    settings = GateSettings(real_marks=marks, real_names=names, unreadable=unreadable)
    if request.class_rank == 0 or len(folder.class_names) <= request.class_rank:
        return settings, notes
    perception, card = SHELF.perception(clone.config, announce=announce)
    if not isinstance(perception, ImageEmbedder):
        raise ConfigError(
            f"the class gate compares embeddings, and {type(perception).__name__} makes none; the embedded scorer and "
            "zero-shot CLIP do. Choose one of them, or switch the gate off with --class-rank 0."
        )
    check = ClassCheck(perception, name=f"{card.id} {card.digest}", rank=request.class_rank)
    for name in folder.class_names:
        check.learn(name, _some_images(folder, name))
    return replace(settings, class_check=check), notes


def _real_marks(folder: ClassFolder) -> tuple[dict[str, Marks], dict[str, list[str]], tuple[str, ...]]:
    """Marks of the real pictures by class, their paths in the folder in the same order, and those it cannot read."""
    marks: dict[str, Marks] = {}
    names: dict[str, list[str]] = {}
    unreadable: list[str] = []
    for name in folder.class_names:
        rows = []
        names[name] = []
        for path in folder.files[name]:
            place = show_path(path.relative_to(folder.folder))
            try:
                rows.append(mark(read_image(path).image))
                names[name].append(place)
            except ImageError:
                unreadable.append(place)
        marks[name] = np.stack(rows) if rows else np.empty((0, MARK_BYTES), dtype=np.uint8)
    return marks, names, tuple(unreadable)


def _some_images(folder: ClassFolder, name: str) -> list[Image]:
    """The first readable pictures of a class."""
    images: list[Image] = []
    for path in folder.files[name]:
        if len(images) == CLASS_SAMPLES:
            break
        try:
            images.append(read_image(path).image)
        except ImageError:
            continue
    if not images:
        raise ImageError(
            f"no real picture of class '{name}' in '{folder.folder}' can be read; the class gate needs some. "
            "Give readable pictures, or switch the gate off with --class-rank 0."
        )
    return images
