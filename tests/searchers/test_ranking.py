from collections.abc import Sequence
from dataclasses import replace

import pytest

from rldf.records.percept import StepRecord
from rldf.searchers import rank_by_records
from rldf.space import Encoding
from rldf.testing.feedback import AnalyticFeedback
from rldf.testing.searchers import SPACE


def records_of(rewards: Sequence[tuple[tuple[int, int, int], int, float]]) -> list[StepRecord]:
    """Records of (indices, seed, reward)."""
    feedback = AnalyticFeedback(space=SPACE, reward_of=lambda _: 0.0)
    records = feedback.try_encodings([Encoding(entry[0]) for entry in rewards], seeds=[entry[1] for entry in rewards])
    return [replace(record, reward=entry[2]) for record, entry in zip(records, rewards, strict=True)]


def test_rank_by_records__single_tries_stand_in_the_order_of_their_rewards() -> None:
    records = records_of([((0, 0, 0), 0, 0.2), ((1, 0, 0), 0, 0.9), ((2, 0, 0), 0, 0.5)])
    ranked = rank_by_records(records, max_encodings=2)
    assert [entry.encoding.indices for entry in ranked] == [(1, 0, 0), (2, 0, 0)]
    assert ranked[0].mean == pytest.approx(0.9)


def test_rank_by_records__a_lucky_picture_does_not_beat_a_steady_encoding() -> None:
    """Pooled deviation 0.2: 0.9 - 0.2 for one picture, 0.8 - 0.1 for four with the same mean deviation."""
    steady = [((0, 0, 0), seed, reward) for seed, reward in enumerate((0.62, 0.62, 0.98, 0.98))]
    ranked = rank_by_records(records_of([((1, 0, 0), 0, 0.9), *steady]), max_encodings=5)
    deviation = (4 * 0.18**2 / 3) ** 0.5
    assert [entry.encoding.indices for entry in ranked] == [(0, 0, 0), (1, 0, 0)]
    assert ranked[0].std == pytest.approx(deviation / 2)
    assert ranked[1].std == pytest.approx(deviation)


def test_rank_by_records__the_same_picture_told_twice_counts_once() -> None:
    records = records_of([((0, 0, 0), 0, 0.4), ((0, 0, 0), 0, 0.4), ((0, 0, 0), 1, 0.8)])
    assert rank_by_records(records, max_encodings=1)[0].mean == pytest.approx(0.6)
