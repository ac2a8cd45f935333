"""Budget: hard limits of a run; Ledger: what the run has used so far."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, final

from rldf.errors import ConfigError
from rldf.records.json_forms import Phase
from rldf.records.memory import peak_rss_mib

MAX_VALIDATION_RENDERS = 16  # our choice: six paired seeds for the last challenger, see select.py
STEPS_PER_RENDER = 100  # our choice: asking again is free, so walkers that go in circles need an end

Stopped = Literal["budget", "finished", "time"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Hard limits of one run.

    Attributes:
        max_renders: distinct pictures that search and validation may ask for together, at least 1.
        max_seconds: seconds after which no further batch is begun; None for no limit.
        max_steps: tries, pictures asked for again included; None for 100 times max_renders.
    """

    max_renders: int
    max_seconds: float | None = None
    max_steps: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("renders", self.max_renders), ("seconds", self.max_seconds), ("steps", self.max_steps)):
            if value is not None and value <= 0:
                raise ConfigError(
                    f"the budget of {name} is {value}; it must be larger than 0. Give more, such as --budget 16."
                )

    @property
    def validation_renders(self) -> int:
        """Part of the renders kept for validation: a third, even, 16 at most; our choice."""
        third = min(MAX_VALIDATION_RENDERS, -(-self.max_renders // 3))
        return third - third % 2 if self.max_renders > third else 0

    @property
    def search_renders(self) -> int:
        """Part of the renders that the search may use."""
        return self.max_renders - self.validation_renders

    @property
    def search_steps(self) -> int:
        """Tries the search may make, pictures asked for again included."""
        return STEPS_PER_RENDER * self.max_renders if self.max_steps is None else self.max_steps

    def within_cost(self, *, max_cost_usd: float, picture_cost_usd: float, other_pictures: int) -> "Budget":
        """Lowers the limit of renders so that the whole run stays below a cost.

        Args:
            max_cost_usd: limit in US dollars.
            picture_cost_usd: price of one picture in US dollars, larger than 0.
            other_pictures: pictures the run makes beside its renders: test and new ones.

        Returns:
            The budget with at most as many renders as the cost allows.

        Raises:
            ConfigError: if the cost does not even cover one render.
        """
        affordable = int(max_cost_usd / picture_cost_usd + 1e-9) - other_pictures
        if affordable < 1:
            raise ConfigError(
                f"a cost limit of {max_cost_usd} USD is too small: a picture costs {picture_cost_usd} USD and "
                f"{other_pictures} test and new pictures are made beside the search. "
                f"Allow at least {(other_pictures + 1) * picture_cost_usd:.2f} USD, or ask for fewer new pictures."
            )
        return Budget(
            max_renders=min(self.max_renders, affordable), max_seconds=self.max_seconds, max_steps=self.max_steps
        )


@final
class Ledger:
    """Counts what a run uses. Counts do not depend on what the render cache holds, nor on interruptions.

    Attributes:
        budget: the limits.
        renders: distinct (encoding, seed) pictures asked for by search and validation, cached or not.
        steps: tries of search and validation, pictures asked for again included.
        test_renders: pictures made for the final judgement.
        new_pictures: further pictures of what was found.
        encoder_calls: pictures given to a scorer.
        denoiser_evaluations: evaluations of the denoiser that the pictures of this run take, cached or not.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        evaluations_per_picture: int = 0,
        cache_hits: Callable[[], int] = lambda: 0,
        stored_phases: Sequence[Phase] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts with nothing used.

        Args:
            budget: the limits.
            evaluations_per_picture: evaluations of the denoiser that one picture takes.
            cache_hits: tells how many pictures came from the render cache so far.
            stored_phases: phase of each try on disk; the limit of seconds ended the search where it did then.
            clock: seconds.
        """
        self._stored_phases = stored_phases
        self.budget = budget
        self.renders = 0
        self.steps = 0
        self.test_renders = 0
        self.new_pictures = 0
        self.encoder_calls = 0
        self._evaluations_per_picture = evaluations_per_picture
        self._cache_hits = cache_hits
        self._hits_before = cache_hits()
        self._clock = clock
        self._began = clock()

    @property
    def seconds(self) -> float:
        """Seconds since the run began, without the time between two sessions of a resumed run."""
        return self._clock() - self._began

    @property
    def cache_hits(self) -> int:
        """Pictures that came from the render cache in this session."""
        return self._cache_hits() - self._hits_before

    @property
    def denoiser_evaluations(self) -> int:
        """Evaluations of the denoiser that the pictures of this run take, cached or not."""
        return (self.renders + self.test_renders + self.new_pictures) * self._evaluations_per_picture

    @property
    def is_time_up(self) -> bool:
        """True where the limit of seconds is reached; tries on disk were made in time."""
        if self.budget.max_seconds is None or self.steps < len(self._stored_phases):
            return False
        return self.seconds >= self.budget.max_seconds

    @property
    def is_search_over(self) -> bool:
        """True where the limit of seconds ends the search, or ended it before this run was interrupted."""
        if self.budget.max_seconds is None:
            return False
        if self.steps < len(self._stored_phases):
            return self._stored_phases[self.steps] == "validation"
        return self.is_time_up

    @property
    def search_renders_left(self) -> int:
        """Tries the search may still ask for, each of which may be a render; 0 where any limit is reached."""
        left = min(self.budget.search_renders - self.renders, self.budget.search_steps - self.steps)
        return 0 if self.is_search_over else max(0, left)

    @property
    def validation_renders_left(self) -> int:
        """Renders validation may still ask for; 0 where time is up."""
        left = 0 if self.is_time_up else self.budget.max_renders - self.renders
        return min(MAX_VALIDATION_RENDERS, max(0, left))

    def count_try(self, *, is_new_render: bool, elapsed_s: float | None = None) -> None:
        """Counts one try.

        Args:
            is_new_render: False where this picture was asked for before in this run.
            elapsed_s: of a try read back from the disk, the seconds the run had taken by then.
        """
        self.steps += 1
        if is_new_render:
            self.renders += 1
            self.encoder_calls += 1
        if elapsed_s is not None and elapsed_s > self.seconds:
            self._began -= elapsed_s - self.seconds

    def as_json(self) -> dict[str, int | float]:
        """Writes the ledger as `summary.json` holds it."""
        return {
            "renders": self.renders,
            "max_renders": self.budget.max_renders,
            "cache_hits": self.cache_hits,
            "test_renders": self.test_renders,
            "encoder_calls": self.encoder_calls,
            "denoiser_evaluations": self.denoiser_evaluations,
            "seconds": round(self.seconds, 3),
            "peak_rss_mib": round(peak_rss_mib(), 1),
        }
