"""Checks of settings that agents share."""

from rldf.errors import ConfigError


def require_discount(discount: float) -> None:
    """Refuses a discount outside [0, 1).

    Args:
        discount: 0 up to, but not including, 1.

    Raises:
        ConfigError: if it lies elsewhere.
    """
    if not 0 <= discount < 1:
        raise ConfigError(f"the discount is {discount}; it lies from 0 up to, not including, 1. Try 0.9.")
