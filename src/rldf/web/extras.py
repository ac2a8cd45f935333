"""What was made of a run later - strips, sets, transfers - as the report shows it, and pictures of alternatives."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rldf.records import Extra, read_extras
from rldf.web.evidence import AxisEvidence
from rldf.web.pictures import SMALL_PX, Picture, embed
from rldf.web.stored_run import StoredRun

MAX_PICTURES = 64
"""At most so many pictures of an extra are shown (our choice)."""
THUMB_PX = 72
MAX_ALTERNATIVES = 4  # as many as the report lists


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPicture:
    """A picture of an extra; None where the file is gone."""

    picture: Picture | None
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownExtra:
    """An extra with its pictures embedded.

    Attributes:
        extra: the record.
        pictures: in order; in a layout of pairs, above and below take turns.
        num_hidden: pictures that are not shown.
    """

    extra: Extra
    pictures: tuple[ShownPicture, ...]
    num_hidden: int

    @property
    def pairs(self) -> list[tuple[ShownPicture, ShownPicture]]:
        """The pictures two and two."""
        return list(zip(self.pictures[::2], self.pictures[1::2], strict=False))


def shown_extras(run_folder: Path) -> list[ShownExtra]:
    """Reads the extras of a run and embeds their pictures.

    Args:
        run_folder: the run folder.

    Returns:
        The extras, by name.
    """
    return [
        ShownExtra(
            extra=extra,
            pictures=tuple(
                ShownPicture(picture=embed(run_folder, p.file, max_px=SMALL_PX, is_main=False), caption=p.caption)
                for p in extra.pictures[:MAX_PICTURES]
            ),
            num_hidden=max(0, len(extra.pictures) - MAX_PICTURES),
        )
        for extra in read_extras(run_folder)
    ]


def alternative_pictures(run: StoredRun, axes: Sequence[AxisEvidence]) -> dict[str, dict[str, Picture]]:
    """Finds, for each axis and each alternative that is listed, the search picture with the largest reward.

    Args:
        run: a run as stored.
        axes: what is listed.

    Returns:
        Axis id to term to picture; pictures that are gone are missing.
    """
    found: dict[str, dict[str, Picture]] = {}
    for part in axes:
        axis = part.axis
        listed = {alternative.term for alternative in part.alternatives[:MAX_ALTERNATIVES]}
        best: dict[str, tuple[float, str]] = {}
        for step in run.search_steps:
            if step.reward is not None and step.terms.get(axis.id) in listed:
                term = step.terms[axis.id]
                if term not in best or step.reward > best[term][0]:
                    best[term] = (step.reward, step.image)
        pictures = {
            term: embed(run.folder, image, max_px=THUMB_PX, is_main=False) for term, (_, image) in sorted(best.items())
        }
        found[axis.id] = {term: picture for term, picture in pictures.items() if picture is not None}
    return found
