"""The climb on relaxed terms, with gradients that are known."""

import numpy as np
import pytest

from rldf.contracts import Proposal
from rldf.errors import ConfigError
from rldf.gradient import RelaxedSettings, ascend_relaxed
from rldf.gradient.relaxed import Shares, TermGradient, candidates
from rldf.searchers import ScriptSearcher
from rldf.space import Encoding, Exclusion
from rldf.testing.feedback import AnalyticFeedback
from rldf.testing.simulation import simulated_space

SPACE = simulated_space((8, 6, 7))
TOP = Encoding((6, 2, 5))
START = Encoding((0, 0, 0))
VALUES = tuple(-np.abs(np.arange(size) - top) for size, top in zip((8, 6, 7), TOP.indices, strict=True))


def slope(here: Encoding, shares: Shares) -> TermGradient:
    """The gradient of a reward that adds up over the terms: the terms' values, whatever the mixture."""
    del here, shares
    return VALUES


def added(encoding: Encoding) -> float:
    return float(sum(row[index] for row, index in zip(VALUES, encoding.indices, strict=True)))


def run(searcher: ScriptSearcher, feedback: AnalyticFeedback, *, num_tries: int) -> list[Proposal]:
    asked: list[Proposal] = []
    while len(asked) < num_tries and (proposals := searcher.ask(1)):
        searcher.tell(feedback.try_encodings([p.encoding for p in proposals], seeds=[0]))
        asked += proposals
    return asked


def test_exact_gradient__reaches_the_top_in_two_steps() -> None:
    """The first step changes the axes that promise more than half of the largest gain, the second the other one."""
    one = RelaxedSettings(num_candidates=1)
    searcher = ScriptSearcher(ascend_relaxed(space=SPACE, gradient=slope, start=START, settings=one))
    asked = run(searcher, AnalyticFeedback(space=SPACE, reward_of=added), num_tries=3)
    assert [proposal.encoding for proposal in asked] == [START, Encoding((6, 0, 5)), TOP]


def test_wrong_gradient__is_survived_by_trying_and_starting_again() -> None:
    """A gradient that points away: what it says is tried, not believed."""
    searcher = ScriptSearcher(ascend_relaxed(space=SPACE, gradient=lambda *_: tuple(-row for row in VALUES), start=TOP))
    asked = run(searcher, AnalyticFeedback(space=SPACE, reward_of=added), num_tries=60)
    assert len({proposal.encoding for proposal in asked}) == len(asked) == 60


def test_candidates__are_the_snapped_mixture_then_single_changes_by_promise() -> None:
    found = candidates(SPACE, START, gradient=slope, settings=RelaxedSettings())
    assert found[0] == Encoding((6, 0, 5))
    assert found[1] == Encoding((6, 0, 0))
    promised = [added(encoding) for encoding in found[1:]]
    assert promised == sorted(promised, reverse=True)
    assert START not in found


def test_candidates__keep_locks_and_exclusions() -> None:
    locked = SPACE.lock({"axis-1": "term-4"})
    here = Encoding((0, 4, 0))
    assert {each.indices[1] for each in candidates(locked, here, gradient=slope, settings=RelaxedSettings())} == {4}
    excluded = simulated_space((8, 6, 7))
    excluded = type(excluded)(
        axes=excluded.axes, exclusions=(Exclusion(terms={"axis-0": ("term-6",), "axis-2": ("term-5",)}),)
    )
    assert Encoding((6, 0, 5)) not in candidates(excluded, START, gradient=slope, settings=RelaxedSettings())


def test_mixture__is_a_distribution_and_moves_with_every_gradient() -> None:
    met: list[Shares] = []

    def recording(here: Encoding, shares: Shares) -> TermGradient:
        met.append(shares)
        return slope(here, shares)

    candidates(SPACE, START, gradient=recording, settings=RelaxedSettings(num_gradients=3, softness=0.4))
    assert len(met) == 3
    for shares in met:
        for row in shares:
            assert row.sum() == pytest.approx(1.0)
            assert (row >= 0).all()
    assert met[0][0][0] == pytest.approx(0.6)
    assert met[2][0][TOP.indices[0]] > met[1][0][TOP.indices[0]] > met[0][0][TOP.indices[0]]


def test_settings__out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"0 gradients.*Change these"):
        RelaxedSettings(num_gradients=0)
