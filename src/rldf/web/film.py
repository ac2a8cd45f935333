"""The film strip: every try of the search as a frame."""

from dataclasses import dataclass

from rldf.web.pictures import Picture, embed, strip_px
from rldf.web.stored_run import StoredRun, StoredTry

MAX_FRAMES = 800
"""More tries than these are thinned out on the strip (our choice: keeps the page under 3 MB)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One try on the strip.

    Attributes:
        step: the record.
        picture: its thumbnail; None where the file is gone.
        is_record: True where its reward was larger than every one before.
        is_best: True for the best of all.
        differences: where the picture was seen as something else than the words say: (axis, word, seen).
    """

    step: StoredTry
    picture: Picture | None
    is_record: bool
    is_best: bool
    differences: tuple[tuple[str, str, str], ...]


def frames(run: StoredRun) -> tuple[Frame, ...]:
    """Makes the frames of a run's search; long runs keep every record and an even choice of the rest.

    Args:
        run: a run as stored.

    Returns:
        At most about `MAX_FRAMES` frames, in order.
    """
    records = _records(run)
    shown = _thin_out(run.search_steps, keep=records)
    max_px = strip_px(len(shown))
    best = run.best_step
    return tuple(
        Frame(
            step=step,
            picture=embed(run.folder, step.image, max_px=max_px, is_main=False),
            is_record=step.step in records,
            is_best=best is not None and step.step == best.step,
            differences=tuple(
                (axis, word, step.seen[axis])
                for axis, word in step.terms.items()
                if axis in step.seen and step.seen[axis] != word
            ),
        )
        for step in shown
    )


def _records(run: StoredRun) -> set[int]:
    best = float("-inf")
    records: set[int] = set()
    for step in run.search_steps:
        if step.reward is not None and step.reward > best:
            best = step.reward
            records.add(step.step)
    return records


def _thin_out(steps: tuple[StoredTry, ...], *, keep: set[int]) -> tuple[StoredTry, ...]:
    every = -(-len(steps) // MAX_FRAMES)  # rounded up
    if every <= 1:
        return steps
    return tuple(step for position, step in enumerate(steps) if position % every == 0 or step.step in keep)
