"""What an experiment on the paper's claims says: measured numbers with intervals, a rule, a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rldf.bench.statistics import Interval, bootstrap_mean

Verdict = Literal["agrees", "agrees in part", "disagrees", "undecided", "no claim", "not measured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measured number.

    Attributes:
        name: what it is.
        interval: mean and 95 % interval over runs.
        count: runs.
    """

    name: str
    interval: Interval
    count: int

    @property
    def text(self) -> str:
        """Mean and interval, as shown."""
        low, high = self.interval.low, self.interval.high
        return f"{self.interval.mean:.3g} [{low:.3g}, {high:.3g}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of one experiment.

    Attributes:
        key: short name, such as "claim-1".
        title: what is claimed or asked.
        rule: when the verdict is which; fixed before anything was measured.
        measures: what was measured.
        verdict: what follows by the rule.
        note: what has to be known to read it; "" for nothing.
    """

    key: str
    title: str
    rule: str
    measures: tuple[Measure, ...]
    verdict: Verdict
    note: str = ""


def measure(name: str, values: Sequence[float] | np.ndarray) -> Measure:
    """Sums up one value per run.

    Args:
        name: what the values are.
        values: at least one.

    Returns:
        Mean with its bootstrap interval.
    """
    array = np.asarray(values, dtype=np.float64)
    return Measure(name=name, interval=bootstrap_mean(array), count=len(array))


def is_above(entry: Measure, level: float = 0.0) -> bool:
    """True where the whole interval lies above a level."""
    return entry.interval.low > level


def is_below(entry: Measure, level: float = 0.0) -> bool:
    """True where the whole interval lies below a level."""
    return entry.interval.high < level


def judge(expected: Sequence[bool], *, opposite: bool = False) -> Verdict:
    """Draws the verdict from what a claim expects.

    Args:
        expected: for each part of the claim, whether it was clearly found.
        opposite: True where the contrary of some part was clearly found.

    Returns:
        "agrees" where every part holds, "agrees in part" where some do, else "disagrees" or "undecided".

    Example:
        >>> judge([True, True]), judge([True, False]), judge([False], opposite=True), judge([False])
        ('agrees', 'agrees in part', 'disagrees', 'undecided')
    """
    if all(expected):
        return "agrees"
    if any(expected):
        return "agrees in part"
    return "disagrees" if opposite else "undecided"


def one_sided(gains: Sequence[Measure]) -> Verdict:
    """Draws the verdict of several differences: "agrees" where one is clearly above 0 and none below."""
    above, below = any(map(is_above, gains)), any(map(is_below, gains))
    if above and below:
        return "agrees in part"
    return "agrees" if above else "disagrees" if below else "undecided"


def not_measured(key: str, title: str, *, note: str) -> Finding:
    """Says that an experiment could not be made, and why."""
    return Finding(key=key, title=title, rule="", measures=(), verdict="not measured", note=note)
