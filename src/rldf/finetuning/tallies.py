"""What is measured while the weights move, summed over pictures, steps and processes."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from rldf.finetuning.processes import Processes


@dataclass(slots=True, kw_only=True)
class StepTally:
    """Sums over the pictures that were trained at each denoising step.

    Attributes:
        counts, losses, squared_log_ratios, ratios, clipped: one number per denoising step.
        largest: of the absolute log-ratios, one per denoising step.
        divergence: sum of the divergences from the base, where they are measured.
    """

    counts: Float[np.ndarray, " steps"]
    losses: Float[np.ndarray, " steps"]
    squared_log_ratios: Float[np.ndarray, " steps"]
    ratios: Float[np.ndarray, " steps"]
    clipped: Float[np.ndarray, " steps"]
    largest: Float[np.ndarray, " steps"]
    divergence: float = 0.0

    @classmethod
    def empty(cls, num_steps: int) -> "StepTally":
        """Makes a tally of nothing."""
        rows = [np.zeros(num_steps) for _ in range(6)]
        return cls(
            counts=rows[0],
            losses=rows[1],
            squared_log_ratios=rows[2],
            ratios=rows[3],
            clipped=rows[4],
            largest=rows[5],
        )

    def add(
        self,
        step: int,
        *,
        losses: Float[np.ndarray, " pictures"],
        log_ratios: Float[np.ndarray, " pictures"],
        is_clipped: Float[np.ndarray, " pictures"],
    ) -> None:
        """Adds a micro-batch at one denoising step."""
        self.counts[step] += len(losses)
        self.losses[step] += losses.sum()
        self.squared_log_ratios[step] += np.square(log_ratios).sum()
        with np.errstate(over="ignore"):  # an infinite ratio is refused where the sums are looked at
            self.ratios[step] += np.exp(log_ratios).sum()
        self.clipped[step] += is_clipped.sum()
        largest = np.abs(log_ratios).max(initial=0.0)
        self.largest[step] = np.maximum(self.largest[step], largest)  # unlike Python's max it lets NaN through

    @property
    def total(self) -> float:
        """Sum of all that was measured: a finite number only where everything is one."""
        rows = (self.losses, self.squared_log_ratios, self.ratios)
        return float(sum(row.sum() for row in rows) + self.divergence)

    def joined(self, processes: Processes) -> "StepTally":
        """Sums the tallies of all processes."""
        summed = [
            processes.sum_numbers(row)
            for row in (self.counts, self.losses, self.squared_log_ratios, self.ratios, self.clipped)
        ]
        largest = np.max(processes.gather([self.largest]), axis=0)
        divergence = float(processes.sum_numbers(np.array([self.divergence]))[0])
        return StepTally(
            counts=summed[0],
            losses=summed[1],
            squared_log_ratios=summed[2],
            ratios=summed[3],
            clipped=summed[4],
            largest=np.asarray(largest),
            divergence=divergence,
        )


@dataclass(slots=True, kw_only=True)
class EpochTally:
    """What the updates of one epoch gave.

    Attributes:
        first_deviation: largest absolute log-ratio before the first update; exactly 0 where replay is exact, None
            where nothing is replayed.
        num_updates: updates of this epoch.
        losses: mean loss of each update.
        gradient_norms: before clipping, of each update.
        approx_kl: half the mean squared log-ratio of each update.
        clip_fraction: share of ratios outside the clip range, of each update.
        divergence: mean divergence from the base of each update, where it is measured.
        step_ratios: mean ratio of each denoising step, over the epoch; None of those that were not trained.
        step_deviations: largest absolute log-ratio of each denoising step, over the epoch; None likewise.
    """

    first_deviation: float | None = None
    num_updates: int = 0
    losses: list[float] = field(default_factory=list)
    gradient_norms: list[float] = field(default_factory=list)
    approx_kl: list[float] = field(default_factory=list)
    clip_fraction: list[float] = field(default_factory=list)
    divergence: list[float] = field(default_factory=list)
    step_ratios: list[float | None] = field(default_factory=list)
    step_deviations: list[float | None] = field(default_factory=list)
