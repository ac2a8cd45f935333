"""Settings of the benchmark's methods: which can be tuned, over which values, and how they are read."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import final

import numpy as np

from rldf.errors import ConfigError, did_you_mean

Values = Mapping[str, float]
"""Name of a setting to its value; whole numbers are floats too."""

CONFIRMED = "+confirm"
_AGENT: Mapping[str, tuple[float, ...]] = {
    "discount": (0.5, 0.8, 0.9, 0.99),
    "learning_rate": (0.05, 0.1, 0.3, 0.7, 1.0),
    "first_epsilon": (0.3, 1.0),
    "last_epsilon": (0.01, 0.1, 0.3),
}
_MODEL_AGENT = {name: values for name, values in _AGENT.items() if name != "learning_rate"}
_GRADIENT: Mapping[str, tuple[float, ...]] = {"learning_rate": (0.5, 1.0, 2.0, 4.0), "half_width": (1, 2, 3)}
_GUARDED: Mapping[str, tuple[float, ...]] = {**_GRADIENT, "trust_region": (1, 2, 3, 5), "patience": (4, 12, 40)}
_SHAPED: Mapping[str, tuple[float, ...]] = {"shaping_scale": (0.3, 1.0, 3.0)}

TUNABLE: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "factored": {"max_seeds_per_encoding": (1, 2, 3, 4, 6, 8)},
    "annealing": {"first_temperature": (0.1, 0.3, 1.0, 3.0), "last_temperature": (0.005, 0.02, 0.08)},
    "genetic": {
        "population": (6, 10, 20),
        "num_parents": (3, 5, 10),
        "mutation_rate": (0.1, 0.25, 0.5),
        "num_children": (6, 10, 20),
    },
    "ucb": {"optimism": (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)},
    "thompson": {"optimism": (0.1, 0.25, 0.5, 1.0, 2.0)},
    "best-first": {"exploration": (0.0, 0.25, 0.5, 1.0, 2.0), "path_cost": (0.0, 0.005, 0.02, 0.1)},
    "planning": {"discount": (0.3, 0.5, 0.7, 0.9, 0.95)},
    "gradient": _GRADIENT,
    "spsa": _GRADIENT,
    "gradient-guarded": _GUARDED,
    "spsa-guarded": _GUARDED,
    "q-learning": _AGENT,
    "sarsa": _AGENT,
    "expected-sarsa": _AGENT,
    "double-q": _AGENT,
    "dyna-q": _MODEL_AGENT,
    "q-learning-shaped": {**_AGENT, **_SHAPED},
    "dyna-q-shaped": {**_MODEL_AGENT, **_SHAPED},
}
"""Method to the values of its settings that tuning chooses among; methods that are not here have none to tune."""

_CONFIRMING: Mapping[str, tuple[float, ...]] = {"confirming_share": (0.1, 0.25, 0.4)}


@final
class MethodSettings:
    """Reads the settings of one method."""

    def __init__(self, values: Values) -> None:
        """Takes what is set; the rest keeps its default."""
        self._values = values

    def number(self, name: str, default: float) -> float:
        """A setting, or its default."""
        return float(self._values.get(name, default))

    def whole(self, name: str, default: int) -> int:
        """A setting that is a whole number, or its default."""
        return round(self._values.get(name, default))


def tunable(method: str) -> dict[str, tuple[float, ...]]:
    """The settings of a method and their values; of a confirmed one the share of its confirmations too."""
    plain = method.removesuffix(CONFIRMED)
    return dict(TUNABLE.get(plain, {})) | (dict(_CONFIRMING) if plain != method else {})


def check_settings(method: str, values: Values) -> None:
    """Refuses settings that a method does not have.

    Args:
        method: its name.
        values: what is set.

    Raises:
        ConfigError: if one of them is unknown.
    """
    known = tuple(tunable(method))
    for name in values:
        if name not in known:
            raise ConfigError(
                f"the method '{method}' has no setting '{name}' to tune. It has: {', '.join(known) or 'none'}."
                f"{did_you_mean(name, known)} Remove it, or tune again."
            )


def candidates(method: str, *, count: int, rng: np.random.Generator) -> Sequence[Values]:
    """Draws settings to try: the defaults first, then others, none twice.

    Args:
        method: its name.
        count: at most so many, at least 1.
        rng: source of the draws.

    Returns:
        The defaults as an empty mapping, then combinations of the values; fewer where there are no more.
    """
    options = tunable(method)
    every = [dict(zip(options, values, strict=True)) for values in product(*options.values())] if options else []
    order = rng.permutation(len(every))[: max(0, count - 1)]
    return [{}, *(every[place] for place in order)]
