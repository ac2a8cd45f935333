"""What a clone will take: pictures, bytes, hours, money."""

from collections import Counter
from collections.abc import Container, Sequence
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
        num_pictures: pictures to be drawn.
        num_shards: shards to be made.
        num_classes: classes.
        num_sentences: distinct recipes.
        counts: split to pictures to be drawn.
        num_bytes: on storage, about; None where the size of a picture is unknown.
        hours: with the speed given; None without one.
        cost_usd: of pictures and hours together; None where no price is known, or hours have one and are unknown.
    """

    num_pictures: int
    num_shards: int
    num_classes: int
    num_sentences: int
    counts: dict[str, int]
    num_bytes: int | None
    hours: float | None
    cost_usd: float | None


def estimate_clone(
    rounds: Sequence[Plan],
    *,
    shards: Container[int] | None = None,
    size_px: int = 0,
    pictures_per_second: float = 0.0,
    num_workers: int = 1,
    picture_cost_usd: float = 0.0,
    worker_hour_cost_usd: float = 0.0,
) -> Estimate:
    """Estimates what a clone will take, without drawing anything.

    Args:
        rounds: its plan.
        shards: those that are to be made; None for all.
        size_px: side of a picture; 0 where unknown.
        pictures_per_second: of one worker; 0 where unknown.
        num_workers: at least 1.
        picture_cost_usd: price of a picture; 0 where unknown, or for nothing.
        worker_hour_cost_usd: price of an hour of one worker; 0 likewise.

    Returns:
        The estimate.
    """
    counts: Counter[str] = Counter()
    num_shards = 0
    for plan in rounds:
        for shard in (each for each in plan.shards if shards is None or each in shards):
            counts[plan.split_of(shard)] += plan.num_pictures_of(shard)
            num_shards += 1
    num_pictures = counts.total()
    share = _BYTES_PER_PIXEL[rounds[0].settings.picture_format]
    seconds = num_pictures / pictures_per_second if pictures_per_second > 0 else None
    return Estimate(
        num_pictures=num_pictures,
        num_shards=num_shards,
        num_classes=len(rounds[0].class_names),
        num_sentences=len(rounds[0].recipes),
        counts={split: counts[split] for split in SPLITS if counts[split]},
        num_bytes=int(num_pictures * (size_px**2 * share + _BYTES_PER_ROW)) if size_px > 0 else None,
        hours=None if seconds is None else seconds / num_workers / _HOUR_S,
        cost_usd=_cost(num_pictures, seconds, per_picture=picture_cost_usd, per_hour=worker_hour_cost_usd),
    )


def _cost(num_pictures: int, seconds: float | None, *, per_picture: float, per_hour: float) -> float | None:
    """Adds up what is known to cost something; None where nothing is, or a part is unknown."""
    if max(per_picture, per_hour) <= 0 or (per_hour > 0 and seconds is None):
        return None
    return num_pictures * per_picture + (0.0 if seconds is None else seconds / _HOUR_S * per_hour)
