"""Value iteration: the exact action values of a small world, to measure agents against."""

import numpy as np
from jaxtyping import Bool, Float, Int

from rldf.agents.settings import require_discount

StateActionValues = Float[np.ndarray, "states actions"]
"""Value of each action in each state."""


def value_iteration(
    *,
    next_states: Int[np.ndarray, "states actions"],
    rewards: Float[np.ndarray, " states"],
    is_terminal: Bool[np.ndarray, " states"],
    discount: float,
    tolerance: float = 1e-10,
) -> StateActionValues:
    """Computes the optimal action values of a deterministic world whose reward is that of the state entered.

    Args:
        next_states: the state each action leads to.
        rewards: reward of entering each state.
        is_terminal: True where an episode ends; a terminal state has value 0.
        discount: 0 up to, but not including, 1.
        tolerance: largest distance to the fixed point, above 0.

    Returns:
        The action values.

    Source: value iteration, eq. (4.10) of Sutton & Barto 2018; a sweep that changes values by at most d leaves them
    at most d discount / (1 - discount) from the fixed point.
    """
    require_discount(discount)
    values = np.zeros(len(rewards))
    while True:
        gains = rewards + discount * np.where(is_terminal, 0.0, values)
        action_values = gains[next_states]
        improved = action_values.max(axis=1)
        change = float(np.abs(improved - values).max())
        values = improved
        if change * discount <= tolerance * (1 - discount):
            return np.asarray(action_values)
