import numpy as np
import pytest

from rldf.agents.learning import (
    choose_epsilon_greedy,
    epsilon_greedy_policy,
    expected_sarsa_td_error,
    q_learning_td_error,
    sarsa_td_error,
    updated,
)

Q_TM1 = np.array([1.0, 2.0, 0.5])
Q_T = np.array([3.0, 5.0, 4.0])


def test_q_learning_td_error__by_hand() -> None:
    error = q_learning_td_error(q_tm1=Q_TM1, a_tm1=0, r_t=0.5, discount_t=0.9, q_t=Q_T)
    assert error == pytest.approx(0.5 + 0.9 * 5 - 1)


def test_q_learning_td_error__end_of_episode() -> None:
    assert q_learning_td_error(q_tm1=Q_TM1, a_tm1=1, r_t=0.5, discount_t=0.0, q_t=Q_T) == pytest.approx(-1.5)


def test_sarsa_td_error__uses_the_action_made() -> None:
    error = sarsa_td_error(q_tm1=Q_TM1, a_tm1=1, r_t=1.0, discount_t=0.5, q_t=Q_T, a_t=0)
    assert error == pytest.approx(1 + 0.5 * 3 - 2)


def test_expected_sarsa_td_error__by_hand() -> None:
    policy = np.array([0.5, 0.25, 0.25])
    error = expected_sarsa_td_error(q_tm1=Q_TM1, a_tm1=1, r_t=0.0, discount_t=1.0, q_t=Q_T, policy_t=policy)
    assert error == pytest.approx(1.5 + 1.25 + 1.0 - 2)


def test_updated__moves_one_value_and_leaves_the_given_ones() -> None:
    np.testing.assert_allclose(updated(Q_TM1, a_tm1=0, learning_rate=0.1, td_error=4.0), [1.4, 2.0, 0.5])
    np.testing.assert_allclose(Q_TM1, [1.0, 2.0, 0.5])


def test_epsilon_greedy_policy__best_share_what_is_not_explored() -> None:
    policy = epsilon_greedy_policy(np.array([1.0, 2.0, 2.0, 0.0]), epsilon=0.2)
    np.testing.assert_allclose(policy, [0.05, 0.45, 0.45, 0.05])


def test_choose_epsilon_greedy__follows_its_policy_and_breaks_ties() -> None:
    rng = np.random.default_rng(0)
    q = np.array([1.0, 2.0, 2.0, 0.0])
    chosen = [choose_epsilon_greedy(q, epsilon=0.2, rng=rng) for _ in range(4000)]
    shares = np.bincount(chosen, minlength=4) / 4000
    np.testing.assert_allclose(shares, epsilon_greedy_policy(q, epsilon=0.2), atol=0.03)
