"""What a clone will take: pictures, bytes, hours, money."""

from collections.abc import Sequence
from dataclasses import dataclass

from rldf.datasets.plan import SPLITS, Plan

# Our measurement of drawn 128 px scenes and of photographs lies around these; only the order of magnitude is meant.
_BYTES_PER_PIXEL = {"jpeg": 0.5, "png": 1.6, "webp": 0.35}
_BYTES_PER_ROW = 400
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a clone will take.

    Attributes:
        num_pictures: planned pictures.
        num_shards: planned shards.
        num_classes: classes.
        num_sentences: distinct recipes.
        counts: split to pictures.
        num_bytes: on storage, about; None where the size of a picture is unknown.
        hours: with the speed given; None without one.
        cost_usd: of pictures and hours together.
    """

    num_pictures: int
    num_shards: int
    num_classes: int
    num_sentences: int
    counts: dict[str, int]
    num_bytes: int | None
    hours: float | None
    cost_usd: float


def estimate_clone(
    rounds: Sequence[Plan],
    *,
    size_px: int = 0,
    pictures_per_second: float = 0.0,
    num_workers: int = 1,
    picture_cost_usd: float = 0.0,
    worker_hour_cost_usd: float = 0.0,
) -> Estimate:
    """Estimates what a clone will take, without drawing anything.

    Args:
        rounds: its plan.
        size_px: side of a picture; 0 where unknown.
        pictures_per_second: of one worker; 0 where unknown.
        num_workers: at least 1.
        picture_cost_usd: price of a picture.
        worker_hour_cost_usd: price of an hour of one worker.

    Returns:
        The estimate.
    """
    num_pictures = sum(len(plan) for plan in rounds)
    share = _BYTES_PER_PIXEL[rounds[0].settings.picture_format]
    seconds = num_pictures / pictures_per_second if pictures_per_second > 0 else None
    worker_hours = 0.0 if seconds is None else seconds / _HOUR_S
    totals = sum(plan.quotas.sum(axis=1) for plan in rounds)
    return Estimate(
        num_pictures=num_pictures,
        num_shards=sum(plan.num_shards for plan in rounds),
        num_classes=len(rounds[0].class_names),
        num_sentences=len(rounds[0].recipes),
        counts={split: int(number) for split, number in zip(SPLITS, totals, strict=True) if number},
        num_bytes=int(num_pictures * (size_px**2 * share + _BYTES_PER_ROW)) if size_px > 0 else None,
        hours=None if seconds is None else seconds / num_workers / _HOUR_S,
        cost_usd=num_pictures * picture_cost_usd + worker_hours * worker_hour_cost_usd,
    )
