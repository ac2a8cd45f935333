"""Who makes the shards of a clone, and what each of them loads."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from rldf.contracts import Executor, ShardMaker, ShardResult
from rldf.datasets.executors import InlineExecutor, ProcessExecutor
from rldf.datasets.plan import Plan
from rldf.datasets.plan_store import load_rounds
from rldf.datasets.ray_executor import RayExecutor
from rldf.datasets.shards import Screen, make_shard
from rldf.datasets.storage import Storage
from rldf.errors import ConfigError
from rldf.hub import say_nothing
from rldf.jobs.clone_plan import SAFETY
from rldf.perception.safety import SafetyModel
from rldf.presets.generators import build_generator, choose_device
from rldf.presets.loading import config_from_dict
from rldf.presets.shelf import SHELF


def build_executor(
    engine: Literal["local", "ray"], *, num_workers: int, address: str, gpus_per_worker: float | None, device: str
) -> Executor:
    """Makes what runs shards.

    Args:
        engine: "local" for this machine, "ray" for Ray.
        num_workers: at least 1; one local worker needs no process of its own.
        address: of Ray: "local", or of a cluster; "" for RAY_ADDRESS where that is set, else "local".
        gpus_per_worker: graphics cards of a Ray worker; None for what the device needs.
        device: of the model; "auto" stands for the best one here, and for a card on a cluster.

    Returns:
        The executor.
    """
    if engine == "ray":
        place = address or os.environ.get("RAY_ADDRESS", "") or "local"
        is_on_card = (choose_device(device) if place == "local" else device) not in {"cpu", "mps"}
        cards = float(is_on_card) if gpus_per_worker is None else gpus_per_worker
        return RayExecutor(num_workers=num_workers, address=place, gpus_per_worker=cards)
    return InlineExecutor() if num_workers == 1 else ProcessExecutor(num_workers)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginCloneWorker:
    """Begins a worker: loads the plan and the generator once; can be pickled.

    Attributes:
        address: of the clone's storage.
        config: settings, as a dictionary.
        safety: folder or hub id of the safety model; "" for none.
        num_workers: on one machine; its cores or graphics cards are shared out.
        shares_machine: True where several workers run on this machine.
    """

    address: str
    config: Mapping[str, Any]
    safety: str = ""
    num_workers: int = 1
    shares_machine: bool = False

    def __call__(self, number: int) -> ShardMaker:
        """Loads what makes shards."""
        config = config_from_dict(self.config, place="the clone's settings")
        if self.shares_machine:
            _take_share(number, num_workers=self.num_workers)
        storage = Storage(self.address)
        rounds = load_rounds(storage)
        model = replace(config.model, use_fixed_batches=True)  # of the plan; others would be other pictures
        build = build_generator if self.shares_machine else SHELF.generator
        generator = build(model, announce=say_nothing).image_generator
        screen = self._screen(rounds[0], device=choose_device(config.model.device))

        def make(shard: int) -> ShardResult:
            plan = next(entry for entry in rounds if shard in entry.shards)
            return make_shard(plan, shard, storage=storage, image_generator=generator, screen=screen)

        return make

    def _screen(self, plan: Plan, *, device: str) -> Screen:
        """What looks at the pictures; a safety model that is not the plan's is refused, for shards would differ."""
        if self.safety == "":
            return Screen()
        model = SafetyModel(self.safety, device=device, announce=say_nothing)
        planned = plan.settings.about.get(SAFETY, "")
        if planned != f"{self.safety} {model.digest}":
            raise ConfigError(
                f"the safety model '{self.safety}' has the digest {model.digest[:12]}, and the plan was made with "
                f"'{planned}'; a clone has one. Restore that model, or plan anew."
            )
        return Screen(unsafe_scores=model.scores)


def _take_share(number: int, *, num_workers: int) -> None:
    """Gives this process one graphics card of its own, or its share of the cores."""
    import torch  # only processes that draw need it

    if torch.cuda.is_available():
        torch.cuda.set_device(number % torch.cuda.device_count())
    else:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // num_workers))
