"""RunSeeds: the seeds of one run, kept apart by what they are for."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from rldf.seeding import child_seed

Purpose = Literal["search", "validation", "test", "new"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeeds:
    """Seeds derived from one root: what is chosen on one kind is never judged on the same pictures.

    Attributes:
        root: seed of the run, 0 or larger.
    """

    root: int

    def seed(self, purpose: Purpose, index: int) -> int:
        """Derives one seed, the index-th of its kind."""
        return child_seed(self.root, purpose, index)

    def first(self, purpose: Purpose, count: int) -> list[int]:
        """Derives the first seeds of a kind."""
        return [self.seed(purpose, index) for index in range(count)]

    def of(self, purpose: Purpose) -> Callable[[int], int]:
        """Gives the function from seed_index to seed for one kind."""
        return partial(self.seed, purpose)
