"""What can go wrong while a reward is computed."""

from rldf.errors import RldfError


class RewardError(RldfError):
    """A reward could not be computed; it is never replaced by a number."""
