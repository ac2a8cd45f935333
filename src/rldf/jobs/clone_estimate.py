"""What is left to do of a planned clone, with the speed its own searches had."""

import json
from pathlib import Path

from rldf.datasets.estimate import Estimate, estimate_clone
from rldf.datasets.run import read_status
from rldf.jobs.clone_plan import OpenClone, searches_of


def estimate_of(clone: OpenClone, *, pictures_per_second: float, num_workers: int, hour_cost_usd: float) -> Estimate:
    """Estimates what the shards of a clone that are missing will take.

    Args:
        clone: from `open_clone`.
        pictures_per_second: of one worker; 0 for that of the searches the plan was made with, where there are some.
        num_workers: at least 1.
        hour_cost_usd: US dollars for an hour of one worker; 0 where unknown.

    Returns:
        The estimate.
    """
    status = read_status(clone.storage, clone.rounds)
    return estimate_clone(
        clone.rounds,
        shards=frozenset(status.missing),
        size_px=clone.config.model.size_px,
        pictures_per_second=pictures_per_second
        if pictures_per_second > 0
        else searched_speed(searches_of(clone.storage)),
        num_workers=num_workers,
        picture_cost_usd=clone.config.model.picture_cost_usd,
        worker_hour_cost_usd=hour_cost_usd,
    )


def searched_speed(folder: Path) -> float:
    """Reads how fast searches drew: pictures that were new, by all the seconds, reading and judging included.

    Args:
        folder: of the searches of a clone, one folder per class with one per run.

    Returns:
        Pictures a second, rather too few than too many; 0 where no search drew any.
    """
    pictures, seconds = 0, 0.0
    for place in sorted(folder.glob("*/*/summary.json")):
        try:
            used = json.loads(place.read_text(encoding="utf-8"))["budget"]
            pictures += max(0, used["renders"] + used["test_renders"] - used["cache_hits"])
            seconds += used["seconds"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a search that was interrupted tells nothing
    return pictures / seconds if pictures > 0 and seconds > 0 else 0.0
