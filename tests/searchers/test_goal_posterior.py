"""What a reward may be looking for, from what was perceived."""

import numpy as np
import pytest

from rldf.searchers.additive_model import Tries
from rldf.searchers.goal_posterior import draw_goals

SIZES = (9, 4, 3)
GOAL = (6, 1, 2)
SCALES = (0.5, 0.2, 0.3)


def tries_of(*, count: int, seed: int, never: int | None = None, is_flat: bool = False) -> Tries:
    """Pictures that show what was asked for, mostly; on the first axis a term may never be asked for, only seen."""
    rng = np.random.default_rng(seed)
    points = np.stack([rng.integers(size, size=count) for size in SIZES], axis=1)
    if never is not None:
        points[points[:, 0] == never, 0] = 0
    seen = tuple(0.9 * np.eye(size)[points[:, place]] + 0.1 / size for place, size in enumerate(SIZES))
    if never is not None:
        seen[0][-1] = 0.1 / SIZES[0] + 0.9 * np.eye(SIZES[0])[never]  # asked for something else, and this was drawn
    paid = [scale * part[:, term] for scale, part, term in zip(SCALES, seen, GOAL, strict=True)]
    rewards = np.zeros(count) if is_flat else 3.0 + np.sum(paid, axis=0)
    return Tries(points=points, seen=seen, rewards=rewards)


@pytest.mark.parametrize("seed", range(5))
def test_goals__are_the_terms_that_pay(seed: int) -> None:
    goals = draw_goals(tries_of(count=30, seed=seed), count=8, rng=np.random.default_rng(0))
    assert tuple(goals[0]) == GOAL


@pytest.mark.parametrize("seed", range(5))
def test_goals__may_be_terms_that_were_seen_and_never_asked_for(seed: int) -> None:
    tries = tries_of(count=40, seed=seed, never=GOAL[0])
    assert GOAL[0] not in tries.points[:, 0]
    goals = draw_goals(tries, count=8, rng=np.random.default_rng(0))
    assert tuple(goals[0]) == GOAL


def test_goals__leave_out_terms_that_did_not_pay() -> None:
    """Six of nine terms of the first axis were drawn and paid nothing: the goal is one of the other three."""
    tries = tries_of(count=40, seed=1)
    others = np.isin(tries.points[:, 0], (6, 7, 8))
    kept = Tries(
        points=tries.points[~others], seen=tuple(part[~others] for part in tries.seen), rewards=tries.rewards[~others]
    )
    goals = draw_goals(kept, count=32, rng=np.random.default_rng(0))
    assert set(goals[:, 0]) <= {6, 7, 8}
    assert len(set(goals[:, 0])) > 1


def test_goals__without_a_signal_are_of_all_kinds() -> None:
    goals = draw_goals(tries_of(count=10, seed=0, is_flat=True), count=32, rng=np.random.default_rng(0))
    assert np.isfinite(goals).all()
    assert len(goals) > 8


def test_goals__depend_on_tries_and_generator_alone() -> None:
    tries = tries_of(count=12, seed=3)
    first, second = (draw_goals(tries, count=8, rng=np.random.default_rng(5)) for _ in range(2))
    assert first.tolist() == second.tolist()
