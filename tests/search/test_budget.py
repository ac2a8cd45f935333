"""Hard limits, and what is counted."""

import pytest

from rldf.errors import ConfigError
from rldf.search import Budget, Ledger


@pytest.mark.parametrize(
    ("renders", "kept"),
    [(1, 0), (2, 0), (3, 0), (4, 2), (6, 2), (7, 2), (10, 4), (16, 6), (47, 16), (48, 16), (1000, 16)],
)
def test_budget__keeps_an_even_third_for_validation(renders: int, kept: int) -> None:
    budget = Budget(max_renders=renders)
    assert budget.validation_renders == kept
    assert budget.search_renders == renders - kept >= 1


@pytest.mark.parametrize("renders", [0, -3])
def test_budget_of_nothing__is_refused(renders: int) -> None:
    with pytest.raises(ConfigError, match=f"the budget of renders is {renders}; it must be larger than 0.*--budget 16"):
        Budget(max_renders=renders)


def test_budget_of_no_time__is_refused() -> None:
    with pytest.raises(ConfigError, match=r"the budget of seconds is 0.0"):
        Budget(max_renders=1, max_seconds=0.0)


def test_cost__lowers_the_renders_and_counts_the_other_pictures() -> None:
    budget = Budget(max_renders=100).within_cost(max_cost_usd=1.0, picture_cost_usd=0.02, other_pictures=40)
    assert budget.max_renders == 10
    assert Budget(max_renders=5).within_cost(max_cost_usd=9.0, picture_cost_usd=0.1, other_pictures=8).max_renders == 5


def test_cost__that_covers_no_render_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"a cost limit of 0.5 USD is too small.*Allow at least 0.82 USD"):
        Budget(max_renders=8).within_cost(max_cost_usd=0.5, picture_cost_usd=0.02, other_pictures=40)


def test_ledger__charges_a_picture_once() -> None:
    ledger = Ledger(Budget(max_renders=6), evaluations_per_picture=5)
    ledger.count_try(is_new_render=True)
    ledger.count_try(is_new_render=False)
    ledger.test_renders += 2
    assert (ledger.renders, ledger.steps, ledger.encoder_calls) == (1, 2, 1)
    assert ledger.denoiser_evaluations == 15
    assert ledger.search_renders_left == 3


def test_ledger__stops_a_walk_in_circles() -> None:
    ledger = Ledger(Budget(max_renders=6, max_steps=3))
    for _ in range(3):
        assert ledger.search_renders_left > 0
        ledger.count_try(is_new_render=False)
    assert ledger.search_renders_left == 0
    assert ledger.validation_renders_left == 6


def test_ledger__counts_cache_hits_of_this_run_alone() -> None:
    hits = [7]
    ledger = Ledger(Budget(max_renders=1), cache_hits=lambda: hits[0])
    hits[0] = 9
    assert ledger.as_json()["cache_hits"] == 2


def test_time_limit__ends_search_and_validation() -> None:
    now = [0.0]
    ledger = Ledger(Budget(max_renders=6, max_seconds=10.0), clock=lambda: now[0])
    assert ledger.search_renders_left == 4
    now[0] = 10.0
    assert (ledger.search_renders_left, ledger.validation_renders_left) == (0, 0)


def test_time_limit__of_a_resumed_run_counts_the_time_before() -> None:
    now = [100.0]
    budget = Budget(max_renders=9, max_seconds=10.0)
    ledger = Ledger(budget, clock=lambda: now[0], stored_phases=["search", "search"])
    now[0] = 111.0  # loading took long: tries on disk are replayed all the same
    assert ledger.search_renders_left > 0
    ledger.count_try(is_new_render=True, elapsed_s=4.0)
    assert ledger.search_renders_left > 0
    ledger.count_try(is_new_render=True, elapsed_s=30.0)
    assert ledger.seconds == 30.0
    assert ledger.search_renders_left == 0


def test_time_limit__ended_the_search_where_validation_is_on_disk() -> None:
    ledger = Ledger(Budget(max_renders=9, max_seconds=10.0), stored_phases=["search", "validation"])
    ledger.count_try(is_new_render=True, elapsed_s=1.0)
    assert ledger.is_search_over
    assert ledger.validation_renders_left > 0
