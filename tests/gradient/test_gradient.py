"""Noisy diffusion gradient: its estimators, its failure modes, and what helps."""

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import pytest

from rldf.contracts import Proposal
from rldf.errors import ConfigError
from rldf.gradient import GUARDED, GUARDED_SPSA, PLAIN, SPSA, AscentSettings, ascend
from rldf.gradient.estimators import Estimate, KnownRewards, Trying, estimate_central, estimate_spsa
from rldf.records.percept import StepRecord
from rldf.space import Encoding, EncodingSpace, Exclusion
from rldf.testing.feedback import AnalyticFeedback
from rldf.testing.simulation import simulated_space

SPACE = simulated_space((9, 9, 9))
TOP = Encoding((6, 2, 7))
SETTINGS = {"plain": PLAIN, "guarded": GUARDED, "spsa": SPSA, "guarded-spsa": GUARDED_SPSA}


def hill(*, noise: float = 0.0, space: EncodingSpace = SPACE) -> AnalyticFeedback:
    """A quadratic with its top at TOP."""
    return AnalyticFeedback(
        space=space,
        reward_of=lambda e: -float(sum((a - b) ** 2 for a, b in zip(e.indices, TOP.indices, strict=True))),
        noise=noise,
    )


def peak() -> AnalyticFeedback:
    """A plateau with one right term on each axis."""
    return AnalyticFeedback(
        space=SPACE, reward_of=lambda e: float(sum(a == b for a, b in zip(e.indices, TOP.indices, strict=True))) / 3
    )


def run(script: Trying, feedback: AnalyticFeedback, *, num_tries: int = 100) -> list[Proposal]:
    """Runs the loop by hand, for at most so many tries."""
    asked: list[Proposal] = []
    try:
        batch = next(script)
        while len(asked) + len(batch) <= num_tries:
            asked += batch
            batch = script.send(feedback.try_encodings([p.encoding for p in batch], seeds=[0] * len(batch)))
    except StopIteration:
        pass
    return asked


def estimated(estimate: Generator[list[Proposal], list[StepRecord], Estimate], feedback: AnalyticFeedback) -> Estimate:
    """Runs an estimator, which asks for one batch."""
    found: list[Estimate] = []

    def keep() -> Trying:
        found.append((yield from estimate))

    run(keep(), feedback)
    return found[0]


def reached(proposals: list[Proposal]) -> bool:
    return TOP in {proposal.encoding for proposal in proposals}


def test_central__is_exact_on_a_quadratic() -> None:
    """d/dx of -(x - t)^2 is 2 (t - x), which central differences give exactly; six pictures and the point itself."""
    here, feedback = Encoding((4, 4, 4)), hill()
    estimate = estimated(estimate_central(SPACE, here, widths=np.array([1, 2, 1]), known=KnownRewards()), feedback)
    np.testing.assert_allclose(estimate.gradient, [2 * (6 - 4), 2 * (2 - 4), 2 * (7 - 4)])
    assert feedback.num_tries == 7


def test_central__is_one_sided_at_a_border_and_zero_on_a_locked_axis() -> None:
    space = SPACE.lock({"axis-1": "term-2"})
    here = Encoding((0, 2, 8))
    estimate = estimated(
        estimate_central(space, here, widths=np.array([1, 1, 1]), known=KnownRewards()), hill(space=space)
    )
    np.testing.assert_allclose(estimate.gradient, [36 - 25, 0, 0 - 1])


def test_central__leaves_excluded_points_alone() -> None:
    space = EncodingSpace(
        axes=SPACE.axes, exclusions=(Exclusion(terms={"axis-0": ("term-5",), "axis-1": ("term-4",)}),)
    )
    here = Encoding((4, 4, 4))
    estimate = estimated(
        estimate_central(space, here, widths=np.array([1, 1, 1]), known=KnownRewards()), hill(space=space)
    )
    assert all(space.allows(point) for point in estimate.points)
    assert estimate.gradient[0] == pytest.approx(9 - 4)


def test_spsa__takes_two_pictures_and_is_right_on_average() -> None:
    here = Encoding((4, 4, 4))
    rng = np.random.default_rng(0)
    gradients = []
    for _ in range(200):
        feedback = hill()
        gradients.append(
            estimated(
                estimate_spsa(SPACE, here, widths=np.array([1, 1, 1]), known=KnownRewards(), rng=rng), feedback
            ).gradient
        )
        assert feedback.num_tries == 2
    np.testing.assert_allclose(np.mean(gradients, axis=0), [4, -4, 6], atol=1.2)


@pytest.mark.parametrize("name", SETTINGS)
def test_ascend__climbs_a_known_quadratic(name: str) -> None:
    proposals = run(ascend(space=SPACE, start=Encoding((0, 8, 0)), seed=1, settings=SETTINGS[name]), hill())
    nearest = min(SPACE.distance(proposal.encoding, TOP) for proposal in proposals)
    assert nearest <= (0 if name == "guarded" else 4)


@pytest.mark.parametrize("name", SETTINGS)
def test_ascend__seeds_fix_the_path(name: str) -> None:
    first, second = (run(ascend(space=SPACE, seed=5, settings=SETTINGS[name]), hill(noise=0.3)) for _ in range(2))
    assert first == second
    assert first


@pytest.mark.parametrize("name", SETTINGS)
def test_ascend__tries_nothing_twice_and_keeps_the_lock(name: str) -> None:
    space = SPACE.lock({"axis-0": "term-3"})
    proposals = run(ascend(space=space, seed=2, settings=SETTINGS[name]), hill(space=space))
    encodings = [proposal.encoding for proposal in proposals]
    assert len(set(encodings)) == len(encodings)
    assert all(space.allows(encoding) for encoding in encodings)


def test_plain__stands_still_on_a_plateau() -> None:
    """The failure the paper names: where neighbours look alike there is no gradient, and it ends where it began."""
    start = Encoding((1, 5, 1))
    proposals = run(ascend(space=SPACE, start=start, settings=PLAIN), peak())
    assert len(proposals) == 7
    assert not reached(proposals)


def test_guarded__leaves_the_plateau_by_looking_further() -> None:
    proposals = run(ascend(space=SPACE, start=Encoding((1, 5, 1)), settings=GUARDED), peak())
    assert reached(proposals)


def test_plain__goes_on_past_the_goal() -> None:
    """The other failure: from the top, noise pushes it away again; the stop rule keeps it short."""
    feedback = hill(noise=8.0)
    plain = run(ascend(space=SPACE, start=TOP, settings=PLAIN), feedback)
    stopping = run(ascend(space=SPACE, start=TOP, settings=replace(PLAIN, patience=2)), hill(noise=8.0))
    assert max(SPACE.distance(proposal.encoding, TOP) for proposal in plain) > 2
    assert len(stopping) < len(plain)


def test_restarts__go_on_where_one_climb_ends() -> None:
    once = run(ascend(space=SPACE, seed=0, settings=replace(GUARDED, restarts=False)), hill(), num_tries=2000)
    again = run(ascend(space=SPACE, seed=0, settings=GUARDED), hill(), num_tries=len(once) + 50)
    assert again[: len(once)] == once
    assert len(again) > len(once)


def test_everything_locked__ends() -> None:
    space = SPACE.lock({"axis-0": "term-3", "axis-1": "term-3", "axis-2": "term-3"})
    for settings in SETTINGS.values():
        assert len(run(ascend(space=space, settings=settings), hill(space=space))) == 1


def test_settings__refuse_what_does_not_climb() -> None:
    with pytest.raises(ConfigError, match=r"learning rate 0.*Change these"):
        AscentSettings(learning_rate=0)
