"""A small simulated table, shared by the tests."""

import pytest

from rldf.bench import BenchTable, simulated_table
from rldf.testing.simulation import simulated_space


@pytest.fixture(scope="session")
def small_table() -> BenchTable:
    return simulated_table(
        simulated_space((4, 3, 3)), name="small", num_search_seeds=3, num_test_seeds=4, num_targets=6, seed=1
    )
