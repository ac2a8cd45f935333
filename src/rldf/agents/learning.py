"""Update rules, as pure functions; `_tm1` is the source of a transition, `_t` its destination."""

import numpy as np
from jaxtyping import Float

ActionValues = Float[np.ndarray, " actions"]
"""Value of each action in one state, in the unit of the return."""


def q_learning_td_error(*, q_tm1: ActionValues, a_tm1: int, r_t: float, discount_t: float, q_t: ActionValues) -> float:
    """Temporal difference error of Q-learning.

    Args:
        q_tm1: values in the state left.
        a_tm1: the action made there.
        r_t: reward of the state entered.
        discount_t: 0 to 1; 0 where the episode ends.
        q_t: values in the state entered.

    Returns:
        r_t + discount_t max_a q_t[a] - q_tm1[a_tm1].

    Source: Q-learning, eq. (6.8) of Sutton & Barto 2018.
    """
    return float(r_t + discount_t * q_t.max() - q_tm1[a_tm1])


def sarsa_td_error(
    *, q_tm1: ActionValues, a_tm1: int, r_t: float, discount_t: float, q_t: ActionValues, a_t: int
) -> float:
    """Temporal difference error of SARSA.

    Args:
        q_tm1: values in the state left.
        a_tm1: the action made there.
        r_t: reward of the state entered.
        discount_t: 0 to 1; 0 where the episode ends.
        q_t: values in the state entered.
        a_t: the action that will be made there.

    Returns:
        r_t + discount_t q_t[a_t] - q_tm1[a_tm1].

    Source: SARSA, eq. (6.7) of Sutton & Barto 2018.
    """
    return float(r_t + discount_t * q_t[a_t] - q_tm1[a_tm1])


def expected_sarsa_td_error(
    *,
    q_tm1: ActionValues,
    a_tm1: int,
    r_t: float,
    discount_t: float,
    q_t: ActionValues,
    policy_t: ActionValues,
) -> float:
    """Temporal difference error of expected SARSA.

    Args:
        q_tm1: values in the state left.
        a_tm1: the action made there.
        r_t: reward of the state entered.
        discount_t: 0 to 1; 0 where the episode ends.
        q_t: values in the state entered.
        policy_t: probability of each action there, summing to 1.

    Returns:
        r_t + discount_t sum_a policy_t[a] q_t[a] - q_tm1[a_tm1].

    Source: expected SARSA, eq. (6.9) of Sutton & Barto 2018.
    """
    return float(r_t + discount_t * (policy_t @ q_t) - q_tm1[a_tm1])


def double_q_td_error(
    *, q_tm1: ActionValues, a_tm1: int, r_t: float, discount_t: float, q_t: ActionValues, other_q_t: ActionValues
) -> float:
    """Temporal difference error of double Q-learning.

    Args:
        q_tm1: values in the state left, by the table to update.
        a_tm1: the action made there.
        r_t: reward of the state entered.
        discount_t: 0 to 1; 0 where the episode ends.
        q_t: values in the state entered, by the table to update; they choose the action.
        other_q_t: values there by the other table; they say what it is worth.

    Returns:
        r_t + discount_t other_q_t[argmax_a q_t[a]] - q_tm1[a_tm1].

    Source: double Q-learning, eq. (6.10) of Sutton & Barto 2018.
    """
    return float(r_t + discount_t * other_q_t[int(q_t.argmax())] - q_tm1[a_tm1])


def updated(q_tm1: ActionValues, *, a_tm1: int, learning_rate: float, td_error: float) -> ActionValues:
    """Moves one action value along its error.

    Args:
        q_tm1: values in the state left; not changed.
        a_tm1: the action made there.
        learning_rate: 0 to 1.
        td_error: of any rule above.

    Returns:
        New values.

    Example:
        >>> updated(np.array([1.0, 2.0]), a_tm1=1, learning_rate=0.5, td_error=-1.0).tolist()
        [1.0, 1.5]
    """
    q = q_tm1.copy()
    q[a_tm1] += learning_rate * td_error
    return q


def epsilon_greedy_policy(q: ActionValues, *, epsilon: float) -> ActionValues:
    """Probability of each action; the best ones share what is not explored.

    Args:
        q: values of the actions.
        epsilon: exploration probability, 0 to 1.

    Returns:
        (actions,), summing to 1.
    """
    is_best = q == q.max()
    return np.asarray(epsilon / len(q) + (1 - epsilon) * is_best / is_best.sum())


def choose_epsilon_greedy(q: ActionValues, *, epsilon: float, rng: np.random.Generator) -> int:
    """Chooses any action with probability epsilon, else one of the best; ties are broken at random.

    Args:
        q: values of the actions.
        epsilon: exploration probability, 0 to 1.
        rng: source of the choice.

    Returns:
        The action.
    """
    if rng.random() < epsilon:
        return int(rng.integers(len(q)))
    return int(rng.choice(np.flatnonzero(q == q.max())))
