"""Settings of the benchmark's methods: which can be tuned, and which of their values are tried."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

from rldf.errors import ConfigError, did_you_mean
from rldf.presets.methods import METHODS

Values = Mapping[str, float]
"""Name of a setting to its value; whole numbers are floats too."""


def tunable(method: str) -> Mapping[str, tuple[float, ...]]:
    """The settings of a method and the values that tuning chooses among; of a method that is not known none."""
    return METHODS[method].tunable if method in METHODS else {}


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
