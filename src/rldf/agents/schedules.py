"""Schedules of the learning rate and of exploration."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

from rldf.errors import ConfigError


class LearningRate(ABC):
    """Step size of an update, by how often the state and action have been updated."""

    @abstractmethod
    def at(self, num_visits: int) -> float:
        """Step size of the visit with this number, from 1: above 0, at most 1."""


class Exploration(ABC):
    """Probability of a random action, by how many actions have been chosen."""

    @abstractmethod
    def at(self, num_actions: int) -> float:
        """Epsilon of the next action after this many, from 0: 0 to 1."""


@final
@dataclass(frozen=True, slots=True)
class ConstantRate(LearningRate):
    """The same step size for ever; tracks, but does not converge under noise.

    Attributes:
        value: above 0, at most 1.
    """

    value: float

    def __post_init__(self) -> None:
        if not 0 < self.value <= 1:
            raise ConfigError(f"the learning rate is {self.value}; it lies above 0 and at most at 1. Try 0.1.")

    def at(self, num_visits: int) -> float:
        """The value, whatever the visit."""
        del num_visits
        return self.value


@final
@dataclass(frozen=True, slots=True)
class RobbinsMonroRate(LearningRate):
    """1 / n^power on the n-th visit: its sum is infinite, the sum of its squares is not.

    Attributes:
        power: above 0.5, at most 1.

    Source: Robbins and Monro 1951; asked for by the convergence proof of arXiv 2311.15648.
    """

    power: float = 1.0

    def __post_init__(self) -> None:
        if not 0.5 < self.power <= 1:
            raise ConfigError(
                f"the power is {self.power}; Robbins-Monro step sizes need one above 0.5 and at most 1. Try 0.8."
            )

    def at(self, num_visits: int) -> float:
        """One over the number of visits, to the power."""
        return float(num_visits**-self.power)


@final
@dataclass(frozen=True, slots=True)
class ConstantEpsilon(Exploration):
    """The same exploration for ever.

    Attributes:
        value: 0 to 1.
    """

    value: float

    def __post_init__(self) -> None:
        _require_epsilon(self.value)

    def at(self, num_actions: int) -> float:
        """The value, whatever the action."""
        del num_actions
        return self.value


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LinearEpsilon(Exploration):
    """Falls (or rises) evenly from the first value to the last, then stays.

    Attributes:
        first: epsilon of the first action, 0 to 1.
        last: epsilon from the action numbered `num_actions` on, 0 to 1.
        num_actions: length of the way, at least 1.
    """

    first: float
    last: float
    num_actions: int

    def __post_init__(self) -> None:
        _require_epsilon(self.first)
        _require_epsilon(self.last)
        if self.num_actions < 1:
            raise ConfigError(f"the epsilon schedule lasts {self.num_actions} actions; it needs at least 1. Give more.")

    def at(self, num_actions: int) -> float:
        """Epsilon on the straight line between first and last."""
        share = min(num_actions / self.num_actions, 1.0)
        return self.first + share * (self.last - self.first)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ExponentialEpsilon(Exploration):
    """Falls by the same factor with every action, down to a floor.

    Attributes:
        first: epsilon of the first action, 0 to 1.
        factor: above 0, at most 1.
        floor: smallest epsilon, 0 to 1.
    """

    first: float
    factor: float
    floor: float = 0.0

    def __post_init__(self) -> None:
        _require_epsilon(self.first)
        _require_epsilon(self.floor)
        if not 0 < self.factor <= 1:
            raise ConfigError(f"the epsilon factor is {self.factor}; it lies above 0 and at most at 1. Try 0.99.")

    def at(self, num_actions: int) -> float:
        """Epsilon after this many equal falls."""
        return max(self.first * self.factor**num_actions, self.floor)


def _require_epsilon(value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"epsilon is {value}; a probability lies from 0 to 1. Try 0.1.")
